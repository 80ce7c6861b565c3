"""CalculateReturn: the worked examples, and what must hold of any measure."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.arguments import Context
from analytics.errors import ArgumentError
from analytics.returns import CALCULATE_RETURN, Measure, plan

NAMES = [one.name for one in CALCULATE_RETURN.results[:10]]


def told(*arguments: object) -> dict[str, object]:
    given_ = [*arguments, *[None] * (7 - len(arguments))]
    return dict(zip(NAMES, plan(given_, Context((), 0)).results, strict=True))


@pytest.mark.parametrize(
    ("arguments", "saving", "months"),
    [
        pytest.param((2e6, 30, None, 200e3), 600e3, 4.0, id="30 % of 2 M a year for 200 k: back in 4 months"),
        pytest.param((3e6, 12, None, 150e3, 50e3), 360e3, 5.0, id="12 % of 3 M for 150 k and 50 k a year: 5 months"),
    ],
)
def test_the_worked_examples_of_savings_come_out(arguments: tuple[object, ...], saving: float, months: float) -> None:
    result = told(*arguments)
    assert result["YearlySaving"] == pytest.approx(saving)
    assert result["Payback"] == pytest.approx(months)
    assert result["Valid"]


def test_three_prototypes_of_500_k_less_are_1_5_m_saved_once() -> None:
    result = told(None, None, 3 * 500e3)
    assert (result["TotalSaving"], result["Payback"], result["Valid"]) == (1.5e6, 0.0, True)


def test_running_costs_lengthen_the_payback_and_lower_the_value() -> None:
    result = told(3e6, 12, None, 150e3, 50e3, 5, 10)
    assert result["NetSaving"] == pytest.approx(310e3)
    assert result["NetPayback"] == pytest.approx(12 * 150 / 310)
    years = sum(310e3 / 1.1**year for year in range(1, 6))
    assert result["NetPresentValue"] == pytest.approx(years - 150e3)


@given(st.floats(1e3, 1e7), st.floats(0.01, 1.0), st.floats(1e3, 1e7), st.integers(1, 40), st.floats(0.01, 0.5))
def test_at_the_internal_rate_the_value_is_nothing(
    cost: float, share: float, investment: float, years: int, rate: float
) -> None:
    measure = Measure(cost, share, 0.0, investment, 0.0, years, rate)
    internal = measure.internal_rate()
    if math.isnan(internal):
        assert measure.present_value(-0.999) < 0
    else:
        assert abs(measure.present_value(internal)) < 1e-4 * investment
        assert (measure.present_value(rate) > 0) == (internal > rate) or internal == pytest.approx(rate, abs=1e-6)


def test_what_saves_nothing_is_not_valid_and_what_never_comes_back_has_no_payback() -> None:
    assert not told(1e6, 0, None, 1e5)["Valid"]
    loss = told(1e6, 1, None, 1e5, 2e4)
    assert math.isnan(loss["NetPayback"])  # type: ignore[arg-type]
    assert loss["Reason"] == "the measure costs more each year than it saves"


@pytest.mark.parametrize(("index", "wrong"), [(0, "much"), (1, 120.0), (3, float("nan")), (5, 0.5), (6, True)])
def test_a_wrong_argument_is_named(index: int, wrong: object) -> None:
    arguments: list[object] = [1e6, 10.0, 0.0, 1e5, 0.0, 10.0, 8.0]
    arguments[index] = wrong
    with pytest.raises(ArgumentError) as caught:
        plan(arguments, Context((), 0))
    assert caught.value.index == index
