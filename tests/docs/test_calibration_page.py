"""The page on calibration: its example runs and says what is shown, and its table names the arguments there are."""

from __future__ import annotations

import contextlib
import io

from analytics.simulation.calibrate import CALIBRATE
from tests.simulators.documents import ROOT, blocks

PAGE = ROOT / "docs/calibration.md"


def test_the_example_says_what_is_shown() -> None:
    (code,), (shown,) = blocks(PAGE, "python"), blocks(PAGE, "text")
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(code, str(PAGE), "exec"), {})
    assert said.getvalue().split() == shown.split()


def test_the_arguments_are_those_there_are() -> None:
    text = PAGE.read_text("utf-8")
    for argument in CALIBRATE.arguments:
        assert f"`{argument.name}`" in text
