"""Observing over real sockets, and noticing what nobody tells: a device that forgot us, or died."""

from __future__ import annotations

import asyncio

import pytest

from drivers.driver import Binding
from drivers.errors import LinkLost
from drivers.status import Status
from tests.drivers.coap.helpers import Bind, Observing, Open, until
from tests.simulators.coap_device import CoapDevice

QUICK = {"max_age_s": 0.2, "grace_s": 0.1}
"""A watchdog that barks after 0.3 s of silence."""


async def test_each_change_arrives_with_its_time(device: CoapDevice, bind: Bind, open_driver: Open) -> None:
    device.set("/w", {"t": 1, "h": 2})
    tags = (bind(0, "/w", value="$.t"), bind(1, "/w", value="$.h"))
    async with open_driver(*tags) as driver, Observing(driver, *tags) as seen:
        await until(lambda: seen.table.value == {0: 1.0, 1: 2.0})
        first = seen.table.ticks[0]
        device.set("/w", {"t": 3, "h": 4})
        await until(lambda: seen.table.value == {0: 3.0, 1: 4.0})
        assert seen.table.ticks[0] > first
        assert device.requests["GET", "/w"] == 2  # one registration; the device renders each notification


@pytest.mark.parametrize("settings", [{"confirmable": False}], ids=str)
async def test_every_way_to_observe_works(
    device: CoapDevice, bind: Bind, open_driver: Open, settings: dict[str, object]
) -> None:
    device.set("/t", "1")
    tag = bind(0, "/t")
    async with open_driver(tag, **settings) as driver, Observing(driver, tag) as seen:
        await until(lambda: seen.table.value == {0: 1.0})
        device.set("/t", "2")
        await until(lambda: seen.table.value == {0: 2.0})


async def test_many_notifications_at_once_are_few_batches(device: CoapDevice, bind: Bind, open_driver: Open) -> None:
    tags = tuple(bind(row, f"/t{row}") for row in range(60))
    for row in range(60):
        device.set(f"/t{row}", "0")
    async with open_driver(*tags, timeout_s=3.0) as driver, Observing(driver, *tags) as seen:
        await until(lambda: len(seen.table.value) == 60)
        before = len(seen.table.batches)
        for row in range(60):
            device.set(f"/t{row}", str(row + 1))
        await until(lambda: seen.table.value == {row: row + 1.0 for row in range(60)})
        assert len(seen.table.batches) - before < 30


@pytest.mark.parametrize("how", ["restart", "forget"])
async def test_a_device_that_forgot_us_is_noticed_by_max_age(
    device: CoapDevice, bind: Bind, open_driver: Open, how: str
) -> None:
    device.set("/t", "1", max_age_s=1)
    tag = bind(0, "/t")
    async with open_driver(tag, grace_s=0.1) as driver, Observing(driver, tag) as seen:
        await until(lambda: seen.table.value == {0: 1.0})
        if how == "restart":
            await device.restart()
        else:
            device.forget_observers()
        device.set("/t", "2")
        await until(lambda: seen.table.value == {0: 2.0})
        device.set("/t", "3")  # and observed again
        await until(lambda: seen.table.value == {0: 3.0})
        assert seen.error is None


async def test_notifications_in_time_cause_no_requests(device: CoapDevice, bind: Bind, open_driver: Open) -> None:
    device.set("/t", "0")
    tag = bind(0, "/t")
    async with open_driver(tag, max_age_s=0.4, grace_s=0.1) as driver, Observing(driver, tag) as seen:
        await until(lambda: seen.table.value == {0: 0.0})
        asked = driver.traffic.requests
        for value in range(1, 11):
            device.set("/t", str(value))
            await until(lambda value=value: seen.table.value == {0: value})  # type: ignore[misc]
            await asyncio.sleep(0.08)
        assert driver.traffic.requests == asked


async def test_a_dead_device_ends_the_link_when_its_silence_is_too_long(
    device: CoapDevice, bind: Bind, open_driver: Open
) -> None:
    device.set("/t", "1")
    tag = bind(0, "/t")
    async with open_driver(tag, timeout_s=0.2, **QUICK) as driver, Observing(driver, tag) as seen:
        await until(lambda: seen.table.value == {0: 1.0})
        device.misbehave(silence=True)
        await until(lambda: isinstance(seen.error, LinkLost))
        assert "did not answer" in str(seen.error)


async def test_a_closed_port_ends_the_link_and_connecting_again_brings_all_back(
    device: CoapDevice, bind: Bind, open_driver: Open
) -> None:
    device.set("/t", "1")
    tag = bind(0, "/t")
    async with open_driver(tag, **QUICK) as driver:
        async with Observing(driver, tag) as seen:
            await until(lambda: seen.table.value == {0: 1.0})
            await device.stop()
            await until(lambda: isinstance(seen.error, LinkLost))
        await device.start()
        await driver.connect()
        device.set("/t", "2")
        async with Observing(driver, tag) as seen:
            await until(lambda: seen.table.value == {0: 2.0})


@pytest.mark.parametrize("how", ["silence", "stop"])
async def test_a_dead_device_is_noticed_by_pings_long_before_max_age(
    device: CoapDevice, bind: Bind, open_driver: Open, how: str
) -> None:
    device.set("/t", "1")
    tag = bind(0, "/t")
    async with open_driver(tag, timeout_s=0.2, keepalive_s=0.2) as driver, Observing(driver, tag) as seen:
        await until(lambda: seen.table.value == {0: 1.0})
        if how == "silence":
            device.misbehave(silence=True)
        else:
            await device.stop()
        await until(lambda: isinstance(seen.error, LinkLost))


@pytest.mark.parametrize("answers_pings", [True, False])
async def test_a_device_with_nothing_to_say_is_pinged_and_stays(
    device: CoapDevice, bind: Bind, open_driver: Open, answers_pings: bool
) -> None:
    device.set("/t", "1")
    device.answers_pings = answers_pings
    tag = bind(0, "/t")
    async with open_driver(tag, timeout_s=0.2, keepalive_s=0.1) as driver, Observing(driver, tag) as seen:
        await until(lambda: seen.table.value == {0: 1.0})
        asked = driver.traffic.requests
        await until(lambda: driver.traffic.requests >= asked + 4)
        device.set("/t", "2")
        await until(lambda: seen.table.value == {0: 2.0})
        assert (seen.error, device.requests["GET", "/t"]) == (None, 2)


async def test_a_silent_resource_is_bad_alone(device: CoapDevice, bind: Bind, open_driver: Open) -> None:
    tags: tuple[Binding, ...] = tuple(bind(row, f"/t{row}") for row in range(3))
    for row in range(3):
        device.set(f"/t{row}", "1")
    async with open_driver(*tags, timeout_s=0.2) as driver:
        device.misbehave("/t1", silence=True)
        async with Observing(driver, *tags) as seen:
            await until(lambda: seen.table.status.get(1) == Status.BadTimeout)
            device.set("/t0", "2")
            device.set("/t2", "2")
            await until(lambda: seen.table.value == {0: 2.0, 2: 2.0})
            assert seen.error is None


async def test_a_resource_that_is_not_observable_is_fetched_at_its_rate(
    device: CoapDevice, bind: Bind, open_driver: Open
) -> None:
    device.set("/t", "1", observable=False)
    tag = bind(0, "/t", rate_s=0.1)
    async with open_driver(tag) as driver, Observing(driver, tag) as seen:
        await until(lambda: seen.table.value == {0: 1.0})
        device.set("/t", "2")
        await until(lambda: seen.table.value == {0: 2.0})


async def test_a_removed_resource_turns_bad_when_the_device_says_so(
    device: CoapDevice, bind: Bind, open_driver: Open
) -> None:
    device.set("/t", "1")
    tag = bind(0, "/t")
    async with open_driver(tag) as driver, Observing(driver, tag) as seen:
        await until(lambda: seen.table.value == {0: 1.0})
        device.remove("/t")
        await until(lambda: seen.table.status == {0: Status.BadConfigurationError})


async def test_garbage_turns_a_tag_bad_until_it_makes_sense_again(
    device: CoapDevice, bind: Bind, open_driver: Open
) -> None:
    device.set("/t", {"v": 1})
    tag = bind(0, "/t", value="$.v")
    async with open_driver(tag) as driver, Observing(driver, tag) as seen:
        await until(lambda: seen.table.value == {0: 1.0})
        device.set("/t", b"\xff\x00{", format="json")
        await until(lambda: seen.table.status == {0: Status.BadDecodingError})
        device.set("/t", {"v": 2})
        await until(lambda: (seen.table.status, seen.table.value) == ({0: Status.Good}, {0: 2.0}))
        assert driver.traffic.malformed == 1


async def test_losing_interest_ends_the_observation_at_the_device(
    device: CoapDevice, bind: Bind, open_driver: Open
) -> None:
    device.set("/t", "1")
    tag = bind(0, "/t")
    async with open_driver(tag) as driver:
        async with Observing(driver, tag) as seen:
            await until(lambda: seen.table.value == {0: 1.0})
        assert device.observers("/t") == 1
        device.set("/t", "2")  # this notification is reset
        await until(lambda: device.observers("/t") == 0)


async def test_nothing_to_observe_waits_for_ever(bind: Bind, open_driver: Open) -> None:
    async with open_driver() as driver, Observing(driver) as seen:
        await asyncio.sleep(0)
        assert (seen.error, seen.table.batches) == (None, [])


async def test_closing_in_a_storm_of_notifications_trips_over_none(
    device: CoapDevice, bind: Bind, open_driver: Open
) -> None:
    tags = tuple(bind(row, f"/t{row}") for row in range(20))
    for row in range(20):
        device.set(f"/t{row}", "0")
    for _ in range(5):
        async with open_driver(*tags, confirmable=False) as driver, Observing(driver, *tags) as seen:
            await until(lambda seen=seen: len(seen.table.value) == 20)  # type: ignore[misc]
            for row in range(20):
                device.set(f"/t{row}", "1")
            await asyncio.sleep(0)
