"""What a request may ask: directions, rests, one interval, wrong input, other data types, and how fast it must be."""

from __future__ import annotations

import time

import numpy as np
import pytest

from analytics.aggregates import (
    AGGREGATES,
    Aggregate,
    AggregateConfiguration,
    ResultType,
    find,
    interval_count,
    processed,
    reach,
)
from analytics.series import TICKS_PER_SECOND, Series

SECOND = TICKS_PER_SECOND
CALCULATED, INTERPOLATED, PARTIAL = 0x401, 0x402, 0x404
BAD, BAD_NO_DATA = 0x8000_0000, 0x809B_0000


def series_of(*rows: tuple[float, float]) -> Series:
    seconds, values = zip(*rows, strict=True)
    ticks = np.array([round(second * SECOND) for second in seconds], np.int64)
    return Series(ticks, np.array(values, np.float64), np.zeros(len(rows), np.uint32))


RAMP = series_of(*((second, second) for second in range(0, 31, 5)))


def test_intervals_leave_out_their_end_and_backwards_their_earlier_edge() -> None:
    """Part 13, 5.4.2.2, Table 12: [Start, End), and (End, Start] where Start is later."""
    forward = processed("Count", RAMP, 10 * SECOND, 20 * SECOND, 5 * SECOND)
    assert (forward.ticks // SECOND).tolist() == [10, 15]
    assert processed("Start", RAMP, 10 * SECOND, 20 * SECOND, 5 * SECOND).values.tolist() == [10, 15]
    backward = processed("Start", RAMP, 20 * SECOND, 10 * SECOND, 5 * SECOND)
    assert backward.values.tolist() == [20, 15]
    starts = processed("Interpolative", RAMP, 20 * SECOND, 8 * SECOND, 6 * SECOND)
    assert (starts.ticks // SECOND).tolist() == [20, 14]
    assert starts.values.tolist() == [20, 14]
    assert starts.status.tolist() == [0, INTERPOLATED]


def test_backwards_the_start_bound_is_the_later_one_and_the_end_is_one_unit_of_time_inside() -> None:
    """Part 13, 3.1.3: EffectiveEndTime is immediately after endTime where time flows backwards."""
    arguments = (RAMP, 18 * SECOND, 12 * SECOND, 0)
    assert processed("StartBound", *arguments).values.tolist() == [18]
    assert processed("EndBound", *arguments).values.tolist() == [12]
    assert processed("DeltaBounds", *arguments).values.tolist() == [-6]
    least = processed("MinimumActualTime2", *arguments)
    assert (least.ticks.tolist(), least.values.tolist()) == ([12 * SECOND + SECOND // 1000], [12])
    assert processed("MaximumActualTime2", *arguments).ticks.tolist() == [18 * SECOND]


def test_the_rest_that_the_interval_leaves_over_is_the_last_interval_and_partial() -> None:
    """Part 13, 5.4.2.2 and 5.3.3.2, third example."""
    forward = processed("Count", RAMP, 0, 25 * SECOND, 10 * SECOND)
    assert forward.values.tolist() == [2, 2, 1]
    assert forward.status.tolist() == [CALCULATED, CALCULATED, CALCULATED | PARTIAL]
    backward = processed("Count", RAMP, 25 * SECOND, 0, 10 * SECOND)
    assert (backward.ticks // SECOND).tolist() == [25, 15, 5]
    assert backward.status.tolist() == [CALCULATED, CALCULATED, CALCULATED | PARTIAL]
    assert processed("PercentGood", RAMP, 0, 25 * SECOND, 10 * SECOND).values.tolist() == [100, 100, 100]


@pytest.mark.parametrize(("interval_s", "bits"), [(0, CALCULATED), (25, CALCULATED), (1000, CALCULATED | PARTIAL)])
def test_no_interval_or_one_beyond_the_range_gives_one_result(interval_s: int, bits: int) -> None:
    """Part 13, 5.4.2.2: Int = 0 or Int >= Range. One that is shorter than asked for is not complete (5.3.3.2), however
    a longer answer was cut to pages."""
    result = processed("Count", RAMP, 0, 25 * SECOND, interval_s * SECOND)
    assert (result.ticks.tolist(), result.values.tolist(), result.status.tolist()) == ([0], [5], [bits])
    assert interval_count(0, 25 * SECOND, interval_s * SECOND) == 1


def test_intervals_are_counted_before_they_are_made() -> None:
    assert interval_count(0, 25 * SECOND, 10 * SECOND) == interval_count(25 * SECOND, 0, 10 * SECOND) == 3
    assert interval_count(0, 86_400 * SECOND, 60 * SECOND) == 1440


def test_what_cannot_be_answered_is_refused_with_the_status_code_in_the_message() -> None:
    with pytest.raises(ValueError, match="Bad_AggregateNotSupported"):
        processed("AnnotationCount", RAMP, 0, SECOND, 0)
    with pytest.raises(ValueError, match="Bad_InvalidArgument"):
        processed("Average", RAMP, SECOND, SECOND, 0)
    with pytest.raises(ValueError, match="Bad_AggregateInvalidInputs"):
        processed("Average", RAMP, 0, SECOND, 0, AggregateConfiguration(percent_data_bad=40, percent_data_good=50))


def test_the_defaults_of_the_configuration_are_those_of_the_standard() -> None:
    """Part 13, 4.2.1.2."""
    assert AggregateConfiguration() == AggregateConfiguration(True, 100, 100, False)
    assert not AggregateConfiguration(percent_data_good=101).valid


@pytest.mark.parametrize("name", [aggregate.name for aggregate in AGGREGATES])
def test_without_any_value_there_is_bad_no_data_for_every_interval(name: str) -> None:
    for series in (
        Series.empty(),
        Series(np.zeros(1, np.int64), np.full(1, np.nan), np.array([BAD_NO_DATA], np.uint32)),
    ):
        result = processed(name, series, 0, 10 * SECOND, 5 * SECOND)
        assert np.isnan(result.values).all()
        assert result.status.tolist() == [BAD_NO_DATA] * 2


def test_a_number_that_is_not_finite_counts_as_bad_but_text_has_a_count_and_a_quality() -> None:
    nan = series_of((0, 1), (1, np.nan), (2, np.inf), (3, 3))
    average = processed("Average", nan, 0, 5 * SECOND, 0)
    assert (average.values.tolist(), average.status.tolist()) == ([2], [0x40A4_0000 | CALCULATED])
    for aggregate in AGGREGATES:
        wild = series_of((0, 1e308), (1, -np.inf), (2, np.inf), (3, 1e308), (4, np.nan))
        assert len(processed(aggregate.name, wild, 0, 5 * SECOND, SECOND)) == 5
    text = Series(nan.ticks, np.full(4, np.nan), nan.status)
    assert processed("Count", text, 0, 4 * SECOND, 0).values.tolist() == [4]
    assert processed("DurationGood", text, 0, 2 * SECOND, 0).values.tolist() == [2000]
    assert processed("End", text, 0, 4 * SECOND, 0).picked.tolist() == [3]
    assert processed("StartBound", text, SECOND // 2, 4 * SECOND, SECOND, stepped=True).picked.tolist() == [0, 1, 2, -1]


def test_an_interval_without_values_inside_the_data_counts_none_and_has_no_mean() -> None:
    """Part 13, 5.4.3.21: the count is zero; 5.4.3.2: Bad_NoData where the result is of the type of the data."""
    arguments = (RAMP, SECOND, 9 * SECOND, 2 * SECOND)
    for name in ("Count", "NumberOfTransitions"):
        found = processed(name, *arguments)
        assert (found.values.tolist(), found.status.tolist()) == ([0, 0, 1, 0], [CALCULATED] * 4)
    assert processed("Minimum", *arguments).status.tolist() == [BAD_NO_DATA, BAD_NO_DATA, 0, BAD_NO_DATA]


@pytest.mark.parametrize(
    ("bads", "good", "bad", "status"),
    [
        (4, 60, 50, 0),
        (5, 60, 60, 0x40A4_0000),
        (6, 60, 60, BAD),
        (5, 50, 50, 0),
        (6, 50, 50, 0x40A4_0000),
        (10, 50, 50, BAD),
    ],
)
def test_the_percentages_decide_and_that_of_good_alone_where_they_add_up_to_100(
    bads: int, good: int, bad: int, status: int
) -> None:
    """Part 13, 5.4.3.2.1 and 4.2.1.2."""
    series = Series(np.arange(10) * SECOND, np.ones(10), np.array([BAD] * bads + [0] * (10 - bads), np.uint32))
    config = AggregateConfiguration(percent_data_bad=bad, percent_data_good=good)
    result = processed("Count", series, 0, 10 * SECOND, 0, config)
    assert result.status[0] & 0xFFFF_0000 == status
    assert np.isnan(result.values[0]) == (status == BAD)


def test_values_taken_as_they_are_name_their_place_so_that_an_int64_keeps_its_digits() -> None:
    series = series_of((0, 7), (1, 2.0**60), (2, 9))
    largest = processed("Maximum", series, 0, 3 * SECOND, 0)
    assert largest.picked.tolist() == [1]
    mark = Series(np.array([0]), np.array([np.nan]), np.array([BAD_NO_DATA], np.uint32))
    shifted = Series(*(np.concatenate(pair) for pair in zip(_columns(mark), _columns(series), strict=True)))
    assert processed("Maximum", shifted, 0, 3 * SECOND, 0).picked.tolist() == [2]
    assert processed("Average", series, 0, 3 * SECOND, 0).picked.tolist() == [-1]


def _columns(series: Series) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return series.ticks, series.values, series.status


def test_of_several_values_at_one_time_the_last_is_the_bound() -> None:
    """Part 11 allows several values at one time."""
    twice = series_of((0, 1), (5, 2), (5, 3), (10, 4))
    assert processed("StartBound", twice, 5 * SECOND, 10 * SECOND, 0).values.tolist() == [3]
    assert processed("Interpolative", twice, 5 * SECOND, 10 * SECOND, 0).values.tolist() == [3]
    assert processed("Count", twice, 5 * SECOND, 10 * SECOND, 0).values.tolist() == [2]
    assert processed("TimeAverage2", twice, 0, 10 * SECOND, 5 * SECOND).values.tolist() == [2, 3.5]


def test_interpolated_bounds_reach_one_processing_interval_beyond_the_range() -> None:
    """Part 13, 3.1.8: the Server should search at least the size of the ProcessingInterval."""
    searching, content = find("TimeAverage"), find("TimeAverage2")
    assert searching is not None
    assert content is not None
    assert reach(searching, 100, 200, 10) == reach(searching, 200, 100, 10) == (90, 210)
    assert reach(searching, 100, 200, 0) == reach(searching, 100, 200, 5000) == (0, 300)
    assert reach(content, 200, 100, 10) == (100, 200)


@pytest.mark.parametrize("aggregate", AGGREGATES, ids=lambda aggregate: aggregate.name)
def test_what_reach_leaves_out_changes_nothing(aggregate: Aggregate) -> None:
    """Bad values lie around both ends of the range; an aggregate that does not search looks at the next ones only."""
    seconds, status = np.arange(0, 40), np.zeros(40, np.uint32)
    status[[8, 9, 14, 30, 31]] = BAD
    series = Series(seconds * SECOND, np.sin(seconds), status)
    for start, end in ((10, 30), (30, 10)):
        low, high = reach(aggregate, start * SECOND, end * SECOND, 5 * SECOND)
        first, last = np.searchsorted(series.ticks, low) - 1, np.searchsorted(series.ticks, high, "right")
        part = Series(*(column[first : last + 1] for column in _columns(series)))
        whole, some = (
            processed(aggregate.name, one, start * SECOND, end * SECOND, 5 * SECOND) for one in (series, part)
        )
        assert np.array_equal(whole.values, some.values, equal_nan=True)
        assert (whole.status == some.status).all()


def test_the_catalog_names_each_aggregate_once_by_name_and_node_id() -> None:
    assert len({aggregate.name for aggregate in AGGREGATES}) == len({item.node_id for item in AGGREGATES}) == 36
    average, count = find("Average"), find(2352)
    assert average is not None
    assert (average.node_id, average.result) == (2342, ResultType.double)
    assert count is not None
    assert (count.name, count.result) == ("Count", ResultType.int32)
    assert find("AnnotationCount") is find(2351) is None


def test_node_ids_are_those_of_namespace_0() -> None:
    ua = pytest.importorskip("asyncua").ua
    for aggregate in AGGREGATES:
        assert getattr(ua.ObjectIds, f"AggregateFunction_{aggregate.name}") == aggregate.node_id


@pytest.mark.parametrize("name", ["Average", "TimeAverage", "TimeAverage2", "Range2", "StandardDeviationSample"])
def test_a_day_at_1_hz_in_minutes_takes_well_under_20_ms(name: str) -> None:
    count = 86_400
    ticks = np.arange(count, dtype=np.int64) * SECOND
    status = np.zeros(count, np.uint32)
    status[::997] = BAD
    series = Series(ticks, np.sin(np.arange(count) / 100), status)
    best = min(_seconds(name, series, count) for _ in range(7))
    assert best < 0.02


def _seconds(name: str, series: Series, count: int) -> float:
    begin = time.perf_counter()
    processed(name, series, 0, count * SECOND, 60 * SECOND)
    return time.perf_counter() - begin
