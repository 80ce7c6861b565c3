"""DetectChangePoints: levels that changed are found, noise however slow is not, and what is wrong is told."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from analytics import change_points
from analytics.arguments import Context, Job
from analytics.change_points import DETECT_CHANGE_POINTS, TOGETHER, changes
from analytics.errors import BAD_NO_MATCH, BAD_OUT_OF_RANGE, BAD_TYPE_MISMATCH, ArgumentError, NotAvailable
from analytics.series import TICKS_PER_SECOND
from tests.simulators.courses import NOW, Columns, as_series

S = TICKS_PER_SECOND


def noise(count: int, memory: float = 0.0, seed: int = 0) -> np.ndarray:
    """Autoregressive noise of standard deviation 1."""
    generator = np.random.default_rng(seed)
    values = generator.normal(size=count)
    for at in range(1, count):
        values[at] = memory * values[at - 1] + np.sqrt(1 - memory**2) * values[at]
    return values


def call(columns: Columns, *arguments: object) -> dict[str, object]:
    job = DETECT_CHANGE_POINTS.plan(arguments, Context(tuple(columns), NOW))  # type: ignore[misc]
    assert isinstance(job, Job)
    results = change_points.run(**job.keywords(as_series(columns)))  # type: ignore[arg-type]
    names = [one.name for one in DETECT_CHANGE_POINTS.own]
    return dict(zip([*names, "Valid", "Reason"], results, strict=True))


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9])
def test_noise_has_no_change_points(memory: float) -> None:
    assert [changes(noise(1500, memory, seed), 5) for seed in range(5)] == [[]] * 5


@pytest.mark.parametrize("memory", [0.0, 0.5])
def test_shifts_are_found_where_they_are_and_as_large_as_they_are(memory: float) -> None:
    values = 50.0 + 2.0 * noise(1500, memory)
    values[500:] += 8.0
    values[1100:] -= 5.0
    first, second = changes(values, 5)
    assert abs(first.row - 500) <= 2
    assert abs(second.row - 1100) <= 4
    assert (first.before, first.after) == pytest.approx((50.0, 58.0), abs=0.8)
    assert first.size == pytest.approx(4.0, rel=0.15)
    assert min(first.confidence, second.confidence) > 0.99


def test_a_switch_without_noise_is_found() -> None:
    values = np.repeat([0.0, 1.0], 50)
    ((row, before, after),) = [(one.row, one.before, one.after) for one in changes(values, 5)]
    assert (row, before, after) == (50, 0.0, 1.0)
    assert changes(np.ones(100), 5) == []


@pytest.mark.parametrize(("factor", "offset"), [(1e-3, 0.0), (60.0, -273.15), (-1.0, 0.0)])
def test_units_change_neither_time_nor_size(factor: float, offset: float) -> None:
    values = noise(800)
    values[300:] += 3.0
    (plain,), (other,) = changes(values, 5), changes(factor * values + offset, 5)
    assert other.row == plain.row
    assert other.size == pytest.approx(plain.size, rel=1e-6)


def test_small_shifts_of_many_signals_are_found_together() -> None:
    values = np.stack([noise(400, seed=seed) for seed in range(30)], axis=1)
    values[200:] += 0.55
    together = changes(values, 5)
    assert [abs(one.row - 200) <= 10 for one in together] == [True]
    assert sum(bool(changes(values[:, at], 5)) for at in range(30)) < 30
    assert np.isnan(together[0].before)


def test_changes_come_in_time_order_with_signal_and_levels() -> None:
    columns = {"Flow": 80.0 + noise(1800, 0.3, 1), "Pressure": 5.0 + 0.1 * noise(1800, 0.3, 2)}
    columns["Flow"][1200:] -= 10.0
    columns["Pressure"][600:] += 1.0
    found = call(columns, [], None, None, 0.0)
    assert found["ChangedSignals"] == ["Pressure", TOGETHER, "Flow", TOGETHER]
    after_s = (np.array(found["Times"]) - (NOW - 1799 * S)) / S
    assert after_s == pytest.approx([600, 600, 1200, 1200], abs=3)
    assert (found["Before"][0], found["After"][0]) == pytest.approx((5.0, 6.0), abs=0.05)  # type: ignore[index]
    assert (found["Valid"], found["Reason"]) == (True, "")


def test_a_long_past_is_averaged_to_rows_and_changes_keep_their_time() -> None:
    values = noise(20_000, 0.5)
    values[12_000:] += 4.0
    found = call({"Flow": values}, ["Flow"], None, None, 0.0)
    (time,) = found["Times"]  # type: ignore[misc]
    assert abs((time - (NOW - 19_999 * S)) / S - 12_000) <= 20


def test_two_changes_are_at_least_a_segment_apart() -> None:
    values = noise(600) * 0.1
    values[300:320] += 5.0
    assert len(call({"A": values}, [], None, None, 10.0)["Times"]) == 2  # type: ignore[arg-type]
    assert len(call({"A": values}, [], None, None, 100.0)["Times"]) < 2  # type: ignore[arg-type]


def test_bad_values_are_passed_over_and_a_silent_signal_is_named() -> None:
    columns = {"Flow": noise(600), "Dead": np.full(600, np.nan)}
    columns["Flow"][300:] += 5.0
    columns["Flow"][100:200] = np.nan
    found = call(columns, [], None, None, 0.0)
    assert found["ChangedSignals"] == ["Flow"]
    assert (found["Times"][0] - (NOW - 599 * S)) / S == pytest.approx(300, abs=2)  # type: ignore[index]
    assert found["Reason"] == "left out, for more than half of their values are missing: Dead"


def test_too_few_values_are_refused() -> None:
    with pytest.raises(NotAvailable, match="there are 10 values, a level and its change need 20"):
        call({"A": noise(10)}, [], None, None, 0.0)
    with pytest.raises(NotAvailable, match="without values: A"):
        call({"A": np.full(100, np.nan)}, [], None, None, 0.0)
    with pytest.raises(NotAvailable, match="none of the signals has a value"):
        call({"A": noise(0)}, [], None, None, 0.0)


@pytest.mark.parametrize(
    ("arguments", "index", "status", "words"),
    [
        ((["Flux"], None, None, 0.0), 0, BAD_NO_MATCH, 'no numeric signal "Flux"'),
        (([], NOW, NOW - S, 0.0), 2, BAD_OUT_OF_RANGE, "End is not later"),
        (([], None, None, -1.0), 3, BAD_OUT_OF_RANGE, "MinSegment is -1 s"),
        (([], None, None, float("nan")), 3, BAD_OUT_OF_RANGE, "MinSegment is nan"),
        (([], None, None, "1 h"), 3, BAD_TYPE_MISMATCH, "number of seconds"),
        (([], NOW - 60 * S, NOW, 40.0), 3, BAD_OUT_OF_RANGE, "two segments of 40 s do not fit into 60 s"),
    ],
)
def test_a_wrong_argument_is_named(arguments: Sequence[object], index: int, status: int, words: str) -> None:
    with pytest.raises(ArgumentError, match=words) as caught:
        DETECT_CHANGE_POINTS.plan(arguments, Context(("Flow",), NOW))  # type: ignore[misc]
    assert (caught.value.index, caught.value.status) == (index, status)
