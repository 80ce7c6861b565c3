"""The README names every option with its default and every StatusCode, and its plants load."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiocoap.numbers.codes import Code

from drivers import coap
from drivers.coap.codes import dotted, read_status, write_status
from server.config.load import load_plant

README = Path(coap.__file__).with_name("README.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
MODELS = {"The connection": coap.connection_model, "A point": coap.point_model}


@pytest.mark.parametrize("section", MODELS)
def test_every_option_is_listed_with_its_default(section: str) -> None:
    text = README.split(f"## {section}\n")[1].split("\n## ")[0].split("```")[0]
    listed = dict(re.findall(r"^\| `(\w+)` \| ([^|]*?) ?\|", text, re.MULTILINE))
    fields = MODELS[section].model_fields
    assert sorted(listed) == sorted(fields)
    for name, field in fields.items():
        shown = "required" if field.is_required() else "" if field.default is None else str(field.default)
        assert listed[name] == shown, name


@pytest.mark.parametrize("text", EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_example_is_a_plant_that_loads(text: str, tmp_path: Path) -> None:
    if "dtls:" in text:
        pytest.importorskip("DTLSSocket", reason="DTLSSocket is not installed (pip install uatwin[dtls])")
    file = tmp_path / "plant.yaml"
    file.write_text(text)
    assert load_plant(file).tags


def test_the_examples_use_every_option() -> None:
    used: set[str] = set()

    def collect(node: Any) -> None:
        if isinstance(node, dict):
            used.update(node)
            for child in node.values():
                collect(child)

    for text in EXAMPLES:
        collect(yaml.safe_load(text))
    assert {name for model in MODELS.values() for name in model.model_fields} <= used


def test_the_table_of_answers_is_the_one_in_the_code() -> None:
    rows = re.findall(r"^\| ([45]\.\d\d .*?) \| (\w+) \| (\w+) \|", README, re.MULTILINE)
    told = {dot: (read, write) for codes, read, write in rows for dot in re.findall(r"[45]\.\d\d", codes)}
    for code in (int(code) for code in Code if int(code) >> 5 in (4, 5)):
        statuses = (read_status(code).name, write_status(code).name)
        assert told.get(dotted(code), told["5.00"]) == statuses, dotted(code)
