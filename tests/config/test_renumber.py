"""Reading a plant file anew: what stays keeps its row."""

from __future__ import annotations

from pathlib import Path

from server.config.load import load_plant
from server.config.plant import Plant
from server.config.renumber import renumber, retired

BEFORE = """
plant: {name: P}
connections: {line: {driver: modbus, host: 192.0.2.1}}
twins:
  A:
    scope: asset
    connection: line
    telemetry:
      One: {type: Float, point: {address: 0}}
      Two: {type: Float, point: {address: 2}}
    commands:
      Set: {type: Float, point: {address: 10}, interlock: [{tag: Two, above: 1, message: too low}]}
    methods:
      Go: {writes: {Set: $Value}}
"""
AFTER = (
    BEFORE.replace("      One: {type: Float, point: {address: 0}}\n", "").replace(
        "plant: {name: P}", "plant: {name: P, description: changed}"
    )
    + """
  B:
    scope: asset
    connection: line
    telemetry: {Three: {type: Int32, point: {address: 20}}}
"""
)


def plant(folder: Path, text: str) -> Plant:
    path = folder / "plant.yaml"
    path.write_text(text)
    return load_plant(path)


def rows(plant: Plant) -> dict[str, int]:
    return {tag.path: tag.row for tag in plant.tags}


def test_tags_that_stay_keep_their_rows_and_new_ones_come_behind(tmp_path: Path):
    running = plant(tmp_path, BEFORE)
    new = renumber(running, plant(tmp_path, AFTER))
    before, after = rows(running), rows(new)
    assert all(after[path] == row for path, row in before.items())
    assert min(row for path, row in after.items() if path.startswith("B/")) == len(running.tags)
    assert [tag.row for tag in new.tags] == list(range(len(new.tags)))
    assert [new.tags[row].path for row in retired(new)] == ["A/One"]


def test_whatever_names_a_row_names_the_new_one(tmp_path: Path):
    running = plant(tmp_path, BEFORE)
    new = renumber(running, plant(tmp_path, AFTER))
    row = rows(running)
    twin = new.twins[0]
    (command,), (method,) = twin.commands, twin.methods
    assert command.command is not None
    assert command.command.interlocks[0].conditions[0].row == row["A/Two"]
    assert [write.row for write in method.writes] == [argument.row for argument in method.arguments] == [row["A/Set"]]
    fed = [tag.row for tag in new.connections["line"].tags]
    assert fed == sorted(fed)
    assert {new.tags[one].path for one in fed} == {"A/Two", "A/Set", "B/Three"}


def test_a_tag_of_another_type_is_another_tag(tmp_path: Path):
    running = plant(tmp_path, BEFORE)
    new = renumber(running, plant(tmp_path, BEFORE.replace("Two: {type: Float", "Two: {type: Int32")))
    assert new.twins[0].telemetry[1].row == len(running.tags)
    assert retired(new).tolist() == [rows(running)["A/Two"]]


def test_the_same_plant_changes_nothing(tmp_path: Path):
    running = plant(tmp_path, BEFORE)
    new = renumber(running, plant(tmp_path, BEFORE))
    assert new.tags == running.tags
    assert new.twins == running.twins
    assert len(retired(new)) == 0
