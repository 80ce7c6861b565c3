"""Times as a person writes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from drivers.readings import TICKS_PER_SECOND, UNIX_EPOCH_TICKS

_AGO: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def ticks_of(text: str, now: datetime) -> int:
    """OPC UA ticks of "2026-11-22T10:00", "2026-11-22 10:00+01:00", "2026-11-22T09:00:00Z", or "24h": so long ago.

    Without a zone it is the time of this computer. Raises ValueError, with a message for people.
    """
    if match := _AGO.fullmatch(text.strip()):
        moment = now - timedelta(seconds=float(match[1]) * _SECONDS[match[2]])
    else:
        try:
            moment = datetime.fromisoformat(text.strip())
        except ValueError:
            ways = "2026-11-22T10:00 (by this computer's clock), 2026-11-22T09:00Z, or 24h for so long ago"
            raise ValueError(f"{text} is no time; write {ways}") from None
    moment = moment.astimezone(UTC)  # one without a zone is taken for local time
    return (moment - _EPOCH) // timedelta(microseconds=1) * (TICKS_PER_SECOND // 1_000_000) + UNIX_EPOCH_TICKS
