"""The page on anomalies: its example runs and says what is shown; its figures are those of the code."""

from __future__ import annotations

from analytics.anomaly_train import LEAST_WINDOWS, MARGIN, NEEDED, OF
from analytics.catalog import CATALOG
from tests.simulators.documents import ROOT, printed

PAGE = ROOT / "docs/anomalies.md"


def test_the_example_says_what_is_shown() -> None:
    said, shown = printed(PAGE)
    assert said.split() == shown.split()


def test_the_methods_and_settings_are_those_there_are() -> None:
    text = PAGE.read_text("utf-8")
    for name in ("TrainModel", "DetectAnomalies", "ExplainAnomaly", "DetectChangePoints", "CheckDrift"):
        assert f"| `{name}(" in text
        assert name in CATALOG
    assert (LEAST_WINDOWS, MARGIN, NEEDED, OF) == (20, 1.7, 3, 5)
    for words in ("at least 20 windows", "`Margin` (1.7)", "three\nof five scores"):
        assert words in text
