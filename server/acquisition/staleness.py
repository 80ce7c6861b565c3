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


class Staleness:
    """Remembers by row when the latest reading came, and marks rows that have waited too long in one pass of arrays.

    Only rows that are Good are looked at: a quality that is already Uncertain or Bad says more than "old".
    """

    def __init__(self, tags: Sequence[Tag], table: TagTable) -> None:
        self._table = table
        self._stale_s = np.array([tag.stale_s for tag in tags], np.float64)
        self._limit_s = np.full(len(tags), np.inf)
        self._arrived_s = np.zeros(len(tags), np.float64)

    def adopt(self, tags: Sequence[Tag]) -> None:
        """The tags are these from now on; rows that were there keep what is known of them."""
        more = len(tags) - len(self._limit_s)
        self._stale_s = np.array([tag.stale_s for tag in tags], np.float64)
        self._limit_s = np.concatenate([self._limit_s, np.full(more, np.inf)])
        self._arrived_s = np.concatenate([self._arrived_s, np.zeros(more)])

    def forget(self, rows: npt.NDArray[np.int32]) -> None:
        """Watch rows no more."""
        self._limit_s[rows] = np.inf

    def expect(self, rows: npt.NDArray[np.int32]) -> None:
        """Watch rows from now on. Rows that are only ever written to are never expected and so never stale."""
        self._limit_s[rows] = self._stale_s[rows]

    def arrived(self, batch: Readings, now_s: float) -> None:
        """Readings of these rows came at that time of the event loop's clock."""
        self._arrived_s[batch.row] = now_s

    def sweep(self, now_s: float) -> int:
        """Mark what is stale at that time as Uncertain_LastUsableValue; returns how many rows that were."""
        old = now_s - self._arrived_s > self._limit_s
        old &= self._table.status < _FIRST_NOT_GOOD
        rows = np.flatnonzero(old).astype(np.int32)
        return self._table.mark(rows, Status.UncertainLastUsableValue, Status.BadWaitingForInitialData)
