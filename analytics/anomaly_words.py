"""Puts an anomaly into words that an operator can act on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from analytics.rolling import FEATURES
from analytics.series import TICKS_PER_SECOND

MEAN: Final = FEATURES.index("mean")
_SAYS: Final = ("is", "fluctuates by", "reaches up to", "falls down to")
"""For each of FEATURES."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A signal in an event. share: of the event. which: index of the feature that is told; actual, expected and
    tolerance are of it, in the signal's unit, symbol. onset_ticks: since when it was out of its own range, 0 never."""

    signal: str
    share: float
    which: int
    actual: float
    expected: float
    tolerance: float
    onset_ticks: int
    symbol: str

    @property
    def feature(self) -> str:
        return FEATURES[self.which]


def sentence(
    findings: Sequence[Finding],
    order: Sequence[int],
    state: Sequence[tuple[str, float, str]],
    alike: Sequence[tuple[str, str]],
) -> str:
    """What is wrong. order: indices of findings, largest share first. state: context signals with value and symbol.
    alike: label and text of similar events, most alike first."""
    top = findings[order[0]]
    text = f"{name_of(top.signal)} {_deviation(top)}{_state(state)}; {_first(findings, top)}."
    if alike:
        label, words = alike[0]
        text += f" It resembles an event labelled {label}" + (f" ({words})." if words else ".")
    return text


def name_of(signal: str) -> str:
    """ "Vibration of DriveEndBearing" for DriveEndBearing/Vibration."""
    place, _, name = signal.rpartition("/")
    return f"{name} of {place}" if place else name


def figure(value: float, digits: int) -> str:
    """With so many decimals, and no sign before a zero."""
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0.0 else text


def _deviation(one: Finding) -> str:
    if math.isnan(one.actual):
        return "is missing"
    digits = _digits(one.tolerance)
    unit = f" {one.symbol}" if one.symbol else ""
    return (
        f"{_SAYS[one.which]} {figure(one.actual, digits)}{unit} where {figure(one.expected, digits)} ± "
        f"{figure(one.tolerance, digits)} was expected"
    )


def _digits(tolerance: float) -> int:
    """As many decimals as show the tolerance with two figures, at most 6."""
    if not tolerance > 0:
        return 1
    return int(min(max(1 - math.floor(math.log10(tolerance)), 0), 6))


def _state(state: Sequence[tuple[str, float, str]]) -> str:
    if not state:
        return ""
    said = [f"{name_of(name)} {value:.4g}{f' {symbol}' if symbol else ''}" for name, value, symbol in state]
    return f" at {' and '.join(said)}"


def _first(findings: Sequence[Finding], top: Finding) -> str:
    """Who moved first."""
    moved = sorted((one for one in findings if one.onset_ticks), key=lambda one: (one.onset_ticks, -one.share))
    if not moved:
        return "no signal left its own range, it is how they go together that is unusual"
    first = moved[0]
    others = [one for one in moved if one is not first]
    if first is not top:
        ahead = _seconds(top.onset_ticks - first.onset_ticks) if top.onset_ticks else ""
        return f"{name_of(first.signal)} moved first{f', {ahead} before it' if ahead else ''}"
    if not others:
        return "no other signal left its own range"
    ahead = _seconds(others[0].onset_ticks - first.onset_ticks)
    return (
        f"it moved first, {ahead} before {name_of(others[0].signal)}"
        if ahead
        else (f"{name_of(others[0].signal)} moved at the same time")
    )


def _seconds(ticks: int) -> str:
    """A duration in words; "" for none."""
    seconds = round(ticks / TICKS_PER_SECOND)
    if seconds >= 7200:
        return f"{seconds / 3600:.1f} h"
    if seconds >= 300:
        return f"{seconds / 60:.0f} min"
    return f"{seconds} s" if seconds else ""
