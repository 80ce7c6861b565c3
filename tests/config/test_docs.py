"""docs/plant-file.md and docs/plant.schema.json say what is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from server.config.errors import Problems
from server.config.load import load_plant
from server.config.models import POLICIES
from server.config.schema import plant_schema, schema_text
from server.config.yaml_source import parse

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def example(tmp_path: Path) -> Path:
    text = (DOCS / "plant-file.md").read_text("utf-8")
    for block in re.findall(r"```yaml\n(# (\S+)\n.*?)```", text, re.DOTALL):
        (tmp_path / block[1]).write_text(block[0], "utf-8")
    (tmp_path / "valves.csv").write_text(re.findall(r"```csv\n(.*?)```", text, re.DOTALL)[0], "utf-8")
    return tmp_path / "plant.yaml"


def test_the_example_of_the_documentation_loads(example: Path) -> None:
    plant = load_plant(example)
    assert plant.name == "Cooling"
    assert len(list(plant.walk())) == 2 + 1 + 2 * 2 + 500 + 2
    paths = {tag.path for tag in plant.tags}
    assert {"Cooling/Loop1/Fan500/Speed", "Cooling/Loop1/InletValve/Position"} <= paths


def test_the_json_schema_is_that_of_the_models() -> None:
    current = (DOCS / "plant.schema.json").read_text("utf-8")
    assert current == schema_text(), "regenerate it: python -m server.config.schema > docs/plant.schema.json"


def test_the_json_schema_accepts_the_example_and_refuses_what_the_models_refuse(example: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema, an independent validator, is not installed")
    validator = jsonschema.Draft202012Validator(plant_schema())
    for name in ("plant.yaml", "pumps.yaml"):
        assert not list(validator.iter_errors(parse(example.parent / name, Problems())))
    wrong = parse(example, Problems())
    wrong["connections"]["line1"]["prot"] = 502
    wrong["types"]["Pump"]["telemetry"]["Speed"]["uint"] = "RPM"
    assert {next(iter(error.absolute_path)) for error in validator.iter_errors(wrong)} == {"connections", "types"}


def test_the_documentation_names_the_default_policies() -> None:
    assert ", ".join(POLICIES) in (DOCS / "plant-file.md").read_text("utf-8")
