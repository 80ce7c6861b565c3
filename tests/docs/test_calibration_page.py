"""The page on calibration: its example runs and says what is shown, and its table names the arguments there are."""

from __future__ import annotations

from analytics.simulation.calibrate import CALIBRATE
from tests.simulators.documents import ROOT, printed

PAGE = ROOT / "docs/calibration.md"


def test_the_example_says_what_is_shown() -> None:
    said, shown = printed(PAGE)
    assert said.split() == shown.split()


def test_the_arguments_are_those_there_are() -> None:
    text = PAGE.read_text("utf-8")
    for argument in CALIBRATE.arguments:
        assert f"`{argument.name}`" in text
