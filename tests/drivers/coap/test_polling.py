"""Fetching over real sockets: many tags of one request, and devices that are slow, silent, wrong or gone."""

from __future__ import annotations

import asyncio
import time

import pytest

from drivers import coap
from drivers.data_types import DataType
from drivers.driver import Binding, Polled, Pushed, Writable
from drivers.errors import ConnectFailed, DeviceTimeout, LinkLost
from drivers.status import Status
from tests.drivers.coap.helpers import Bind, Open, Table
from tests.simulators.coap_device import CoapDevice


def fetched(bind: Bind, row: int, path: str, **settings: object) -> Binding:
    return bind(row, path, observe=False, **settings)


async def test_tags_of_a_resource_come_with_one_request(device: CoapDevice, bind: Bind, open_driver: Open) -> None:
    device.set("/weather", {"t": 21.5, "wind": {"speed": 3}})
    tags = (fetched(bind, 4, "/weather", value="$.t"), fetched(bind, 7, "/weather", value="$.wind.speed"))
    async with open_driver(*tags) as driver:
        assert isinstance(driver, Polled)
        assert isinstance(driver, Pushed)
        assert isinstance(driver, Writable)
        (group,) = driver.groups
        table = Table.of(tags, await driver.read(group))
    assert table.value == {4: 21.5, 7: 3.0}
    assert device.requests["GET", "/weather"] == 1


@pytest.mark.parametrize("settings", [{"confirmable": False}, {"concurrency": 3}], ids=str)
async def test_every_way_to_ask_works(
    device: CoapDevice, bind: Bind, open_driver: Open, settings: dict[str, object]
) -> None:
    device.set("/t", "20.5")
    tag = fetched(bind, 0, "/t")
    async with open_driver(tag, **settings) as driver:
        batches = await asyncio.gather(*(driver.read(driver.groups[0]) for _ in range(5)))
        assert [Table.of((tag,), batch).value[0] for batch in batches] == [20.5] * 5


@pytest.mark.parametrize(
    ("form", "payload"),
    [
        ("json", {"v": 7}),
        ("cbor", {"v": 7}),
        ("senml_json", [{"bn": "dev/", "n": "t", "v": 7}, {"n": "h", "v": 8}]),
        ("senml_cbor", [{"bn": "dev/", "n": "t", "v": 7}, {"n": "h", "v": 8}]),
    ],
)
async def test_every_format_is_read_by_its_content_format(
    device: CoapDevice, bind: Bind, open_driver: Open, form: str, payload: object
) -> None:
    device.set("/v", payload, format=form)
    tag = fetched(bind, 0, "/v", value="$.v", name="dev/t")
    async with open_driver(tag) as driver:
        assert Table.of((tag,), await driver.read(driver.groups[0])).value == {0: 7.0}


async def test_a_large_payload_comes_block_by_block(device: CoapDevice, bind: Bind, open_driver: Open) -> None:
    values = [float(n) for n in range(2000)]
    device.set("/spectrum", {"bins": values})
    tag = fetched(bind, 0, "/spectrum", data_type=DataType.Double, value="$.bins", array_length=2000)
    async with open_driver(tag) as driver:
        for _ in range(2):  # the second time it is known to be large
            table = Table.of((tag,), await driver.read(driver.groups[0]))
            assert list(table.value[0]) == values  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("code", "status"),
    [(0xA0, Status.BadDeviceFailure), (0x84, Status.BadConfigurationError), (0xA3, Status.BadResourceUnavailable)],
)
async def test_a_refusal_turns_the_tags_of_that_resource_bad(
    device: CoapDevice, bind: Bind, open_driver: Open, code: int, status: Status
) -> None:
    device.set("/t", "1")
    tag = fetched(bind, 0, "/t")
    async with open_driver(tag) as driver:
        device.misbehave("/t", code=code)
        assert Table.of((tag,), await driver.read(driver.groups[0])).status == {0: status}
        device.behave()
        assert Table.of((tag,), await driver.read(driver.groups[0])).status == {0: Status.Good}


async def test_a_slow_answer_is_waited_for(device: CoapDevice, bind: Bind, open_driver: Open) -> None:
    device.set("/t", "1")
    device.misbehave("/t", delay_s=0.25)  # longer than the device may wait with its acknowledgement
    tag = fetched(bind, 0, "/t")
    async with open_driver(tag, timeout_s=2.0) as driver:
        assert Table.of((tag,), await driver.read(driver.groups[0])).value == {0: 1.0}


async def test_a_lost_request_is_sent_again(device: CoapDevice, bind: Bind, open_driver: Open) -> None:
    device.set("/t", "1")
    tag = fetched(bind, 0, "/t")
    async with open_driver(tag, timeout_s=2.0) as driver:
        device.misbehave("/t", silence=True)
        asyncio.get_running_loop().call_later(0.1, device.behave)
        assert Table.of((tag,), await driver.read(driver.groups[0])).value == {0: 1.0}


async def test_a_silent_resource_delays_no_other_longer_than_its_time_out(
    device: CoapDevice, bind: Bind, open_driver: Open
) -> None:
    device.set("/silent", "1")
    device.set("/fine", "2")
    tags = (fetched(bind, 0, "/silent"), fetched(bind, 1, "/fine"))
    async with open_driver(*tags, timeout_s=0.3) as driver:
        device.misbehave("/silent", silence=True)
        silent, fine = driver.groups
        assert silent.unit != fine.unit
        for _ in range(4):  # never in a row, so the device counts as there
            with pytest.raises(DeviceTimeout, match=r"did not answer within 0\.3 s"):
                await driver.read(silent)
            assert Table.of(tags, await driver.read(fine)).value == {1: 2.0}


async def test_a_device_silent_three_times_is_gone(device: CoapDevice, bind: Bind, open_driver: Open) -> None:
    device.set("/t", "1")
    async with open_driver(fetched(bind, 0, "/t"), timeout_s=0.1) as driver:
        device.misbehave(silence=True)
        for _ in range(2):
            with pytest.raises(DeviceTimeout):
                await driver.read(driver.groups[0])
        with pytest.raises(LinkLost, match="3 times in a row"):
            await driver.read(driver.groups[0])


async def test_a_closed_port_is_noticed_at_once(device: CoapDevice, bind: Bind, open_driver: Open) -> None:
    device.set("/t", "1")
    tag = fetched(bind, 0, "/t")
    async with open_driver(tag, timeout_s=30.0) as driver:
        await device.stop()
        started = time.monotonic()
        with pytest.raises(LinkLost, match="refused"):
            await driver.read(driver.groups[0])
        with pytest.raises(ConnectFailed, match=f"dev: .*{device.port}"):
            await driver.connect()
        assert time.monotonic() - started < 5
        await device.start()
        await driver.connect()
        assert Table.of((tag,), await driver.read(driver.groups[0])).value == {0: 1.0}


async def test_connecting_to_a_silent_device_or_unknown_name_fails_in_time(device: CoapDevice) -> None:
    device.misbehave(silence=True)
    for host, word in ((device.host, "did not answer"), ("no-such-host.invalid", "cannot be reached")):
        driver = coap.create("dev", coap.connection_model(host=host, port=device.port, timeout_s=0.3), [])
        with pytest.raises(ConnectFailed, match=word):
            await driver.connect()


async def test_a_device_that_refuses_the_probe_is_there(device: CoapDevice, open_driver: Open) -> None:
    async with open_driver(probe="/nothing/here") as driver:
        assert driver.traffic.responses == 1


async def test_closing_ends_a_request_under_way_and_is_idempotent(
    device: CoapDevice, bind: Bind, open_driver: Open
) -> None:
    device.set("/t", "1")
    async with open_driver(fetched(bind, 0, "/t"), timeout_s=30.0) as driver:
        device.misbehave("/t", silence=True)
        reads = [asyncio.create_task(driver.read(driver.groups[0])) for _ in range(2)]
        await asyncio.sleep(0)
        await driver.close()
        await driver.close()
        for read in reads:
            with pytest.raises(LinkLost):
                await read
        with pytest.raises(LinkLost, match="not connected"):
            await driver.read(driver.groups[0])


async def test_a_cancelled_read_leaves_the_driver_usable(device: CoapDevice, bind: Bind, open_driver: Open) -> None:
    device.set("/t", "1")
    tag = fetched(bind, 0, "/t")
    async with open_driver(tag, timeout_s=2.0) as driver:
        device.misbehave("/t", silence=True)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await driver.read(driver.groups[0])
        device.behave()
        assert Table.of((tag,), await driver.read(driver.groups[0])).value == {0: 1.0}


async def test_rows_are_read_on_demand_whether_they_are_observed_or_not(
    device: CoapDevice, bind: Bind, open_driver: Open
) -> None:
    device.set("/w", {"a": 1, "b": 2})
    tags = (bind(0, "/w", value="$.a"), fetched(bind, 1, "/w", value="$.b"))
    async with open_driver(*tags) as driver:
        table = Table.of(tags, await driver.read_rows([0, 1]))
    assert table.value == {0: 1.0, 1: 2.0}
    assert device.requests["GET", "/w"] == 1
