"""Staleness: no row looks Good when no reading has come for it within its staleness time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from drivers.readings import Readings
from drivers.status import Status
from server.config.plant import Tag
from server.tags.table import TagTable

_FIRST_NOT_GOOD: Final = np.uint32(0x40000000)
_KEPT: Final = (np.uint32(Status.UncertainLastUsableValue), np.uint32(Status.UncertainNoCommunicationLastUsableValue))
"""Statuses of values that are kept because there is nothing newer."""
Rows = npt.NDArray[np.int32]


class Staleness:
    """Remembers by row when the latest reading came, and marks rows that have waited too long in one pass of arrays.

    Good rows turn Uncertain after their stale_s; a quality that is already Uncertain or Bad says more than "old". Where
    the plant file says so, last values that have only been kept for too long are gone: Bad until the next reading.
    """

    def __init__(self, tags: Sequence[Tag], table: TagTable) -> None:
        self._table = table
        self._stale_s = np.empty(0, np.float64)
        self._limit_s = np.empty(0, np.float64)
        self._arrived_s = np.empty(0, np.float64)
        self._end_after_s = np.empty(0, np.float64)
        self._kept_since_s = np.empty(0, np.float64)
        self._gone = np.empty(0, np.bool_)
        self._ending: Rows = np.empty(0, np.int32)
        self.adopt(tags)

    def adopt(self, tags: Sequence[Tag]) -> None:
        """The tags are these from now on; rows that were there keep what is known of them."""
        more = len(tags) - len(self._limit_s)
        self._stale_s = np.array([tag.stale_s for tag in tags], np.float64)
        self._limit_s = np.concatenate([self._limit_s, np.full(more, np.inf)])
        self._arrived_s = np.concatenate([self._arrived_s, np.zeros(more)])
        self._end_after_s = np.concatenate([self._end_after_s, np.full(more, np.inf)])
        self._kept_since_s = np.concatenate([self._kept_since_s, np.full(more, np.inf)])
        self._gone = np.concatenate([self._gone, np.zeros(more, np.bool_)])

    def forget(self, rows: Rows) -> None:
        """Watch rows no more."""
        self._limit_s[rows] = np.inf
        self._gone[rows] = False
        self._set_end(rows, np.inf)

    def expect(self, rows: Rows) -> None:
        """Watch rows from now on. Rows that are only ever written to are never expected and so never stale."""
        self._limit_s[rows] = self._stale_s[rows]

    def end_after(self, rows: Rows, seconds: float) -> None:
        """The last values of these rows are gone when they have only been kept for so long."""
        self._set_end(rows, seconds)

    def gone(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Whose last values are gone."""
        found: npt.NDArray[np.bool_] = self._gone[rows]
        return found

    def arrived(self, batch: Readings, now_s: float) -> None:
        """Readings of these rows came at that time of the event loop's clock."""
        self._arrived_s[batch.row] = now_s
        if len(self._ending):
            self._gone[batch.row] = False

    def sweep(self, now_s: float) -> int:
        """Mark what is stale at that time as Uncertain_LastUsableValue, and what is gone as Bad_NoCommunication;
        returns how many rows that were."""
        old = now_s - self._arrived_s > self._limit_s
        old &= self._table.status < _FIRST_NOT_GOOD
        rows = np.flatnonzero(old).astype(np.int32)
        marked = self._table.mark(rows, Status.UncertainLastUsableValue, Status.BadWaitingForInitialData)
        return marked + (self._end(now_s) if len(self._ending) else 0)

    def _end(self, now_s: float) -> int:
        rows = self._ending
        kept = np.isin(self._table.status[rows], _KEPT)
        since_s = np.where(kept, np.minimum(self._kept_since_s[rows], now_s), np.inf)
        self._kept_since_s[rows] = since_s
        over = rows[now_s - since_s >= self._end_after_s[rows]]
        marked = self._table.mark(over, Status.BadNoCommunication, Status.BadNoCommunication)
        self._gone[over] = True
        return marked

    def _set_end(self, rows: Rows, seconds: float) -> None:
        self._end_after_s[rows] = seconds
        self._kept_since_s[rows] = np.inf
        self._ending = np.flatnonzero(np.isfinite(self._end_after_s)).astype(np.int32)
