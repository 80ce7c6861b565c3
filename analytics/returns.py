"""CalculateReturn: what a measure that saves costs or losses is worth: savings, payback, net present value, IRR."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from analytics.arguments import Answer, Context, number_of
from analytics.function import Argument, ArgumentType, Function

_MOST: Final = 1e15
_YEARS: Final = 10.0
_NEVER: Final = float("nan")


@dataclass(frozen=True, slots=True)
class Measure:
    """In one currency. cost: what the thing to be improved costs a year now; share: of it that is saved (0 to 1); once:
    what is saved a single time, at the start; investment: at the start; running: costs of the measure a year; years:
    how long it is looked at; rate: discount rate a year (0.08 for 8 %)."""

    cost: float
    share: float
    once: float
    investment: float
    running: float
    years: int
    rate: float

    @property
    def yearly(self) -> float:
        """Saved each year before the costs of the measure."""
        return self.cost * self.share

    @property
    def net(self) -> float:
        """Saved each year after them."""
        return self.yearly - self.running

    def payback_months(self, yearly: float) -> float:
        """Months until the investment, less what is saved once, has come back at so much a year; NaN for never."""
        open_sum = self.investment - self.once
        if open_sum <= 0:
            return 0.0
        return 12.0 * open_sum / yearly if yearly > 0 else _NEVER

    def present_value(self, rate: float) -> float:
        """Net present value at the start: savings come at the end of each year."""
        factor = -math.expm1(-self.years * math.log1p(rate)) / rate if rate else float(self.years)
        return self.once - self.investment + self.net * factor

    def internal_rate(self) -> float:
        """The rate at which the net present value is 0 (IRR), as a fraction; NaN where there is none: nothing is spent
        at the start, or nothing comes back. The payments change sign once: there is one rate at most (Descartes)."""
        from scipy.optimize import brentq

        if self.once >= self.investment or self.net <= 0:
            return _NEVER
        low, high = -0.999, 1.0
        while self.present_value(high) > 0:
            high *= 2.0
        if self.present_value(low) < 0:
            return _NEVER
        rate: float = brentq(self.present_value, low, high, xtol=1e-9)
        return rate


def plan(arguments: Sequence[object], _context: Context) -> Answer:
    """The figures; nothing is read for them. Raises ArgumentError."""
    cost, share, once, investment, running, years, rate = arguments
    measure = Measure(
        number_of(cost, 0, "YearlyCost", 0, _MOST, 0.0),
        number_of(share, 1, "SavedShare", 0, 100, 0.0) / 100.0,
        number_of(once, 2, "SavedOnce", 0, _MOST, 0.0),
        number_of(investment, 3, "Investment", 0, _MOST, 0.0),
        number_of(running, 4, "RunningCost", 0, _MOST, 0.0),
        round(number_of(years or None, 5, "Years", 1, 100, _YEARS)),
        number_of(None if rate != rate else rate, 6, "DiscountRate", -50, 1000, 8.0) / 100.0,
    )
    saves = measure.yearly > 0 or measure.once > 0
    reason = "" if saves else "nothing is saved: give YearlyCost and SavedShare, or SavedOnce"
    if saves and measure.net < 0:
        reason = "the measure costs more each year than it saves"
    return Answer((*_figures(measure), _assumptions(measure), saves, reason))


def _figures(measure: Measure) -> tuple[float, ...]:
    return (
        measure.yearly,
        measure.net,
        measure.payback_months(measure.yearly),
        measure.payback_months(measure.net),
        measure.present_value(measure.rate),
        100.0 * measure.internal_rate(),
        measure.once + measure.yearly * measure.years,
    )


def _assumptions(measure: Measure) -> str:
    return (
        f"{measure.share:.3g} of {measure.cost:,.0f} a year saved from the first day on, the same every year for "
        f"{measure.years} years; {measure.investment:,.0f} spent and {measure.once:,.0f} saved at the start; running "
        f"costs of {measure.running:,.0f} a year; savings at the end of each year, discounted at "
        f"{100 * measure.rate:g} %; no taxes, no inflation, no value left at the end"
    )


CALCULATE_RETURN: Final = Function(
    "CalculateReturn",
    "What a measure is worth: saving, payback, net present value, internal rate of return, and what was assumed",
    (
        Argument(
            "YearlyCost", ArgumentType.Double, description="What is to be reduced costs a year now, in a currency"
        ),
        Argument("SavedShare", ArgumentType.Double, description="Share of it that the measure saves", unit="P1"),
        Argument("SavedOnce", ArgumentType.Double, description="Saved a single time, at the start; 0: nothing"),
        Argument("Investment", ArgumentType.Double, description="Spent at the start; 0: nothing"),
        Argument("RunningCost", ArgumentType.Double, description="What the measure itself costs a year; 0: nothing"),
        Argument("Years", ArgumentType.Double, description="How long it is looked at; 0: 10", unit="ANN"),
        Argument("DiscountRate", ArgumentType.Double, description="Interest a year; NaN: 8", unit="P1"),
    ),
    (
        Argument("YearlySaving", ArgumentType.Double, description="Saved a year, before the costs of the measure"),
        Argument("NetSaving", ArgumentType.Double, description="Saved a year, after them"),
        Argument(
            "Payback", ArgumentType.Double, description="Investment over the saving before running costs", unit="MON"
        ),
        Argument("NetPayback", ArgumentType.Double, description="The same after running costs", unit="MON"),
        Argument("NetPresentValue", ArgumentType.Double, description="Of all years at the discount rate"),
        Argument("InternalRate", ArgumentType.Double, description="Discount rate at which that is 0", unit="P1"),
        Argument("TotalSaving", ArgumentType.Double, description="Of all years, with what is saved once, undiscounted"),
        Argument("Assumptions", ArgumentType.String, description="What the figures rest on"),
    ),
    plan,
)
