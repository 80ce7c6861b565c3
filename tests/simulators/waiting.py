"""Waiting for a condition with a deadline, where real devices take their real time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object], within_s: float = 10.0, every_s: float = 0.01) -> float:
    """Wait until condition() holds and return the seconds that took; raises AssertionError after within_s."""
    clock = asyncio.get_running_loop().time
    start = clock()
    while not condition():
        if clock() - start > within_s:
            raise AssertionError(f"not within {within_s:g} s: {getattr(condition, '__doc__', None) or condition}")
        await asyncio.sleep(every_s)
    return clock() - start
