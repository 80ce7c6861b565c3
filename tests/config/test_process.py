"""What the plant file says of twins in the flow of work: type and twin together, units, whom they feed."""

from __future__ import annotations

from pathlib import Path

import pytest

from analytics.process.stations import Meter, State
from server.analysis.surroundings import survey
from server.config.load import load_plant
from server.config.plant import Relation, Twin
from server.config.renumber import renumber

PLANT = """
plant: {name: P}
connections:
  line1: {driver: modbus, host: 10.0.0.1}
types:
  Machine:
    scope: asset
    parameters: {base: {}, cycle_s: {default: 2}}
    connection: line1
    telemetry:
      Running: {type: Boolean, states: [Standing, Turning], point: {table: discrete, address: "{base}"}}
      Total: {type: UInt16, point: {address: "{base}"}}
      Speed: {type: Float, point: {address: "{base + 2}"}, stale_s: 60}
    process: {state: Running, running: [Turning], count: Total, ideal_cycle_s: "{cycle_s}"}
twins:
  Line:
    scope: process
    connection: line1
    telemetry:
      Fresh: {type: Float, unit: L2, point: {address: 90}}
      Heat: {type: Float, unit: KWT, point: {address: 92}}
      Volume: {type: Float, unit: HLT, point: {address: 94}}
    process:
      balance:
        water: {in: [Fresh], loss: [{tag: Heat, factor: 1.5, unit: LTR, uncertainty: 5}], stock: [Volume]}
    children:
      A: {type: Machine, with: {base: 0}, process: {feeds: [../B, /Store]}}
      B:
        type: Machine
        with: {base: 10, cycle_s: 0.5}
        relations: [{IsPhysicallyConnectedTo: /Store}]
        process: {feeds: [/Store], items: 6}
  Store: {scope: asset}
  Mixer:
    scope: asset
    connection: line1
    telemetry:
      State: {type: UInt16, states: [Off, On], point: {address: 100}}
      Flow: {type: Float, unit: MQH, point: {address: 102}}
      Target: {type: Float, unit: G51, point: {address: 104}}
    process: {state: State, running: [On], count: {tag: Flow}, ideal_rate: Target}
"""


@pytest.fixture
def twins(tmp_path: Path) -> dict[str, Twin]:
    (tmp_path / "plant.yaml").write_text(PLANT)
    return {twin.path: twin for twin in load_plant(tmp_path / "plant.yaml").walk()}


def test_the_twin_adds_to_what_its_type_says_and_feeding_is_a_reference(twins: dict[str, Twin]) -> None:
    """OPC 10000-23, 4.7: IsPhysicallyConnectedTo is the standard reference between two pieces of hardware."""
    a, b = twins["Line/A"].process, twins["Line/B"].process
    assert a is not None
    assert b is not None
    assert (a.state, a.states) == ("Line/A/Running", {1: State.running})
    assert (a.ideal, b.ideal, b.items) == (0.5, 2.0, 6.0)
    assert a.count == Meter("Line/A/Total", rolls_at=65536.0)
    assert a.feeds == ("Line/B", "Store")
    assert twins["Line/A"].relations == tuple(Relation("IsPhysicallyConnectedTo", path) for path in a.feeds)
    assert twins["Line/B"].relations == (Relation("IsPhysicallyConnectedTo", "Store"),), "once, however it is said"
    assert twins["Store"].process is None


def test_meters_of_one_material_come_into_one_unit_and_flows_are_told_by_theirs(twins: dict[str, Twin]) -> None:
    line, mixer = twins["Line"].process, twins["Mixer"].process
    assert line is not None
    assert mixer is not None
    (water,) = line.materials
    assert (water.name, water.unit, water.symbol) == ("water", "LTR", "l")
    assert water.ins == (Meter("Line/Fresh", 1.0, 60.0, 0.0, 0.02),)
    assert water.losses == (Meter("Line/Heat", 1.5, 3600.0, 0.0, 0.05),)
    assert water.stocks == (Meter("Line/Volume", 100.0, 0.0, 0.0, 0.02),)
    assert (mixer.count, mixer.unit) == (Meter("Mixer/Flow", 1.0, 3600.0), "MTQ")
    assert mixer.ideal_meter == Meter("Mixer/Target", 0.001, 1.0, 0.0, 0.02)


def test_a_twin_sees_itself_and_those_below_with_states_that_are_no_numbers(twins: dict[str, Twin]) -> None:
    around = survey(twins["Line"])
    assert [one.path for one in around.stations] == ["", "A", "B"]
    assert around.stations[1].feeds == ("B", "/Store")
    assert set(around.more) == {"A/Running", "B/Running"}
    assert "A/Running" not in around.rows, "nothing else computes with it"
    assert around.about["A/Speed"].stale_s == 60
    alone = survey(twins["Line/A"])
    assert [(one.path, one.state, one.feeds) for one in alone.stations] == [("", "Running", ("/Line/B", "/Store"))]


def test_a_plant_read_anew_keeps_what_it_says_although_rows_move(tmp_path: Path, twins: dict[str, Twin]) -> None:
    (tmp_path / "old.yaml").write_text(
        PLANT.replace("      Fresh:", "      Extra: {type: Float, point: {address: 80}}\n      Fresh:")
    )
    moved = renumber(load_plant(tmp_path / "old.yaml"), load_plant(tmp_path / "plant.yaml"))
    assert {twin.path: twin.process for twin in moved.walk()} == {path: twin.process for path, twin in twins.items()}
