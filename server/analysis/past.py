"""The course of signals for analytics: from the history where they are kept and it reaches further back, else from
the memory."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, Protocol

import numpy as np

from analytics.arguments import FULL, PIECE, Context, Job, readings_of
from analytics.series import TICKS_PER_SECOND, Series, begun_ticks
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

    async def latest_before(self, rows: Iterable[int], ticks: int) -> Mapping[int, Series]:
        """The last measurement of each row before that time, if not too long before. Raises StoreError."""
        ...


class Past:
    """recent: what is in memory. history: what is on disk, None where there is none; oldest: ticks of its first value,
    0 where that is not known."""

    def __init__(self, recent: Recent, history: Kept | None = None, oldest: Callable[[], int] = lambda: 0) -> None:
        self._recent = recent
        self._history = history
        self.oldest = oldest

    async def series(
        self,
        rows: Sequence[int],
        start_ticks: int | None,
        end_ticks: int,
        pieces: int = 0,
        held: Collection[int] = (),
    ) -> Mapping[int, Series]:
        """The course of each row by SourceTimestamp, both ends inclusive; empty for one that never spoke. pieces: see
        `analytics.arguments.Job`. held: rows whose values hold until the next one, setpoints; the last one before the
        start is told too.

        start_ticks None: the last day where the history keeps them (less for more than 30 rows: all of it would be
        years), and as far back as the memory reaches for the others.
        """
        kept = [row for row in rows if self._history is not None and self._history.historized(row)]
        found: dict[int, Series] = {}
        if kept and self._history is not None:
            try:
                start = end_ticks - _reach_ticks(len(kept)) if start_ticks is None else start_ticks
                found.update(await self._history.series(kept, start, end_ticks, pieces))
                leading = [row for row in kept if row in held]
                before = await self._history.latest_before(leading, start) if leading else {}
                found.update({row: _joined(one, found[row]) for row, one in before.items()})
            except StoreError as error:
                _log.warning("analytics get what is in memory only: %s", error)
        rest = [row for row in rows if row not in found]
        if rest:
            found.update(await asyncio.to_thread(self._recent.series, rest, start_ticks, end_ticks))
            if start_ticks is not None and (leading := [row for row in rest if row in held]):
                before = await asyncio.to_thread(self._recent.series, leading, None, start_ticks - 1)
                found.update({row: _joined(_last(one), found[row]) for row, one in before.items()})
        return found

    async def earlier(
        self, series: Mapping[int, Series], start_ticks: int, end_ticks: int, least_s: float
    ) -> tuple[int, int] | None:
        """An interval of the same length that ends with the last measurement before the series begin; None where they
        begin least_s before the end, and where nothing is known from before."""
        begin = begun_ticks(series.values(), start_ticks, end_ticks)
        rows = [row for row in series if self._history is not None and self._history.historized(row)]
        if end_ticks - begin >= least_s * TICKS_PER_SECOND or self._history is None or not rows:
            return None
        try:
            before = await self._history.latest_before(rows, begin)
        except StoreError as error:
            _log.warning("analytics do without the past before a gap: %s", error)
            return None
        last = max((int(one.ticks[-1]) for one in before.values() if len(one)), default=0)
        return (last - (end_ticks - start_ticks), last) if last else None


def _last(series: Series) -> Series:
    last = np.flatnonzero(np.isfinite(series.values))[-1:]
    return Series(series.ticks[last], series.values[last], series.status[last])


def _joined(first: Series, second: Series) -> Series:
    return Series(
        np.concatenate((first.ticks, second.ticks)),
        np.concatenate((first.values, second.values)),
        np.concatenate((first.status, second.status)),
    )


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
