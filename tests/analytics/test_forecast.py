"""Forecast: better than a guess where it can be, honest where it cannot, with a band that holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics import forecast
from analytics.arguments import Context, Limits, Signal
from analytics.errors import BAD_NO_MATCH, BAD_OUT_OF_RANGE, BAD_TYPE_MISMATCH, ArgumentError, NotAvailable
from analytics.forecast_models import MODELS, choose, season_of
from analytics.series import TICKS_PER_SECOND, Series
from tests.simulators.stopwatch import Stopwatch

NOW = 134_000_000_000_000_000
NONE = float("inf")
Floats = npt.NDArray[np.float64]


def reading(values: Floats, step_s: float = 1.0) -> Series:
    """One value each step up to now; NaN is Bad."""
    ticks = NOW - (np.arange(len(values) - 1, -1, -1) * step_s * TICKS_PER_SECOND).astype(np.int64)
    return Series(ticks, values, np.where(np.isnan(values), 0x80310000, 0).astype(np.uint32))


def ask(values: Floats, horizon: float = 48.0, step: float = 1.0, limits: Limits | None = None) -> dict[str, Any]:
    about = Signal("CEL", symbol="°C", limits=limits or (-NONE, -NONE, NONE, NONE))
    context = Context(("Temperature",), NOW, {"Temperature": about})
    job = forecast.plan(("", horizon, step, 0.0), context)
    assert job.start_ticks is not None
    cut = {"Temperature": reading(values).between(job.start_ticks, NOW)}
    names = [*(one.name for one in forecast.FORECAST.own), "Valid", "Reason"]
    return dict(zip(names, forecast.run(**job.keywords(cut)), strict=True))  # type: ignore[arg-type]


def seasons(count: int, seed: int = 0) -> Floats:
    t = np.arange(float(count))
    return 20.0 + 3.0 * np.sin(2 * np.pi * t / 48) + 0.4 * np.random.default_rng(seed).normal(size=count)


def test_what_repeats_is_foretold_with_its_period() -> None:
    values = seasons(700)
    one = ask(values[:650])
    assert one["Method"] == "SeasonalTrend"
    assert one["Season"] == 48.0
    assert one["ErrorRatio"] < 0.3
    assert np.abs(one["Values"] - seasons(698)[650:]).mean() < 0.6
    assert one["Times"][0] == NOW + TICKS_PER_SECOND
    assert "repeats every" in one["Explanation"]


@pytest.mark.parametrize("form", ["season", "trend", "walk"])
def test_the_band_holds_about_as_many_values_as_stated(form: str) -> None:
    held = []
    for seed in range(20):
        random = np.random.default_rng(seed)
        whole = {
            "season": seasons(648, seed),
            "trend": 0.05 * np.arange(648.0) + random.normal(size=648),
            "walk": np.cumsum(random.normal(size=648)),
        }[form]
        one = ask(whole[:600])
        held.append(float(((whole[600:] >= one["Lower"]) & (whole[600:] <= one["Upper"])).mean()))
    assert 0.82 <= np.mean(held) <= 1.0


def test_where_no_model_is_better_it_says_so_and_gives_the_last_value() -> None:
    one = ask(np.cumsum(np.random.default_rng(1).normal(size=600)))
    assert (one["Method"], one["ErrorRatio"]) == ("LastValue", 1.0)
    assert len(set(one["Values"].tolist())) == 1
    assert one["Valid"]
    assert "no better than a guess" in one["Reason"]


def test_a_trend_reaches_the_next_limit_in_time() -> None:
    values = 10.0 + 0.05 * np.arange(600.0) + 0.2 * np.random.default_rng(2).normal(size=600)  # 40 now, 45 in 100 s
    one = ask(values, 200.0, 2.0, (0.0, 5.0, 45.0, 60.0))
    assert one["Limit"] == 45.0
    assert abs(one["TimeToLimit"] - 100.0) < 25.0
    assert one["EarliestTimeToLimit"] <= one["TimeToLimit"]
    assert "reaches its limit of 45 °C" in one["Explanation"]
    beyond = ask(values + 10.0, 250.0, 5.0, (0.0, 5.0, 45.0, 60.0))
    assert beyond["Limit"] == 60.0


def test_no_limit_in_reach_is_told_as_none() -> None:
    one = ask(seasons(600), limits=(-NONE, 0.0, 90.0, NONE))
    assert np.isnan([one["Limit"], one["TimeToLimit"], one["EarliestTimeToLimit"]]).all()


def test_gaps_are_bridged_and_bad_values_left_out() -> None:
    values = seasons(650)
    values[np.random.default_rng(3).random(650) < 0.15] = np.nan
    values[-1] = 20.0
    one = ask(values)
    assert np.abs(one["Values"] - seasons(698)[650:]).mean() < 0.8


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (np.empty(0), "no Good value"),
        (np.full(300, np.nan), "no Good value"),
        (np.arange(60.0), "must be for"),
        (np.where(np.arange(600) % 2, 1.0, np.nan), "50 % of the steps"),
        (np.where(np.arange(600) < 590, 1.0, np.nan), "no Good value for 1e"),
    ],
)
def test_too_little_or_bad_data_are_refused_with_the_reason(values: Floats, why: str) -> None:
    with pytest.raises(NotAvailable, match=why if why != "no Good value for 1e" else "no Good value for"):
        ask(values)


@pytest.mark.parametrize(
    ("arguments", "index", "status"),
    [
        (("Pressure", 60.0, 1.0, 90.0), 0, BAD_NO_MATCH),
        (("", 60.0, 1.0, 90.0), 0, BAD_NO_MATCH),
        ((7, 60.0, 1.0, 90.0), 0, BAD_TYPE_MISMATCH),
        (("Flow", -1.0, 1.0, 90.0), 1, BAD_OUT_OF_RANGE),
        (("Flow", float("nan"), 1.0, 90.0), 1, BAD_OUT_OF_RANGE),
        (("Flow", 60.0, 90.0, 90.0), 2, BAD_OUT_OF_RANGE),
        (("Flow", 60.0, 0.01, 90.0), 2, BAD_OUT_OF_RANGE),
        (("Flow", 60.0, 1.0, 0.9), 3, BAD_OUT_OF_RANGE),
        (("Flow", 60.0, 1.0, "much"), 3, BAD_TYPE_MISMATCH),
    ],
)
def test_a_wrong_argument_is_named(arguments: tuple[object, ...], index: int, status: int) -> None:
    with pytest.raises(ArgumentError) as error:
        forecast.plan(arguments, Context(("Flow", "Level"), NOW))
    assert (error.value.index, error.value.status) == (index, status)


def test_a_long_past_is_read_no_further_than_it_can_be() -> None:
    context = Context(("Flow",), NOW, {"Flow": Signal(period_s=0.1)})
    job = forecast.plan(("Flow", 30 * 86_400.0, 0.0, 0.0), context)
    assert job.start_ticks is not None
    assert (NOW - job.start_ticks) / TICKS_PER_SECOND <= 400_000


def test_a_hundred_thousand_values_take_little_time() -> None:
    values = np.cumsum(np.random.default_rng(1).normal(size=100_000))
    watch = Stopwatch()
    assert ask(values, 8_000.0, 160.0)["Valid"]
    assert watch.seconds < 5.0


def test_noise_and_lines_have_no_season() -> None:
    random = np.random.default_rng(0)
    assert season_of(random.normal(size=600)) == 0
    assert season_of(np.arange(600.0)) == 0
    assert season_of(np.full(600, 3.0)) == 0


@given(st.lists(st.floats(-1e6, 1e6), min_size=40, max_size=120), st.integers(1, 10))
@settings(max_examples=40, deadline=None)
def test_whatever_the_values_the_forecast_lies_in_its_band(values: list[float], steps: int) -> None:
    known = np.array(values)
    season = season_of(known)
    test = choose(known, steps, season)
    said = MODELS[test.name](known, steps, season)
    lower, upper = test.band(said, 0.9)
    assert np.isfinite(said).all()
    assert ((lower <= said) & (said <= upper)).all()
    assert 0.0 <= test.ratio <= 1.0
