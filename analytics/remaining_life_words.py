"""Puts a remaining life into words that an operator can act on."""

from __future__ import annotations

import math
from collections.abc import Sequence

from analytics.anomaly_words import name_of


def duration(hours: float) -> str:
    """Hours in the unit that people would use."""
    if math.isinf(hours):
        return "longer than can be told"
    if hours < 2.0:
        if hours < 0.04:
            return f"{3600.0 * hours:.0f} s"
        return f"{60.0 * hours:.2g} min" if hours < 1.0 else f"{60.0 * hours:.0f} min"
    if hours < 96.0:
        return f"{hours:.1f} h" if hours < 10.0 else f"{hours:.0f} h"
    return f"{hours / 24.0:.0f} days"


def amount(value: float, symbol: str | None) -> str:
    """A remaining life: hours (symbol None), or what a counter counts."""
    if symbol is None:
        return duration(value)
    return f"{value:.0f} {symbol}".rstrip() if math.isfinite(value) else "more than can be told"


def histories_sentence(
    said: tuple[float, float, float], symbol: str | None, confidence: float, histories: int, drivers: Sequence[str]
) -> str:
    """said: value, lower, upper."""
    value, lower, upper = (amount(one, symbol) for one in said)
    text = f"About {value} left, {lower} to {upper} with {100 * confidence:g} % confidence, by {histories} histories"
    return f"{text}; what tells most: {', '.join(name_of(one) for one in drivers)}." if drivers else f"{text}."


def trend_sentence(
    signal: str, level: float, per_hour: float, limit: float, symbol: str, said: tuple[float, float, float]
) -> str:
    """said: hours, lower, upper."""
    unit = f" {symbol}" if symbol else ""
    each, time = (per_hour, "an hour") if abs(per_hour) * 24 >= abs(limit) / 10 else (24.0 * per_hour, "a day")
    hours, lower, upper = (duration(one) for one in said)
    if said[0] <= 0.0:
        return f"{name_of(signal)} is at its limit already: {level:.3g}{unit}, limit {limit:g}{unit}."
    return (
        f"{name_of(signal)} is {level:.3g}{unit} and {'rises' if each > 0 else 'falls'} by {abs(each):.2g}{unit} {time}"
        f"; it reaches its limit of {limit:g}{unit} in {hours} ({lower} to {upper})."
    )
