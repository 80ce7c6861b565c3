"""The README names every option with its default, and its examples are plant files that load."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from drivers import mqtt
from server.config.load import load_plant
from server.config.plant import Plant

README = Path(mqtt.__file__).with_name("README.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
MODELS = {"The connection": mqtt.connection_model, "A point": mqtt.point_model}


@pytest.mark.parametrize("section", MODELS)
def test_every_option_is_listed_with_its_default(section: str) -> None:
    text = README.split(f"## {section}\n")[1].split("```")[0]
    listed = dict(re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", text, re.MULTILINE))
    fields = MODELS[section].model_fields
    assert sorted(listed) == sorted(fields)
    for name, field in fields.items():
        if field.is_required():
            assert listed[name] == "required"
        elif field.default is not None:
            assert listed[name] == str(field.default).replace("False", "false")


def load(text: str, folder: Path) -> Plant:
    path = folder / "plant.yaml"
    path.write_text(text)
    return load_plant(path)


@pytest.mark.parametrize("text", EXAMPLES)
def test_the_examples_load(text: str, tmp_path: Path) -> None:
    plant = load(text, tmp_path)
    assert plant.connections["broker"].tags


def test_the_examples_use_every_option(tmp_path: Path) -> None:
    used: dict[str, set[str]] = {"The connection": set(), "A point": set()}
    for text in EXAMPLES:
        connection = load(text, tmp_path).connections["broker"]
        used["The connection"] |= connection.settings.model_fields_set
        for tag in connection.tags:
            used["A point"] |= tag.point.model_fields_set
    for section, model in MODELS.items():
        assert set(model.model_fields) == used[section], section


def test_silence_is_no_sign_where_a_last_will_tells_that_a_device_is_gone(tmp_path: Path) -> None:
    stale_s = {tag.name: tag.stale_s for text in EXAMPLES for tag in load(text, tmp_path).connections["broker"].tags}
    year_s = 31_536_000
    assert (stale_s["Temperature"], stale_s["Force"], stale_s["Oil"]) == (year_s, year_s, year_s)
    assert stale_s["Humidity"] == 30
