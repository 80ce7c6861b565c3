"""The README names every option with its default, and its examples are right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter

from drivers import modbus
from drivers.data_types import DataType
from drivers.driver import Binding

README = Path(modbus.__file__).with_name("README.md").read_text()
EXAMPLES = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)]
SCHEMAS = {
    "The connection": modbus.connection_model.model_json_schema(),
    "A point": TypeAdapter(modbus.point_model).json_schema(),
}


@pytest.mark.parametrize("section", SCHEMAS)
def test_every_option_is_listed_with_its_default(section: str) -> None:
    text = README.split(f"## {section}\n")[1].split("\n## ")[0].split("```")[0]
    listed = dict(re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", text, re.MULTILINE))
    schema = SCHEMAS[section]
    assert sorted(listed) == sorted(schema["properties"])
    for name, option in schema["properties"].items():
        if name in schema.get("required", ()):
            assert listed[name] == "required"
        elif option.get("default") is not None:
            assert listed[name] == str(option["default"])


def _points(twins: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], bool]]:
    for twin in twins.values():
        for section in ("telemetry", "commands"):
            for name, tag in twin.get(section, {}).items():
                yield name, tag, section == "commands"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["plant"]["name"])
def test_the_examples_have_no_problems(example: dict[str, Any]) -> None:
    ((_, settings),) = example["connections"].items()
    connection = modbus.connection_model(**{key: value for key, value in settings.items() if key != "driver"})
    bindings = [
        Binding(row, name, DataType[tag["type"]], 0, modbus.point_model(**tag["point"]), 1.0, writable)
        for row, (name, tag, writable) in enumerate(_points(example["twins"]))
    ]
    assert bindings
    assert modbus.check(connection, bindings) == []


def test_the_examples_use_every_option() -> None:
    used: dict[str, set[str]] = {"The connection": set(), "A point": set()}
    for example in EXAMPLES:
        for settings in example["connections"].values():
            used["The connection"].update(settings)
        for _, tag, _ in _points(example["twins"]):
            used["A point"].update(tag["point"])
    for section, schema in SCHEMAS.items():
        assert set(schema["properties"]) <= used[section], section
