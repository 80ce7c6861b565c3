"""Every transport reads and writes the same values; a serial line keeps to its rules."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from drivers import modbus
from drivers.data_types import DataType
from drivers.driver import Binding
from drivers.errors import ConnectFailed, DeviceTimeout, LinkLost
from drivers.modbus.rtu_frame import crc, find, frame, silent_s
from drivers.status import Status
from tests.simulators.modbus_device import ModbusDevice
from tests.simulators.modbus_wires import ModbusDatagrams, ModbusLine

Tag = Callable[..., Binding]
Connected = Callable[..., Any]
T = DataType
SERIAL: dict[str, Any] = {"transport": "rtu", "host": None, "parity": "none", "baud_rate": 115200}


async def round_trip(driver: Any, device: ModbusDevice) -> None:
    """Write a Float and a bit, and read both back."""
    await driver.write(0, 21.5)
    await driver.write(1, True)
    readings = await driver.read(driver.groups[0])
    assert readings.value[:1].view("<f8")[0] == 21.5
    assert readings.status.tolist() == [0, 0]
    assert (device.get(10, ">f4"), int(device.holding[20])) == (21.5, 8)


def both(tag: Tag) -> list[Binding]:
    return [tag(0, address=10, writable=True), tag(1, T.Boolean, address=20, bit=3, writable=True)]


async def test_a_serial_line_is_read_and_written(tag: Tag, device: ModbusDevice, connected: Connected) -> None:
    async with ModbusLine(device) as line:
        driver = await connected(both(tag), device=line.path, **SERIAL)
        await round_trip(driver, device)
        await driver.close()


async def test_a_line_that_echoes_is_read_and_written(tag: Tag, device: ModbusDevice, connected: Connected) -> None:
    async with ModbusLine(device, echo=True) as line:
        driver = await connected(both(tag), device=line.path, echo=True, **SERIAL)
        await round_trip(driver, device)
        await driver.close()


async def test_a_serial_device_server_is_read_and_written(tag: Tag, connected: Connected) -> None:
    async with ModbusDevice(rtu=True) as device:
        driver = await connected(both(tag), transport="rtu_over_tcp", port=device.port)
        await round_trip(driver, device)
        await driver.close()


async def test_udp_is_read_and_written_and_a_lost_datagram_is_a_timeout(
    tag: Tag, device: ModbusDevice, connected: Connected
) -> None:
    async with ModbusDatagrams(device) as port:
        driver = await connected(both(tag), transport="udp", port=port.port)
        await round_trip(driver, device)
        device.misbehave("silence", times=1)
        with pytest.raises(DeviceTimeout):
            await driver.read(driver.groups[0])
        device.misbehave("garbage", times=1)
        with pytest.raises(DeviceTimeout):
            await driver.read(driver.groups[0])
        assert not (await driver.read(driver.groups[0])).status.any()
        await driver.close()


async def test_a_udp_port_where_nobody_listens_is_a_lost_link(
    tag: Tag, device: ModbusDevice, connected: Connected
) -> None:
    async with ModbusDatagrams(device) as port:
        gone = port.port
    driver = await connected(both(tag), transport="udp", port=gone, timeout_s=5.0)
    with pytest.raises(LinkLost):
        await driver.read(driver.groups[0])


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority (ca.pem) and, signed by it, device.pem (for plc.example) and bridge.pem, with keys."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Plant CA")
    for name, subject in (("device", "plc.example"), ("bridge", "uatwin")):
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-addext", f"subjectAltName=DNS:{subject}")
        openssl(
            "req", "-x509", *key, *signed, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={subject}"
        )
    return folder


async def test_tls_shows_the_bridges_certificate_and_checks_the_devices(
    tag: Tag, certificates: Path, connected: Connected
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificates / "ca.pem")
    context.load_cert_chain(certificates / "device.pem", certificates / "device.key")
    context.verify_mode = ssl.CERT_REQUIRED
    files = {"ca": "ca.pem", "cert": "bridge.pem", "key": "bridge.key"}
    tls = {name: str(certificates / file) for name, file in files.items()}
    async with ModbusDevice(ssl=context) as device:
        to_device = {"transport": "tls", "port": device.port, "timeout_s": 2.0}
        driver = await connected(both(tag), tls=tls | {"server_name": "plc.example"}, **to_device)
        await round_trip(driver, device)
        await driver.close()
        with pytest.raises(ConnectFailed, match=r"TLS failed .*mismatch"):
            await connected(both(tag), tls=tls, **to_device)  # the name in the certificate is another
        with pytest.raises(ConnectFailed, match="tls"):
            await connected(both(tag), tls=tls | {"ca": "/nowhere.pem"}, **to_device)


async def test_noise_before_an_answer_is_passed_over_and_a_wrong_crc_is_bad(
    tag: Tag, device: ModbusDevice, connected: Connected
) -> None:
    async with ModbusLine(device) as line:
        driver = await connected([tag(0, T.UInt16, address=5)], device=line.path, **SERIAL | {"timeout_s": 5.0})
        device.holding[5] = 7
        device.misbehave("noise", times=1)
        assert (await driver.read(driver.groups[0])).value.tolist() == [7]
        device.misbehave("wrong_crc", times=1)
        began = time.monotonic()
        assert (await driver.read(driver.groups[0])).status.tolist() == [Status.BadCommunicationError]
        assert time.monotonic() - began < 2.0
        assert (driver.traffic.malformed, "wrong CRC" in driver.traffic.last_malformed) == (1, True)
        assert (await driver.read(driver.groups[0])).value.tolist() == [7]
        await driver.close()


async def test_a_late_answer_on_a_serial_line_is_not_taken_for_the_next_one(
    tag: Tag, device: ModbusDevice, connected: Connected
) -> None:
    """An answer carries no number, so the unit is left alone until its answer can no longer come."""
    async with ModbusLine(device) as line:
        driver = await connected([tag(0, T.UInt16, address=5)], device=line.path, **SERIAL | {"timeout_s": 0.1})
        device.holding[5] = 1
        device.misbehave("slow", times=1, delay_s=0.15)
        with pytest.raises(DeviceTimeout):
            await driver.read(driver.groups[0])
        device.holding[5] = 2
        assert (await driver.read(driver.groups[0])).value.tolist() == [2]
        await driver.close()


async def test_half_an_answer_on_a_serial_line_is_bad_and_costs_no_connection(
    tag: Tag, device: ModbusDevice, connected: Connected
) -> None:
    async with ModbusLine(device) as line:
        driver = await connected([tag(0, T.UInt16, address=5)], device=line.path, **SERIAL)
        device.misbehave("half_frame", times=1)
        assert (await driver.read(driver.groups[0])).status.tolist() == [Status.BadCommunicationError]
        assert not (await driver.read(driver.groups[0])).status.any()
        await driver.close()


async def test_a_dead_unit_on_a_serial_line_leaves_the_others_their_line(
    tag: Tag, device: ModbusDevice, connected: Connected
) -> None:
    tags = [tag(unit, T.UInt16, address=5, unit=unit) for unit in (1, 2, 3)]
    async with ModbusLine(device) as line:
        driver = await connected(tags, device=line.path, reconnect_after=1, **SERIAL | {"timeout_s": 0.05})
        results = await asyncio.gather(*map(driver.read, driver.groups), return_exceptions=True)
        assert [type(result).__name__ for result in results] == ["Readings", "Readings", "DeviceTimeout"]
        assert not (await driver.read(driver.groups[0])).status.any()
        await driver.close()


async def test_a_cancelled_request_on_a_serial_line_leaves_it_in_step(
    tag: Tag, device: ModbusDevice, connected: Connected
) -> None:
    async with ModbusLine(device) as line:
        driver = await connected([tag(0, T.UInt16, address=5)], device=line.path, **SERIAL | {"timeout_s": 0.3})
        device.holding[5] = 1
        device.misbehave("slow", times=1, delay_s=0.1)
        read = asyncio.create_task(driver.read(driver.groups[0]))
        await device.asked()
        read.cancel()
        await asyncio.wait([read])
        device.holding[5] = 2
        assert (await driver.read(driver.groups[0])).value.tolist() == [2]
        await driver.close()


async def test_a_serial_port_that_is_not_there_says_so(tag: Tag) -> None:
    driver = modbus.create(
        "line1", modbus.connection_model(transport="rtu", device="/dev/ttyNONE"), [tag(0, address=0)]
    )
    with pytest.raises(ConnectFailed, match=r"/dev/ttyNONE: .*check that the port exists"):
        await driver.connect()


def test_a_frame_ends_with_the_crc_of_the_standards_example() -> None:
    """Modbus over serial line 1.02, 6.2.2: 02 07 has the CRC 41 12."""
    assert crc(bytes([2, 7])) == bytes([0x41, 0x12])
    assert frame(2, b"\x07") == bytes([2, 7, 0x41, 0x12])
    assert silent_s(9600) == pytest.approx(3.5 * 11 / 9600)
    assert silent_s(115200) == 0.00175


def test_an_answer_is_found_only_when_it_is_whole_and_right() -> None:
    asked = bytes([3, 0, 5, 0, 1])
    whole = frame(1, bytes([3, 2, 0, 7]))
    assert find(whole, 1, asked).pdu == bytes([3, 2, 0, 7])
    assert find(b"\x00\xff" + whole, 1, asked).pdu == bytes([3, 2, 0, 7])
    assert find(frame(1, bytes([0x83, 2])), 1, asked).pdu == bytes([0x83, 2])
    assert find(whole[:-1], 1, asked) == (None, False, None, False)
    assert find(frame(2, bytes([3, 2, 0, 7])), 1, asked) == (None, False, 2, False)
    assert find(whole[:-1] + b"\x00", 1, asked) == (None, True, None, False)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"transport": "rtu"}, "device is missing"),
        ({"transport": "rtu", "device": "x", "host": "y"}, "has no `host`"),
        ({"transport": "udp"}, "host is missing"),
        ({"host": "x", "device": "y"}, "set `transport: rtu`"),
        ({"host": "x", "tls": {}}, "has no effect"),
        ({"transport": "rtu", "device": "x", "pipeline": 2}, "one request at a time"),
        ({"host": "x", "transport": "tls", "tls": {"key": "k"}}, "key stands without cert"),
    ],
)
def test_settings_that_contradict_the_transport_are_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        modbus.connection_model(**settings)


def test_tls_has_its_own_port() -> None:
    assert modbus.connection_model(host="x", transport="tls").port == 802
    assert modbus.connection_model(host="x").port == 502
