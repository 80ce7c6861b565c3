"""Reduction: what is not sent can be told from what is, within the bound."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.data_types import DataType, from_cells, to_cells
from drivers.readings import TICKS_PER_SECOND, Readings
from drivers.status import Status
from server.publish.reduced import Aspect, Keep, Plan, Reduced
from server.publish.reduction import Reduction

START = 133_000_000_000_000_000
DOUBLE = np.full(3, DataType.Double, np.uint8)
CELLS = np.zeros(3, np.bool_)
courses = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(1, 40),
        st.one_of(st.integers(-50, 50).map(float), st.floats(-1e3, 1e3)),
        st.sampled_from([Status.Good] * 8 + [Status.UncertainLastUsableValue, Status.BadTimeout]),
    ),
    min_size=1,
    max_size=80,
)


def batch(rows: list[int], seconds: list[float], values: list[float], status: list[int] | None = None) -> Readings:
    ticks = np.array([START + round(second * TICKS_PER_SECOND) for second in seconds], np.int64)
    codes = np.zeros(len(rows), np.uint32) if status is None else np.array(status, np.uint32)
    return Readings(np.array(rows, np.int32), to_cells(np.array(values), DataType.Double), codes, ticks)


def told(reduced: Reduced, row: int) -> list[tuple[float, float, int]]:
    """Second, value and status of what is sent of a row."""
    of = reduced.readings
    mine = np.flatnonzero(of.row == row)
    values = from_cells(of.value[mine], DataType.Double)
    seconds = (of.source_ticks[mine] - START) / TICKS_PER_SECOND
    return list(zip(seconds.tolist(), values.tolist(), of.status[mine].tolist(), strict=True))


def run(plan: Plan, course: list[tuple[int, int, float, int]]) -> tuple[Readings, list[Reduced]]:
    """All readings of a course, and what a reduction makes of them in batches of seven, with what it held back."""
    clock, rows, seconds, values, codes = 0.0, [], [], [], []
    for row, later, value, status in course:
        clock += later / 8
        for column, one in zip((rows, seconds, values, codes), (row, clock, value, status), strict=True):
            column.append(one)
    reduction = Reduction(plan, DOUBLE, CELLS)
    parts = []
    for first in range(0, len(rows), 7):
        cut = slice(first, first + 7)
        parts.append(reduction.take(batch(rows[cut], seconds[cut], values[cut], codes[cut])))
    parts.append(reduction.flush(START, np.arange(3)))
    return batch(rows, seconds, values, codes), parts


@settings(deadline=None, max_examples=150)
@given(courses, st.floats(0, 30))
def test_with_a_deadband_the_last_value_sent_is_never_further_away_than_the_bound(
    course: list[tuple[int, int, float, int]], bound: float
) -> None:
    every, parts = run(Plan.uniform(3, Keep.change, bound), course)
    for row in range(3):
        sent = told(Reduced.concat(parts), row)
        for second, value, status in told(Reduced.values(every), row):
            last = [one for one in sent if one[0] <= second][-1]
            assert last[2] == status
            assert status >= Status.Bad or abs(last[1] - value) <= bound


@settings(deadline=None, max_examples=150)
@given(courses, st.floats(0.01, 30))
def test_with_a_swinging_door_no_reading_is_further_from_the_polyline_than_the_bound(
    course: list[tuple[int, int, float, int]], bound: float
) -> None:
    every, parts = run(Plan.uniform(3, Keep.door, bound), course)
    for row in range(3):
        sent = told(Reduced.concat(parts), row)
        for second, value, status in told(Reduced.values(every), row):
            exact = [one for one in sent if one[0] == second]
            before = [one for one in sent if one[0] < second]
            after = [one for one in sent if one[0] > second]
            if exact:
                assert exact[0][1:] == (value, status) or status >= Status.Bad
                continue
            assert before[-1][2] == status
            if status < Status.Bad:
                share = (second - before[-1][0]) / (after[0][0] - before[-1][0])
                drawn = before[-1][1] + share * (after[0][1] - before[-1][1])
                assert abs(drawn - value) <= bound * (1 + 1e-9)


@settings(deadline=None, max_examples=60)
@given(courses)
def test_every_change_of_quality_passes_whatever_the_method(course: list[tuple[int, int, float, int]]) -> None:
    for keep in (Keep.every, Keep.change, Keep.door, Keep.window):
        every, parts = run(Plan.uniform(3, keep, 1e6, period_ticks=10 * TICKS_PER_SECOND), course)
        reduced = Reduced.concat(parts)
        for row in range(3):
            own = Reduced(_at(reduced.readings, reduced.aspect == Aspect.value), reduced.aspect[reduced.aspect == 0])
            sent = {(second, status) for second, _, status in told(own, row)}
            course_of_row = told(Reduced.values(every), row)
            turns = [now for before, now in pairwise([(0.0, 0.0, -1), *course_of_row]) if before[2] != now[2]]
            assert {(second, status) for second, _, status in turns} <= sent


def _at(readings: Readings, which: np.ndarray) -> Readings:
    return Readings(readings.row[which], readings.value[which], readings.status[which], readings.source_ticks[which])


def test_a_straight_line_is_its_two_ends() -> None:
    reduction = Reduction(Plan.uniform(3, Keep.door, 0.1), DOUBLE, CELLS)
    ramp = batch([0] * 100, list(range(100)), [0.5 * second for second in range(100)])
    sent = [reduction.take(ramp), reduction.flush(START, np.arange(3))]
    assert told(Reduced.concat(sent), 0) == [(0, 0, 0), (99, 49.5, 0)]


def test_after_the_longest_interval_the_next_reading_goes_out_though_nothing_changed() -> None:
    plan = Plan.uniform(3, Keep.change, 1.0)
    plan.longest_ticks[:] = 10 * TICKS_PER_SECOND
    sent = Reduction(plan, DOUBLE, CELLS).take(batch([0] * 25, list(range(25)), [5.0] * 25))
    assert [second for second, _, _ in told(sent, 0)] == [0, 10, 20]


def test_within_the_shortest_interval_the_latest_change_waits_and_goes_out_when_it_is_over() -> None:
    plan = Plan.uniform(3, Keep.change, 1.0)
    plan.shortest_ticks[:] = 10 * TICKS_PER_SECOND
    reduction = Reduction(plan, DOUBLE, CELLS)
    assert told(reduction.take(batch([0, 0, 0], [0, 1, 2], [5.0, 50.0, 60.0])), 0) == [(0, 5, 0)]
    assert len(reduction.flush(START + 3 * TICKS_PER_SECOND)) == 0
    assert told(reduction.flush(START + 12 * TICKS_PER_SECOND), 0) == [(2, 60, 0)]


def test_a_held_corner_of_the_polyline_goes_out_after_the_longest_interval() -> None:
    plan = Plan.uniform(3, Keep.door, 1.0)
    plan.longest_ticks[:] = 60 * TICKS_PER_SECOND
    reduction = Reduction(plan, DOUBLE, CELLS)
    reduction.take(batch([0, 0], [0, 5], [1.0, 1.5]))
    assert told(reduction.flush(START + 60 * TICKS_PER_SECOND), 0) == [(5, 1.5, 0)]


def test_late_readings_pass_and_repeated_ones_do_not() -> None:
    reduction = Reduction(Plan.uniform(3, Keep.change, 1.0), DOUBLE, CELLS)
    reduction.take(batch([0, 0], [10, 20], [1.0, 9.0]))
    assert told(reduction.take(batch([0, 0], [20, 5], [9.0, 3.0])), 0) == [(5, 3, 0)]
    assert len(reduction.take(batch([0], [21], [9.5]))) == 0  # compared with what was sent last, not with the late one


def test_not_a_number_is_told_once_and_the_number_after_it_again() -> None:
    for keep in (Keep.change, Keep.door):
        reduction = Reduction(Plan.uniform(3, keep, 1.0), DOUBLE, CELLS)
        nan = float("nan")
        sent = told(reduction.take(batch([0] * 5, [0, 1, 2, 3, 4], [1.0, nan, nan, 1.0, 1.1])), 0)
        assert [second for second, _, _ in sent] == [0, 1, 3]


def test_text_passes_when_it_has_changed() -> None:
    reduction = Reduction(Plan.uniform(1, Keep.change), np.array([DataType.String], np.uint8), np.ones(1, np.bool_))
    zero = np.zeros(4, np.int32)
    ticks = START + np.arange(4, dtype=np.int64)
    texts = Readings(zero, zero.astype(np.uint64), zero.astype(np.uint32), ticks, {0: "a", 1: "b", 2: "b", 3: "a"})
    assert list(reduction.take(texts).readings.side.values()) == ["a", "b", "a"]


def test_a_period_is_told_by_its_figures() -> None:
    plan = Plan.uniform(3, Keep.window, period_ticks=10 * TICKS_PER_SECOND)
    reduction = Reduction(plan, DOUBLE, CELLS)
    seconds = [float(second) for second in range(20)]
    sent = reduction.take(batch([0] * 20, seconds, seconds))
    by_aspect = {
        Aspect(int(aspect)): told(Reduced(_at(sent.readings, sent.aspect == aspect), sent.aspect[:0]), 0)
        for aspect in np.unique(sent.aspect)
    }
    assert by_aspect[Aspect.value] == [(0, 0, 0)]  # the first reading passes
    assert {aspect.name: figures[0][:2] for aspect, figures in by_aspect.items() if aspect} == {
        "mean": (0, 4.5), "minimum": (0, 0), "maximum": (0, 9), "last": (0, 9), "count": (0, 10),
    }  # fmt: skip
    over = reduction.flush(START + 21 * TICKS_PER_SECOND)
    assert told(Reduced(_at(over.readings, over.aspect == Aspect.mean), over.aspect[:0]), 0) == [(10, 14.5, 0)]


@pytest.mark.parametrize("codes", [[Status.Good, Status.BadTimeout, Status.BadTimeout]])
def test_bad_readings_count_for_nothing_but_the_status_of_their_period(codes: list[int]) -> None:
    reduction = Reduction(Plan.uniform(3, Keep.window, period_ticks=10 * TICKS_PER_SECOND), DOUBLE, CELLS)
    reduction.take(batch([0, 0, 0], [0, 5, 15], [4.0, 0.0, 0.0], [int(code) for code in codes]))
    over = reduction.flush(START + 30 * TICKS_PER_SECOND)
    mean = told(Reduced(_at(over.readings, over.aspect == Aspect.mean), over.aspect[:0]), 0)
    count = told(Reduced(_at(over.readings, over.aspect == Aspect.count), over.aspect[:0]), 0)
    assert [(second, status) for second, _, status in mean] == [(10, Status.BadNoData)]
    assert count == [(10, 0, Status.Good)]
