"""Shared timers: exact where one sleeps, at most a step late where a deadline is watched."""

from __future__ import annotations

import asyncio

from drivers.wheel import STEP_S, Wheel
from tests.simulators.virtual_time import virtual_time


@virtual_time
async def test_all_who_wait_for_one_moment_wake_in_it_and_share_its_timer():
    loop = asyncio.get_running_loop()
    wheel = Wheel.of(loop)
    assert Wheel.of(loop) is wheel
    due = loop.time() + 1.0
    woken: list[float] = []

    async def sleeper() -> None:
        await wheel.sleep_until(due)
        woken.append(loop.time())

    tasks = [asyncio.create_task(sleeper()) for _ in range(5)]
    await asyncio.sleep(0.5)
    tasks[0].cancel()
    await asyncio.wait(tasks)
    assert woken == [due] * 4
    await wheel.sleep_until(due - 1.0)  # over already
    assert loop.time() == due


@virtual_time
async def test_a_deadline_is_called_at_most_a_step_late_and_never_early():
    loop = asyncio.get_running_loop()
    called: list[float] = []
    due = [loop.time() + 0.1234, loop.time() + 0.1239, loop.time() + 0.2]
    for when in due:
        Wheel.of(loop).call_at(when, lambda: called.append(loop.time()))
    await asyncio.sleep(1.0)
    assert all(0 <= at - when <= STEP_S + 1e-9 for at, when in zip(called, due, strict=True))
