"""Brokers that are gone, refuse, hang, restart or are no brokers: what the driver says and that it recovers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from drivers import mqtt
from drivers.errors import ConnectFailed, LinkLost
from drivers.mqtt.driver import MqttDriver
from drivers.status import Status
from tests.simulators.mqtt_broker import MqttBroker, free_port

VERSIONS = pytest.mark.parametrize("version", ["3.1.1", "5"])


def driver(port: int, **settings: Any) -> MqttDriver:
    connection = mqtt.connection_model.model_validate({"host": "127.0.0.1", "port": port} | settings)
    return mqtt.create("broker", connection, [])


async def reason(port: int, **settings: Any) -> str:
    """Why connecting fails."""
    one = driver(port, **settings)
    with pytest.raises(ConnectFailed) as caught:
        await one.connect()
    await one.close()
    return str(caught.value)


@asynccontextmanager
async def server(answer: bytes | None, close: bool) -> AsyncIterator[int]:
    """Something that listens, answers anything with the same bytes, and closes or stays silent."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(answer or b"")
        if not close:
            await reader.read()
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


@VERSIONS
async def test_bad_credentials_are_called_so(version: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with MqttBroker(users={"bridge": "right"}) as broker:
        assert 'user "bridge"' in await reason(broker.port, version=version, user="bridge", password="wrong")
        assert "no user was given" in await reason(broker.port, version=version)
        monkeypatch.setenv("BROKER_PASSWORD", "right")
        (tmp_path / "password").write_text("right\n")
        for password in ("right", {"env": "BROKER_PASSWORD"}, {"file": str(tmp_path / "password")}):
            one = driver(broker.port, version=version, user="bridge", password=password)
            await one.connect()
            await one.close()


async def test_a_password_that_is_not_there_is_called_so(broker: MqttBroker, tmp_path: Path) -> None:
    assert "environment variable NOPE_X is not set" in await reason(broker.port, user="u", password={"env": "NOPE_X"})
    assert "cannot be read" in await reason(broker.port, user="u", password={"file": str(tmp_path / "none")})


def test_a_password_does_not_show() -> None:
    settings = mqtt.connection_model.model_validate({"host": "x", "user": "u", "password": "hunter2"})
    assert "hunter2" not in repr(settings) + str(settings) + settings.model_dump_json()


async def test_nobody_at_the_port_and_no_such_host_are_told_apart() -> None:
    assert "cannot be reached" in await reason(free_port())
    assert 'host "no-such-host.invalid" is not known' in await reason(1883, host="no-such-host.invalid")


async def test_what_is_no_broker_is_no_mystery() -> None:
    async with server(b"HTTP/1.1 400 Bad Request\r\n\r\n", close=True) as port:
        assert "before it accepted it" in await reason(port)
    async with server(None, close=True) as port:
        assert "the broker closed the connection" in await reason(port)
    async with server(None, close=False) as port:
        assert "did not answer within 0.2 s" in await reason(port, connect_timeout_s=0.2)


async def test_connecting_can_be_cancelled_and_leaves_nothing() -> None:
    async with server(None, close=False) as port:
        one = driver(port)
        connecting = asyncio.create_task(one.connect())
        await asyncio.sleep(0.05)
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting
        await one.close()


@VERSIONS
@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_a_broker_restart_is_a_lost_link_and_the_next_connect_works(
    broker: MqttBroker, observe: Any, tag: Any, version: str, how: str
) -> None:
    seen = await observe(broker.port, [tag(0, topic="t")], version=version)
    await broker.publish("t", "1")
    await seen.until(0, 1)
    getattr(broker, how)()
    with pytest.raises(LinkLost, match=f"broker 127.0.0.1:{broker.port}"):
        await seen.task
    with pytest.raises(ConnectFailed):
        await seen.driver.connect()
    broker.start()
    await seen.driver.connect()
    again = asyncio.create_task(seen.driver.observe(seen.batches.append))
    while seen.last(0) != (2, Status.Good):
        await broker.publish("t", "2")
        await asyncio.sleep(0.01)
    again.cancel()
    await asyncio.gather(again, return_exceptions=True)


async def test_a_broker_that_falls_silent_is_noticed_by_keep_alive(broker: MqttBroker, observe: Any, tag: Any) -> None:
    seen = await observe(broker.port, [tag(0, topic="t")], keepalive_s=1)
    broker.freeze()
    start = time.monotonic()
    with pytest.raises(LinkLost, match=r"[Kk]eep"):
        await seen.task
    assert time.monotonic() - start < 4
    broker.thaw()


@VERSIONS
async def test_another_client_with_the_same_id_takes_the_session(
    broker: MqttBroker, observe: Any, tag: Any, version: str
) -> None:
    seen = await observe(broker.port, [tag(0, topic="t")], version=version, client_id="same")
    other = driver(broker.port, version=version, client_id="same")
    await other.connect()
    with pytest.raises(LinkLost, match="closed"):
        await seen.task
    await other.close()


async def test_a_refused_subscription_concerns_its_own_tags_only(observe: Any, tag: Any) -> None:
    """A server that speaks just enough MQTT to refuse the second of two topics."""
    connack, suback = b"\x20\x02\x00\x00", b"\x90\x04\x00\x01\x00\x80"
    message = b"\x30\x06\x00\x03one5"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in (connack, suback + message):
            await reader.read(500)
            writer.write(answer)
        await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        seen = await observe(port, [tag(0, topic="one"), tag(1, topic="two")])
        await seen.until(1)
        assert seen.last(0) == (5, Status.Good)
        assert seen.last(1) == (None, Status.BadUserAccessDenied)
        await seen.stop()


async def test_the_brokers_own_reason_for_leaving_is_told(observe: Any, tag: Any) -> None:
    """MQTT 5: CONNACK, then SUBACK and DISCONNECT with 0x8E."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in (b"\x20\x03\x00\x00\x00", b"\x90\x04\x00\x01\x00\x00" + b"\xe0\x02\x8e\x00"):
            await reader.read(500)
            writer.write(answer)
        await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        seen = await observe(listening.sockets[0].getsockname()[1], [tag(0, topic="t")], version="5")
        with pytest.raises(LinkLost, match="Session taken over"):
            await seen.task
        await seen.stop()


async def test_observing_and_writing_without_a_connection_are_a_lost_link(tag: Any) -> None:
    connection = mqtt.connection_model(host="127.0.0.1")
    one = mqtt.create("x", connection, [tag(0, topic="t", write_topic="w", writable=True)])
    with pytest.raises(LinkLost):
        await one.observe(lambda readings: None)
    with pytest.raises(LinkLost):
        await one.write(0, 1.0)
    await one.close()
    await one.close()


async def test_garbage_from_the_broker_ends_the_link_and_nothing_else(observe: Any, tag: Any) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in (b"\x20\x02\x00\x00", b"\x90\x03\x00\x01\x00" + b"\xf0\xff\xff\xff\xff\xff"):
            await reader.read(500)
            writer.write(answer)
        await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        seen = await observe(listening.sockets[0].getsockname()[1], [tag(0, topic="t")])
        with pytest.raises(LinkLost):
            await seen.task
        await seen.stop()
