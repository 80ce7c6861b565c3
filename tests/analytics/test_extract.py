"""ExtractFeatures: what its arguments mean, and what it answers."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pytest

from analytics import extract
from analytics.arguments import Context, Job, Signal
from analytics.catalog import CATALOG
from analytics.errors import BAD_NO_MATCH, BAD_OUT_OF_RANGE, BAD_TYPE_MISMATCH, ArgumentError
from analytics.extract import EXTRACT_FEATURES
from analytics.features import EDGE
from analytics.series import TICKS_PER_SECOND, Series

S = TICKS_PER_SECOND
NOW = 134_000_000_000_000_000
CONTEXT = Context(("Flow", "Motor/Temperature"), NOW)


def ramp(seconds: int) -> Series:
    """One value a second up to NOW: 0, 1, 2, ..."""
    return Series(NOW + np.arange(1 - seconds, 1) * S, np.arange(float(seconds)), np.zeros(seconds, np.uint32))


def call(series: dict[str, Series], *arguments: object) -> extract.Results:
    job = EXTRACT_FEATURES.plan(arguments, Context(tuple(series), NOW))
    chosen = {name: series[name] for name in job.signals}
    return extract.run(**job.keywords(chosen))  # type: ignore[arg-type]


def test_an_argument_for_each_parameter_and_a_result_for_each_output() -> None:
    assert CATALOG["ExtractFeatures"] is EXTRACT_FEATURES
    assert [a.name for a in EXTRACT_FEATURES.arguments] == ["Signals", "Start", "End", "Window", "Step", "FeatureSet"]
    assert len(call({"Flow": ramp(3)}, [], None, None, 0.0, 0.0, "")) == len(EXTRACT_FEATURES.own) + 2


def test_no_signals_mean_all_of_the_twin() -> None:
    assert EXTRACT_FEATURES.plan(([], None, None, 0.0, 0.0, "Edge"), CONTEXT).signals == CONTEXT.signals
    assert EXTRACT_FEATURES.plan((None, None, None, 0.0, 0.0, "Edge"), CONTEXT).signals == CONTEXT.signals


def test_null_times_mean_the_whole_memory_until_now() -> None:
    job = EXTRACT_FEATURES.plan((["Flow"], datetime(1601, 1, 1, tzinfo=UTC), None, 0.0, 0.0, "Edge"), CONTEXT)
    assert (job.start_ticks, job.end_ticks) == (None, NOW)


def test_a_datetime_is_utc() -> None:
    begin = datetime(2025, 8, 1, 12, 0, 0, 250_000)
    job = EXTRACT_FEATURES.plan((["Flow"], begin, None, 0.0, 0.0, "Edge"), CONTEXT)
    assert job.start_ticks == 133_985_232_002_500_000


@pytest.mark.parametrize(
    ("arguments", "index", "status", "words"),
    [
        ((["Flux"], None, None, 0.0, 0.0, "Edge"), 0, BAD_NO_MATCH, 'no numeric signal "Flux"; it has Flow'),
        ((["x/Temperature"], None, None, 0.0, 0.0, "Edge"), 0, BAD_NO_MATCH, "it has Motor/Temperature"),
        (("Flow", None, None, 0.0, 0.0, "Edge"), 0, BAD_TYPE_MISMATCH, "array of text"),
        ((["Flow"], "now", None, 0.0, 0.0, "Edge"), 1, BAD_TYPE_MISMATCH, "DateTime"),
        ((["Flow"], NOW, NOW - S, 0.0, 0.0, "Edge"), 2, BAD_OUT_OF_RANGE, "End is not later than Start"),
        ((["Flow"], NOW - S, None, 2.0, 0.0, "Edge"), 3, BAD_OUT_OF_RANGE, "there are only 1 s"),
        ((["Flow"], None, None, -1.0, 0.0, "Edge"), 3, BAD_OUT_OF_RANGE, "Window is -1 s"),
        ((["Flow"], None, None, float("nan"), 0.0, "Edge"), 3, BAD_OUT_OF_RANGE, "Window"),
        ((["Flow"], None, None, 0.0, 1e-9, "Edge"), 4, BAD_OUT_OF_RANGE, "Step"),
        ((["Flow"], None, None, 0.0, True, "Edge"), 4, BAD_TYPE_MISMATCH, "number of seconds"),
        ((["Flow"], None, None, 0.0, 0.0, 3), 5, BAD_TYPE_MISMATCH, "FeatureSet"),
    ],
)
def test_a_wrong_argument_is_named(arguments: tuple[object, ...], index: int, status: int, words: str) -> None:
    with pytest.raises(ArgumentError, match=words) as caught:
        EXTRACT_FEATURES.plan(arguments, CONTEXT)
    assert (caught.value.index, caught.value.status) == (index, status)


def test_windows_follow_one_another_and_values_are_row_by_row() -> None:
    names, times, values, valid, reason = call(
        {"Flow": ramp(100), "Motor/Temperature": ramp(100)}, [], NOW - 40 * S, None, 10.0, 0.0, "mean,length"
    )
    assert names == ["Flow__mean", "Flow__length", "Motor/Temperature__mean", "Motor/Temperature__length"]
    assert ((times - NOW) // S).tolist() == [-30, -20, -10, 0]
    assert values.reshape(4, 4).tolist() == [[mean, 10.0, mean, 10.0] for mean in (64.5, 74.5, 84.5, 94.5)]
    assert (valid, reason) == (True, "")


def test_windows_may_overlap() -> None:
    _, times, values, *_ = call({"Flow": ramp(100)}, [], NOW - 40 * S, None, 10.0, 5.0, "last")
    assert len(times) == 7
    assert values.tolist() == [69.0, 74.0, 79.0, 84.0, 89.0, 94.0, 99.0]


def test_window_0_is_one_window_of_all() -> None:
    names, times, values, *_ = call({"Flow": ramp(50)}, [], None, None, 0.0, 0.0, "Edge")
    assert names == [f"Flow__{feature}" for feature in EDGE]
    assert times.tolist() == [NOW]
    assert values[names.index("Flow__length")] == 50.0


def test_nothing_to_compute_from_is_not_valid_and_says_why() -> None:
    assert call({"Flow": Series.empty()}, [], None, None, 0.0, 0.0, "Edge")[3:] == (
        False,
        "none of the signals has a value in that time",
    )


def test_a_window_longer_than_the_memory_is_not_valid_and_says_why() -> None:
    assert call({"Flow": ramp(5)}, [], None, None, 60.0, 0.0, "Edge")[3:] == (
        False,
        "a window is 60 s, and the memory holds only the last 4.0 s",
    )


def test_a_silent_signal_is_named_beside_the_others() -> None:
    bad = Series(ramp(9).ticks, np.full(9, np.nan), np.full(9, 0x80310000, np.uint32))
    _, _, values, valid, reason = call({"Flow": ramp(9), "Dead": bad}, [], None, None, 0.0, 0.0, "mean")
    assert values[0] == 4.0
    assert np.isnan(values[1])
    assert (valid, reason) == (True, "no value in that time: Dead")


@pytest.mark.parametrize("features", ["mean,,minimum", "mean,mean", ","])
def test_a_list_of_features_with_a_hole_is_wrong(features: str) -> None:
    with pytest.raises(ArgumentError, match="twice or has an empty name"):
        call({"Flow": ramp(9)}, [], None, None, 0.0, 0.0, features)


def test_an_unknown_feature_is_refused_before_a_worker_is_asked() -> None:
    with pytest.raises(ArgumentError, match='"meen" is no feature') as caught:
        EXTRACT_FEATURES.plan(([], None, None, 0.0, 0.0, "mean, meen"), CONTEXT)
    assert (caught.value.index, caught.value.status) == (5, BAD_OUT_OF_RANGE)


@pytest.mark.parametrize(
    ("features", "long"),
    [("", False), ("mean,last", False), ("mean,benford_correlation", True), ("Minimal", True), ("Comprehensive", True)],
)
def test_what_tsfresh_computes_becomes_a_job_at_once(features: str, long: bool) -> None:
    job = EXTRACT_FEATURES.plan(([], None, None, 0.0, 0.0, features), CONTEXT)
    assert isinstance(job, Job)
    assert job.long == long


def test_quick_features_of_a_long_time_are_a_job_that_tells_its_progress() -> None:
    about = {name: Signal(period_s=1.0) for name in CONTEXT.signals}
    context = Context(CONTEXT.signals, NOW, about)
    day, minute = NOW - 2 * 86_400 * S, NOW - 60 * S
    assert EXTRACT_FEATURES.plan(([], day, None, 0.0, 0.0, ""), context).long
    assert EXTRACT_FEATURES.plan(([], NOW - 20_000 * S, None, 60.0, 1.0, ""), context).long
    assert not EXTRACT_FEATURES.plan(([], minute, None, 10.0, 1.0, ""), context).long
    told: list[float] = []
    extract.run({"Flow": ramp(600)}, NOW - 599 * S, NOW, 60.0, 1.0, "Edge", progress=told.append)
    assert told[-1] >= 1.0


def test_more_values_than_a_client_could_take_are_refused() -> None:
    with pytest.raises(ArgumentError, match="windows would give") as caught:
        call({"Flow": ramp(200)}, [], NOW - 199 * S, None, 0.001, 0.001, "Edge")
    assert caught.value.index == 4


def test_the_server_never_loads_the_heavy_libraries() -> None:
    code = (
        "import sys, analytics.catalog, analytics.worker, analytics.jobs, server.history.recent\n"
        "print([name for name in ('tsfresh', 'sklearn', 'pandas', 'scipy') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
