"""Connections that break the protocol, and connections that do nothing (Part 6, 6.7 and 7.1)."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from asyncua import ua
from asyncua.ua.ua_binary import struct_to_binary

from server.services.options import Limits
from tests.services.conftest import Served, serve
from tests.simulators.raw_client import NONE_URI, RawClient, read_request
from tests.simulators.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
STATUS = ua.StatusCodes
SERVER_STATE = ua.NodeId(ua.ObjectIds.Server_ServerStatus_State)


@pytest_asyncio.fixture(loop_scope="module")
async def raw(served: Served) -> AsyncIterator[RawClient]:
    async with served.raw() as client:
        yield client


@pytest.mark.parametrize(
    ("garbage", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", STATUS.BadTcpMessageTypeInvalid),
        (b"HELX" + struct.pack("<I", 40), STATUS.BadTcpMessageTypeInvalid),
        (b"MSGF" + struct.pack("<I", 2**31), STATUS.BadTcpMessageTooLarge),
        (b"HELF" + struct.pack("<I", 100_000), STATUS.BadTcpMessageTooLarge),
        (b"HELF" + struct.pack("<I", 3), STATUS.BadDecodingError),
        (b"ACKF" + struct.pack("<I", 28) + bytes(20), STATUS.BadTcpMessageTypeInvalid),
        (b"MSGF" + struct.pack("<IIIII", 24, 1, 1, 1, 1), STATUS.BadTcpSecureChannelUnknown),
        (b"OPNF" + struct.pack("<II", 20, 0) + b"\xff" * 8, STATUS.BadTcpMessageTypeInvalid),
    ],
)
async def test_garbage_is_answered_with_an_error_and_the_end(raw: RawClient, garbage: bytes, status: int) -> None:
    """Part 6, 7.1.5."""
    raw.send(garbage)
    assert await raw.ended() == status


async def test_hello_is_acknowledged_with_the_smaller_buffers(raw: RawClient) -> None:
    """Part 6, 7.1.2.3 and 7.1.2.4."""
    raw.send(raw.hello(sizes=(10_000, 9_000, 0, 0)))
    kind, body = await raw.receive()
    version, receive, send, *_ = struct.unpack("<IIIII", body)
    assert (kind, version, receive, send) == (b"ACKF", 0, 9_000, 10_000)


@pytest.mark.parametrize(
    ("url", "sizes", "status"),
    [
        ("opc.tcp://" + "x" * 5_000, (65536, 65536, 0, 0), STATUS.BadTcpEndpointUrlInvalid),
        ("opc.tcp://x", (1_000, 65536, 0, 0), STATUS.BadConnectionRejected),
    ],
)
async def test_a_hello_that_cannot_be_served_is_refused(
    raw: RawClient, url: str, sizes: tuple[int, ...], status: int
) -> None:
    """Part 6, 7.1.2.3."""
    raw.send(raw.hello(url, sizes))
    assert await raw.ended() == status


async def test_a_second_hello_ends_the_connection(raw: RawClient) -> None:
    """Part 6, 7.1.3."""
    raw.send(raw.hello() + raw.hello())
    assert await raw.ended() == STATUS.BadTcpMessageTypeInvalid


@pytest.mark.parametrize(
    ("bend", "status"),
    [
        ({"sequence": 77}, STATUS.BadSequenceNumberInvalid),
        ({"sequence": 0}, STATUS.BadSequenceNumberInvalid),
        ({"channel_id": 1}, STATUS.BadTcpSecureChannelUnknown),
        ({"token_id": 1}, STATUS.BadSecureChannelTokenUnknown),
    ],
)
async def test_a_chunk_out_of_order_ends_the_connection(raw: RawClient, bend: dict[str, int], status: int) -> None:
    """Part 6, 6.7.2.4 and 6.7.7."""
    await raw.connect()
    for name, value in bend.items():
        setattr(raw, name, value)
    raw.send(raw.message(read_request(SERVER_STATE)))
    assert await raw.ended() == status


async def test_an_unknown_security_policy_is_rejected(raw: RawClient) -> None:
    """Part 6, 6.7.4."""
    raw.send(raw.hello())
    await raw.receive()
    raw.send(raw.opening(ua.OpenSecureChannelRequest(), NONE_URI.replace("None", "Basic128Rsa15")))
    assert await raw.ended() == STATUS.BadSecurityPolicyRejected


async def test_security_cannot_be_asked_for_without_a_policy(raw: RawClient) -> None:
    """Part 4, 5.5.2.3."""
    raw.send(raw.hello())
    await raw.receive()
    request = ua.OpenSecureChannelRequest()
    request.Parameters.SecurityMode = ua.MessageSecurityMode.Sign
    raw.send(raw.opening(request))
    assert await raw.ended() == STATUS.BadSecurityModeRejected


async def test_renewing_gives_a_new_token_and_both_work_until_the_new_one_is_used(raw: RawClient) -> None:
    """Part 4, 5.5.2.1."""
    await raw.connect()
    old = raw.token_id
    token = (await raw.open(renew=True)).SecurityToken
    assert token.TokenId != old
    raw.token_id = old
    await raw.call(read_request(SERVER_STATE))
    raw.token_id = token.TokenId
    await raw.call(read_request(SERVER_STATE))
    raw.token_id = old
    raw.send(raw.message(read_request(SERVER_STATE)))
    assert await raw.ended() == STATUS.BadSecureChannelTokenUnknown


async def test_a_channel_is_issued_once(raw: RawClient) -> None:
    """Part 4, 5.5.2.3."""
    await raw.open()
    request = ua.OpenSecureChannelRequest()
    request.Parameters.SecurityMode = ua.MessageSecurityMode.None_
    raw.send(raw.opening(request))
    assert await raw.ended() == STATUS.BadRequestTypeInvalid


async def test_a_request_in_many_chunks_is_put_together(raw: RawClient) -> None:
    """Part 6, 6.7.2."""
    await raw.connect()
    raw.request_id += 1
    request = read_request(*[SERVER_STATE] * 50)
    request.RequestHeader.AuthenticationToken = raw.authentication_token
    body = struct_to_binary(request)
    for start in range(0, len(body), 100):
        raw.send(raw.chunk(b"MSGF" if start + 100 >= len(body) else b"MSGC", body[start : start + 100]))
    _, response = await raw.answer()
    assert len(response.Results) == 50


async def test_an_aborted_message_is_forgotten(raw: RawClient) -> None:
    """Part 6, 6.7.3."""
    await raw.connect()
    raw.request_id += 1
    raw.send(raw.chunk(b"MSGC", b"half a message"))
    raw.send(raw.chunk(b"MSGA", struct.pack("<Ii", STATUS.BadRequestTooLarge, -1)))
    assert len((await raw.call(read_request(SERVER_STATE))).Results) == 1


async def test_an_endless_message_is_refused_at_the_limit(raw: RawClient, served: Served) -> None:
    """Part 6, 7.1.2.4."""
    await raw.connect()
    raw.request_id += 1
    for _ in range(served.server.limits.max_message_size // 60_000 + 2):
        raw.send(raw.chunk(b"MSGC", bytes(60_000)))
    assert await raw.ended() == STATUS.BadRequestTooLarge


async def test_an_unknown_service_is_refused_and_the_connection_stays(raw: RawClient) -> None:
    """Part 4, 7.35."""
    await raw.connect()
    raw.request_id += 1
    header = ua.RequestHeader(AuthenticationToken=raw.authentication_token, RequestHandle=5)
    raw.send(raw.chunk(b"MSGF", b"\x01\x00\xff\xff" + struct_to_binary(header)))
    _, fault = await raw.answer()
    assert fault.ResponseHeader.ServiceResult.value == STATUS.BadServiceUnsupported
    assert fault.ResponseHeader.RequestHandle == 5
    assert len((await raw.call(read_request(SERVER_STATE))).Results) == 1


async def test_a_truncated_request_is_a_decoding_error_and_the_connection_stays(raw: RawClient) -> None:
    """Part 4, 7.35."""
    await raw.connect()
    request = ua.BrowseRequest()
    request.Parameters.NodesToBrowse = [ua.BrowseDescription(NodeId=SERVER_STATE)]
    request.RequestHeader.AuthenticationToken = raw.authentication_token
    raw.request_id += 1
    raw.send(raw.chunk(b"MSGF", struct_to_binary(request)[:-3]))
    _, fault = await raw.answer()
    assert fault.ResponseHeader.ServiceResult.value == STATUS.BadDecodingError
    assert len((await raw.call(read_request(SERVER_STATE))).Results) == 1


async def test_negative_lengths_do_not_keep_the_server_busy(raw: RawClient) -> None:
    """Part 6, 5.2.5: asyncua's buffer steps back on one: a list of 2^31 strings of length -4 would take for ever."""
    await raw.connect()
    request = ua.RegisterNodesRequest()
    request.RequestHeader.AuthenticationToken = raw.authentication_token
    request.Parameters.NodesToRegister = []
    body = struct_to_binary(request)[:-4] + struct.pack("<i", 2**31 - 1) + b"\x03\x02\x00" + struct.pack("<i", -7)
    raw.request_id += 1
    raw.send(raw.chunk(b"MSGF", body))
    _, fault = await asyncio.wait_for(raw.answer(), 5)
    assert fault.ResponseHeader.ServiceResult.value == STATUS.BadDecodingError


async def test_an_answer_too_large_for_the_client_is_a_fault(served: Served) -> None:
    """Part 6, 7.1.2.3."""
    async with served.raw() as raw:
        await raw.open(sizes=(65536, 65536, 5_000, 0))
        fault = await raw.call(ua.GetEndpointsRequest())
        assert fault.ResponseHeader.ServiceResult.value == STATUS.BadResponseTooLarge


@pytest_asyncio.fixture(loop_scope="module")
async def strict(tmp_path: Path) -> AsyncIterator[Served]:
    """A server with short patience."""
    limits = Limits(
        max_connections=100,
        hello_timeout_s=0.4,
        idle_channel_timeout_s=0.4,
        stalled_timeout_s=0.4,
        max_write_buffer=4 * 2**20,
    )
    running = await serve(tmp_path, limits)
    try:
        yield running
    finally:
        await running.server.stop()


async def test_half_open_connections_are_dropped(strict: Served) -> None:
    """Part 6, 7.1.3."""
    async with strict.raw() as silent, strict.raw() as greeted, strict.raw() as opened:
        greeted.send(greeted.hello())
        await opened.open()
        for client in (silent, greeted, opened):
            assert await asyncio.wait_for(client.ended(), 5) == STATUS.BadTimeout


async def test_200_connections_that_never_open_a_session_leave_room_for_a_client(strict: Served) -> None:
    """Part 4, 5.5.2.1."""
    crowd = [strict.raw() for _ in range(200)]
    opened = await asyncio.gather(*(client.__aenter__() for client in crowd))
    try:
        async with asyncio.timeout(40):
            while True:
                try:
                    async with strict.client() as client:
                        assert await client.nodes.server_state.read_value() == ua.ServerState.Running
                    break
                except (ua.UaError, ConnectionError, OSError, TimeoutError):
                    await asyncio.sleep(0.1)
    finally:
        await asyncio.gather(*(client.__aexit__(None, None, None) for client in opened))
    await until(lambda: strict.server.connections == 0, 5)


async def test_a_client_that_stops_reading_is_dropped_and_everybody_else_served(strict: Served) -> None:
    """Part 6, 7.1.4."""
    async with strict.raw() as stuck, strict.client() as other:
        await stuck.connect()
        big = read_request(*[ua.NodeId(ua.ObjectIds.Server_NamespaceArray)] * 1_000)
        stuck.writer.transport.pause_reading()  # type: ignore[attr-defined]
        for _ in range(2_000):
            stuck.send(stuck.message(big))
            if stuck.writer.transport.is_closing():
                break
            await asyncio.sleep(0)
            if strict.server.connections < 2:
                break
        await until(lambda: strict.server.connections < 2, 10)
        assert await other.nodes.server_state.read_value() == ua.ServerState.Running


async def test_a_channel_that_is_not_renewed_is_closed(tmp_path: Path) -> None:
    """Part 4, 5.5.2.1."""
    served = await serve(tmp_path, Limits(min_token_lifetime_s=0.2))
    try:
        async with served.raw() as raw:
            await raw.open(lifetime_ms=200)
            assert await asyncio.wait_for(raw.ended(), 5) == STATUS.BadSecureChannelClosed
    finally:
        await served.server.stop()


async def test_stopping_closes_what_is_open(tmp_path: Path) -> None:
    """Part 6, 7.1.4."""
    served = await serve(tmp_path)
    async with served.raw() as raw:
        await raw.connect()
        await served.server.stop()
        assert await raw.ended() in (0, STATUS.BadServerHalted)
