"""What analytics read of half a year at one value a second."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from analytics.degradation import Indicator
from analytics.remaining_life import run_trend
from analytics.series import Series
from drivers.readings import now_ticks
from server.history import course as module
from server.history.course import course
from server.history.sqlite_store import SqliteStore
from server.history.store import Block

SECOND = 10_000_000
DAY = 86_400 * SECOND
DAYS = 182
T0 = now_ticks() // DAY * DAY - DAYS * DAY


def put(store: SqliteStore, tag: int, ticks: np.ndarray, values: np.ndarray, status: int = 0) -> None:
    count = len(ticks)
    cells = values.astype(np.float64).view(np.uint64)
    store.append(Block(np.full(count, tag, np.int32), ticks, ticks, cells, np.full(count, status, np.uint32)))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStore]:
    """A vibration that rises from 2 to 3 in half a year, with a daily course and noise."""
    made = SqliteStore(tmp_path_factory.mktemp("history") / "values.sqlite")
    (tag,) = made.tag_ids([("Pump/Vibration", 11)]).tolist()
    second = np.arange(86_400)
    noise = 0.2 * np.random.default_rng(1).normal(size=len(second)) + 0.1 * np.sin(second * 2.0 * np.pi / 86_400)
    for day in range(DAYS):
        values = np.round(2.0 + (day + second / 86_400) / DAYS + np.roll(noise, 997 * day), 2)
        put(made, tag, T0 + day * DAY + second * SECOND, values)
    while made.tidy(1.0):
        pass
    yield made
    made.close()


def test_a_trend_over_half_a_year_is_read_in_well_under_a_second(store: SqliteStore) -> None:
    """In 240 pieces of 15.7 million values; at 1/182 a day its limit of 4 is half a year ahead."""
    end = T0 + DAYS * DAY
    took = []
    for _ in range(2):
        began = time.thread_time()
        seen = course(store, 1, T0, end, 240)
        took.append(time.thread_time() - began)
    assert min(took) < 1.0
    assert len(seen) == 240 * module.PIECE
    assert (np.diff(seen.ticks) > 0).all()
    assert seen.ticks[-1] == end - SECOND, "what came last is there"
    indicator = Indicator("Vibration", -np.inf, 4.0)
    found = run_trend({"Vibration": seen}, T0, end, 0.9, (indicator,), (), "")
    hours, low, high = found[:3]
    assert low < 182 * 24 < high
    assert hours == pytest.approx(182 * 24, rel=0.25)


def test_pieces_are_values_of_the_store_from_all_over_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FULL", 1000)
    monkeypatch.setattr(module, "PIECE", 60)
    small = SqliteStore(tmp_path / "values.sqlite")
    (tag,) = small.tag_ids([("A/T", 11)]).tolist()
    dense = T0 + np.arange(5000) * SECOND
    sparse = dense[-1] + np.arange(1, 21) * 250 * SECOND  # from here on a twentieth has one or two values
    for ticks in (dense, sparse):
        put(small, tag, ticks, (ticks - T0) / SECOND)
    put(small, tag, dense[2500:2501] + 1, np.zeros(1), 0x80000000)
    seen = course(small, tag, T0, T0 + DAY, 20)
    np.testing.assert_array_equal(seen.ticks, np.unique(seen.ticks))
    good = np.isfinite(seen.values)
    np.testing.assert_array_equal(seen.values[good], (seen.ticks[good] - T0) / SECOND)
    assert np.isin(sparse, seen.ticks).all(), "parts with few values are told whole"
    assert len(seen) <= 20 * module.PIECE
    parts = np.histogram(seen.ticks, 19, (int(dense[0]), int(sparse[-1])))[0]
    assert parts.min() > 0
    whole: Series = course(small, tag, T0, T0 + 999 * SECOND, 20)
    assert len(whole) == 1000, "so few are read whole"
    assert len(course(small, tag, T0, T0 + DAY)) == 5021
    small.close()
