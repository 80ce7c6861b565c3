"""Requests bent at random: whatever comes is answered or ends the connection with a reason, and the next is served."""

from __future__ import annotations

import asyncio
import random
import struct
from typing import Any

import pytest
from asyncua import ua
from asyncua.ua.ua_binary import struct_to_binary

from server.services.dispatch import SERVICES
from tests.services.conftest import Served
from tests.simulators.raw_client import Ended, RawClient, read_request

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
