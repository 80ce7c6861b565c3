"""How far back a function can afford to look."""

from __future__ import annotations

from collections.abc import Iterable

from analytics.arguments import Context
from analytics.series import TICKS_PER_SECOND


def reach_ticks(context: Context, signals: Iterable[str], readings: float) -> int:
    """From when on to read so that there are about so many readings of these signals together."""
    each_s = [max(context.about[name].period_s, 1e-3) if name in context.about else 1.0 for name in signals]
    per_s = sum(1.0 / one for one in each_s)
    return context.now_ticks - round(readings / max(per_s, 1e-9) * TICKS_PER_SECOND)
