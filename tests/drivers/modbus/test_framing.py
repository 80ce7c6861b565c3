"""`framing: pymodbus`: the same values over every transport, and answers that our own framing does not take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import ValidationError

from drivers import modbus
from drivers.data_types import DataType
from drivers.driver import Binding
from drivers.errors import DeviceTimeout, LinkLost
from drivers.status import Status
from tests.simulators.modbus_device import ModbusDevice
from tests.simulators.modbus_wires import ModbusDatagrams, ModbusLine

Tag = Callable[..., Binding]
Connected = Callable[..., Any]


async def round_trip(driver: Any, device: ModbusDevice) -> None:
    """Write a Float and a bit, and read both back, twice."""
    for value in (21.5, 22.5):
        await driver.write(0, value)
        await driver.write(1, True)
        readings = await driver.read(driver.groups[0])
        assert readings.value[:1].view("<f8")[0] == value == device.get(10, ">f4")
        assert readings.status.tolist() == [0, 0]


def both(tag: Tag) -> list[Binding]:
    return [tag(0, address=10, writable=True), tag(1, DataType.Boolean, address=20, bit=3, writable=True)]


@pytest.mark.parametrize("wire", ["tcp", "udp", "rtu", "rtu_over_tcp"])
async def test_every_transport_reads_and_writes_with_pymodbus_frames(tag: Tag, connected: Connected, wire: str) -> None:
    async with (
        ModbusDevice(rtu=wire == "rtu_over_tcp") as device,
        ModbusLine(device) as line,
        ModbusDatagrams(device) as datagrams,
    ):
        settings: dict[str, Any] = {"transport": wire, "port": datagrams.port if wire == "udp" else device.port}
        if wire == "rtu":
            settings = {"transport": wire, "device": line.path, "host": None, "parity": "none"}
        driver = await connected(both(tag), framing="pymodbus", timeout_s=0.5, **settings)
        await round_trip(driver, device)
        await driver.close()


@asynccontextmanager
async def gateway(answer: Callable[[bytes], bytes]) -> AsyncIterator[int]:
    """The port of a gateway that answers a request (12 bytes) with these bytes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(answer(await reader.readexactly(12)))
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


VALUES = bytes.fromhex("03 04 41 ac 00 00")
ODD: dict[str, Callable[[bytes], bytes]] = {
    "transaction 0": lambda asked: b"\0\0\0\0\0\7" + asked[6:7] + VALUES,
    "an exception whose length is one too few": lambda asked: asked[:4] + b"\0\2" + asked[6:7] + b"\x83\4",
}


@pytest.mark.parametrize("oddity", ODD)
async def test_a_gateway_with_an_oddity_is_understood_by_pymodbus_frames_only(tag: Tag, oddity: str) -> None:
    async with gateway(ODD[oddity]) as port:
        statuses: dict[str, list[int] | str] = {}
        for framing in ("own", "pymodbus"):
            settings = modbus.connection_model(host="127.0.0.1", port=port, timeout_s=0.2, framing=framing)
            driver = modbus.create("line1", settings, [tag(0, address=0)])
            await driver.connect()
            try:
                statuses[framing] = (await driver.read(driver.groups[0])).status.tolist()
            except (DeviceTimeout, LinkLost) as error:
                statuses[framing] = type(error).__name__
            await driver.close()
    understood = Status.Good if oddity == "transaction 0" else Status.BadDeviceFailure
    assert statuses["pymodbus"] == [understood]
    assert statuses["own"] != [understood]


async def test_its_faults_are_told_as_ours_are(tag: Tag, device: ModbusDevice, connected: Connected) -> None:
    """No answer to something else becomes a value, and a peer that is gone is noticed at once."""
    driver = await connected([tag(0, address=0)], framing="pymodbus", timeout_s=0.2)
    group = driver.groups[0]
    device.put(0, 1.5, ">f4")
    for kind in ("wrong_function", "wrong_length"):
        device.misbehave(kind, times=1)
        assert (await driver.read(group)).status.tolist() == [Status.BadCommunicationError]
    device.misbehave("slow", times=1, delay_s=0.3)
    with pytest.raises(DeviceTimeout):
        await driver.read(group)
    device.put(0, 2.5, ">f4")
    assert (await driver.read(group)).value.view("<f8").tolist() == [2.5], "the late answer was to another request"
    for kind in ("wrong_unit", "wrong_transaction"):
        device.misbehave(kind, times=1)
        with pytest.raises(DeviceTimeout):
            await driver.read(group)
    for kind in ("close", "garbage", "half_frame"):
        device.misbehave(kind, times=1)
        with pytest.raises(LinkLost):
            await driver.read(group)
        await driver.connect()
        assert not (await driver.read(group)).status.any()


def test_pymodbus_frames_go_one_at_a_time() -> None:
    with pytest.raises(ValidationError, match="one request at a time"):
        modbus.connection_model(host="x", framing="pymodbus", pipeline=2)
