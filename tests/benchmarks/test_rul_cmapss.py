"""The remaining life of the public engines, on a part of them, and how estimates and warnings are counted."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.remaining_life_interval import Calibration, outlook
from benchmarks import rul_cmapss
from benchmarks.public_data import absent, folder


def test_forty_engines_teach_more_than_twice_as_much_as_a_constant() -> None:
    """All hundred, and the figures to be reached, are left to `uatwin bench rul-cmapss`."""
    place = folder("cmapss")
    if place is None:
        pytest.skip(absent("cmapss"))
    lives, tests = (rul_cmapss.engines(place / f"{name}_FD001.txt") for name in ("train", "test"))
    truth = np.loadtxt(place / "RUL_FD001.txt")
    model = rul_cmapss.train(lives[:40])
    found = np.array([rul_cmapss.said(model, one)[-1] for one in tests])
    assert float(np.sqrt(np.mean((found - truth) ** 2))) < 17.0
    assert float(np.std(truth)) > 40.0
    known = Calibration.of(model.arrays)
    ends = [outlook(known, float(one), 0.9) for one in found]
    held = np.mean([one.lower <= left <= one.upper for one, left in zip(ends, truth, strict=True)])
    assert 0.85 <= held <= 1.0


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
