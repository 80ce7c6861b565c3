"""The link keeps a connection alive, counts what goes over it, and tells the operator once."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.data_types import DataType
from drivers.driver import Binding
from drivers.errors import ConnectFailed, DeviceTimeout, LinkLost, Malformed, Refused, ValueNotAccepted
from drivers.link import BackOff, Link, LinkState, redact
from drivers.readings import Readings, now_ticks
from drivers.status import Status
from tests.simulators.memory_driver import Device, MemoryDriver, PushingMemoryDriver
from tests.simulators.virtual_time import virtual_time

BINDING = Binding(0, "Pump/Speed", DataType.Double, 0, None, 1.0, True)


async def forever() -> None:
    await asyncio.Event().wait()


@asynccontextmanager
async def running(link: Link, serve=forever) -> AsyncIterator[None]:  # type: ignore[no-untyped-def]
    task = asyncio.create_task(link.run(serve))
    await asyncio.sleep(0.1)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()


def polled(device: Device, **rest: object) -> tuple[Link, MemoryDriver]:
    driver = MemoryDriver("line1", device, [BINDING])
    return Link("line1", driver, chance=lambda: 1.0, **rest), driver  # type: ignore[arg-type]


@given(st.integers(0, 5000), st.floats(0, 1, exclude_max=True), st.floats(0.01, 10), st.floats(10, 1000))
def test_a_pause_is_never_longer_than_the_maximum_nor_shorter_than_half_the_initial_one(attempt, chance, low, high):
    delay = BackOff(low, high).delay_s(attempt, chance)
    assert low / 2 <= delay <= high


def test_pauses_double_up_to_the_maximum():
    back_off = BackOff(1.0, 30.0)
    assert [back_off.delay_s(attempt, 1.0) for attempt in range(7)] == [1, 2, 4, 8, 16, 30, 30]


@virtual_time
async def test_it_connects_and_says_so():
    link, _ = polled(Device())
    states: list[LinkState] = []
    link.on_change(states.append)
    assert not link.connected
    async with running(link):
        assert link.connected
    assert states == [LinkState.Connecting, LinkState.Connected, LinkState.Disconnected]


@virtual_time
async def test_it_tries_again_with_growing_pauses_until_the_device_is_there():
    device = Device(up=False, answer_s=0)
    link, _ = polled(device)
    async with running(link):
        await asyncio.sleep(20)
        assert [round(when) for when in device.connects] == [0, 1, 3, 7, 15]
        assert link.state is LinkState.Disconnected
        assert link.errors["ConnectFailed"] == 5
        device.up = True
        await asyncio.sleep(15)
        assert link.connected
        assert link.reconnects == 0


@virtual_time
async def test_a_lost_connection_is_made_again_without_a_restart():
    device = Device()
    link, driver = polled(device)
    async with running(link):
        device.hang_up()
        with pytest.raises(LinkLost):
            await link.request(driver.write, 0, 1.0)
        await asyncio.sleep(0)
        with pytest.raises(ConnectFailed):
            await link.request(driver.write, 0, 1.0)
        await asyncio.sleep(1.2)
        await link.request(driver.write, 0, 2.0)
        assert device.writes == [(0, 2.0)]
        assert link.reconnects == 1
        assert link.errors == {"LinkLost": 1}


@virtual_time
async def test_a_device_that_accepts_and_hangs_up_is_not_hammered():
    device = Device(answer_s=0)
    link, driver = polled(device, proven_by_connect=False)

    async def serve() -> None:
        device.hang_up()
        with pytest.raises(LinkLost):
            await link.request(driver.write, 0, 1.0)
        await forever()

    async with running(link, serve):
        await asyncio.sleep(20)
    assert [round(when) for when in device.connects] == [0, 1, 3, 7, 15]


@virtual_time
async def test_after_a_device_has_answered_the_pauses_start_over():
    device = Device(up=False, answer_s=0)
    link, driver = polled(device, proven_by_connect=False)
    async with running(link):
        await asyncio.sleep(10)
        device.up = True
        await asyncio.sleep(6)
        await link.request(driver.write, 0, 1.0)
        before = len(device.connects)
        device.hang_up()
        with pytest.raises(LinkLost):
            await link.request(driver.write, 0, 1.0)
        await asyncio.sleep(1.1)
        assert link.connected
        assert len(device.connects) == before + 1


@virtual_time
async def test_it_tells_once_that_a_device_is_gone_and_once_that_it_is_back(caplog):
    caplog.set_level(logging.DEBUG, "drivers.link")
    device = Device()
    link, driver = polled(device)
    async with running(link):
        device.go()
        with pytest.raises(LinkLost):
            await link.request(driver.write, 0, 1.0)
        await asyncio.sleep(200)
        device.up = True
        await asyncio.sleep(40)
    told = [(record.levelname, record.getMessage().split(" ")[1]) for record in caplog.records]
    assert told == [("DEBUG", "connected"), ("WARNING", "no"), ("INFO", "back")]


@virtual_time
async def test_a_device_that_refuses_is_there_and_its_refusal_is_counted():
    device = Device(failing={"write": Refused("exception 2: illegal data address", 2, Status.BadConfigurationError)})
    link, driver = polled(device)
    async with running(link):
        with pytest.raises(Refused):
            await link.request(driver.write, 0, 1.0)
        assert link.connected
        assert link.errors == {"Refused": 1}
        assert str(link.last_error) == "Refused: exception 2: illegal data address"
        assert abs(link.last_error.ticks - now_ticks()) < 10_000_000


@virtual_time
async def test_a_timeout_leaves_the_connection_alone():
    device = Device(silent={""})
    link, driver = polled(device)
    async with running(link):
        with pytest.raises(DeviceTimeout):
            await link.request(driver.write, 0, 1.0)
        assert link.connected
        assert link.errors == {"DeviceTimeout": 1}


@virtual_time
async def test_a_value_that_does_not_fit_is_no_error_of_the_device():
    device = Device(failing={"write": ValueNotAccepted("300 does not fit a Byte")})
    link, driver = polled(device)
    async with running(link):
        with pytest.raises(ValueNotAccepted):
            await link.request(driver.write, 0, 300)
    assert link.last_error is None


@virtual_time
async def test_latencies_are_those_of_the_latest_good_exchanges():
    device = Device()
    link, driver = polled(device)
    assert math.isnan(link.latency_s(0.5))
    async with running(link):
        for step in range(150):
            device.answer_s = 0.5 if step == 149 else 0.02
            await link.request(driver.write, 0, 1.0)
    assert link.latency_s(0.5) == pytest.approx(0.02)
    assert link.latency_s(0.99) == pytest.approx(0.5)
    assert link.requests == 150


@virtual_time
async def test_an_error_of_an_earlier_connection_does_not_end_the_new_one():
    device = Device()
    link, driver = polled(device)

    async def late() -> None:
        await asyncio.sleep(5)
        raise LinkLost("this was long ago")

    async with running(link):
        old = asyncio.create_task(link.request(late))
        await asyncio.sleep(0.1)
        device.hang_up()
        with pytest.raises(LinkLost):
            await link.request(driver.write, 0, 1.0)
        await asyncio.sleep(2)
        assert link.connected
        with pytest.raises(LinkLost):
            await old
        await asyncio.sleep(0.1)
        assert link.connected
        assert link.reconnects == 1


@virtual_time
async def test_what_a_device_pushes_is_handed_over_until_it_is_gone():
    device = Device()
    driver = PushingMemoryDriver("broker", device, [BINDING])
    link = Link("broker", driver, chance=lambda: 1.0)
    got: list[Readings] = []
    async with running(link, lambda: link.observe(driver, got.append)):
        device.push(Readings.uniform([0], 0, 1))
        device.hang_up()
        await asyncio.sleep(0.1)
        assert not link.connected
        await asyncio.sleep(1.1)
        device.push(Readings.uniform([0], 0, 2))
    assert [batch.source_ticks.tolist() for batch in got] == [[1], [2]]


@virtual_time
async def test_an_observation_that_is_refused_ends_the_connection():
    device = Device(failing={"observe": Refused("not authorized", 135, Status.BadUserAccessDenied)})
    driver = PushingMemoryDriver("broker", device, [BINDING])
    link = Link("broker", driver, chance=lambda: 1.0)
    async with running(link, lambda: link.observe(driver, lambda _: None)):
        device.hang_up()
        await asyncio.sleep(0.1)
        assert not link.connected
        assert link.last_error.kind == "Refused"


@virtual_time
async def test_a_connection_that_may_be_half_open_is_renewed_at_once_and_silently(caplog):
    caplog.set_level(logging.WARNING, "drivers.link")
    device = Device()
    link, _ = polled(device)
    async with running(link):
        link.renew()
        await asyncio.sleep(0.1)
        assert link.connected
        assert link.renewed
    assert len(device.connects) == 2
    assert caplog.records == []


@virtual_time
async def test_a_bug_in_a_driver_is_not_swallowed():
    device = Device(failing={"read": ZeroDivisionError("division by zero")}, groups=[("", 1.0, [0])])
    link, driver = polled(device)

    async def serve() -> None:
        await link.request(driver.read, driver.groups[0])

    with pytest.raises(ExceptionGroup) as caught:
        await link.run(serve)
    assert caught.group_contains(ZeroDivisionError)
    assert not device.open
    with pytest.raises(ConnectFailed):
        await link.request(driver.write, 0, 1.0)


@virtual_time
async def test_malformed_messages_are_counted_once_and_shown():
    link, driver = polled(Device())
    driver.traffic.malformed = 3
    driver.traffic.last_malformed = "topic plant/1: no JSON"
    link.note(Malformed("answer too short"))
    link.take_over_malformed()
    assert link.error_total == 3
    assert str(link.last_error) == "Malformed: topic plant/1: no JSON"
    link.last_error = None
    link.take_over_malformed()
    assert link.last_error is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mqtt://plc:hunter2@10.0.0.1: refused", "mqtt://plc:***@10.0.0.1: refused"),
        ("refused (user=plc, password=hunter2)", "refused (user=plc, password=***)"),
        ("Token: abc.def refused", "Token: *** refused"),
        ("coap://[fe80::1]:5683/x: no answer", "coap://[fe80::1]:5683/x: no answer"),
    ],
)
def test_secrets_never_reach_the_log(text, shown):
    assert redact(text) == shown
