"""PredictRemainingUsefulLife by a trend to a limit: how sure it is, what it follows, when it says that it cannot."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics import degradation, remaining_life
from analytics.arguments import Context, Job, Limits, Signal
from analytics.errors import ArgumentError, NotAvailable
from analytics.models import Label, LabelKind, ModelRecord, ModelState
from analytics.remaining_life_plan import plan
from analytics.remaining_life_runs import TICKS_PER_HOUR
from analytics.remaining_life_trend import Points, extrapolate, points, since_reset
from analytics.series import Series
from server.analysis.past import too_many

NOW = 134_000_000_000_000_000
NONE = float("inf")
Floats = npt.NDArray[np.float64]


def reading(values: Floats, hours: float = 100.0) -> Series:
    """Values evenly over the last hours; NaN is Bad."""
    ticks = NOW - (np.linspace(hours, 0.0, len(values)) * TICKS_PER_HOUR).astype(np.int64)
    return Series(ticks, values, np.where(np.isnan(values), 0x80310000, 0).astype(np.uint32))


def vibration(limits: Limits = (-NONE, -NONE, 4.5, 7.1), **more: Any) -> Context:
    about = {"Vibration": Signal("C16", (0.0, 20.0), 3600.0, symbol="mm/s", limits=limits)}
    return Context(("Vibration", "Speed"), NOW, about, **more)


def ask(series: dict[str, Series], context: Context, percent: float = 90.0) -> dict[str, Any]:
    job = plan(("", percent), context)
    assert job.start_ticks is not None
    cut = {name: series[name].between(job.start_ticks, NOW) for name in job.signals}
    names = [*(one.name for one in remaining_life.PREDICT.own), "Valid", "Reason"]
    return dict(zip(names, remaining_life.run_trend(**job.keywords(cut)), strict=True))  # type: ignore[arg-type]


def course(form: str, until: float, count: int, seed: int, noise: float, follow: float = 0.0) -> Floats:
    """From 1 mm/s, where 5 would be reached after a whole life, observed for a part of it; noise follows itself."""
    t = np.linspace(0.0, until, count)
    rise = t if form == "straight" else np.expm1(3.0 * t) / np.expm1(3.0)
    each = np.random.default_rng(seed).normal(0.0, noise, count)
    for row in range(1, count):
        each[row] = follow * each[row - 1] + np.sqrt(1.0 - follow**2) * each[row]
    return 1.0 + 4.0 * rise + each


@pytest.mark.parametrize(("form", "follow"), [("straight", 0.0), ("straight", 0.7), ("bent", 0.0), ("bent", 0.7)])
def test_the_interval_holds_the_truth_in_about_the_stated_share(form: str, follow: float) -> None:
    held, ratio = [], []
    for seed in range(80):
        seen = Points(np.linspace(-100.0, 0.0, 120), course(form, 0.6, 120, seed, 0.1, follow))
        trend = extrapolate(seen, 5.0, True, seed)
        lower, upper = trend.interval(0.9)
        held.append(lower <= 100.0 / 0.6 - 100.0 <= upper)
        ratio.append(trend.hours / (100.0 / 0.6 - 100.0))
    assert 0.78 <= np.mean(held) <= 1.0
    assert abs(float(np.median(ratio)) - 1.0) < 0.1


def test_the_answer_of_the_twin_names_signal_limit_and_time() -> None:
    one = ask({"Vibration": reading(course("straight", 0.8, 300, 1, 0.05))}, vibration(), 99.0)
    left = (7.1 - 4.2) / 3.2 * 100.0
    assert one["Lower"] < left < one["Upper"]
    assert abs(one["RemainingUsefulLife"] - left) < 15
    assert (one["Unit"], one["Method"], one["Histories"], one["Valid"]) == ("HUR", "Trend", 0, True)
    assert one["Drivers"] == ["Vibration"]
    assert one["Probabilities"].tolist() == sorted(one["Probabilities"])
    assert "rises by" in one["Explanation"]
    assert "limit of 7.1 mm/s" in one["Explanation"]


def test_it_shrinks_as_wear_goes_on() -> None:
    whole = course("bent", 1.0, 300, 2, 0.05)
    said = [ask({"Vibration": reading(whole[:rows])}, vibration((-NONE, -NONE, 4.5, NONE))) for rows in (150, 200, 250)]
    left = [one["RemainingUsefulLife"] * rows for one, rows in zip(said, (150, 200, 250), strict=True)]
    assert left == sorted(left, reverse=True)


def test_what_has_reached_its_limit_has_nothing_left() -> None:
    one = ask({"Vibration": reading(course("straight", 1.6, 300, 1, 0.05))}, vibration())
    assert (one["RemainingUsefulLife"], one["Upper"], one["Probabilities"][0]) == (0.0, 0.0, 1.0)
    assert "at its limit already" in one["Explanation"]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (2.0 + np.random.default_rng(1).normal(0, 0.2, 200), "no trend towards its limit"),
        (np.full(200, 2.0), "no trend towards its limit"),
        (np.linspace(4.0, 2.0, 200), "moves away from its limit"),
        (np.linspace(2.0, 2.05, 200), "more than 10 times as far"),
        (np.linspace(2.0, 4.0, 12), "12 values are too few"),
        (np.full(200, np.nan), "0 values are too few"),
    ],
)
def test_without_a_trend_to_the_limit_it_says_why(values: Floats, why: str) -> None:
    with pytest.raises(NotAvailable, match=why):
        ask({"Vibration": reading(values)}, vibration())


def test_without_a_limit_it_says_what_would_help() -> None:
    with pytest.raises(NotAvailable, match=r"Degradation.*RemainingLife"):
        plan((None, None), vibration((-NONE, -NONE, NONE, NONE)))


def test_it_begins_where_a_part_was_renewed_labelled_or_not() -> None:
    old, new = course("straight", 1.2, 150, 1, 0.05), course("straight", 0.6, 150, 2, 0.05)
    series = {"Vibration": reading(np.concatenate([old, new]))}
    left = (7.1 - 3.4) / 2.4 * 50.0
    label = Label("", LabelKind.maintenance, NOW - 50 * TICKS_PER_HOUR, NOW - 50 * TICKS_PER_HOUR)
    for context in (vibration(), vibration(labels=(label,))):
        assert abs(ask(series, context)["RemainingUsefulLife"] - left) < 15


def test_of_several_signals_the_first_at_its_limit_counts() -> None:
    about = {
        name: Signal(None, None, 3600.0, limits=(low, -NONE, NONE, high))
        for name, low, high in (("Slow", -NONE, 9.0), ("Falling", 1.0, NONE))
    }
    series = {
        "Slow": reading(np.linspace(1.0, 5.0, 200) + 0.01 * np.sin(np.arange(200))),
        "Falling": reading(np.linspace(5.0, 1.5, 200) + 0.01 * np.sin(np.arange(200))),
    }
    one = ask(series, Context(("Slow", "Falling"), NOW, about))
    assert one["Drivers"] == ["Falling", "Slow"]
    assert 10 < one["RemainingUsefulLife"] < 20
    assert "falls by" in one["Explanation"]


def degradation_model(series: dict[str, Series], context: tuple[str, ...] = (), **options: Any) -> ModelRecord:
    trained = degradation.run(series, context, NOW - 100 * TICKS_PER_HOUR, NOW, **options)
    return ModelRecord(
        "Degradation-1", trained.kind, "", 1, ModelState.active, 0, 0, 0, trained.signals, trained.context_signals,
        trained.settings, trained.figures, "",
    )  # fmt: skip


def test_a_degradation_model_names_the_limit_and_tells_how_well_the_trend_foretold() -> None:
    series = {"Vibration": reading(course("straight", 0.8, 300, 1, 0.05))}
    record = degradation_model(series, high=6.0)
    assert record.figures["HeldOutError"] < 0.3 * record.figures["NoTrendError"]
    one = ask(series, vibration(models=(record,)))
    assert abs(one["RemainingUsefulLife"] - (6.0 - 4.2) / 3.2 * 100.0) < 10


def test_without_an_alarm_the_end_of_the_range_is_the_limit_and_that_is_told() -> None:
    series = {"Vibration": reading(course("straight", 0.8, 300, 1, 0.05))}
    one = ask(series, vibration((-NONE, -NONE, NONE, NONE), models=(degradation_model(series),)))
    assert "EURange" in one["Reason"]
    assert one["RemainingUsefulLife"] > 300


def test_values_of_another_operating_state_do_not_count() -> None:
    random = np.random.default_rng(4)
    speed = np.repeat(random.choice([1500.0, 900.0, 0.0], 60), 5)
    speed[-20:] = 1500.0
    values = course("straight", 0.8, 300, 1, 0.05) * speed / 1500.0
    series = {"Vibration": reading(values), "Speed": reading(speed)}
    with pytest.raises(NotAvailable):
        ask({"Vibration": series["Vibration"]}, vibration((-NONE, -NONE, 4.5, 30.0)))
    one = ask(series, vibration(models=(degradation_model(series, ("Speed",), high=7.1),)))
    assert abs(one["RemainingUsefulLife"] - (7.1 - 4.2) / 3.2 * 100.0) < 25


def test_limits_that_contradict_each_other_or_are_of_several_signals_are_refused() -> None:
    series = {"Vibration": reading(np.arange(50.0)), "Speed": reading(np.arange(50.0))}
    with pytest.raises(ArgumentError, match="not below"):
        degradation_model(series, high=1.0, low=2.0)
    with pytest.raises(ArgumentError, match="limits of one signal"):
        degradation_model(series, high=1.0)


@given(st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), max_size=80), st.floats(-1e6, 1e6), st.booleans())
@settings(max_examples=60, deadline=None)
def test_whatever_the_values_it_answers_with_an_interval_or_a_reason(
    values: list[float], limit: float, rising: bool
) -> None:
    seen = since_reset(points(reading(np.array(values, np.float64)), NOW), rising)
    try:
        trend = extrapolate(seen, limit, rising)
    except NotAvailable:
        return
    lower, upper = trend.interval(0.9)
    assert 0.0 <= lower <= trend.hours <= upper
    assert 0.0 <= trend.towards <= 1.0


def test_wear_too_slow_for_the_latest_readings_shows_over_a_long_time() -> None:
    """A reading a second: 23 days of them are read whole, and pieces of the time since the part was new."""
    new = NOW - 20_000 * TICKS_PER_HOUR
    about = {"Vibration": Signal("C16", (0.0, 20.0), 1.0, symbol="mm/s", limits=(-NONE, -NONE, 4.5, 7.1))}
    label = Label("Label-1", LabelKind.maintenance, new - TICKS_PER_HOUR, new)
    job = plan(("", 90.0), Context(("Vibration",), NOW, about, labels=(label,)))
    ((near, end),) = job.others
    assert job.start_ticks is not None
    assert job.start_ticks == max(new, NOW - 2 * 366 * 24 * TICKS_PER_HOUR)
    assert job.start_ticks < near < end == NOW
    assert (near - NOW) / TICKS_PER_HOUR == pytest.approx(-2e6 / 3600, rel=1e-6)
    assert job.pieces > 0
    whole = {"Vibration": reading(course("straight", 0.5, 4000, 1, 0.3), 17_000.0)}
    recent = {"Vibration": whole["Vibration"].between(near, NOW)}
    names = [*(one.name for one in remaining_life.PREDICT.own), "Valid", "Reason"]
    keywords = job.keywords(whole)
    said = dict(zip(names, remaining_life.run_trend(**keywords, others=(recent,)), strict=True))  # type: ignore[arg-type]
    assert said["Lower"] < 17_000.0 * (7.1 - 3.0) / 2.0 < said["Upper"]
    with pytest.raises(NotAvailable, match="no trend towards its limit"):
        remaining_life.run_trend(**job.keywords(recent))  # type: ignore[arg-type]


def test_what_is_read_in_pieces_is_never_too_much() -> None:
    year = Job("any", ("Vibration", "Speed"), NOW - 10_000 * TICKS_PER_HOUR, NOW)
    context = Context(("Vibration", "Speed"), NOW, {name: Signal() for name in ("Vibration", "Speed")})
    assert "72 million readings" in too_many(year, context, 0)
    assert too_many(replace(year, pieces=4000), context, 0) == ""
