"""The demo's alarms: silent while all is well, and each fault that can be injected brings the ones it should."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import server.demo
from drivers.data_types import DataType, to_cells
from drivers.readings import TICKS_PER_SECOND, Readings, ticks_from_unix
from server.alarms.alarms import Alarms
from server.alarms.data_quality import DataQuality
from server.alarms.definitions import Level
from server.config.load import load_plant
from server.config.plant import Plant
from server.demo.faults import Fault
from server.demo.physics import CoolingPlant
from server.demo.sensors import Instruments
from server.tags.table import TagTable


@pytest.fixture(scope="module")
def plant() -> Plant:
    return load_plant(Path(server.demo.__file__).with_name("plant.yaml"))


class Rig:
    """The demo's physics, its instruments, and the alarms over what they show, a second at a time."""

    def __init__(self, plant: Plant) -> None:
        self.now = ticks_from_unix(1.8e9)
        self.physics = CoolingPlant()
        self.instruments = Instruments(self.physics)
        self.plant = plant
        self.table = TagTable([tag.data_type for tag in plant.tags], clock=lambda: self.now)
        self.alarms = Alarms(plant, self.table, DataQuality(plant, self.table), clock=lambda: self.now)
        self.silent: set[str] = set()
        self._tags = [tag for tag in plant.tags if tag.path.startswith("Cooling/") and tag.data_type < DataType.String]
        self._states = [tag for tag in plant.tags if tag.path.startswith("Connections/") and tag.name == "State"]

    def seconds(self, count: int) -> None:
        for _ in range(count):
            self.now += TICKS_PER_SECOND
            self.physics.step(1.0)
            self.instruments.read()
            values = {f"Cooling/{path}": value for path, value in self.instruments.values.items()}
            for command, value in (("PrimaryLoop/Chiller/TemperatureSetpoint", self.physics.chiller.setpoint),):
                values[f"Cooling/{command}"] = value
            self._commit(values)
            self.alarms.evaluate()

    def _commit(self, values: dict[str, object]) -> None:
        known = [tag for tag in self._tags if tag.path in values and tag.path.rpartition("/")[0] not in self.silent]
        cells = [to_cells([values[tag.path]], tag.data_type)[0] for tag in known]  # type: ignore[list-item]
        cells += [np.uint64(2)] * len(self._states)
        rows = np.array([tag.row for tag in (*known, *self._states)], np.int32)
        status, ticks = np.zeros(len(rows), np.uint32), np.full(len(rows), self.now)
        self.table.commit(Readings(rows, np.array(cells, np.uint64), status, ticks))

    def active(self) -> dict[str, str]:
        engine = self.alarms.engine
        levels = engine.levels()
        return {path.removeprefix("Cooling/"): Level(level).name or "" for path, level in levels.items() if level}


@pytest.fixture
def rig(plant: Plant) -> Rig:
    made = Rig(plant)
    made.seconds(60)
    assert made.active() == {}
    return made


def test_nothing_is_wrong_for_ten_minutes_but_the_bearing_that_wears_by_itself(rig: Rig) -> None:
    seen: set[str] = set()
    for _ in range(54):
        rig.seconds(10)
        seen |= {*rig.active()}
    assert {path for path in seen if "Pump1/DriveEndBearing" not in path} <= {"PrimaryLoop/Pump1/DriveTripped"}


@pytest.mark.parametrize(
    ("fault", "within_s", "expected"),
    [
        (Fault.BearingDamage, 240, {"PrimaryLoop/Pump2/DriveEndBearing/HighVibration": "high_high"}),
        (Fault.SensorStuck, 240, {"PrimaryLoop/SupplySensorDoubtful": "active"}),
        (Fault.FouledExchanger, 600, {"ProductionWarm": "high"}),
        (Fault.BlockedFilter, 240, {"PrimaryLoop/HeatExchanger/Filter/FilterBlocked": "active"}),
        (
            Fault.ChillerTrip,
            240,
            {"PrimaryLoop/Chiller/ChillerTripped": "active", "PrimaryLoop/SupplyOffSetpoint": "high_high"},
        ),
    ],
)
def test_a_fault_brings_its_alarms(rig: Rig, fault: Fault, within_s: int, expected: dict[str, str]) -> None:
    rig.physics.inject(fault)
    for _ in range(within_s):
        rig.seconds(1)
        if expected.items() <= rig.active().items():
            return
    pytest.fail(f"{rig.active()} after {within_s} s")


def test_an_empty_tank_tells_low_then_very_low_then_dry_running(rig: Rig) -> None:
    rig.physics.tank.level = 24.0
    rig.seconds(5)
    assert rig.active() == {"SecondaryLoop/Tank/LevelOutOfRange": "low"}
    rig.physics.tank.level = 9.0
    rig.seconds(5)
    assert rig.active() == {"SecondaryLoop/Tank/LevelOutOfRange": "low_low", "SecondaryLoop/DryRunning": "active"}


def test_a_drive_that_falls_silent_is_told(rig: Rig) -> None:
    rig.silent.add("Cooling/SecondaryLoop/Pump3")
    rig.seconds(10)
    assert rig.active() == {"SecondaryLoop/Pump3/DriveSilent": "active"}
    rig.silent.clear()
    rig.seconds(2)
    assert rig.active() == {}
