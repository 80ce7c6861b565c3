"""DTLS with a pre-shared key against libcoap's server (Debian: libcoap3-bin), where DTLSSocket is installed."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from drivers import coap
from drivers.coap.driver import CoapDriver
from drivers.data_types import DataType
from drivers.driver import Binding
from drivers.errors import ConnectFailed
from tests.drivers.coap.helpers import Bind, Observing, Table, until

SERVER = next(filter(None, map(shutil.which, ("coap-server-gnutls", "coap-server-openssl"))), None)
installed = pytest.mark.skipif(
    SERVER is None or importlib.util.find_spec("DTLSSocket") is None,
    reason="coap-server with DTLS (libcoap3-bin) or DTLSSocket is not installed",
)


@pytest.fixture
async def port(nothing_left: None) -> AsyncIterator[int]:
    """Where a coap-server listens for DTLS with the key "swordfish"; it takes the port above the plain one."""
    assert SERVER is not None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        plain = taken.getsockname()[1]
    command = (SERVER, "-A", "127.0.0.1", "-p", str(plain), "-k", "swordfish", "-d", "10")
    server = await asyncio.create_subprocess_exec(*command, stdout=-3, stderr=-3)
    try:
        yield plain + 1
    finally:
        server.kill()
        await server.wait()


def driver_of(port: int, key: Path, *bindings: Binding) -> CoapDriver:
    keys = {"identity": "uatwin", "psk_file": str(key)}
    return coap.create("valve", coap.connection_model(host="127.0.0.1", port=port, timeout_s=2.0, dtls=keys), bindings)


async def connected(driver: CoapDriver) -> CoapDriver:
    async with asyncio.timeout(5):
        while True:
            try:
                await driver.connect()
            except ConnectFailed:
                await asyncio.sleep(0.02)  # the server is starting
            else:
                return driver


@installed
@pytest.mark.parametrize("key", ["swordfish\n", "hex:73776f726466697368"])
async def test_a_device_behind_dtls_is_read_written_and_observed(
    port: int, bind: Bind, tmp_path: Path, key: str
) -> None:
    (tmp_path / "psk").write_text(key)
    command = bind(0, "/setpoint", writable=True, observe=False)
    time, data = bind(1, "/time", DataType.String), bind(2, "/example_data", DataType.String, writable=True)
    driver = await connected(driver_of(port, tmp_path / "psk", command, time, data))
    await driver.write(0, 21.5)
    assert Table.of((command,), await driver.read_rows([0])).value == {0: 21.5}
    async with Observing(driver, time, data) as seen:
        await until(lambda: len(seen.table.batches) >= 3)
        await driver.write(2, "x" * 3000)
        await until(lambda: seen.table.value.get(2) == "x" * 3000)
    await driver.close()


@installed
async def test_a_wrong_key_is_a_failed_connection(port: int, bind: Bind, tmp_path: Path) -> None:
    (tmp_path / "right").write_text("swordfish")
    await (await connected(driver_of(port, tmp_path / "right", bind(0, "/time")))).close()
    (tmp_path / "wrong").write_text("mackerel")
    with pytest.raises(ConnectFailed, match=r"valve: (the device refuses DTLS|.* did not answer)"):
        await driver_of(port, tmp_path / "wrong", bind(0, "/time")).connect()


@installed
async def test_no_device_at_all_is_noticed_at_once(bind: Bind, tmp_path: Path) -> None:
    (tmp_path / "psk").write_text("swordfish")
    with pytest.raises(ConnectFailed, match="refused"):
        await driver_of(1, tmp_path / "psk", bind(0, "/time")).connect()


async def test_a_missing_key_is_told(bind: Bind, tmp_path: Path) -> None:
    pytest.importorskip("DTLSSocket")
    with pytest.raises(ConnectFailed, match=r"key in .* cannot be read"):
        await driver_of(5684, tmp_path / "none", bind(0, "/time")).connect()


def test_a_missing_library_is_told_before_anything_starts(monkeypatch: pytest.MonkeyPatch, bind: Bind) -> None:
    monkeypatch.setitem(sys.modules, "DTLSSocket", None)
    monkeypatch.setitem(sys.modules, "DTLSSocket.dtls", None)
    settings = coap.connection_model(host="10.0.0.1", dtls={"identity": "a", "psk_file": "b"})
    (problem,) = coap.check(settings, [bind(0, "/t")])
    assert (problem.binding, problem.key) == (None, "dtls")
    assert "pip install uatwin[dtls]" in problem.message
    assert settings.port == 5684
