"""Whose turn it is on a connection that takes one request (or one batch of them) at a time."""

from __future__ import annotations

import asyncio
from enum import IntEnum
from heapq import heappop, heappush


class Priority(IntEnum):
    """The order in which waiting requests get their turn; equals in the order of asking."""

    write = 0
    read_back = 1
    poll = 2


class Gate:
    """A lock whose waiters are let in by priority. Who entered must leave."""

    def __init__(self) -> None:
        self._busy = False
        self._asked = 0
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []

    async def enter(self, priority: Priority) -> None:
        """Wait for the turn; a cancelled waiter loses its place and nothing else."""
        if not self._busy:
            self._busy = True
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asked += 1
        heappush(self._waiting, (priority, self._asked, mine))
        try:
            await mine
        except asyncio.CancelledError:
            if not mine.cancelled():  # the turn had just been given: hand it on
                self.leave()
            raise

    def leave(self) -> None:
        """Give the turn to the next."""
        while self._waiting:
            _, _, waiter = heappop(self._waiting)
            if not waiter.done():
                waiter.set_result(None)  # stays busy: nobody may slip in between
                return
        self._busy = False
