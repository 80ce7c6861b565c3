"""The Attribute Service Set without history (Part 4, 5.10): Read and Write."""

from __future__ import annotations

import asyncio
import logging
import struct
from typing import Final

import numpy as np
from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.ua.ua_binary import struct_to_binary

from server.services.answer import run_parallel
from server.services.context import Service, ServiceContext
from server.services.data_values import STAMPS
from server.services.explained import diagnostics_of
from server.services.read_request import ReadRequest
from server.services.value_columns import status_only
from server.services.wire import response_head, status_code

_log = logging.getLogger(__name__)
_NO_DIAGNOSTICS: Final = struct.pack("<i", -1)


async def _read(context: ServiceContext, body: bytes) -> bytes:
    server, session = context.server, context.caller
    request = server.reads.decode(body, session.registered)
    if request.others:
        values = b"".join(_mixed(context, request))
    else:
        values = server.columns.encode(request.rows, STAMPS[request.stamps])
    head = response_head(ua.ObjectIds.ReadResponse_Encoding_DefaultBinary, context.header.RequestHandle)
    return b"".join((head, struct.pack("<i", len(request.rows)), values, _NO_DIAGNOSTICS))


def _mixed(context: ServiceContext, request: ReadRequest) -> list[bytes]:
    """Tags by column, everything else one by one, in the order asked for."""
    server, user = context.server, context.caller.user
    out: list[bytes] = [b""] * len(request.rows)
    places = np.flatnonzero(request.rows >= 0)
    pieces = server.columns.encode_each(request.rows[places], STAMPS[request.stamps])
    for place, piece in zip(places.tolist(), pieces, strict=True):
        out[place] = piece
    for place, item in request.others.items():
        item.NodeId = context.caller.resolve(item.NodeId)
        out[place] = _encoded(item, server.attributes.read(user, item, request.stamps))
    return out


def _encoded(item: ua.ReadValueId, value: ua.DataValue) -> bytes:
    """A value that does not fit its own type spoils no other item."""
    try:
        return struct_to_binary(value)
    except (ua.UaError, struct.error, TypeError, ValueError, AttributeError, OverflowError):
        _log.exception("%s: attribute %s holds what cannot be encoded", item.NodeId, item.AttributeId)
        return status_only(ua.StatusCodes.BadEncodingError)


async def _write(context: ServiceContext, request: ua.WriteParameters) -> ua.WriteResponse | None:
    """In order and at once, unless a device has to be waited for: then besides the requests that follow."""
    items = request.NodesToWrite
    if not items:
        raise ServiceError(ua.StatusCodes.BadNothingToDo)
    if len(items) > context.server.limits.max_nodes_per_write:
        raise ServiceError(ua.StatusCodes.BadTooManyOperations)
    for item in items:
        item.NodeId = context.caller.resolve(item.NodeId)
    if all(context.server.row_of(item.NodeId) < 0 for item in items):
        return await _write_all(context, items)
    run_parallel(context, _write_all(context, items))
    return None


async def _write_all(context: ServiceContext, items: list[ua.WriteValue]) -> ua.WriteResponse:
    """Commands side by side; two writes to one node in their order."""
    writer, user = context.server.writer, context.caller.user
    by_node: dict[ua.NodeId, list[int]] = {}
    for place, item in enumerate(items):
        by_node.setdefault(item.NodeId, []).append(place)
    told: list[tuple[int, str]] = [(0, "")] * len(items)

    async def write_in_order(places: list[int]) -> None:
        for place in places:
            told[place] = await writer.write(user, items[place])

    await asyncio.gather(*(write_in_order(places) for places in by_node.values()))
    response = ua.WriteResponse()
    response.Results = [status_code(status) for status, _ in told]
    response.DiagnosticInfos = diagnostics_of([words for _, words in told], int(context.header.ReturnDiagnostics))
    return response


HANDLERS: Final = {
    ua.ObjectIds.ReadRequest_Encoding_DefaultBinary: Service(None, _read),
    ua.ObjectIds.WriteRequest_Encoding_DefaultBinary: Service(ua.WriteParameters, _write),
}
