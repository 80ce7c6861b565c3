"""The page on process figures: its example runs and says what is shown; its tables name what there is."""

from __future__ import annotations

from analytics.catalog import CATALOG
from analytics.process.effectiveness import MINOR_S
from server.config.process_spec import ProcessSpec
from tests.simulators.documents import ROOT, printed

PAGE = ROOT / "docs/process.md"


def test_the_example_says_what_is_shown() -> None:
    said, shown = printed(PAGE)
    assert said.split() == shown.split()


def test_methods_keys_and_losses_are_those_there_are() -> None:
    text = PAGE.read_text("utf-8")
    for name in ("GetOEE", "GetThroughput", "FindBottleneck", "GetMaterialBalance"):
        arguments = ", ".join(one.name for one in CATALOG[name].arguments)
        assert f"| `{name}({arguments})` |" in text
    for key in ProcessSpec.model_fields:
        assert f"`{key}`" in text, key
    for loss in ("Breakdowns", "Setup", "Starved", "Blocked", "MinorStops", "OtherStops", "ReducedSpeed", "Rejects"):
        assert loss in text
    assert f"under {MINOR_S / 60:g} min" in text
