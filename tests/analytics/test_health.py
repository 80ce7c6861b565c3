"""GetHealth: what takes health away, how it is rolled up, how it changes, and for many twins at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics import health
from analytics.arguments import NO_LIMITS, Answer, Context, Job, Limits, Part, Signal
from analytics.errors import NotAvailable
from analytics.health_index import Layout
from analytics.health_index import health as judge
from analytics.series import TICKS_PER_SECOND, Series
from tests.simulators.stopwatch import Stopwatch

NOW = 134_000_000_000_000_000
NONE = float("inf")
VIBRATION = Signal("C16", (0.0, 20.0), limits=(-NONE, -NONE, 4.5, 7.1))
LEVEL = Signal("P1", (0.0, 100.0), limits=(10.0, 20.0, 80.0, 90.0))
SPEED = Signal("RPM", (0.0, 3000.0))


def index(signal: Signal, value: float) -> float:
    nothing = np.full((1, 1), np.nan)
    return float(judge(Layout.of([signal], [0], [-1], ["asset"]), np.array([[value]]), nothing, nothing).whole[0, 0])


@pytest.mark.parametrize(
    ("signal", "value", "expected"),
    [
        (VIBRATION, 2.0, 100.0),
        (VIBRATION, 4.5, 60.0),
        (VIBRATION, 5.8, 40.0),
        (VIBRATION, 7.1, 20.0),
        (VIBRATION, 12.0, 0.0),
        (LEVEL, 50.0, 100.0),
        (LEVEL, 20.0, 60.0),
        (LEVEL, 10.0, 20.0),
        (LEVEL, 85.0, 40.0),
        (SPEED, 1500.0, 100.0),
        (SPEED, 3000.1, 60.0),
        (Signal(limits=(-NONE, -NONE, NONE, 100.0)), 100.0, 60.0),
        (Signal(limits=(-NONE, 0.0, NONE, NONE)), -5.0, 0.0),
        (Signal(), 1e9, 100.0),
    ],
)
def test_the_nearer_to_a_limit_the_less(signal: Signal, value: float, expected: float) -> None:
    assert index(signal, value) == pytest.approx(expected, abs=0.5)


LIMIT = st.floats(-1e3, 1e3)


@given(st.lists(LIMIT, min_size=4, max_size=4, unique=True), st.lists(st.floats(-2e3, 2e3), min_size=2, max_size=20))
@settings(max_examples=100, deadline=None)
def test_health_is_between_0_and_100_and_falls_towards_either_end(limits: list[float], values: list[float]) -> None:
    low_low, low, high, high_high = sorted(limits)
    signal = Signal(limits=(low_low, low, high, high_high))
    above = [index(signal, one) for one in sorted(values) if one >= (low + high) / 2]
    below = [index(signal, one) for one in sorted(values) if one <= (low + high) / 2]
    assert all(0.0 <= one <= 100.0 for one in (*above, *below))
    assert above == sorted(above, reverse=True)
    assert below == sorted(below)


def layout(scopes: list[str], parents: list[int]) -> Layout:
    return Layout.of([VIBRATION] * len(scopes), range(len(scopes)), parents, scopes)


def rolled(scopes: list[str], parents: list[int], values: list[float]) -> npt.NDArray[np.float64]:
    nothing = np.full((1, len(scopes)), np.nan)
    found: npt.NDArray[np.float64] = judge(layout(scopes, parents), np.array([values]), nothing, nothing).whole[0]
    return found


def test_an_asset_is_as_healthy_as_its_worst_part() -> None:
    assert rolled(["asset", "component", "component"], [-1, 0, 0], [1.0, 4.5, 7.1])[0] == 20.0


def test_a_system_goes_on_when_a_part_fails() -> None:
    found = rolled(["process", "system", "asset", "asset", "asset"], [-1, 0, 1, 1, 1], [1.0, 1.0, 7.1, 1.0, 1.0])
    assert found[1] == pytest.approx(0.5 * 20.0 + 0.5 * 220.0 / 3)
    assert found[0] == found[1]


def test_a_twin_of_which_nothing_is_known_does_not_count() -> None:
    found = rolled(["asset", "component", "component"], [-1, 0, 0], [np.nan, np.nan, 1.0])
    assert found.tolist()[::2] == [100.0, 100.0]
    assert np.isnan(found[1])


def test_anomalies_little_life_and_missing_data_take_health_away() -> None:
    one = Layout.of([VIBRATION, VIBRATION], [0, 0], [-1], ["asset"])
    good, half, nothing = np.array([[1.0, 1.0]]), np.array([[1.0, np.nan]]), np.full((1, 1), np.nan)
    assert judge(one, good, np.array([[1.0]]), nothing).whole[0, 0] == 60.0
    assert judge(one, good, nothing, np.array([[24.0]])).whole[0, 0] == 20.0
    assert judge(one, half, nothing, nothing).whole[0, 0] == 75.0


def reading(values: npt.NDArray[np.float64], step_s: float = 1.0) -> Series:
    ticks = NOW - (np.arange(len(values) - 1, -1, -1) * step_s * TICKS_PER_SECOND).astype(np.int64)
    return Series(ticks, values, np.where(np.isnan(values), 0x80310000, 0).astype(np.uint32))


def pump(**latest: float) -> Context:
    about = {"Flow": Signal("MQH", (0.0, 250.0)), "Bearing/Vibration": VIBRATION}
    return Context(
        tuple(about), NOW, about, "Plant/Pump", "asset", (Part("Bearing", "component"), Part("Rest", "component")),
        latest={name.replace("__", "/"): value for name, value in latest.items()},
    )  # fmt: skip


def ask(series: dict[str, Series], context: Context) -> dict[str, Any]:
    job = health.plan((), context)
    assert isinstance(job, Job)
    names = [*(one.name for one in health.GET_HEALTH.own), "Valid", "Reason"]
    return dict(zip(names, health.run(**job.keywords(series)), strict=True))  # type: ignore[arg-type]


def test_the_answer_names_index_trend_worst_signals_worst_twins_and_rule() -> None:
    rise = np.linspace(3.6, 4.5, 3600) + 0.01 * np.random.default_rng(0).normal(size=3600)
    one = ask({"Flow": reading(np.full(3600, 100.0)), "Bearing/Vibration": reading(rise)}, pump())
    assert 55 < one["HealthIndex"] < 65
    assert one["Trend"] == pytest.approx(-24 * 40.0, rel=0.15)
    assert one["WorstSignals"] == ["Bearing/Vibration"]
    assert one["WorstTwins"] == ["Bearing"]
    assert one["TwinIndices"].tolist() == [one["HealthIndex"]]
    assert "the lowest of that and of the twins below it" in one["Rule"]
    assert "Vibration of Bearing" in one["Explanation"]
    assert "falling" in one["Explanation"]


def test_live_results_of_the_parts_count() -> None:
    series = {"Flow": reading(np.full(60, 100.0)), "Bearing/Vibration": reading(np.full(60, 1.0))}
    one = ask(series, pump(Bearing__AnomalyScore=3.0, RemainingUsefulLife=168.0))
    assert one["HealthIndex"] == 20.0
    assert one["WorstSignals"] == ["Bearing/AnomalyScore", "RemainingUsefulLife"]
    assert np.isnan(one["Trend"])
    assert "too short a time" in one["Reason"]


def test_without_any_good_value_it_says_so() -> None:
    with pytest.raises(NotAvailable, match="none of its 2 signals had a Good value"):
        ask({"Flow": Series.empty(), "Bearing/Vibration": reading(np.full(60, np.nan))}, pump())


def test_of_very_many_signals_the_live_scores_answer() -> None:
    names = tuple(f"Pump{number}/Flow" for number in range(2_001))
    parts = tuple(Part(f"Pump{number}", "asset") for number in range(2_001))
    latest = {"HealthScore": 80.0, "Pump7/HealthScore": 40.0, "Pump8/HealthScore": 90.0}
    answer = health.plan((), Context(names, NOW, scope="process", parts=parts, latest=latest))
    assert isinstance(answer, Answer)
    index, _, _, _, _, worst, indices, rule, *_ = answer.results
    assert (index, worst, indices.tolist()) == (80.0, ["Pump7", "Pump8"], [40.0, 90.0])  # type: ignore[attr-defined]
    assert "half" in str(rule)
    with pytest.raises(NotAvailable, match="not known"):
        health.plan((), Context(names, NOW, parts=parts))


def test_fifty_thousand_signals_are_judged_at_once() -> None:
    machines, sensors = 500, 100
    limits: Limits = (-NONE, -NONE, 4.5, 7.1)
    signals = [Signal(limits=limits if number % 10 == 0 else NO_LIMITS) for number in range(machines * sensors)]
    whole = Layout.of(
        signals, [1 + number // sensors for number in range(len(signals))], [-1] + [0] * machines,
        ["process"] + ["asset"] * machines,
    )  # fmt: skip
    values, nothing = np.full((1, len(signals)), 2.0), np.full((1, machines + 1), np.nan)
    values[0, 1230] = 7.1
    judge(whole, values, nothing, nothing)
    watch = Stopwatch()
    found = judge(whole, values, nothing, nothing)
    assert watch.seconds < 0.2
    assert found.whole[0, 13] == 20.0
    assert (found.whole[0] < 99).sum() == 2
