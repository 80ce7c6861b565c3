"""The course of signals for analytics: from the history where they are kept and it reaches further back, else from
the memory."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol

import numpy as np

from analytics.arguments import FULL, PIECE, Context, Job, readings_of
from analytics.series import TICKS_PER_SECOND, Series
from server.history.recent import Recent
from server.history.store import StoreError

_log = logging.getLogger(__name__)
MOST_READINGS: Final = 20_000_000
"""That one call may work on: 400 MB on their way to the worker."""
NO_QUALITY: Final = float("nan")
_REACH_S: Final = 86_400.0
_SIGNALS_OF_A_DAY: Final = 30


class Kept(Protocol):
    """A history: `server.history.history.History`."""

    def historized(self, row: int) -> bool:
        """Whether the values of a row are kept."""
        ...

    async def series(
        self, rows: Iterable[int], start_ticks: int | None = None, end_ticks: int | None = None, pieces: int = 0
    ) -> Mapping[int, Series]:
        """The course of each row; pieces: as in `analytics.arguments.Job`. Raises StoreError."""
        ...


class Past:
    """recent: what is in memory. history: what is on disk, None where there is none; oldest: ticks of its first value,
    0 where that is not known."""

    def __init__(self, recent: Recent, history: Kept | None = None, oldest: Callable[[], int] = lambda: 0) -> None:
        self._recent = recent
        self._history = history
        self.oldest = oldest

    async def series(
        self, rows: Sequence[int], start_ticks: int | None, end_ticks: int, pieces: int = 0
    ) -> Mapping[int, Series]:
        """The course of each row by SourceTimestamp, both ends inclusive; empty for one that never spoke. pieces: see
        `analytics.arguments.Job`.

        start_ticks None: the last day where the history keeps them (less for more than 30 rows: all of it would be
        years), and as far back as the memory reaches for the others.
        """
        kept = [row for row in rows if self._history is not None and self._history.historized(row)]
        found: dict[int, Series] = {}
        if kept and self._history is not None:
            try:
                start = end_ticks - _reach_ticks(len(kept)) if start_ticks is None else start_ticks
                found.update(await self._history.series(kept, start, end_ticks, pieces))
            except StoreError as error:
                _log.warning("analytics get what is in memory only: %s", error)
        rest = [row for row in rows if row not in found]
        if rest:
            found.update(await asyncio.to_thread(self._recent.series, rest, start_ticks, end_ticks))
        return found


def _reach_ticks(rows: int) -> int:
    return round(_REACH_S * min(1.0, _SIGNALS_OF_A_DAY / rows) * TICKS_PER_SECOND)


def readings_asked(job: Job, context: Context, oldest_ticks: int) -> float:
    """Roughly how many readings a job is about to ask for."""
    if job.start_ticks is None:
        return 0.0
    begin = min(max(job.start_ticks, oldest_ticks), job.end_ticks)
    readings = readings_of(job.signals, begin, job.end_ticks, context)
    return min(readings, len(job.signals) * float(max(FULL, job.pieces * PIECE))) if job.pieces else readings


def too_many(job: Job, context: Context, oldest_ticks: int) -> str:
    """Why a job asks for more than can be read; "" where it does not."""
    readings = readings_asked(job, context, oldest_ticks)
    if readings <= MOST_READINGS:
        return ""
    return (
        f"that would be about {readings / 1e6:.0f} million readings, more than {MOST_READINGS / 1e6:.0f}; "
        "a shorter interval or fewer signals can be had"
    )


def good_share(series: Iterable[Series]) -> float:
    """Percent of the readings that are Good measurements, the same weight for each signal; NaN without signals."""
    shares = [float(np.isfinite(one.values).mean()) if len(one) else 0.0 for one in series]
    return 100.0 * sum(shares) / len(shares) if shares else NO_QUALITY
