"""Edge features from readings as they come are those of all readings at once, however they come."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.edge_stream import EdgeFeatures, overlapping
from analytics.features import EDGE, edge_features
from analytics.series import TICKS_PER_SECOND, Series
from analytics.windows import cut, window_ends

S = TICKS_PER_SECOND
START = 134_000_000_000_000_000
MEAN, VARIATION = (list(EDGE).index(name) for name in ("mean", "variation_coefficient"))
Courses = list[tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]]


@st.composite
def courses(draw: st.DrawFn) -> Courses:
    """Up to three signals with readings at odd times, some twice at one time, some Bad, some that stand still."""
    found = []
    for _ in range(draw(st.integers(1, 3))):
        gaps = draw(st.lists(st.sampled_from([0, S // 1000, 3 * S // 10, S, 4 * S]), max_size=60))
        level = draw(st.sampled_from([0.0, 5.0, -1000.0]))
        steps = st.sampled_from([0.0, 0.25, 1.0, -3.5, float("nan")])
        values = draw(st.lists(steps, min_size=len(gaps), max_size=len(gaps)))
        found.append((START + np.cumsum(np.array(gaps, np.int64)), level + np.array(values, np.float64)))
    return found


def batch(signals: Courses, window_s: float, step_s: float, end: int) -> tuple[npt.NDArray[np.int64], np.ndarray]:
    """What ExtractFeatures has of windows that do not overlap."""
    ends = window_ends(START, end, window_s, step_s)
    series = [Series(ticks, values, np.zeros(len(ticks), np.uint32)) for ticks, values in signals]
    cuts = cut(series, ends, round(window_s * S))
    table = np.concatenate([edge_features(one) for one in cuts.matrices()] or [np.empty((0, len(EDGE)))])
    return ends, table.reshape(len(signals), len(ends), len(EDGE)).transpose(1, 0, 2)


@settings(max_examples=100, deadline=None)
@given(courses(), st.sampled_from([1.0, 2.5, 7.0]), st.sampled_from([0.4, 1.0, 2.5, 9.0]), st.data())
def test_features_do_not_depend_on_how_the_readings_come(
    signals: Courses, window_s: float, step_s: float, data: st.DataObject
) -> None:
    end = START + 40 * S
    ends, wanted = batch(signals, window_s, step_s, end)
    borders = sorted(data.draw(st.lists(st.integers(START, end), max_size=6)))
    stream = EdgeFeatures(len(signals), START, window_s, step_s)
    told_ends, told, since = [], [], START
    for until in (*borders, end):
        parts = [(ticks > since) & (ticks <= until) for ticks, _ in signals]
        numbers = np.concatenate([np.full(part.sum(), at, np.int32) for at, part in enumerate(parts)])
        columns = (np.concatenate([one[at][part] for one, part in zip(signals, parts, strict=True)]) for at in range(2))
        some_ends, some = stream.push(numbers, *columns, until)
        told_ends.append(some_ends)
        told.append(some)
        since = until
    np.testing.assert_array_equal(np.concatenate(told_ends), ends)
    found = np.concatenate(told)
    for table in (found, wanted):  # a mean of nothing but rounding divides nothing
        table[np.abs(table[:, :, MEAN]) < 1e-9, VARIATION] = np.nan
    np.testing.assert_allclose(found, wanted, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("step_s", [1.0, 7.0])
def test_long_courses_in_blocks_are_those_at_once(step_s: float) -> None:
    random = np.random.default_rng(1)
    ticks = START + np.arange(1, 3001) * S
    signals: Courses = [(ticks, 1e4 + random.normal(size=3000).cumsum()) for _ in range(3)]
    signals[1][1][700:900] = np.nan
    signals[2][1][1000:1400] = 7.0
    series = [Series(*one, np.zeros(3000, np.uint32)) for one in signals]
    ends, wanted = batch(signals, 300.0, step_s, START + 3000 * S)
    seen: list[float] = []
    found = overlapping(series, START, ends, 300.0, step_s, tuple(EDGE), seen.append)
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6)
    assert seen[-1] >= 1.0


def test_a_reading_that_comes_too_late_is_left_out() -> None:
    stream = EdgeFeatures(1, START, 4.0, 2.0, ("length", "maximum"))
    zero = np.zeros(1, np.int32)
    stream.push(zero, np.array([START + 3 * S]), np.array([1.0]), START + 5 * S)
    _, found = stream.push(zero, np.array([START + 4 * S]), np.array([99.0]), START + 6 * S)
    assert found.tolist() == [[[1.0, 1.0]]]


def test_it_holds_no_more_than_a_window() -> None:
    stream = EdgeFeatures(50, START, 60.0, 1.0)
    numbers = np.arange(50, dtype=np.int32)
    for second in range(1, 400):
        stream.push(numbers, np.full(50, START + second * S), np.ones(50), START + second * S)
    assert len(stream._values) == 59 * 50, "the next window begins a step later"
