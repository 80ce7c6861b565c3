"""The page on anomalies: its example runs and says what is shown; its figures are those of the code."""

from __future__ import annotations

import contextlib
import io

from analytics.anomaly_train import LEAST_WINDOWS, MARGIN, NEEDED, OF
from analytics.catalog import CATALOG
from tests.simulators.documents import ROOT, blocks

PAGE = ROOT / "docs/anomalies.md"


def test_the_example_says_what_is_shown() -> None:
    (code,), (shown,) = blocks(PAGE, "python"), blocks(PAGE, "text")
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(code, str(PAGE), "exec"), {})
    assert said.getvalue().split() == shown.split()


def test_the_methods_and_settings_are_those_there_are() -> None:
    text = PAGE.read_text("utf-8")
    for name in ("TrainModel", "DetectAnomalies", "ExplainAnomaly", "DetectChangePoints", "CheckDrift"):
        assert f"| `{name}(" in text
        assert name in CATALOG
    assert (LEAST_WINDOWS, MARGIN, NEEDED, OF) == (20, 1.7, 3, 5)
    for words in ("at least 20 windows", "`Margin` (1.7)", "three\nof five scores"):
        assert words in text
