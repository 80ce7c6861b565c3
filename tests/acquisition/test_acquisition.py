"""What the table shows while devices work, fall silent, die and come back; in virtual time, with devices in memory."""

from __future__ import annotations

import asyncio
import itertools
import logging

import numpy as np
import pytest

from drivers.errors import ConnectFailed, DeviceTimeout, Malformed, Refused
from drivers.link import LinkState
from drivers.readings import Readings
from drivers.status import Status
from server.acquisition.acquisition import SWEEP_S
from tests.acquisition.conftest import memory_plant
from tests.simulators.memory_driver import Device
from tests.simulators.virtual_time import virtual_time
from tests.simulators.waiting import until


def polled(rate_s: float = 1.0, rows: tuple[int, ...] = (0,), **rest: object) -> Device:
    return Device(groups=[("", rate_s, rows)], **rest)  # type: ignore[arg-type]


def status(rig, row: int = 0) -> Status:
    return Status(int(rig.table.status[row]))


@virtual_time
async def test_values_arrive_soon_after_the_start_whatever_their_rate(start):
    device = polled(300.0, values={0: 42.5})
    async with start({"line1": device}) as rig:
        await asyncio.sleep(0.1)
        assert rig.table.python_value(0) == 42.5
        assert status(rig) is Status.Good


@virtual_time
async def test_polls_keep_their_rate_without_drift(start):
    device = polled(0.05)
    async with start({"line1": device}) as rig:
        await asyncio.sleep(100)
        assert rig.acquisition.missed == 0
    times = np.array([when for when, _ in device.reads])[2:]
    assert np.abs(times - times[0] - 0.05 * np.arange(len(times))).max() < 1e-6
    assert 1995 <= len(times) <= 2001


@virtual_time
async def test_a_slot_that_a_slow_answer_covers_is_skipped_and_counted(start):
    device = polled(1.0, answer_s=1.5)
    async with start({"line1": device}) as rig:
        await asyncio.sleep(100)
        assert 48 <= len(device.reads) <= 52
        assert 46 <= rig.acquisition.missed <= 50


@virtual_time
async def test_five_hundred_devices_are_asked_in_ten_steps_a_second(start):
    devices = {f"c{index}": polled(1.0, (index,)) for index in range(500)}
    async with start(devices):
        await asyncio.sleep(10)
    times = np.sort(np.concatenate([[when for when, _ in device.reads] for device in devices.values()]))
    for second in (5, 6, 7):
        within = times[(times >= second) & (times < second + 1)]
        assert 498 <= len(within) <= 502
        assert np.histogram(within, bins=1000, range=(second, second + 1))[0].max() <= 54


@virtual_time
async def test_a_dead_device_turns_its_tags_uncertain_and_the_others_keep_their_rate(start):
    dead, alive = polled(values={0: 7.0}), polled(rows=(1,))
    async with start({"dead": dead, "alive": alive}) as rig:
        await asyncio.sleep(5)
        before = len(alive.reads)
        dead.go()
        await asyncio.sleep(3)
        assert status(rig, 0) is Status.UncertainNoCommunicationLastUsableValue
        assert rig.table.python_value(0) == 7.0
        assert status(rig, 1) is Status.Good
        assert len(alive.reads) - before == 3
        assert rig.acquisition.links["dead"].state is not LinkState.Connected
        dead.up = True
        await asyncio.sleep(5)
        assert status(rig, 0) is Status.Good


@virtual_time
async def test_a_device_that_was_never_there_is_bad_no_communication(start):
    async with start({"line1": polled(up=False)}) as rig:
        assert status(rig) is Status.BadWaitingForInitialData
        await asyncio.sleep(1)
        assert status(rig) is Status.BadNoCommunication
        assert rig.table.python_value(0) is None


@virtual_time
async def test_a_silent_device_turns_its_tags_uncertain_at_the_first_timeout(start):
    device = polled(values={0: 7.0})
    async with start({"line1": device}) as rig:
        await asyncio.sleep(5)
        device.silent.add("")
        await asyncio.sleep(2.1)
        assert status(rig) is Status.UncertainLastUsableValue
        await asyncio.sleep(4)
        assert status(rig) is Status.UncertainNoCommunicationLastUsableValue
        device.silent.clear()
        await asyncio.sleep(12)
        assert status(rig) is Status.Good


@virtual_time
async def test_a_silent_device_is_probed_ever_less_each_time_on_a_new_connection(start, caplog):
    caplog.set_level(logging.INFO, "server.acquisition")
    device = polled(silent={""})
    async with start({"line1": device}):
        await asyncio.sleep(1400)
        device.silent.clear()
        await asyncio.sleep(300)
    times = [when for when, _ in device.reads]
    pauses = [later - earlier - 1 for earlier, later in itertools.pairwise(times)]
    assert pauses[2:9] == pytest.approx([10, 20, 40, 80, 160, 300, 300], abs=0.2)
    assert len(device.connects) == 10
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


@virtual_time
async def test_a_silent_unit_costs_its_line_only_its_timeouts(start):
    units = [("1", 1.0, (0,)), ("2", 1.0, (1,)), ("2", 5.0, (2,)), ("3", 1.0, (3,)), ("4", 1.0, (4,))]
    device = Device(groups=units, silent={"2"}, timeout_s=0.5)
    async with start({"line1": device}, per_connection=5, stale_s=20.0) as rig:
        await asyncio.sleep(100)
        asked = [unit for _, unit in device.reads]
        assert len(device.connects) == 1
        assert asked.count("2") <= 3 + 4 + 2
        assert all(asked.count(unit) >= 97 for unit in "134")
        assert [status(rig, row) for row in (0, 3, 4)] == [Status.Good] * 3
        assert [status(rig, row) for row in (1, 2)] == [Status.BadNoCommunication] * 2
        with pytest.raises(ConnectFailed, match="line1, 2 does not answer"):
            await rig.acquisition.write(1, 1.0)
        device.silent.clear()
        await asyncio.sleep(90)
        assert [status(rig, row) for row in range(5)] == [Status.Good] * 5


@virtual_time
async def test_on_a_new_connection_only_one_group_of_a_given_up_unit_asks_it(start):
    device = Device(groups=[("1", 1.0, (0,)), ("2", 1.0, (1,)), ("2", 1.0, (2,))], silent={"2"}, timeout_s=0.5)
    async with start({"line1": device}, per_connection=3):
        await asyncio.sleep(9)
        before = len([unit for _, unit in device.reads if unit == "2"])
        device.hang_up()
        await asyncio.sleep(4)
        assert len([unit for _, unit in device.reads if unit == "2"]) == before + 1


@virtual_time
async def test_when_one_given_up_unit_answers_the_others_are_asked_at_once(start):
    device = Device(groups=[("1", 1.0, (0,)), ("2", 1.0, (1,)), ("3", 1.0, (2,))], silent={"2", "3"})
    async with start({"line1": device}, per_connection=3) as rig:
        await asyncio.sleep(400)
        device.silent.clear()
        await until(lambda: Status.Good in (status(rig, 1), status(rig, 2)), within_s=400, every_s=0.1)
        await asyncio.sleep(0.2)
        assert [status(rig, row) for row in range(3)] == [Status.Good] * 3


@virtual_time
async def test_a_refused_group_is_bad_with_the_devices_own_reason(start):
    device = polled(values={0: 7.0})
    async with start({"line1": device}) as rig:
        await asyncio.sleep(2)
        device.failing["read"] = Refused("exception 2", 2, Status.BadConfigurationError)
        await asyncio.sleep(2)
        assert status(rig) is Status.BadConfigurationError
        device.failing["read"] = Malformed("answer too short")
        await asyncio.sleep(2)
        assert status(rig) is Status.BadCommunicationError
        device.failing.clear()
        await asyncio.sleep(2)
        assert status(rig) is Status.Good


@virtual_time
async def test_a_pushed_tag_that_goes_quiet_is_no_longer_good(start):
    device = Device()
    async with start({"broker": device}, stale_s=3.0) as rig:
        await asyncio.sleep(1)
        device.push(one(0, 21.5))
        await asyncio.sleep(2.9)
        assert status(rig) is Status.Good
        await asyncio.sleep(0.1 + SWEEP_S + 0.01)
        assert status(rig) is Status.UncertainLastUsableValue
        assert rig.table.python_value(0) == 21.5
        device.push(one(0, 22.0))
        assert status(rig) is Status.Good


@virtual_time
async def test_quality_that_a_device_reports_itself_is_not_overwritten_by_staleness(start):
    device = Device()
    async with start({"broker": device}) as rig:
        await asyncio.sleep(1)
        device.push(one(0, 21.5, Status.UncertainSensorNotAccurate))
        await asyncio.sleep(10)
        assert status(rig) is Status.UncertainSensorNotAccurate


@virtual_time
async def test_a_broker_that_goes_turns_its_tags_uncertain_at_once_and_is_found_again(start):
    device = Device()
    async with start({"broker": device}) as rig:
        await asyncio.sleep(1)
        device.push(one(0, 21.5))
        device.hang_up()
        await asyncio.sleep(0.01)
        assert status(rig) is Status.UncertainNoCommunicationLastUsableValue
        await asyncio.sleep(1.1)
        device.push(one(0, 22.0))
        assert status(rig) is Status.Good
        assert rig.acquisition.links["broker"].reconnects == 1


@virtual_time
async def test_a_command_that_nobody_reports_is_never_stale_until_the_device_reports_it(start):
    device = Device()
    async with start({"broker": device}, written=(0,)) as rig:
        await asyncio.sleep(1)
        rig.table.commit(one(0, 1.0))
        await asyncio.sleep(60)
        assert status(rig) is Status.Good
        device.push(one(0, 1.0))
        await asyncio.sleep(4)
        assert status(rig) is Status.UncertainLastUsableValue


@virtual_time
async def test_rows_that_wait_for_a_first_value_say_whether_the_device_is_there(start):
    device = Device(up=False)
    async with start({"broker": device}) as rig:
        await asyncio.sleep(1)
        assert status(rig) is Status.BadNoCommunication
        device.up = True
        await asyncio.sleep(5)
        assert status(rig) is Status.BadWaitingForInitialData


@virtual_time
async def test_a_batch_that_cannot_be_committed_is_counted_against_the_driver(start, caplog):
    device = Device()
    async with start({"broker": device}) as rig:
        await asyncio.sleep(1)
        device.push(one(7, 1.0))
        device.push(one(0, 2.0))
        assert rig.table.python_value(0) == 2.0
        assert rig.acquisition.links["broker"].errors == {"Malformed": 1}
    assert "row 7 does not exist" in caplog.text


@virtual_time
async def test_a_bug_in_one_driver_stops_its_connection_only_and_for_a_while(start, caplog):
    sick, well = polled(failing={"read": ZeroDivisionError("division by zero")}), polled(rows=(1,))
    async with start({"sick": sick, "well": well}) as rig:
        await asyncio.sleep(5)
        assert status(rig, 0) is Status.BadNoCommunication
        assert status(rig, 1) is Status.Good
        assert "ZeroDivisionError" in str(rig.acquisition.links["sick"].last_error)
        assert [record.levelname for record in caplog.records] == ["CRITICAL"]
        sick.failing.clear()
        await asyncio.sleep(10)
        assert status(rig, 0) is Status.Good


@virtual_time
async def test_writes_and_reads_go_to_the_right_device(start):
    devices = {"a": polled(rows=(0,)), "b": polled(rows=(1,)), "c": Device()}
    async with start(devices) as rig:
        await asyncio.sleep(0.5)
        await rig.acquisition.write(1, 5.0)
        await rig.acquisition.write(2, 6.0)
        assert devices["b"].writes == [(1, 5.0)]
        assert devices["c"].writes == [(2, 6.0)]
        batch = await rig.acquisition.read_rows([1, 0])
        assert batch.row.tolist() == [1, 0]
        assert batch.value.view(np.float64).tolist() == [5.0, 0.0]
        assert [rig.acquisition.can_read(row) for row in range(4)] == [True, True, False, False]
        with pytest.raises(Refused):
            await rig.acquisition.read_rows([2])
        with pytest.raises(LookupError, match="row 3"):
            await rig.acquisition.write(3, 1.0)


@virtual_time
async def test_a_write_to_a_device_that_is_away_fails_at_once(start):
    device = polled(up=False)
    async with start({"line1": device}) as rig:
        await asyncio.sleep(1)
        loop = asyncio.get_running_loop()
        asked = loop.time()
        with pytest.raises(ConnectFailed, match="connection refused"):
            await rig.acquisition.write(0, 1.0)
        assert loop.time() == asked


@virtual_time
async def test_an_unanswered_write_is_a_timeout_and_does_not_make_the_unit_suspect(start):
    device = polled(10.0)
    async with start({"line1": device}, stale_s=30.0) as rig:
        await asyncio.sleep(1)
        device.silent.add("")
        for _ in range(4):
            with pytest.raises(DeviceTimeout):
                await rig.acquisition.write(0, 1.0)
        device.silent.clear()
        await rig.acquisition.write(0, 2.0)
        assert status(rig) is Status.Good


@virtual_time
async def test_it_closes_every_driver_when_it_is_cancelled(start):
    devices = {"a": polled(), "b": Device()}
    async with start(devices):
        await asyncio.sleep(1)
        assert all(device.open for device in devices.values())
    assert not any(device.open for device in devices.values())


@virtual_time
async def test_a_reload_that_its_end_overtakes_starts_nothing(start):
    device, other, slow = polled(), polled(2.0), polled(1.0, (1,), close_s=1.0)
    async with start({"line1": device, "line2": slow}) as rig:
        await asyncio.sleep(1)
        adopting = asyncio.create_task(rig.acquisition.adopt(memory_plant({"line1": other, "line2": slow})))
    assert await adopting == ["line1"]
    assert not device.open
    assert not other.connects


def one(row: int, value: float, code: int = 0) -> Readings:
    return Readings(
        np.array([row], np.int32), np.array([value]).view(np.uint64), np.array([code], np.uint32), np.zeros(1, np.int64)
    )
