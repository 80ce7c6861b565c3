"""A bounded queue of committed batches for a consumer that wants every value, not only the latest."""

from __future__ import annotations

import asyncio
from collections import deque

from drivers.readings import Readings


class Feed:
    """Committed batches in order, at most `capacity` readings of them.

    A consumer that falls behind loses the oldest batches, and `lost` says how many readings that were; it never
    slows the one who commits. One consumer per feed.
    """

    def __init__(self, name: str, capacity: int) -> None:
        self.name = name
        self.capacity = capacity
        self.lost = 0
        self.waiting = 0
        self._batches: deque[Readings] = deque()
        self._arrived = asyncio.Event()

    def push(self, batch: Readings) -> None:
        """Called by the table after each commit, on its thread."""
        self._batches.append(batch)
        self.waiting += len(batch)
        while self.waiting > self.capacity and len(self._batches) > 1:
            dropped = len(self._batches.popleft())
            self.waiting -= dropped
            self.lost += dropped
        self._arrived.set()

    def drain(self) -> list[Readings]:
        """All that is waiting, oldest first; empty when nothing is."""
        batches = list(self._batches)
        self._batches.clear()
        self.waiting = 0
        self._arrived.clear()
        return batches

    async def wait(self) -> list[Readings]:
        """The same, once there is something."""
        await self._arrived.wait()
        return self.drain()
