"""Which units are amounts and which are flows, and how they turn into one another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_SECOND, _MINUTE, _HOUR = 1.0, 60.0, 3600.0
PER: Final = {"second": _SECOND, "minute": _MINUTE, "hour": _HOUR}
"""Seconds of the times that a flow may be given per."""
PIECES: Final = ("C62", "H87")
"""Units of what is counted."""

_AMOUNTS: Final[dict[str, tuple[str, float]]] = {
    "MTQ": ("volume", 1.0), "LTR": ("volume", 1e-3), "HLT": ("volume", 0.1), "DMQ": ("volume", 1e-3),
    "KGM": ("mass", 1.0), "TNE": ("mass", 1e3), "GRM": ("mass", 1e-3),
    "KWH": ("energy", 1.0), "WHR": ("energy", 1e-3), "MWH": ("energy", 1e3), "GWH": ("energy", 1e6),
    "JOU": ("energy", 1 / 3.6e6), "KJO": ("energy", 1 / 3.6e3), "3B": ("energy", 1 / 3.6), "GV": ("energy", 1e3 / 3.6),
    "C62": ("pieces", 1.0), "H87": ("pieces", 1.0),
}  # fmt: skip
"""UNECE common code to what it is an amount of, and how much of the unit named first it is."""
_FLOWS: Final[dict[str, tuple[str, float]]] = {
    "MQH": ("MTQ", _HOUR), "MQS": ("MTQ", _SECOND), "G51": ("LTR", _SECOND), "L2": ("LTR", _MINUTE),
    "E32": ("LTR", _HOUR), "KGS": ("KGM", _SECOND), "F31": ("KGM", _MINUTE), "E93": ("KGM", _HOUR),
    "E18": ("TNE", _HOUR), "KWT": ("KWH", _HOUR), "WTT": ("WHR", _HOUR), "MAW": ("MWH", _HOUR),
}  # fmt: skip
"""UNECE common code to the amount that flows, and the seconds of the time it is per."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What a signal tells: amounts of `unit` (a common code), with per_s the flow of so much in that many seconds."""

    unit: str
    per_s: float = 0.0


def measure(unit: str | None, per: str | None = None) -> Measure:
    """What a signal of that unit tells. per: "second", "minute" or "hour" where the unit itself does not say that it is
    a flow; a signal without unit counts pieces."""
    if per is not None:
        return Measure(unit or PIECES[0], PER[per])
    if unit in _FLOWS:
        return Measure(*_FLOWS[unit])
    return Measure(unit or PIECES[0])


def ratio(unit: str, wanted: str) -> float | None:
    """How many of the wanted unit one of `unit` is; None where they measure different things."""
    if unit == wanted:
        return 1.0
    one, other = _AMOUNTS.get(unit), _AMOUNTS.get(wanted)
    return one[1] / other[1] if one and other and one[0] == other[0] else None
