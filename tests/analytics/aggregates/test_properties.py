"""What must hold of any data: against a slow reference, and of the aggregates among each other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.aggregates import AGGREGATES, AggregateConfiguration, Processed, find, processed
from analytics.series import TICKS_PER_SECOND, Series

SECOND: Final = TICKS_PER_SECOND
GOOD, UNCERTAIN, BAD = 0x0, 0x4000_0000, 0x8000_0000
NAMES: Final = [aggregate.name for aggregate in AGGREGATES]
DIRECTED: Final = {"Interpolative", "StartBound", "EndBound", "DeltaBounds"}
some = settings(max_examples=150, deadline=None)
few = settings(max_examples=60, deadline=None)


@dataclass(frozen=True)
class Case:
    """A series and what is asked of it; times in seconds."""

    rows: list[tuple[float, float, int]]
    start: int
    step: int
    count: int
    config: AggregateConfiguration
    stepped: bool

    @property
    def series(self) -> Series:
        ticks = np.array([round(second * SECOND) for second, _, _ in self.rows], np.int64)
        values = np.array([np.nan if status == BAD else value for _, value, status in self.rows], np.float64)
        return Series(ticks, values, np.array([status for _, _, status in self.rows], np.uint32))

    @property
    def end(self) -> int:
        return self.start + self.step * self.count

    def compute(self, name: str, *, backward: bool = False) -> Processed:
        start, end = (self.end, self.start) if backward else (self.start, self.end)
        step = self.step * SECOND
        return processed(name, self.series, start * SECOND, end * SECOND, step, self.config, stepped=self.stepped)


configs = st.builds(
    AggregateConfiguration,
    st.booleans(),
    st.sampled_from([100, 50]),
    st.sampled_from([100, 75, 50]),
    st.booleans(),
).filter(lambda config: config.valid)


@st.composite
def cases(draw: st.DrawFn, *, off_edges: bool = False) -> Case:
    shift = 0.5 if off_edges else 0.0
    seconds = sorted(draw(st.lists(st.integers(0, 60), min_size=1, max_size=20, unique=True)))
    row = st.tuples(st.integers(-5, 5).map(float), st.sampled_from([GOOD, GOOD, UNCERTAIN, BAD]))
    rows = [(second + shift, *draw(row)) for second in seconds]
    start, step, count = draw(st.integers(-5, 50)), draw(st.integers(1, 20)), draw(st.integers(1, 6))
    return Case(rows, start, step, count, draw(configs), draw(st.booleans()))


def same(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.allclose(one, other, rtol=1e-9, atol=1e-9, equal_nan=True))


@few
@given(cases())
def test_each_interval_comes_out_as_it_does_alone(case: Case) -> None:
    for name in NAMES:
        together = case.compute(name)
        low = case.start * SECOND
        for index in range(case.count):
            ends = (low + index * case.step * SECOND, low + (index + 1) * case.step * SECOND)
            alone = processed(name, case.series, *ends, 0, case.config, stepped=case.stepped)
            assert same(alone.values, together.values[index : index + 1]), (name, index)
            assert (alone.ticks[0], alone.status[0]) == (together.ticks[index], together.status[index]), (name, index)


@few
@given(cases(off_edges=True))
def test_time_backwards_is_the_same_in_reverse_where_no_value_lies_on_an_edge(case: Case) -> None:
    for name in set(NAMES) - DIRECTED:
        forward, backward = case.compute(name), case.compute(name, backward=True)
        assert same(forward.values, backward.values[::-1]), name
        assert (forward.status == backward.status[::-1]).all(), name
    assert same(case.compute("StartBound").values, case.compute("EndBound", backward=True).values[::-1])
    assert same(-case.compute("DeltaBounds").values, case.compute("DeltaBounds", backward=True).values[::-1])


def line(case: Case, at: float) -> float | None:
    """The slow reference of interpolated bounds on sloped lines: the value at a time, None before the first one."""
    usable = usable_rows(case)
    before = [row for row in usable if row[0] <= at]
    after = [row for row in usable if row[0] > at]
    if not before:
        return None
    if not after:
        if not case.config.use_sloped_extrapolation or len(before) < 2:
            return before[-1][1]
        (t0, v0, _), (t1, v1, _) = before[-2:]
    else:
        (t0, v0, _), (t1, v1, _) = before[-1], after[0]
    return v0 + (v1 - v0) * (at - t0) / (t1 - t0)


def usable_rows(case: Case) -> list[tuple[float, float, int]]:
    worst = GOOD if case.config.treat_uncertain_as_bad else UNCERTAIN
    return [row for row in case.rows if row[2] <= worst]


@some
@given(cases())
def test_time_average_is_the_area_under_the_lines_and_total_is_it_times_its_time(case: Case) -> None:
    averages, totals = case.compute("TimeAverage"), case.compute("Total")
    first = min((row[0] for row in usable_rows(case)), default=None)
    for index in range(case.count):
        low, high = case.start + index * case.step, case.start + (index + 1) * case.step
        outside = high <= case.rows[0][0] or low > case.rows[-1][0]
        if first is None or outside or max(low, first) >= high:
            assert np.isnan(averages.values[index])
            continue
        low = max(low, int(first))
        steps = np.linspace(low, high, (high - low) * 2 + 1)
        area = np.trapezoid([line(case, second) for second in steps], steps)
        assert totals.values[index] == pytest.approx(area, abs=1e-9)
        assert averages.values[index] * (high - low) == pytest.approx(area, abs=1e-9)


def held(case: Case, at: float) -> tuple[float, int] | None:
    """The slow reference of stepped simple bounds: the value in force at a time and its severity."""
    before = [row for row in case.rows if row[0] <= at]
    if not before or at > case.rows[-1][0]:
        return None
    _, value, status = before[-1]
    return value, status >> 30


@some
@given(cases())
def test_stepped_time_weights_agree_with_a_loop_over_milliseconds(case: Case) -> None:
    case = replace(case, stepped=True)
    limit = 1 if case.config.treat_uncertain_as_bad else 2
    names = ("TimeAverage2", "Total2", "DurationGood", "DurationBad", "DurationInStateZero", "PercentGood")
    results = {name: case.compute(name) for name in names}
    for index in range(case.count):
        low, high = case.start + index * case.step, case.start + (index + 1) * case.step
        if high <= case.rows[0][0] or low > case.rows[-1][0]:
            assert np.isnan(results["DurationGood"].values[index])
            continue
        moments = [(second, 1.0 if second < case.rows[-1][0] else 0.001) for second in range(low, high)]
        known = [(held(case, second), lasts) for second, lasts in moments if second <= case.rows[-1][0]]
        good = sum(lasts for found, lasts in known if found and found[1] == 0)
        bad = sum(lasts for found, lasts in known if found is None or found[1] >= limit)
        zero = sum(lasts for found, lasts in known if found and found[1] == 0 and found[0] == 0)
        used = [(found[0], lasts) for found, lasts in known if found and found[1] < limit]
        assert results["DurationGood"].values[index] == pytest.approx(good * 1000)
        assert results["DurationBad"].values[index] == pytest.approx(bad * 1000)
        assert results["PercentGood"].values[index] == pytest.approx(good * 100 / sum(lasts for _, lasts in known))
        if not np.isnan(results["DurationInStateZero"].values[index]):
            assert results["DurationInStateZero"].values[index] == pytest.approx(zero * 1000)
        if not np.isnan(results["TimeAverage2"].values[index]):
            area, time = sum(value * lasts for value, lasts in used), sum(lasts for _, lasts in used)
            assert results["Total2"].values[index] == pytest.approx(area, abs=1e-9)
            assert results["TimeAverage2"].values[index] == pytest.approx(area / time, abs=1e-9)


@some
@given(cases())
def test_the_aggregates_of_raw_values_agree_with_each_other(case: Case) -> None:
    case = replace(case, config=replace(case.config, percent_data_bad=100, percent_data_good=100))
    result = {name: case.compute(name).values for name in NAMES}
    goods = [value for second, value, status in case.rows if status == GOOD and case.start <= second < case.end]
    assert np.nansum(result["Count"]) == len(goods)
    known = ~np.isnan(result["Average"])
    assert (result["Minimum"][known] <= result["Average"][known] + 1e-12).all()
    assert (result["Average"][known] <= result["Maximum"][known] + 1e-12).all()
    assert same(result["Range"], result["Maximum"] - result["Minimum"])
    assert same(result["Range2"], result["Maximum2"] - result["Minimum2"])
    assert same(result["MinimumActualTime"], result["Minimum"])
    assert same(result["MaximumActualTime2"], result["Maximum2"])
    assert same(result["StandardDeviationSample"] ** 2, result["VarianceSample"])
    assert (result["DurationGood"] + result["DurationBad"] <= case.step * 1000 + 1)[
        ~np.isnan(result["DurationGood"])
    ].all()


@few
@given(cases())
def test_a_result_that_was_picked_is_that_value_of_the_series(case: Case) -> None:
    for name in NAMES:
        result = case.compute(name)
        picked = result.picked >= 0
        assert same(case.series.values[result.picked[picked]], result.values[picked]), name
        assert np.isnan(result.values[result.status >= BAD]).all(), name
        assert not np.isnan(result.values[result.status < BAD]).any(), name
        aggregate = find(name)
        assert aggregate is not None
        assert aggregate is find(aggregate.node_id)
