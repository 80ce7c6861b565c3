"""Requests bent at random: whatever comes is answered or ends the connection with a reason, and the next is served."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
import struct
from collections.abc import AsyncIterator
from typing import Any

import psutil
import pytest
import pytest_asyncio
from asyncua import ua
from asyncua.ua.ua_binary import struct_to_binary
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.services.dispatch import SERVICES
from tests.services.conftest import Served
from tests.simulators.raw_client import Ended, RawClient, read_request
from tests.simulators.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
STATE = ua.NodeId(ua.ObjectIds.Server_ServerStatus_State)
_ROUNDS = 400
_TEMPTING = [b"\xff" * 4, b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80", b"\xf9\xff\xff\xff", b"\x17", b"\x98", b"\xd6"]
"""Lengths of -1, 2^31 - 1, -2^31, -7; a nested Variant, arrays of them."""


def samples() -> list[Any]:
    """One filled-in request of many services."""
    browse = ua.BrowseRequest()
    browse.Parameters.NodesToBrowse = [ua.BrowseDescription(NodeId=STATE)]
    write = ua.WriteRequest()
    value = ua.DataValue(ua.Variant([1, 2, 3, 4], ua.VariantType.Int32))
    write.Parameters.NodesToWrite = [ua.WriteValue(NodeId=STATE, AttributeId=13, Value=value)]
    call = ua.CallRequest()
    call.Parameters.MethodsToCall = [ua.CallMethodRequest(STATE, STATE, [ua.Variant("x"), ua.Variant(1.5)])]
    translate = ua.TranslateBrowsePathsToNodeIdsRequest()
    element = ua.RelativePathElement(TargetName=ua.QualifiedName("State", 0))
    translate.Parameters.BrowsePaths = [ua.BrowsePath(STATE, ua.RelativePath([element]))]
    items = ua.CreateMonitoredItemsRequest()
    wanted = ua.MonitoringParameters(Filter=ua.DataChangeFilter())
    item = ua.MonitoredItemCreateRequest(ua.ReadValueId(NodeId=STATE, AttributeId=13), RequestedParameters=wanted)
    items.Parameters.ItemsToCreate = [item]
    history = ua.HistoryReadRequest()
    history.Parameters.HistoryReadDetails = ua.ReadRawModifiedDetails()
    history.Parameters.NodesToRead = [ua.HistoryReadValueId(NodeId=STATE)]
    return [read_request(STATE, STATE), browse, write, call, translate, items, history, ua.CreateSubscriptionRequest()]


def bend(body: bytes, start: int, dice: random.Random) -> bytes:
    """Overwrite, insert, cut out or cut off something after `start`."""
    data = bytearray(body)
    for _ in range(dice.randint(1, 3)):
        place = dice.randint(start, max(start, len(data) - 1))
        piece = dice.choice([dice.randbytes(dice.randint(1, 8)), dice.choice(_TEMPTING)])
        kind = dice.randrange(4)
        if kind == 0:
            data[place : place + len(piece)] = piece
        elif kind == 1:
            data[place:place] = piece
        elif kind == 2:
            del data[place : place + dice.randint(1, 8)]
        else:
            del data[place:]
    return bytes(data)


async def exchange(raw: RawClient, body: bytes) -> bool:
    """Whether the connection survived; every request gets its answer or the connection a reason."""
    raw.request_id += 1
    raw.send(raw.chunk(b"MSGF", body))
    try:
        request_id, _ = await asyncio.wait_for(raw.answer(), 5)
    except Ended as end:
        if not end.status:
            raise
        return False
    return bool(request_id == raw.request_id)


@pytest.mark.parametrize("seed", range(3))
async def test_bent_requests_are_answered(served: Served, seed: int) -> None:
    dice = random.Random(seed)
    raw: RawClient | None = None
    for _ in range(_ROUNDS):
        if raw is None:
            raw = await served.raw().__aenter__()
            await raw.connect()
        request = dice.choice(samples())
        request.RequestHeader.AuthenticationToken = raw.authentication_token
        body = struct_to_binary(request)
        header = 4 + len(struct_to_binary(request.RequestHeader)) if dice.random() < 0.9 else 0
        if not await exchange(raw, bend(body, header, dice)):
            await raw.__aexit__(None, None, None)
            raw = None
    if raw is not None:
        await raw.__aexit__(None, None, None)
    async with served.raw() as other:
        await other.connect()
        assert len((await other.call(read_request(STATE))).Results) == 1


async def test_every_service_survives_noise(served: Served) -> None:
    dice = random.Random(7)
    unanswered = ua.ObjectIds.PublishRequest_Encoding_DefaultBinary
    for type_id in SERVICES:
        async with served.raw() as raw:
            await raw.connect()
            header = ua.RequestHeader(AuthenticationToken=raw.authentication_token)
            for size in (0, 1, 7, 60):
                noise = dice.randbytes(size)
                body = struct.pack("<BBH", 1, 0, type_id) + struct_to_binary(header) + noise
                if type_id == unanswered and not size:
                    continue
                if not await exchange(raw, body):
                    break


async def test_an_array_of_nothing_costs_nothing(served: Served) -> None:
    """Part 6, 5.2.2.16: 2^31 nulls take no byte on the wire: asyncua would make a list of them."""
    async with served.raw() as raw:
        await raw.connect()
        request = ua.CallRequest()
        request.RequestHeader.AuthenticationToken = raw.authentication_token
        request.Parameters.MethodsToCall = [ua.CallMethodRequest(STATE, STATE, [ua.Variant(1)])]
        body = struct_to_binary(request)
        raw.request_id += 1
        raw.send(raw.chunk(b"MSGF", body.replace(b"\x08\x01" + bytes(7), b"\x80" + struct.pack("<i", 2**31 - 1))))
        _, fault = await asyncio.wait_for(raw.answer(), 5)
        assert fault.ResponseHeader.ServiceResult.value == ua.StatusCodes.BadDecodingError


async def test_deeply_nested_values_are_refused(served: Served) -> None:
    """Part 6, 5.2.2.16: Variants within Variants within Variants, until Python's stack would end."""
    async with served.raw() as raw:
        await raw.connect()
        request = ua.WriteRequest()
        request.RequestHeader.AuthenticationToken = raw.authentication_token
        request.Parameters.NodesToWrite = [
            ua.WriteValue(NodeId=STATE, AttributeId=13, Value=ua.DataValue(ua.Variant(1)))
        ]
        body = struct_to_binary(request)
        place = body.rindex(b"\x08\x01" + bytes(7))
        raw.request_id += 1
        raw.send(raw.chunk(b"MSGF", body[:place] + b"\x18" * 20_000 + body[place:]))
        _, fault = await asyncio.wait_for(raw.answer(), 5)
        codes = (ua.StatusCodes.BadEncodingLimitsExceeded, ua.StatusCodes.BadDecodingError)
        assert fault.ResponseHeader.ServiceResult.value in codes


# -- hypothesis: the same with what it makes smaller until nothing is left but the reason

BOUNDED = settings(max_examples=700, deadline=None, database=None, suppress_health_check=list(HealthCheck))
_MOST_GROWTH = 48 * 2**20
"""Bytes; far below what thousands of bent requests would leave behind if each left its own size."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def bystander(served: Served) -> AsyncIterator[RawClient]:
    """A client that was there before, and wants to go on reading."""
    async with served.raw() as raw:
        yield await raw.connect()


@pytest_asyncio.fixture(loop_scope="module")
async def bounded(served: Served, bystander: RawClient) -> AsyncIterator[None]:
    """Nothing grows: neither memory, nor connections, nor tasks."""
    process, before, tasks = psutil.Process(), served.server.connections, len(asyncio.all_tasks())
    resident = process.memory_info().rss
    yield
    await until(lambda: served.server.connections == before)
    await until(lambda: len(asyncio.all_tasks()) <= tasks)
    gc.collect()
    assert process.memory_info().rss - resident < _MOST_GROWTH


async def still_served(served: Served, bystander: RawClient) -> None:
    for session in served.server.sessions:  # those that wait for a client to come back would be too many
        if session.channel is None:
            await served.server.sessions.close(session, delete_subscriptions=True)
    assert len((await asyncio.wait_for(bystander.call(read_request(STATE)), 5)).Results) == 1


edits = st.lists(
    st.tuples(
        st.sampled_from(["overwrite", "insert", "remove", "cut"]),
        st.integers(0, 400),
        st.one_of(st.binary(min_size=1, max_size=12), st.sampled_from(_TEMPTING)),
    ),
    min_size=1,
    max_size=4,
)


def edited(body: bytes, start: int, changes: list[tuple[str, int, bytes]]) -> bytes:
    """The body with the changes made somewhere behind `start`."""
    data = bytearray(body)
    for kind, where, piece in changes:
        place = start + where % max(1, len(data) - start)
        if kind == "overwrite":
            data[place : place + len(piece)] = piece
        elif kind == "insert":
            data[place:place] = piece
        elif kind == "remove":
            del data[place : place + len(piece)]
        else:
            del data[place:]
    return bytes(data)


@given(which=st.integers(0, len(samples()) - 1), changes=edits, header_too=st.booleans())
@BOUNDED
async def test_any_edit_of_a_request_is_answered_or_ends_the_connection(
    served: Served, bystander: RawClient, bounded: None, which: int, changes: Any, header_too: bool
) -> None:
    """Part 4, 7.35 and Part 6, 7.1.5: a ServiceFault, or an ERR message where not even the RequestHeader is read."""
    async with served.raw() as raw:
        await raw.connect()
        request = samples()[which]
        request.RequestHeader.AuthenticationToken = raw.authentication_token
        body = struct_to_binary(request)
        header = 0 if header_too else 4 + len(struct_to_binary(request.RequestHeader))
        if await exchange(raw, edited(body, header, changes)):
            await raw.call(ua.CloseSessionRequest())
    await still_served(served, bystander)


chunks = st.fixed_dictionaries(
    {
        "type": st.sampled_from([b"MSG", b"MSG", b"MSG", b"OPN", b"CLO", b"HEL", b"ACK", b"ERR", b"XYZ"]),
        "kind": st.sampled_from([b"F", b"F", b"C", b"A", b"?"]),
        "longer": st.sampled_from([0, 0, 0, 0, -8, -1, 1, 9, 70_000, 2**31]),
        "channel": st.sampled_from([0, 0, 0, 1]),
        "token": st.sampled_from([0, 0, 0, 1]),
        "skip": st.sampled_from([0, 0, 0, 1, -1, 2**31]),
        "body": st.one_of(st.binary(max_size=40), st.just(struct_to_binary(read_request(STATE)))),
    }
)


def framed(raw: RawClient, asked: dict[str, Any]) -> bytes:
    """A chunk with a header that may lie."""
    raw.sequence = (raw.sequence + 1 + asked["skip"]) % 2**32
    channel, token = raw.channel_id + asked["channel"], raw.token_id + asked["token"]
    ids = struct.pack("<IIII", channel, token, raw.sequence, 7)
    size = max(0, 8 + len(ids) + len(asked["body"]) + asked["longer"])
    return asked["type"] + asked["kind"] + struct.pack("<I", size) + ids + asked["body"]


@given(
    opened=st.sampled_from([0, 1, 1, 2, 2]),
    sent=st.lists(st.one_of(chunks, st.binary(max_size=30)), min_size=1, max_size=5),
    pieces=st.lists(st.integers(1, 40), max_size=6),
)
@BOUNDED
async def test_any_stream_of_chunks_is_answered_or_ends_the_connection(
    served: Served, bystander: RawClient, bounded: None, opened: int, sent: list[Any], pieces: list[int]
) -> None:
    """Part 6, 6.7.2 and 7.1.5: wrong types, sizes, channels, tokens, sequence numbers, cut into any segments; nothing
    follows an ERR message, and a client that goes away leaves nothing behind."""
    async with served.raw() as raw:
        if opened:
            await raw.open()
        if opened > 1:
            await raw.create_session()
            await raw.activate()
        stream = b"".join(one if isinstance(one, bytes) else framed(raw, one) for one in sent)
        with contextlib.suppress(ConnectionError):
            for size in pieces:
                raw.send(stream[:size])
                stream = stream[size:]
                await asyncio.sleep(0)
            raw.send(stream)
            raw.writer.write_eof()
        await asyncio.wait_for(raw.ended(), 5)
    await still_served(served, bystander)
