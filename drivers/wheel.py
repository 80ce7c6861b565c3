"""Timers that many share: moments are rounded up to steps, and the event loop keeps one timer per step."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Final
from weakref import WeakKeyDictionary

STEP_S: Final = 0.01
_OF_LOOP: WeakKeyDictionary[asyncio.AbstractEventLoop, Wheel] = WeakKeyDictionary()


class Wheel:
    """Calls back at moments of its event loop's clock, at most STEP_S late. For deadlines, which are many and hardly
    ever reached: setting one costs a look-up instead of a timer in the loop's heap, and none is ever taken back."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._due: dict[int, list[Callable[[], None]]] = {}
        self._moments: dict[float, list[Callable[[], None]]] = {}

    @staticmethod
    def of(loop: asyncio.AbstractEventLoop) -> Wheel:
        """The one wheel of an event loop."""
        found = _OF_LOOP.get(loop)
        if found is None:
            found = _OF_LOOP[loop] = Wheel(loop)
        return found

    def call_at(self, when_s: float, callback: Callable[[], None]) -> None:
        """Call it at that time; it must not raise and cannot be taken back."""
        step = math.ceil(when_s / STEP_S)
        waiting = self._due.get(step)
        if waiting is None:
            self._due[step] = [callback]
            self._loop.call_at(step * STEP_S, self._turn, step)
        else:
            waiting.append(callback)

    def call_exactly_at(self, when_s: float, callback: Callable[[], None]) -> None:
        """Call it at that very moment, or in the next round where that is over; it must not raise and cannot be taken
        back. Those of one moment share its timer."""
        shared = self._moments.get(when_s)
        if shared is None:
            self._moments[when_s] = [callback]
            self._loop.call_at(when_s, self._wake, when_s)
        else:
            shared.append(callback)

    async def sleep_until(self, when_s: float) -> None:
        """Sleep until a moment, exactly."""
        mine: asyncio.Future[None] = self._loop.create_future()
        self.call_exactly_at(when_s, lambda: None if mine.done() else mine.set_result(None))
        await mine

    def _wake(self, when_s: float) -> None:
        for callback in self._moments.pop(when_s):
            callback()

    def _turn(self, step: int) -> None:
        for callback in self._due.pop(step):
            callback()
