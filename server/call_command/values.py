"""Values of results as people read them, and as machines do."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any, Final

from asyncua import ua

NOTHING: Final = "-"
_NULL: Final = datetime(1601, 1, 1)
_WHOLE_FROM: Final = 1000.0
_ROUNDING: Final = 1e-11
"""What differences of equal numbers come to."""


def shown(value: Any) -> str:
    """For people: four digits, times of this computer's clock, "-" for what is not there."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, datetime):
        return NOTHING if is_null(value) else f"{_local(value):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, ua.NodeId):
        return NOTHING if value.is_null() else str(value.Identifier)
    if isinstance(value, ua.LocalizedText):
        return value.Text or NOTHING
    if isinstance(value, list):
        return ", ".join(map(shown, value)) or NOTHING
    return str(value)


def _number(value: float) -> str:
    if math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if abs(value) < _ROUNDING:
        return "0"
    return f"{value:,.0f}" if abs(value) >= _WHOLE_FROM else f"{value:.4g}"


def plain(value: Any) -> Any:
    """For JSON and CSV: numbers that are none are null, times are ISO 8601 in UTC."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return None if is_null(value) else _utc(value).isoformat().replace("+00:00", "Z")
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, ua.NodeId):
        return None if value.is_null() else str(value.Identifier)
    if isinstance(value, ua.LocalizedText):
        return value.Text
    return value


def is_null(value: datetime) -> bool:
    """Whether it is the null DateTime (Part 6, 5.2.2.5)."""
    return value.replace(tzinfo=None) <= _NULL


def is_empty(value: Any) -> bool:
    """Whether there is nothing to show."""
    return shown(value) == NOTHING if not isinstance(value, list) else not value


def clock(value: datetime, with_day: bool) -> str:
    """A time by this computer's clock."""
    return f"{_local(value):%Y-%m-%d %H:%M:%S}" if with_day else f"{_local(value):%H:%M:%S}"


def _utc(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _local(value: datetime) -> datetime:
    return _utc(value).astimezone()
