"""OSCORE (RFC 8613) against aiocoap's server: what is protected, what is refused, and no number used twice."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from drivers import coap
from drivers.coap.message import GET
from drivers.coap.oscore import Oscore
from drivers.data_types import DataType
from drivers.errors import ConnectFailed
from drivers.status import Status
from tests.drivers.coap.helpers import Bind, Observing, Open, Table, until
from tests.simulators.coap_device import CoapDevice

pytest.importorskip("lakers", reason="aiocoap's OSCORE server needs lakers-python, which is not installed")
SECRET = "0102030405060708090a0b0c0d0e0f10"


def context(directory: Path, sender: str, recipient: str, secret: str = SECRET) -> Path:
    directory.mkdir()
    keys = {"sender-id_hex": sender, "recipient-id_hex": recipient, "secret_hex": secret, "salt_ascii": "plant"}
    (directory / "settings.json").write_text(json.dumps(keys))
    return directory


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    return context(tmp_path / "bridge", "01", "02")


@pytest.fixture
async def device(tmp_path: Path, nothing_left: None) -> AsyncIterator[CoapDevice]:
    """A device that answers nobody without its keys."""
    async with CoapDevice(oscore=context(tmp_path / "device", "02", "01")) as device:
        yield device


async def test_a_protected_resource_is_fetched_observed_and_written(
    device: CoapDevice, bind: Bind, open_driver: Open, ours: Path
) -> None:
    device.set("/t", "1")
    device.set("/seen", "5")
    polled, observed, command = bind(0, "/t", observe=False), bind(1, "/seen"), bind(2, "/sp", writable=True)
    device.set("/sp", "0")
    async with open_driver(polled, observed, command, oscore={"context": str(ours)}) as driver:
        assert Table.of((polled,), await driver.read(driver.groups[0])).value == {0: 1.0}
        await driver.write(2, 21.5)
        async with Observing(driver, observed, command) as seen:
            await until(lambda: seen.table.value == {1: 5.0, 2: 21.5})
            device.set("/seen", "6")
            await until(lambda: seen.table.value[1] == 6.0)
    assert device.value("/sp") == b"21.5"


async def test_without_the_keys_the_device_says_nothing(device: CoapDevice, bind: Bind, open_driver: Open) -> None:
    device.set("/t", "1")
    tag = bind(0, "/t", observe=False)
    async with open_driver(tag) as driver:
        assert Table.of((tag,), await driver.read(driver.groups[0])).status == {0: Status.BadUserAccessDenied}


async def test_large_payloads_are_protected_block_by_block(
    device: CoapDevice, bind: Bind, open_driver: Open, ours: Path
) -> None:
    device.set("/recipe", "a" * 5000)
    tag = bind(0, "/recipe", DataType.String, writable=True, observe=False)
    async with open_driver(tag, oscore={"context": str(ours)}) as driver:
        assert Table.of((tag,), await driver.read_rows([0])).value == {0: "a" * 5000}
        await driver.write(0, "b" * 5000)
    assert device.value("/recipe") == b"b" * 5000


async def test_a_device_that_lost_count_is_reassured_by_echo(
    device: CoapDevice, bind: Bind, open_driver: Open, ours: Path
) -> None:
    device.set("/t", "1")
    assert device.oscore is not None
    await device.stop()
    (device.oscore / "sequence.json").write_text('{"next-to-send": 100, "received": "unknown"}')
    await device.start()
    tag = bind(0, "/t", observe=False)
    async with open_driver(tag, oscore={"context": str(ours)}) as driver:
        assert Table.of((tag,), await driver.read(driver.groups[0])).value == {0: 1.0}


async def test_keys_that_the_device_does_not_know_are_a_failed_connection(
    device: CoapDevice, bind: Bind, open_driver: Open, tmp_path: Path
) -> None:
    device.set("/t", "1")
    for number, (sender, secret, word) in enumerate([("07", SECRET, "4.01"), ("01", "ff" * 16, "4.00")]):
        directory = context(tmp_path / f"wrong{number}", sender, "02", secret)
        with pytest.raises(ConnectFailed, match=f"dev: the device refuses OSCORE: {word}"):
            async with open_driver(bind(0, "/t"), oscore={"context": str(directory)}):
                pass


async def test_a_context_belongs_to_one_connection(
    device: CoapDevice, bind: Bind, open_driver: Open, ours: Path
) -> None:
    async with open_driver(bind(0, "/t"), oscore={"context": str(ours)}):
        with pytest.raises(ConnectFailed, match="in use by another"):
            async with open_driver(bind(0, "/t"), oscore={"context": str(ours)}):
                pass
    async with open_driver(bind(0, "/t"), oscore={"context": str(ours)}):
        pass


async def test_a_context_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "settings.json").write_text("{")
    for name, word in (("none", "no directory"), ("empty", "sender-id"), ("odd", "cannot be used")):
        settings = coap.connection_model(host="127.0.0.1", oscore={"context": str(tmp_path / name)})
        with pytest.raises(ConnectFailed, match=word):
            await coap.create("dev", settings, []).connect()


def test_no_sequence_number_is_used_twice_even_after_a_crash(ours: Path) -> None:
    used: list[bytes] = []
    for crash in (False, True, False):
        keys = Oscore.load(ours)
        used += [keys.seal(GET, (), b"").reference.partial_iv for _ in range(25)]
        kept = (ours / "sequence.json").read_text()
        keys.close()
        if crash:
            (ours / "sequence.json").write_text(kept)  # as it stood before the orderly end
    assert len(set(used)) == 75
