"""Whose turn it is on a connection that takes one request (or one batch of them) at a time."""

from __future__ import annotations

import asyncio
from enum import IntEnum
from heapq import heappop, heappush
from typing import NamedTuple


class Priority(IntEnum):
    """What goes before what."""

    write = 0
    read_back = 1
    poll = 2


class Turn(NamedTuple):
    """What a request asks for. patience_s: among equals that one is next whose time of asking plus patience is the
    earliest; so fast rates go before slow ones and those before probes of silent units, and yet none waits for ever."""

    priority: Priority
    patience_s: float = 0.0


class Gate:
    """A lock whose waiters are let in by their turn. Who entered must leave."""

    def __init__(self) -> None:
        self._busy = False
        self._asked = 0
        self._waiting: list[tuple[int, float, int, asyncio.Future[None]]] = []

    def try_enter(self) -> bool:
        """Enter if nobody is inside."""
        if self._busy:
            return False
        self._busy = True
        return True

    async def enter(self, turn: Turn) -> None:
        """Wait for the turn; a cancelled waiter loses its place and nothing else."""
        if self.try_enter():
            return
        loop = asyncio.get_running_loop()
        mine: asyncio.Future[None] = loop.create_future()
        self._asked += 1
        heappush(self._waiting, (turn.priority, loop.time() + turn.patience_s, self._asked, mine))
        try:
            await mine
        except asyncio.CancelledError:
            if not mine.cancelled():  # the turn had just been given: hand it on
                self.leave()
            raise

    def leave(self) -> None:
        """Give the turn to the next."""
        while self._waiting:
            waiter = heappop(self._waiting)[-1]
            if not waiter.done():
                waiter.set_result(None)  # stays busy: nobody may slip in between
                return
        self._busy = False
