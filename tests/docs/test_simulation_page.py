"""The page on simulation: its example runs, its plant file loads, its tables name what there is."""

from __future__ import annotations

from pathlib import Path

from analytics.catalog import CATALOG
from analytics.simulation.kinds import KINDS
from server.config.load import load_plant
from server.config.model_spec import ModelSpec
from tests.simulators.documents import ROOT, blocks, printed
from tests.simulators.fmus import build_fmu
from tests.simulators.onnx_files import build_onnx

PAGE = ROOT / "docs/simulation.md"


def test_the_example_says_what_is_shown() -> None:
    said, shown = printed(PAGE)
    assert said.split() == shown.split()


def test_the_plant_file_loads(tmp_path: Path) -> None:
    build_fmu(tmp_path / "body.fmu", 3)
    build_onnx(tmp_path / "net.onnx")
    (text,) = blocks(PAGE, "yaml")
    (tmp_path / "plant.yaml").write_text(text)
    uses = {(use.twin, use.name): use for twin in load_plant(tmp_path / "plant.yaml").walk() for use in twin.models}
    assert set(uses) == {("Pump", "pump"), ("Pump/Motor", "quick"), ("Pump/Motor", "vendor"), ("Spare", "onnx")}
    assert uses["Pump", "pump"].inputs["other_flow"].constant == 2.5
    assert uses["Pump", "pump"].outputs["power"].factor == 0.001, "the tag is in W"
    assert uses["Pump", "pump"].commands == {"Pump/SpeedSetpoint": "Pump/Speed"}


def test_methods_keys_and_kinds_are_those_there_are() -> None:
    text = PAGE.read_text("utf-8")
    for name in ("Simulate", "Predict", "ListSimulationModels"):
        arguments = ", ".join(one.name for one in CATALOG[name].arguments)
        assert f"| `{name}({arguments})` |" in text
    for key in ModelSpec.model_fields:
        assert f"`{key}`" in text, key
    for kind in KINDS:
        assert f"`{kind}`" in text, kind
