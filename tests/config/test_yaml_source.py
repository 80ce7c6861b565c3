"""YAML 1.2 with positions."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest

from server.config.errors import Problems
from server.config.load import load_plant
from server.config.yaml_source import parse, resolve_scalar


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"), ("off", "off"), ("yes", "yes"), ("No", "No"), ("1:30", "1:30"), ("2026-11-22", "2026-11-22"),
        ("true", True), ("FALSE", False), ("~", None), ("", None), ("null", None), ("12", 12), ("-3", -3), ("0o17", 15),
        ("0x1F", 31), ("1_000", "1_000"), ("1.5", 1.5), ("1e3", 1000.0), (".5", 0.5), ("-.inf", -math.inf),
        ("1..5", "1..5"),
        ("$.rms", "$.rms"), ("+", "+"), ("-", "-"), (".", "."), ("0b1", "0b1"), ("010", 10),
    ],
)  # fmt: skip
def test_a_plain_scalar_means_what_the_core_schema_of_yaml_1_2_says(text: str, value: object) -> None:
    found = resolve_scalar(text)
    assert found == value
    assert type(found) is type(value)


def test_every_key_and_value_knows_its_place(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text('a:\n  b: [1,\n    "two"]\n  "c": {d: x}\n', "utf-8")
    problems = Problems()
    data = parse(path, problems)
    assert data == {"a": {"b": [1, "two"], "c": {"d": "x"}}}
    inner = data["a"]
    for place in (inner.key_at["b"], inner["b"].value_at[1], inner["c"].value_at["d"]):
        problems.add(place, "here")
    assert [(error.line, error.column) for error in problems.errors()] == [(2, 3), (3, 5), (4, 12)]


def test_anchors_and_merge_keys_work_and_own_keys_win(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz: {b: 9, <<: [*x, *y]}\nw: *x\n", "utf-8")
    problems = Problems()
    data = parse(path, problems)
    assert not problems
    assert data["z"] == {"a": 1, "b": 9, "c": 4}
    assert data["w"] == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a: [1", "is not YAML"),
        (b"a: 1\n---\nb: 2\n", "second document"),
        (b"a: \xff\n", "is not UTF-8"),
        (b"a: \x00\n", "is not YAML"),
        (b"? [a, b]\n: 1\n", "a key must be text"),
        (b"a: !python/object:os.system x\n", "has no meaning"),
    ],
)
def test_what_is_not_a_plain_yaml_file_is_said_with_its_place(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(content)
    problems = Problems()
    parse(path, problems)
    assert says in problems.errors()[0].message


def test_five_megabytes_take_a_few_seconds(tmp_path: Path) -> None:
    line = "  T{}: {{type: Float, unit: CEL, range: [0, 100], point: {{table: holding, address: {}}}}}\n"
    path = tmp_path / "plant.yaml"
    text = "plant: {name: P}\ntwins: {A: {scope: asset}}\nx-big:\n"
    path.write_text(text + "".join(line.format(index, index) for index in range(60_000)), "utf-8")
    assert path.stat().st_size > 5_000_000
    started = time.process_time()
    load_plant(path)
    assert time.process_time() - started < 8
