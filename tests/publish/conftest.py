"""A plant of two twins and readings for it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from drivers.data_types import DataType, to_cells
from drivers.readings import TICKS_PER_SECOND, Readings
from server.config.analytics import with_results
from server.config.plant import Plant, Scope, Tag
from server.publish.datasets import DataSet, Layout, data_sets
from server.publish.reduced import Keep, Plan
from server.tags.table import TagTable
from tests.simulators.plants import PlantBuilder

START = 134_000_000_000_000_000
"""2025-08-18T14:13:20Z."""


@dataclass
class Desk:
    """A plant, its table and its DataSets."""

    plant: Plant
    table: TagTable
    plan: Plan
    sets: tuple[DataSet, ...]

    @property
    def layout(self) -> Layout:
        """Of all DataSets."""
        return Layout(self.sets, len(self.plant.tags))

    def tag(self, name: str) -> Tag:
        """The tag of that name, or of that path."""
        return next(tag for tag in self.plant.tags if name in (tag.name, tag.path))

    def reading(self, name: str, value: object, second: float = 0.0, status: int = 0) -> Readings:
        """One reading of a tag."""
        tag = self.tag(name)
        ticks = np.array([START + round(second * TICKS_PER_SECOND)], np.int64)
        aside = tag.data_type is DataType.String
        cell = np.zeros(1, np.uint64) if aside else to_cells([value], tag.data_type)
        side = {0: value} if aside else {}
        return Readings(np.array([tag.row], np.int32), cell, np.array([status], np.uint32), ticks, side)


@pytest.fixture
def desk() -> Desk:
    """A desk of its own for each test."""
    return make_desk()


def make_desk(results: bool = False) -> Desk:
    """Pump with Speed, Hours, State, Note and the command Setpoint; Bearing with Vibration in windows. results: their
    Analytics too, as in every plant that was loaded."""
    builder = PlantBuilder("Hall")
    speed = builder.tag("Loop/Pump", "Speed", DataType.Float, unit="RPM", range=(0, 3000), description="Shaft speed")
    hours = builder.tag("Loop/Pump", "Hours", DataType.UInt64)
    state = builder.tag("Loop/Pump", "State", DataType.Byte, states=("Stopped", "Running"))
    note = builder.tag("Loop/Pump", "Note", DataType.String)
    setpoint = builder.command("Loop/Pump", "Setpoint", DataType.Float, range=(0.0, 3000.0), states=())
    vibration = builder.tag("Loop/Pump/Bearing", "Vibration", DataType.Double, unit="C16")
    bearing = builder.twin("Loop/Pump/Bearing", Scope.component, telemetry=[vibration])
    telemetry = [speed, hours, state, note]
    pump = builder.twin("Loop/Pump", Scope.asset, telemetry=telemetry, commands=[setpoint], children=[bearing])
    plant = builder.plant(builder.twin("Loop", Scope.system, children=[pump]))
    if results:
        twins, tags = with_results(plant.twins, plant.tags)
        plant = replace(plant, twins=twins, tags=tags)
    plan = Plan.uniform(len(plant.tags), Keep.change)
    plan.keep[vibration.row] = Keep.window
    table = TagTable([int(tag.data_type) for tag in plant.tags])
    sets = data_sets(plant, {"Line": frozenset(tag.path for tag in plant.tags)}, plan)
    return Desk(plant, table, plan, sets)
