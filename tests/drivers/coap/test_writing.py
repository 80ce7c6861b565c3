"""Commands reach the device, and its refusals come back."""

from __future__ import annotations

import asyncio

import cbor2
import numpy as np
import pytest

from drivers.data_types import DataType
from drivers.errors import DeviceTimeout, LinkLost, Refused, ValueNotAccepted, status_of
from drivers.status import Status
from tests.drivers.coap.helpers import Bind, Observing, Open, until
from tests.simulators.coap_device import CoapDevice


@pytest.mark.parametrize(
    ("data_type", "value", "settings", "payload", "content_format"),
    [
        (DataType.Double, 21.5, {}, b"21.5", 0),
        (DataType.Float, float(np.float32(0.1)), {"format": "json"}, b"0.1", 50),
        (DataType.Int32, 7, {"scale": 0.1}, b"70", 0),
        (DataType.Boolean, True, {}, b"true", 0),
        (DataType.Boolean, False, {"write_words": ["OFF", "ON"]}, b"OFF", 0),
        (DataType.String, "auto", {"format": "json"}, b'"auto"', 50),
        (DataType.Double, 3.0, {"write_template": {"set": "$value"}}, b'{"set": 3.0}', 50),
        (DataType.Double, 3.5, {"write_template": "v=$value"}, b"v=3.5", 0),
        (DataType.Double, 3.5, {"format": "cbor"}, cbor2.dumps(3.5), 60),
        (DataType.Double, 3.5, {"format": "senml_cbor", "name": "sp"}, cbor2.dumps([{0: "sp", 2: 3.5}]), 112),
        (DataType.Double, 1.0, {"write_content_format": 11542, "write_format": "text"}, b"1.0", 11542),
    ],
)
async def test_a_command_arrives_as_the_point_says(
    device: CoapDevice,
    bind: Bind,
    open_driver: Open,
    data_type: DataType,
    value: object,
    settings: dict[str, object],
    payload: bytes,
    content_format: int,
) -> None:
    device.set("/sp", "0")
    async with open_driver(bind(0, "/sp", data_type, writable=True, **settings)) as driver:
        await driver.write(0, value)
    (written,) = device.written
    assert (written.method, written.payload, written.content_format) == ("PUT", payload, content_format)


async def test_a_command_may_be_posted_elsewhere(device: CoapDevice, bind: Bind, open_driver: Open) -> None:
    device.set("/state", "0")
    device.set("/actions/start", "", observable=False)
    tag = bind(0, "/state", writable=True, write_path="/actions/start", write_query="by=uatwin", write_method="POST")
    async with open_driver(tag) as driver:
        await driver.write(0, 1.5)
    assert [(w.path, w.method, w.query) for w in device.written] == [("/actions/start", "POST", ("by=uatwin",))]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (0x80, Status.BadInvalidArgument),
        (0x83, Status.BadUserAccessDenied),
        (0x85, Status.BadNotWritable),
        (0xA0, Status.BadDeviceFailure),
        (0xA3, Status.BadResourceUnavailable),
    ],
)
async def test_the_devices_refusal_comes_back(
    device: CoapDevice, bind: Bind, open_driver: Open, code: int, status: Status
) -> None:
    device.set("/sp", "5")
    async with open_driver(bind(0, "/sp", writable=True)) as driver:
        device.misbehave("/sp", code=code, writes_only=True)
        with pytest.raises(Refused, match=r"PUT /sp: the device answers .* \(as ordered\)") as refused:
            await driver.write(0, 9.0)
    assert (refused.value.code, status_of(refused.value)) == (code, status)
    assert device.value("/sp") == "5"


async def test_a_value_that_cannot_be_sent_is_not(device: CoapDevice, bind: Bind, open_driver: Open) -> None:
    device.set("/sp", "5")
    async with open_driver(bind(0, "/sp", writable=True)) as driver:
        with pytest.raises(ValueNotAccepted):
            await driver.write(0, float("nan"))
    assert device.written == []


async def test_a_command_to_a_silent_or_dead_device_is_no_success(
    device: CoapDevice, bind: Bind, open_driver: Open
) -> None:
    device.set("/sp", "5")
    async with open_driver(bind(0, "/sp", writable=True), timeout_s=0.3) as driver:
        device.misbehave("/sp", silence=True)
        with pytest.raises(DeviceTimeout):
            await driver.write(0, 1.0)
        await device.stop()
        with pytest.raises(LinkLost):
            await driver.write(0, 1.0)


async def test_a_command_does_not_wait_for_a_silent_resource(device: CoapDevice, bind: Bind, open_driver: Open) -> None:
    device.set("/silent", "1")
    device.set("/sp", "5")
    tags = (bind(0, "/silent", observe=False), bind(1, "/sp", writable=True))
    async with open_driver(*tags, timeout_s=10.0) as driver:
        device.misbehave("/silent", silence=True)
        read = asyncio.create_task(driver.read(driver.groups[0]))
        async with asyncio.timeout(2):
            await driver.write(1, 6.0)
        assert not read.done()
        read.cancel()
        await asyncio.wait([read])


async def test_a_large_command_goes_block_by_block(device: CoapDevice, bind: Bind, open_driver: Open) -> None:
    device.set("/recipe", "")
    async with open_driver(bind(0, "/recipe", DataType.String, writable=True)) as driver:
        await driver.write(0, "x" * 5000)
    assert device.written[0].payload == b"x" * 5000


async def test_an_observed_setpoint_shows_the_command_that_was_written(
    device: CoapDevice, bind: Bind, open_driver: Open
) -> None:
    device.set("/sp", "5")
    tag = bind(0, "/sp", writable=True)
    async with open_driver(tag) as driver, Observing(driver, tag) as seen:
        await until(lambda: seen.table.value == {0: 5.0})
        await driver.write(0, 8.5)
        await until(lambda: seen.table.value == {0: 8.5})
