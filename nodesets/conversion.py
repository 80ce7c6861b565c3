"""From one engineering unit to another of the same quantity, by UNECE common codes."""

from __future__ import annotations

from typing import Final

_QUANTITIES: Final[tuple[dict[str, tuple[float, float]], ...]] = (
    {"KEL": (1.0, 0.0), "CEL": (1.0, 273.15), "FAH": (5.0 / 9.0, 459.67 * 5.0 / 9.0)},
    {"MQS": (1.0, 0.0), "MQH": (1 / 3600, 0.0), "G51": (1e-3, 0.0), "L2": (1e-3 / 60, 0.0), "E32": (1e-3 / 3600, 0.0)},
    {"WTT": (1.0, 0.0), "KWT": (1e3, 0.0), "MAW": (1e6, 0.0)},
    {
        "PAL": (1.0, 0.0), "A97": (1e2, 0.0), "MBR": (1e2, 0.0), "KPA": (1e3, 0.0), "BAR": (1e5, 0.0),
        "MPA": (1e6, 0.0),
    },
    {"C62": (1.0, 0.0), "P1": (1e-2, 0.0)},
    {"MTR": (1.0, 0.0), "CMT": (1e-2, 0.0), "MMT": (1e-3, 0.0)},
    {"MTQ": (1.0, 0.0), "LTR": (1e-3, 0.0), "HLT": (1e-1, 0.0)},
    {"KGM": (1.0, 0.0), "TNE": (1e3, 0.0), "GRM": (1e-3, 0.0)},
    {"SEC": (1.0, 0.0), "MIN": (60.0, 0.0), "HUR": (3600.0, 0.0)},
    {"RPM": (1.0, 0.0), "RPS": (60.0, 0.0)},
    {"KWH": (1.0, 0.0), "MWH": (1e3, 0.0), "WHR": (1e-3, 0.0), "JOU": (1 / 3.6e6, 0.0)},
)  # fmt: skip
"""Code to factor and offset of the same quantity's first unit: base = factor x value + offset."""


def conversion(given: str, wanted: str) -> tuple[float, float] | None:
    """(factor, offset) with wanted = factor x given + offset; None where they are not of one quantity, or not known."""
    if given == wanted:
        return 1.0, 0.0
    for quantity in _QUANTITIES:
        if given in quantity and wanted in quantity:
            (up, add), (down, less) = quantity[given], quantity[wanted]
            return up / down, (add - less) / down
    return None
