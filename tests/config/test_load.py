"""What a good plant file becomes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest

from analytics.latest import LATEST
from drivers.data_types import DataType
from nodesets.identification import PROPERTIES
from server.config.diagnostics import (
    connection_diagnostics,
    history_diagnostics,
    rules_diagnostics,
    twin_diagnostics,
)
from server.config.load import PlantFileError, load_plant
from server.config.models import IdentificationName, ServerSettings
from server.config.plant import Interlock, Scope, Twin

MACHINES = """
    types:
      Machine:
        scope: asset
        parameters: {n: {}}
        connection: line1
        telemetry:
          Temperature: {type: Float, unit: CEL, range: [0, 120], point: {address: "{n * 10}"}}
    twins:
      "M{n}": {type: Machine, instances: {n: 1..500}}
    """


PER_CONNECTION = len(connection_diagnostics("any", 0))
PER_PLANT = len(history_diagnostics(0)) + len(rules_diagnostics(0))
PER_TWIN = len(twin_diagnostics("any", 0)) + len(LATEST)


def twins(plant: Any) -> dict[str, Twin]:
    return {twin.path: twin for twin in plant.walk()}


def test_five_hundred_machines_are_ten_lines(load: Any) -> None:
    plant = load(MACHINES)
    assert len(MACHINES.strip().splitlines()) <= 10
    assert len(plant.twins) == 500
    assert plant.twins[499].telemetry[0].path == "M500/Temperature"
    assert plant.twins[499].telemetry[0].point.address == 5000
    assert len(plant.connections["line1"].tags) == 500


def test_tags_are_numbered_by_row_and_diagnostics_come_last(load: Any) -> None:
    plant = load(MACHINES)
    assert [tag.row for tag in plant.tags] == list(range(500 + 500 * PER_TWIN + PER_CONNECTION + PER_PLANT))
    fed = [tag.connection for tag in plant.tags]
    assert fed == ["line1"] * 500 + [None] * (500 * PER_TWIN + PER_CONNECTION + PER_PLANT)
    assert len({tag.path for tag in plant.tags}) == len(plant.tags)


def test_twins_and_connections_have_their_diagnostics(load: Any) -> None:
    plant = load(MACHINES)
    good, bad, doubtful = plant.twins[0].diagnostics
    assert (good.path, good.data_type, good.unit, good.range) == (
        "M1/GoodFraction",
        DataType.Double,
        "P1",
        (0.0, 100.0),
    )
    assert (bad.path, bad.data_type) == ("M1/BadTags", DataType.UInt32)
    assert (doubtful.path, doubtful.data_type) == ("M1/QualityProblems", DataType.UInt32)
    found = {tag.path: tag for tag in plant.connections["line1"].diagnostics}
    assert found["Connections/line1/State"].states == ("Disconnected", "Connecting", "Connected")
    assert found["Connections/line1/LatencyP50"].unit == "C26"
    assert {path.rsplit("/", 1)[1] for path in found} >= {"LastError", "Requests", "Errors", "Reconnects"}


def test_the_nearest_connection_and_rate_win(load: Any) -> None:
    plant = load("""
      l2: {driver: modbus, host: 192.0.2.2}
    types:
      Part: {scope: component, telemetry: {T: {type: Float, point: {address: 0}}}}
      Fast: {scope: component, rate_s: 0.5, telemetry: {T: {type: Float, point: {address: 2}}}}
      Own:
        scope: component
        connection: l2
        rate_s: 7
        stale_s: 100
        telemetry: {T: {type: Float, point: {address: 4}}}
    twins:
      A:
        scope: asset
        connection: line1
        rate_s: 10
        telemetry: {T: {type: Float, rate_s: 60, point: {address: 6}}}
        children:
          P: {type: Part}
          F: {type: Fast}
          O: {type: Own}
          Q: {type: Own, connection: line1, rate_s: 2}
    """)
    found = {tag.path: (tag.connection, tag.rate_s, tag.stale_s) for tag in plant.tags if tag.connection}
    assert found == {
        "A/T": ("line1", 60, 180),
        "A/P/T": ("line1", 10, 30),
        "A/F/T": ("line1", 0.5, 3),
        "A/O/T": ("l2", 7, 100),
        "A/Q/T": ("line1", 2, 6),
    }


def test_commands_methods_and_interlocks_are_resolved_to_rows(load: Any) -> None:
    plant = load("""
    twins:
      Hall:
        scope: system
        connection: line1
        methods:
          StopAll: {writes: {Pump/Run: Stop, Pump/Speed: $Speed, Pump/Ramp: $Speed}}
        children:
          Tank: {scope: asset, telemetry: {Level: {type: Float, point: {address: 0}}}}
          Pump:
            scope: asset
            telemetry: {Mode: {type: Int16, states: [Off, Auto], point: {address: 2}}}
            commands:
              Run: {type: Boolean, states: [Stop, Run], point: {table: coil, address: 0}}
              Ramp: {type: Float, point: {address: 20}}
              Speed:
                type: Float
                range: [0, 100]
                limits: [10, 90]
                clamp: true
                confirm: read_back
                tolerance: 0.5
                within_s: 2
                point: {address: 10}
                interlock:
                  - {tag: ../Tank/Level, above: 10, at_most: 95, message: level}
                  - {tag: Mode, equals: Auto}
                  - {tag: /Hall/Pump/Run, not_equals: false}
    """)
    by_path = {tag.path: tag for tag in plant.tags}
    rules = by_path["Hall/Pump/Speed"].command
    assert rules is not None
    assert (rules.limits, rules.clamp) == ((10, 90), True)
    assert (rules.confirm, rules.tolerance, rules.within_s) == ("read_back", 0.5, 2)
    level, mode, run = rules.interlocks
    assert [(c.path, c.operator, c.value) for c in level.conditions] == [
        ("Hall/Tank/Level", "above", 10),
        ("Hall/Tank/Level", "at_most", 95),
    ]
    assert level.conditions[0].row == by_path["Hall/Tank/Level"].row
    assert (mode.conditions[0].value, mode.message) == (1, "Hall/Pump/Mode must be 1")
    assert (run.conditions[0].operator, run.conditions[0].value) == ("not_equals", False)
    assert isinstance(run, Interlock)
    method = twins(plant)["Hall"].methods[0]
    assert method.path == "Hall/StopAll"
    assert [(w.row, w.value, w.argument) for w in method.writes] == [
        (by_path["Hall/Pump/Run"].row, False, None),
        (by_path["Hall/Pump/Speed"].row, None, 0),
        (by_path["Hall/Pump/Ramp"].row, None, 0),
    ]
    assert [(a.name, a.row) for a in method.arguments] == [("Speed", by_path["Hall/Pump/Speed"].row)]
    assert twins(plant)["Hall/Pump"].commands[2] is plant.tags[by_path["Hall/Pump/Speed"].row]


def test_relations_and_identification_of_type_and_twin_come_together(load: Any) -> None:
    plant = load("""
    types:
      Pump:
        scope: asset
        parameters: {n: {}}
        description: A pump
        identification: {Manufacturer: Acme, SerialNumber: "{n}", YearOfConstruction: 2026}
        relations: [{Controls: ../Tank}]
    twins:
      Tank: {scope: asset}
      Pump:
        type: Pump
        with: {n: 42}
        identification: {Manufacturer: Other}
        relations: [{Requires: /Tank, Utilizes: .}]
    """)
    pump = twins(plant)["Pump"]
    assert (pump.scope, pump.type_name, pump.description) == (Scope.asset, "Pump", "A pump")
    assert pump.identification == {"Manufacturer": "Other", "SerialNumber": "42", "YearOfConstruction": "2026"}
    assert [(r.reference_type, r.target) for r in pump.relations] == [
        ("Controls", "Tank"), ("Requires", "Tank"), ("Utilizes", "Pump"),
    ]  # fmt: skip


def test_csv_rows_keep_numbers_as_numbers_and_text_as_it_is_written(load: Any) -> None:
    plant = load(
        """
    types:
      V:
        scope: asset
        parameters: {name: {}, base: {}, serial: {default: none}}
        connection: line1
        identification: {SerialNumber: "{serial}"}
        telemetry: {T: {type: Float, point: {address: "{base + 1}"}}}
    twins:
      "{name}": {type: V, instances: {csv: v.csv}}
    """,
        v__csv='\ufeffname;serial;base;note\nA;007;10;\n"B;2";1.10;20;"two\nlines"\n12;;30;x\n',
    )
    assert [twin.name for twin in plant.twins] == ["A", "B;2", "12"]
    assert [twin.identification["SerialNumber"] for twin in plant.twins] == ["007", "1.10", "none"]
    assert [twin.telemetry[0].point.address for twin in plant.twins] == [11, 21, 31]


def test_instances_nest_and_what_stands_in_place_sees_the_parameters_around_it(load: Any) -> None:
    plant = load("""
    types:
      Cell:
        scope: component
        parameters: {address: {}}
        telemetry: {V: {type: UInt16, point: {address: "{address}"}}}
    twins:
      Line{line:02}:
        scope: system
        connection: line1
        instances: {line: 1..2, cells: "{line + 1}"}
        description: Line {line}
        children:
          Cell{c}: {type: Cell, instances: {c: "1..{cells}"}, with: {address: "{line * 100 + c}"}}
    """)
    found = {tag.path: tag.point.address for tag in plant.tags if tag.connection}
    assert found == {
        "Line01/Cell1/V": 101, "Line01/Cell2/V": 102,
        "Line02/Cell1/V": 201, "Line02/Cell2/V": 202, "Line02/Cell3/V": 203,
    }  # fmt: skip
    assert plant.twins[1].description == "Line 2"


def test_includes_are_merged_relative_to_the_file_that_names_them(load: Any, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "types.yaml").write_text(
        "include: [more.yaml]\ntypes:\n  A: {scope: asset}\ntwins:\n  X{n}: {type: A, instances: {csv: n.csv}}\n",
        "utf-8",
    )
    (tmp_path / "sub" / "more.yaml").write_text("types:\n  B: {scope: system}\n", "utf-8")
    (tmp_path / "sub" / "n.csv").write_text("n\n1\n2\n", "utf-8")
    plant = load("include: [sub/types.yaml]\ntwins:\n  Y: {type: B}\n")
    assert {twin.name for twin in plant.twins} == {"X1", "X2", "Y"}


def test_the_server_section_has_safe_defaults_and_the_users_file_beside_the_plant_file(
    load: Any, tmp_path: Path
) -> None:
    plant = load("server: {users_file: users.yaml}\ntwins:\n  A: {scope: asset}\n")
    assert plant.server == ServerSettings(users_file=tmp_path / "users.yaml")
    assert "None" not in plant.server.policies
    assert plant.server.allow_anonymous


def test_a_missing_plant_file_is_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(PlantFileError, match=r"gone\.yaml:1:1: cannot be read"):
        load_plant(tmp_path / "gone.yaml")


def test_fifty_thousand_tags_load_in_three_seconds_and_sixty_megabytes(tmp_path: Path) -> None:
    tag = (
        '      T{}: {{type: Float, unit: CEL, range: [0, 100], point: {{address: "{{base + {}}}", unit: "{{unit}}"}}}}'
    )
    tags = "\n".join(tag.format(index, 2 * index) for index in range(100))
    text = f"""
plant: {{name: Big}}
connections: {{line1: {{driver: modbus, host: 192.0.2.1}}}}
types:
  M:
    scope: asset
    parameters: {{unit: {{}}, base: {{}}}}
    connection: line1
    telemetry:
{tags}
twins:
  "M{{n}}": {{type: M, instances: {{n: 1..500, unit: "{{n % 250}}", base: "{{n // 250 * 1000}}"}}}}
"""
    (tmp_path / "plant.yaml").write_text(text, "utf-8")
    program = """
import sys, time
from pathlib import Path
import psutil
import drivers.modbus
from server.config.load import load_plant
before, started = psutil.Process().memory_info().rss, time.process_time()
plant = load_plant(Path(sys.argv[1]))
print(len(plant.tags), time.process_time() - started, (psutil.Process().memory_info().rss - before) / 1e6)
"""
    run = [sys.executable, "-c", program, str(tmp_path / "plant.yaml")]
    done = subprocess.run(run, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    count, seconds, megabytes = map(float, done.stdout.split())
    assert count == 50_000 + 500 * PER_TWIN + PER_CONNECTION + PER_PLANT
    assert seconds < 3
    assert megabytes < 60


def test_every_name_of_the_identification_types_can_be_given() -> None:
    assert set(PROPERTIES) <= set(get_args(IdentificationName))
