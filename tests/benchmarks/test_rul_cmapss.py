"""The remaining life of the public engines reaches its figures; the warnings are left to the benchmark itself."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import rul_cmapss
from benchmarks.public_data import absent, folder


async def test_the_official_labels_are_met() -> None:
    if folder("cmapss") is None:
        pytest.skip(absent("cmapss"))
    (result,) = [one async for one in rul_cmapss.run(warn=False)]
    assert result["good"], result
    assert 3.0 * result["rmse"] < result["constant_rmse"]
    assert 0.85 <= result["interval_90_holds"] <= 1.0


async def test_without_the_data_it_says_where_they_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rul_cmapss, "folder", lambda name: None)
    (result,) = [one async for one in rul_cmapss.run()]
    assert "no folder cmapss" in str(result["skipped"])


def test_the_score_is_that_of_the_challenge() -> None:
    assert rul_cmapss.score(np.array([0.0])) == 0.0
    assert rul_cmapss.score(np.array([10.0, -13.0])) == pytest.approx(2 * (np.e - 1))


def test_a_warning_needs_three_estimates_in_a_row() -> None:
    course = np.array([90.0, 20.0, 80.0, 25.0, 25.0, 25.0, 5.0])
    assert rul_cmapss.warned_at(course) == 1.0
    assert np.isnan(rul_cmapss.warned_at(course[:5]))
