"""From the tag table to what is worth publishing: the committed readings of some rows, reduced."""

from __future__ import annotations

import numpy as np

from drivers.readings import Readings
from server.publish.datasets import Layout
from server.publish.reduced import Reduced
from server.publish.reduction import Reduction
from server.tags.feed import Feed
from server.tags.table import TagTable


class Collector:
    """feed: every committed batch of that table. layout: which rows are published."""

    def __init__(self, feed: Feed, layout: Layout, table: TagTable, reduction: Reduction) -> None:
        self.taken = 0
        """Committed values of published rows so far."""
        self._feed = feed
        self._reduction = reduction
        self._layout = layout
        self._table = table
        self._published = np.zeros(len(table), np.bool_)
        self._published[layout.rows] = True

    @property
    def waiting(self) -> int:
        """Committed readings that have not been looked at."""
        return self._feed.waiting

    @property
    def lost(self) -> int:
        """Committed readings that could not wait any longer."""
        return self._feed.lost

    def take(self, now_ticks: int) -> Reduced:
        """What is to be published of all that was committed since the last time."""
        batches = self._feed.drain()
        parts = [self._reduction.take(self._own(Readings.concat(batches)))] if batches else []
        return Reduced.concat([*parts, self._reduction.flush(now_ticks)])

    def rest(self, now_ticks: int) -> Reduced:
        """The same at the end, with all that the reduction holds back."""
        return Reduced.concat([self.take(now_ticks), self._reduction.flush(now_ticks, np.flatnonzero(self._published))])

    def _own(self, batch: Readings) -> Readings:
        """Those readings of a batch that are published here and say something."""
        last = len(self._published) - 1  # rows that came by a reload concern the publisher that comes after this one
        keep = np.flatnonzero(self._published[np.minimum(batch.row, last)] & (batch.row <= last))
        own = batch if len(keep) == len(batch) else batch.take(keep)
        empty = self._layout.empty(own, self._table.has_value)
        if len(empty):
            own = own.take(np.delete(np.arange(len(own)), empty))
        self.taken += len(own)
        return own
