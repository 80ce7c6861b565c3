"""The page on features: its example runs and says what is shown; its words and thresholds are those of the code."""

from __future__ import annotations

from analytics.catalog import CATALOG
from analytics.features import EDGE, ORDERED
from analytics.quality_figures import FLAT_LINE, LEAST_OF_RANGE, LEAST_READINGS, LEAST_RUN, LEAST_SHARE, SPIKE
from tests.simulators.documents import ROOT, printed

PAGE = ROOT / "docs/features.md"


def test_the_example_says_what_is_shown() -> None:
    said, shown = printed(PAGE)
    assert said.split() == shown.split()


def test_results_and_thresholds_are_those_there_are() -> None:
    text = PAGE.read_text("utf-8")
    for method in ("CheckDataQuality", "TrainFleet"):
        for result in CATALOG[method].own:
            assert result.name in text or result.name == "CheckedSignals", result.name
    for method in ("CheckDataQuality", "ExtractFeatures", "TrainFleet"):
        assert f"`{method}({', '.join(one.name for one in CATALOG[method].arguments)})`" in text
    assert (FLAT_LINE, LEAST_RUN, SPIKE, LEAST_OF_RANGE, LEAST_READINGS, LEAST_SHARE) == (14, 30, 10, 0.05, 20, 0.5)
    assert f"| {len(EDGE)}: mean" in text
    assert f"the other {len(EDGE) - len(ORDERED)} features" in text
