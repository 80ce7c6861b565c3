"""CheckDataQuality finds what is wrong with data, in the words of the live flags, and nothing where nothing is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from analytics.arguments import Context, Job, Signal
from analytics.catalog import CATALOG
from analytics.errors import BAD_NO_MATCH, BAD_OUT_OF_RANGE, BAD_TYPE_MISMATCH, ArgumentError, NotAvailable
from analytics.jobs import JOBS
from analytics.quality_figures import FLAT_LINE, SPIKE, Figures, figures
from analytics.series import TICKS_PER_SECOND, Series
from server.alarms.data_quality import NAMES
from server.config.quality_settings import QualitySettings
from tests.simulators.stopwatch import Stopwatch

S = TICKS_PER_SECOND
NOW = 134_000_000_000_000_000
COUNT = 1000
ABOUT = Signal(range=(0.0, 100.0), period_s=1.0)
Floats = np.ndarray[Any, np.dtype[np.float64]]


def noise(seed: int = 1) -> Floats:
    return 50.0 + np.random.default_rng(seed).normal(size=COUNT)


def each_second(values: Floats) -> Series:
    return Series(NOW + np.arange(1 - len(values), 1) * S, values, np.zeros(len(values), np.uint32))


def seen(values: Floats, about: Signal = ABOUT) -> Figures:
    return figures(each_second(values), NOW - (len(values) - 1) * S, NOW, about)


def test_the_words_and_thresholds_are_those_of_the_live_flags() -> None:
    assert set(NAMES) == {"FlatLine", "Spike", "OutOfRange", "Gap"}
    usual = QualitySettings()
    assert (usual.flat_line, usual.spike) == (FLAT_LINE, SPIKE)


def test_normal_data_are_usable_and_have_no_problem() -> None:
    found = seen(noise())
    assert (found.readings, found.good, found.problems, found.why_not) == (COUNT, 1.0, (), "")
    assert (found.gaps, found.longest_gap_s, found.flat_s, found.spikes, found.outside) == (0, 0.0, 0.0, 0, 0.0)
    assert (found.interval_s, found.jitter_s) == (1.0, 0.0)


def test_a_value_that_sticks_is_a_flat_line_as_long_as_it_lasts() -> None:
    values = noise()
    values[400:500] = values[400]
    found = seen(values)
    assert (found.problems, found.flat_s, found.why_not) == (("FlatLine",), 99.0, "")
    values[300:] = values[300]
    assert seen(values).why_not == "it stands still for 70 % of the time"


@pytest.mark.parametrize("still", [0.0, 7.0])
def test_what_counts_or_stands_at_zero_may_stand_still(still: float) -> None:
    values = noise()
    values[400:900] = still
    assert seen(values, Signal(analog=still == 0.0)).flat_s == 0.0


def test_a_signal_that_usually_changes_seldom_may_stand_still_for_long() -> None:
    assert seen(np.repeat(noise()[:50], 20)).flat_s == 0.0


def test_a_constant_has_nothing_to_learn_from() -> None:
    found = seen(np.full(COUNT, 7.0))
    assert (found.flat_share, found.why_not) == (1.0, "it is 7 all the time")


def test_a_reading_far_off_that_comes_back_is_a_spike_and_a_step_is_none() -> None:
    values = noise()
    values[100] += 30.0
    values[600:] += 30.0
    found = seen(values)
    assert (found.problems, found.spikes, found.why_not) == (("Spike",), 1, "")


def test_values_beyond_the_range_are_told_and_too_many_make_it_unusable() -> None:
    values = noise()
    values[:100] += 80.0
    found = seen(values)
    assert found.outside == pytest.approx(0.1)
    assert found.problems == ("OutOfRange",)
    assert seen(noise() + 100.0).why_not.endswith("of the values are outside 0 to 100")
    assert np.isnan(seen(values, Signal()).outside)


def test_silence_in_the_middle_and_at_the_ends_is_a_gap() -> None:
    series = each_second(noise())
    kept = np.r_[50:400, 460:990]
    thin = Series(series.ticks[kept], series.values[kept], series.status[kept])
    found = figures(thin, int(series.ticks[0]), NOW, ABOUT)
    assert (found.gaps, found.longest_gap_s) == (3, 61.0)
    assert found.gap_share == pytest.approx((50 + 61 + 10) / 999)
    assert found.problems == ("Gap",)


def test_bad_readings_are_counted_and_are_no_measurements() -> None:
    values = noise()
    values[:600] = np.nan
    found = seen(values)
    assert found.good == 0.4
    assert found.gaps == 1
    assert found.why_not == "only 40 % of the readings are Good; no Good reading for 60 % of the time"
    assert seen(noise()[:10]).why_not == "only 10 Good readings, 20 are needed"


def test_the_interval_is_the_median_and_the_jitter_half_of_what_90_percent_lie_in() -> None:
    gaps = np.tile([0.8, 1.0, 1.0, 1.2], 250)
    ticks = NOW + (np.cumsum(gaps) * S).astype(np.int64)
    found = figures(Series(ticks, noise(), np.zeros(COUNT, np.uint32)), NOW, int(ticks[-1]), ABOUT)
    assert (found.interval_s, found.jitter_s) == (1.0, pytest.approx(0.2))


def call(series: dict[str, Series], *arguments: object) -> dict[str, Any]:
    function = CATALOG["CheckDataQuality"]
    assert function.plan is not None
    job = function.plan(arguments, Context(tuple(series), NOW, dict.fromkeys(series, ABOUT)))
    assert isinstance(job, Job)
    results = JOBS[job.function](**job.keywords({name: series[name] for name in job.signals}))
    names = [*(one.name for one in function.own), "Valid", "Reason"]
    return dict(zip(names, results, strict=True))


def test_each_signal_has_a_row_and_the_unusable_ones_are_counted() -> None:
    told = call({"Flow": each_second(noise()), "Dead": Series.empty()}, [], None, None)
    assert told["CheckedSignals"] == ["Flow", "Dead"]
    assert told["Usable"] == [True, False]
    assert told["WhyNot"] == ["", "no reading in that time"]
    assert told["Problems"] == ["Good", "Gap"]
    assert told["GoodFractions"].tolist() == [100.0, 0.0]
    assert (told["Valid"], told["Reason"]) == (True, "1 of 2 signals cannot be used: WhyNot says why")
    assert {len(column) for name, column in told.items() if name not in ("Valid", "Reason")} == {2}


def test_nothing_at_all_is_refused_with_the_reason() -> None:
    with pytest.raises(NotAvailable, match="none of the signals has a reading"):
        call({"Dead": Series.empty()}, [], None, None)


@pytest.mark.parametrize(
    ("arguments", "index", "status"),
    [
        ((["Flux"], None, None), 0, BAD_NO_MATCH),
        (("Flow", None, None), 0, BAD_TYPE_MISMATCH),
        (([], "now", None), 1, BAD_TYPE_MISMATCH),
        (([], NOW, NOW - S), 2, BAD_OUT_OF_RANGE),
    ],
)
def test_a_wrong_argument_is_named(arguments: tuple[object, ...], index: int, status: int) -> None:
    with pytest.raises(ArgumentError) as caught:
        call({"Flow": each_second(noise())}, *arguments)
    assert (caught.value.index, caught.value.status) == (index, status)


def test_a_million_readings_take_less_than_a_second() -> None:
    long = each_second(50.0 + np.random.default_rng(1).normal(size=1_000_000))
    watch = Stopwatch()
    figures(long, int(long.ticks[0]), NOW, ABOUT)
    assert watch.seconds < 1.0
