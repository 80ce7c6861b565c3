"""Copies of twins, and how they go on, without a server around them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analytics.errors import NotAvailable
from analytics.simulation.advance import Beginning, Moment, advance, begin
from analytics.simulation.wiring import ModelUse, Source, Term
from drivers.data_types import DataType
from drivers.status import Status
from server.address_space.grafts import Graft
from server.commands.limits import CommandRefused
from server.config.diagnostics import scenario_tags
from server.config.load import load_plant
from server.config.plant import Plant, Tag
from server.scenarios.columns import Columns
from server.scenarios.copying import Copier, tags_of
from server.scenarios.room import Room
from server.scenarios.scenario import Copy, Scenario, State
from server.tags.table import TagTable
from tests.scenarios.conftest import PLANT
from tests.simulators.fmus import build_fmu
from tests.simulators.waiting import until

NOW = {"Hall/Pump/Speed": 2000.0, "Hall/Outdoor": 20.0, "Hall/Pump/Motor/Winding": 60.0}


def hall(folder: Path) -> Plant:
    """The plant of the tests."""
    (folder / "plant.yaml").write_text(PLANT.format(port=1))
    return load_plant(folder / "plant.yaml")


def uses_of(plant: Plant) -> list[ModelUse]:
    return [use for twin in plant.walk() for use in twin.models]


def test_going_on_piece_by_piece_comes_to_the_same_as_going_in_one(tmp_path: Path):
    uses = uses_of(hall(tmp_path))
    began = begin(uses, "Hall", {}, NOW)
    used = [uses[number] for number in began.uses]
    assert began.moment.states == {"Hall/Pump/Motor/Winding": 60.0}
    states = began.moment.states
    for _ in range(10):
        states = advance(used, began.forced, NOW, states, 30.0).states
    whole = advance(used, began.forced, NOW, began.moment.states, 300.0).states
    assert states == pytest.approx(whole, rel=1e-5)
    with pytest.raises(NotAvailable, match="there is no value of Hall/Outdoor"):
        advance(used, began.forced, {"Hall/Pump/Speed": 1.0}, states, 1.0)


def test_a_model_that_keeps_its_state_to_itself_is_refused(tmp_path: Path):
    pytest.importorskip("fmpy")
    file = build_fmu(tmp_path / "body.fmu", 2)
    wired = {"power": Source((Term("A/Power"),))}
    use = ModelUse("A", "body", "fmu", inputs=wired, outputs={"temperature": Term("A/T")}, file=str(file), fidelity=2)
    with pytest.raises(NotAvailable, match=r"an FMU cannot be taken up again: body \(fmu, fidelity 2\)"):
        begin([use], "A", {}, {"A/Power": 1.0})


def test_an_interlock_that_asks_for_something_outside_looks_at_the_plant(tmp_path: Path):
    """And what feeds the models from outside is a constant of theirs, in the unit of the port."""
    plant = hall(tmp_path)
    (pump,) = plant.twins[0].children
    (motor,) = pump.children
    (setpoint, _) = pump.commands
    rows = {tag.row: 1000 + number for number, tag in enumerate(tags_of([pump]))}
    whole = Copier([pump], "Scenarios/S", rows, uses_of(plant), NOW).twin(pump)
    assert whole.path == "Scenarios/S/Pump"
    (condition,) = whole.commands[0].command.interlocks[0].conditions
    assert (condition.row, condition.path) == (whole.telemetry[1].row, "Scenarios/S/Pump/Flow")
    assert whole.commands[0].point is None
    assert whole.children[0].models[0].inputs["ambient"] == Source((), 20.0)
    assert whole.models[0].commands == {"Scenarios/S/Pump/SpeedSetpoint": "Scenarios/S/Pump/Speed"}
    only = Copier([motor], "Scenarios/S", {setpoint.row: 5}, (), {}).tag(
        Tag(setpoint.row, "X", "Hall/Pump/Motor/X", DataType.Float, command=setpoint.command)
    )
    assert only.command is not None
    assert only.command.interlocks == setpoint.command.interlocks


def test_what_models_say_fits_the_types_of_the_tags():
    kinds = (DataType.Double, DataType.Float, DataType.UInt16, DataType.Int32, DataType.Boolean)
    tags = {kind.name: Tag(row, kind.name, kind.name, kind) for row, kind in enumerate(kinds)}
    table = TagTable([int(kind) for kind in kinds])
    names = ("nowhere", *tags)
    table.commit(Columns(tags).readings(names, np.array([9.0, 1e300, 1e300, -3.0, -2.6, 0.9]), 5))
    shown = [table.python_value(row) for row in range(len(kinds))]
    assert shown == [1e300, pytest.approx(3.4028235e38), 0, -3, True]
    assert table.source_ticks.tolist() == [5] * len(kinds)


def test_rows_that_clients_still_know_are_not_used_again():
    kinds = (DataType.Double, DataType.Double, DataType.String)
    table = TagTable([int(kind) for kind in kinds])
    held = {0}
    room = Room(table, lambda: frozenset(held))
    old = [Tag(row, f"T{row}", f"T{row}", kind) for row, kind in enumerate(kinds)]
    room.give_back(old)
    assert room.take([old[0], old[0], old[2], old[2]]) == [1, 3, 2, 4]
    held.clear()
    assert room.take([old[0]]) == [0]


class Runs:
    """Answers as a worker does, or fails as one may."""

    def __init__(self) -> None:
        self.asked: list[Mapping[str, Any]] = []
        self.error = ""

    async def run(
        self, name: str, keywords: Callable[[], Awaitable[Mapping[str, Any]]], timeout_s: float, *, owner: str = ""
    ) -> Moment:
        """One beat: the level rises by the inflow."""
        assert (name, owner) == ("AdvanceScenario", "scenarios")
        given = await keywords()
        self.asked.append(given)
        if self.error:
            raise NotAvailable(self.error)
        level = given["states"]["Tank/Level"] + given["inputs"]["Tank/Inflow"] * given["duration_s"]
        return Moment(("Tank/Level",), np.array([level]), {"Tank/Level": level}, ())


async def test_a_scenario_that_fails_says_why_and_goes_on_when_it_is_told_otherwise():
    """What it showed last is not Good any more: it is the last usable value (Part 8, 7.3.2)."""
    about = scenario_tags("Scenarios/S", 1, 1, 600.0)
    plain = [Tag(0, "Level", "Scenarios/S/Tank/Level", DataType.Double), Tag(1, "Inflow", "X", DataType.Double)]
    numbered = [
        Tag(2 + n, one.name, one.path, one.data_type, array_length=one.array_length) for n, one in enumerate(about)
    ]
    every = [*plain, *numbered]
    table = TagTable([int(tag.data_type) for tag in every], [tag.array_length for tag in every])
    use = ModelUse("Tank", "m", "tank", inputs={"inflow": Source((Term("Tank/Inflow"),))})
    tags = {"Tank/Level": plain[0], "Tank/Inflow": plain[1]}
    copy = Copy("S", "Tank", Graft("Scenarios/S", tuple(numbered), ()), tags, [use])
    moment = Moment(("Tank/Level",), np.array([5.0]), {"Tank/Level": 5.0}, ())
    beginning = Beginning((0,), (), ("Tank/Inflow",), ("m (tank, fidelity 1)",), moment)
    scenario = Scenario(copy, beginning, {"Tank/Inflow": 2.0}, 10.0, 0, table)
    runs, failures = Runs(), []
    runs.error = "two pumps feed each other"
    task = asyncio.create_task(scenario.run(runs, asyncio.Semaphore(1), lambda one: failures.append(one.reason)))
    row = {tag.name: tag.row for tag in every}
    scenario.commit()
    await until(lambda: scenario.state is State.failed and table.python_value(row["State"]) == State.failed)
    assert failures == [table.python_value(row["Reason"])] == ["two pumps feed each other"]
    assert table.status[0] == Status.UncertainLastUsableValue
    runs.error = ""
    scenario.hold({"Tank/Inflow": 3.0, "Tank/Level": 1.0})
    with pytest.raises(CommandRefused, match="it would change nothing"):
        scenario.write(row["Level"], 1.0)
    await until(lambda: table.python_value(0) == 31.0)
    assert table.status[0] == Status.Good
    assert table.python_value(row["InputValues"]) == [3.0]
    scenario.write(row["Speed"], 0.0)
    await until(lambda: scenario.state is State.paused)
    await scenario.stop(task)
    assert task.done()
