"""What an optimisation has to keep: "Chiller/LeavingWaterTemperature <= 9", "ProductionTemperature 15..19"."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import Final

from analytics.simulation.objective import UnknownName, Unreadable
from analytics.simulation.vocabulary import Vocabulary, near

NUMBER: Final = r"[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?"
"""As it stands in ranges, too, where a point is followed by another."""
_FORM: Final = re.compile(
    rf"\s*(?P<name>\S(?:.*?\S)?)\s*(?:(?P<sign><=|>=|=<|=>|<|>)\s*(?P<bound>{NUMBER})"
    rf"|(?<=\s)(?P<low>{NUMBER})\s*\.\.\s*(?P<high>{NUMBER}))\s*"
)
_EXAMPLES: Final = '"Chiller/LeavingWaterTemperature <= 9", "Flow >= 20" or "ProductionTemperature 15..19"'


@dataclass(frozen=True, slots=True)
class Constraint:
    """low <= name <= high. margin: how much further from low and high the models must stay, for their own error."""

    name: str
    low: float = -math.inf
    high: float = math.inf
    margin: float = 0.0

    @property
    def text(self) -> str:
        """As people write it."""
        if math.isinf(self.low):
            return f"{self.name} <= {self.high:g}"
        return f"{self.name} >= {self.low:g}" if math.isinf(self.high) else f"{self.name} {self.low:g}..{self.high:g}"

    def with_margin(self, margin: float) -> Constraint:
        """The same with a margin, which leaves at least the middle of a range."""
        return replace(self, margin=min(margin, (self.high - self.low) / 2.0))


def constraint_of(text: str, words: Vocabulary) -> Constraint:
    """Raises Unreadable."""
    form = _FORM.fullmatch(text)
    if form is None:
        raise Unreadable(f'"{text.strip()}" is no constraint; right are {_EXAMPLES}, numbers without a unit')
    name = form["name"]
    if name not in words.everything:
        raise UnknownName(f'in "{text.strip()}": nothing is called "{name}"; {near(name, words.everything)}')
    if form["sign"] is None:
        low, high = float(form["low"]), float(form["high"])
        if low > high:
            raise Unreadable(f'"{text.strip()}" can never hold: {low:g} is more than {high:g}')
        return Constraint(name, low, high)
    bound = float(form["bound"])
    return Constraint(name, high=bound) if "<" in form["sign"] else Constraint(name, low=bound)
