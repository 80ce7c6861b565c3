"""Who may use a worker process next: so many at a time, callers in turn, and long work never on the last lane."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass(eq=False, slots=True)
class _Waiting:
    owner: str
    long: bool
    told: asyncio.Future[None]


class Lanes:
    """`count` lanes. Long work uses all but one of them (all, where there is one only), so that short work finds a way.

    Of those that wait, the owner with the least under way comes first, then the one whose last turn is longest ago,
    then who came first.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        self._free_for_long = max(1, count - 1)
        self._under_way: Counter[str] = Counter()
        self._last_turn: dict[str, int] = {}
        self._turns = 0
        self._waiting: deque[_Waiting] = deque()

    @property
    def waiting(self) -> int:
        """How many wait for a lane."""
        return len(self._waiting)

    @asynccontextmanager
    async def turn(self, owner: str, long: bool) -> AsyncIterator[None]:
        """Wait for a lane and hold it for the body."""
        mine = _Waiting(owner, long, asyncio.get_running_loop().create_future())
        self._waiting.append(mine)
        self._next()
        try:
            await mine.told
        except asyncio.CancelledError:
            if mine in self._waiting:
                self._waiting.remove(mine)
            else:
                self._leave(mine)
            raise
        try:
            yield
        finally:
            self._leave(mine)

    def _leave(self, one: _Waiting) -> None:
        self._free += 1
        self._free_for_long += one.long
        self._under_way[one.owner] -= 1
        self._next()
        if not self._waiting:
            self._last_turn.clear()
            self._under_way = +self._under_way

    def _next(self) -> None:
        while self._free:
            able = [one for one in self._waiting if not one.long or self._free_for_long]
            if not able:
                return
            one = min(able, key=lambda one: (self._under_way[one.owner], self._last_turn.get(one.owner, 0)))
            self._waiting.remove(one)
            self._turns += 1
            self._last_turn[one.owner] = self._turns
            self._free -= 1
            self._free_for_long -= one.long
            self._under_way[one.owner] += 1
            one.told.set_result(None)
