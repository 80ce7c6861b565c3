"""What a connection's `bad_after_s`, back-off and probing keys do; in virtual time, with devices in memory."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from drivers.status import Status
from server.acquisition.acquisition import SWEEP_S
from server.config.upkeep import Upkeep
from tests.simulators.memory_driver import Device
from tests.simulators.virtual_time import virtual_time

KEPT = Status.UncertainNoCommunicationLastUsableValue
BAD = Status.BadNoCommunication


def polled(**rest: object) -> Device:
    return Device(groups=[("", 1.0, (0, 1))], values={0: 7.0, 1: 8.0}, **rest)  # type: ignore[arg-type]


@virtual_time
async def test_a_last_value_that_is_only_kept_is_gone_after_bad_after_s_and_comes_back_with_a_reading(start):
    """Part 8, 6.3.2: Bad_NoCommunication; the table keeps the value, a client is shown none (Part 4, 7.11)."""
    device = polled()
    async with start({"a": device}, per_connection=2, upkeep=Upkeep(bad_after_s=5)) as rig:
        await asyncio.sleep(2.5)
        seen: list[tuple[float, int]] = []
        now = asyncio.get_running_loop().time
        rig.table.on_commit(lambda batch: seen.extend((now(), int(status)) for status in batch.status))
        went_s = now()
        device.go()
        await asyncio.sleep(100)
        changes = [code for _, code in seen]
        assert changes == [KEPT, KEPT, BAD, BAD], "no attempt to connect shows the old values again"
        assert 5 <= seen[-1][0] - went_s <= 5 + 2 * SWEEP_S
        assert rig.table.python_value(0) == 7.0
        device.up = True
        await asyncio.sleep(35)
        assert rig.table.status.tolist() == [0, 0]
        device.go()
        await asyncio.sleep(1)
        assert rig.table.status.tolist() == [KEPT, KEPT]


@virtual_time
async def test_time_is_counted_from_the_first_doubt_and_a_unit_on_a_living_line_ends_too(start):
    """One request unanswered, then the unit given up: two marks, one doubt."""
    device = Device(groups=[("1", 1.0, (0,)), ("2", 1.0, (1,))], values={0: 7.0, 1: 8.0})
    async with start({"a": device}, per_connection=2, upkeep=Upkeep(bad_after_s=3.5)) as rig:
        await asyncio.sleep(2.5)
        device.silent.add("2")
        at: dict[int, float] = {}
        now = asyncio.get_running_loop().time
        rig.table.on_commit(
            lambda batch: at.update(
                {int(code): now() for row, code in zip(batch.row, batch.status, strict=True) if row}
            )
        )
        await asyncio.sleep(20)
        assert 3.5 <= at[BAD] - at[Status.UncertainLastUsableValue] <= 3.5 + 2 * SWEEP_S
        assert rig.table.status.tolist() == [0, BAD]


@virtual_time
async def test_without_bad_after_s_a_last_value_stays_readable(start):
    device = polled()
    async with start({"a": device}, per_connection=2) as rig:
        await asyncio.sleep(2)
        device.go()
        await asyncio.sleep(10_000)
        assert rig.table.status.tolist() == [KEPT, KEPT]


@virtual_time
async def test_back_off_and_probing_are_those_of_the_connection(start):
    device = polled(up=False)
    async with start({"a": device}, per_connection=2, upkeep=Upkeep(reconnect_first_s=2, reconnect_last_s=4)):
        await asyncio.sleep(60)
    pauses = np.diff(device.connects)
    assert 1 <= pauses[0] <= 2.1
    assert pauses[2:].min() >= 2
    assert pauses.max() <= 4.1
    quiet = polled(silent={""})
    upkeep = Upkeep(give_up_after=1, probe_first_s=5, probe_last_s=20)
    async with start({"a": quiet}, per_connection=2, upkeep=upkeep) as rig:
        await asyncio.sleep(100)
        assert rig.acquisition.links["a"].silent_units == 1
    assert np.diff([when for when, _ in quiet.reads]).round().tolist() == [6, 11, 21, 21, 21]


@pytest.mark.parametrize("what", ["reconnect", "probe"])
def test_a_longest_pause_below_the_first_is_refused(what: str) -> None:
    with pytest.raises(ValueError, match=f"{what}_last_s 0.5 is shorter than {what}_first_s"):
        Upkeep(**{f"{what}_last_s": 0.5})
