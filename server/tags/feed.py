"""A bounded queue of committed batches for a consumer that wants every value, not only the latest."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from drivers.readings import Readings

_SMALL: Final = 32
"""Readings; a batch of fewer takes more memory for its arrays than for what is in them."""
_JOINED: Final = 256


class Feed:
    """Committed batches in order, at most `capacity` readings of them (or the latest batch, should it be larger).

    A consumer that falls behind loses the oldest batches, and `lost` says how many readings that were; it never
    slows the one who commits. Small batches that wait are joined, so that memory follows the number of readings. One
    consumer per feed.
    """

    def __init__(self, name: str, capacity: int) -> None:
        self.name = name
        self.capacity = capacity
        self.lost = 0
        self.waiting = 0
        self._batches: deque[Readings] = deque()
        self._small = 0  # how many at the end of the queue are small
        self._arrived = asyncio.Event()

    def push(self, batch: Readings) -> None:
        """Called by the table after each commit, on its thread."""
        self._batches.append(batch)
        self.waiting += len(batch)
        self._small = self._small + 1 if len(batch) < _SMALL else 0
        while self.waiting > self.capacity and len(self._batches) > 1:
            dropped = len(self._batches.popleft())
            self.waiting -= dropped
            self.lost += dropped
        self._small = min(self._small, len(self._batches))
        if self._small == _JOINED:
            self._join()
        self._arrived.set()

    def drain(self) -> list[Readings]:
        """All that is waiting, oldest first; empty when nothing is."""
        batches = list(self._batches)
        self._batches.clear()
        self._small = 0
        self.waiting = 0
        self._arrived.clear()
        return batches

    async def wait(self) -> list[Readings]:
        """The same, once there is something."""
        await self._arrived.wait()
        return self.drain()

    def _join(self) -> None:
        small = [self._batches.pop() for _ in range(self._small)]
        self._batches.append(Readings.concat(small[::-1]))
        self._small = 0
