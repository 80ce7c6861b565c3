"""EstimateSavings: a known saving is found, its interval holds it as often as it says, poor data is refused."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.arguments import Context, Signal
from analytics.errors import ArgumentError, NotAvailable
from analytics.savings import ESTIMATE_SAVINGS, plan, run, used
from analytics.savings_model import fit
from analytics.series import TICKS_PER_SECOND, Series

DAY = 86_400 * TICKS_PER_SECOND
BEGIN = 133_000_000_000_000_000
NAMES = [one.name for one in ESTIMATE_SAVINGS.results[:14]]
YEAR = (BEGIN, BEGIN + 365 * DAY)
NEXT = (BEGIN + 380 * DAY, BEGIN + 700 * DAY)


def series(values: np.ndarray, step: int = DAY) -> Series:
    ticks = BEGIN + step * np.arange(len(values), dtype=np.int64)
    return Series(ticks, values.astype(float), np.zeros(len(values), np.uint32))


def house(seed: int, saving: float, noise: float = 2.0) -> dict[str, Series]:
    """Two years of a house that is heated below 15 degrees; the second year uses less by that share."""
    generator = np.random.default_rng(seed)
    days = np.arange(720)
    weather = 10 - 12 * np.cos(2 * np.pi * days / 365) + generator.normal(0, 3, 720)
    use = 10 + 2.0 * np.maximum(15 - weather, 0) + generator.normal(0, noise, 720)
    return {"Meter": series(np.where(days < 372, use, use * (1 - saving))), "Weather": series(weather)}


def told(data: dict[str, Series], confidence: float = 0.9) -> dict[str, object]:
    results = run(data, *YEAR, "Meter", ["Weather"], YEAR, NEXT, 86_400.0, confidence, None)
    return dict(zip(NAMES, results, strict=True))


def test_a_saving_of_a_tenth_is_found_with_the_balance_point_and_the_slope() -> None:
    result = told(house(1, 0.10))
    assert result["SavedShare"] == pytest.approx(10, abs=1.5)
    assert result["Lower"] < 10 < result["Upper"]  # type: ignore[operator]
    assert (result["BaselineIntervals"], result["Valid"], result["Reason"]) == (365, True, "")
    assert abs(result["NMBE"]) < 1e-6  # type: ignore[arg-type]
    model = fit(*_columns(house(1, 0.0)))
    assert [round(term.point) for term in model.terms] == [15]
    assert model.coefficients[1] == pytest.approx(2.0, abs=0.1)


def _columns(data: dict[str, Series]) -> tuple[np.ndarray, np.ndarray]:
    return data["Meter"].values, data["Weather"].values[:, None]


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    holds = 0
    for seed in range(40):
        result = told(house(seed, 0.05, noise=8.0))
        holds += result["Lower"] <= 5 <= result["Upper"]  # type: ignore[operator]
    assert 31 <= holds <= 40  # 90 % of 40 are 36; less than 31 would come by chance once in 80 times


def test_a_driver_that_explains_nothing_is_left_out() -> None:
    data = house(2, 0.0)
    noise = np.random.default_rng(3).normal(0, 1, 720)
    model = fit(data["Meter"].values, np.column_stack([noise, data["Weather"].values]))
    assert {term.driver for term in model.terms} == {1}


@pytest.mark.parametrize(
    ("unit", "values", "step", "expected"),
    [
        pytest.param("KWH", np.arange(0, 97) * 2.0, 3600, 48.0, id="counter"),
        pytest.param("KWT", np.full(97, 2.0), 3600, 48.0, id="power"),
        pytest.param(None, np.full(97, 2.0), 3600, 48.0, id="amounts"),
    ],
)
def test_what_was_used_follows_from_the_unit(unit: str | None, values: np.ndarray, step: int, expected: float) -> None:
    edges = BEGIN + DAY * np.arange(4, dtype=np.int64)
    assert used(series(values, step * TICKS_PER_SECOND), edges, unit) == pytest.approx([expected] * 3)


def test_weather_beyond_what_the_baseline_has_seen_is_told_and_a_poor_model_is_not_valid() -> None:
    data = house(4, 0.1)
    warm = data["Weather"].values.copy()
    warm[400:] += 15
    assert "was beyond what the baseline has seen" in str(told(data | {"Weather": series(warm)})["Reason"])
    wild = series(np.random.default_rng(5).lognormal(0, 2, 720))
    result = told(data | {"Meter": wild})
    assert not result["Valid"]
    assert "CV(RMSE)" in str(result["Reason"])


def test_too_few_days_are_refused() -> None:
    data = house(6, 0.1)
    short = (BEGIN, BEGIN + 12 * DAY)
    with pytest.raises(NotAvailable, match="12 complete intervals"):
        run(data, *YEAR, "Meter", ["Weather"], short, NEXT, 86_400.0, 0.9, None)


CONTEXT = Context(("Meter", "Weather"), NEXT[1], {"Meter": Signal("KWH"), "Weather": Signal("CEL")})


@pytest.mark.parametrize(
    ("index", "wrong"),
    [(0, "Metre"), (0, None), (1, ["Wether"]), (1, []), (2, None), (4, YEAR[0]), (6, -1.0), (7, 101.0)],
)
def test_a_wrong_argument_is_named(index: int, wrong: object) -> None:
    arguments: list[object] = ["Meter", ["Weather"], *YEAR, *NEXT, 0.0, 90.0]
    assert plan(arguments, CONTEXT).signals == ("Meter", "Weather")
    arguments[index] = wrong
    with pytest.raises(ArgumentError) as caught:
        plan(arguments, CONTEXT)
    assert caught.value.index == index
