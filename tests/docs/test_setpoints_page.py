"""The page on finding setpoints: its example says what is shown, its examples of arguments can be read."""

from __future__ import annotations

import pytest

from analytics.catalog import CATALOG
from analytics.simulation.constraints import constraint_of
from analytics.simulation.objective import parsed
from analytics.simulation.vocabulary import vocabulary
from benchmarks.optimize_plant import PLANT
from server.config.load import load_plant
from tests.simulators.documents import ROOT, printed

PAGE = ROOT / "docs/setpoints.md"


@pytest.mark.timeout(60)
def test_the_example_says_what_is_shown() -> None:
    said, shown = printed(PAGE)
    assert said.split() == shown.split()


def test_the_arguments_are_those_there_are_and_their_examples_can_be_read() -> None:
    text = PAGE.read_text("utf-8")
    names = [one.name for one in CATALOG["OptimizeSetpoints"].arguments]
    assert f"`OptimizeSetpoints({', '.join(names)})`" in text
    uses = [use for twin in load_plant(PLANT).walk() for use in twin.models]
    words = vocabulary(uses, "Cooling", {"Cooling/TotalPower": "KWT"})
    for example in ("min 0.25*Energy(TotalPower) - 0.02*Mean(CoolingLoad)", "max cop(PrimaryLoop/Chiller)"):
        assert f"`{example}`" in text
        assert parsed(example, words).parts
    assert "`ProductionTemperature 15..19`" in text
    assert constraint_of("ProductionTemperature 15..19", words).high == 19.0
