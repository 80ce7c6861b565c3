"""HistoryRead and HistoryUpdate (Part 4, 5.10.3 and 5.10.5; Part 11, 6)."""

from __future__ import annotations

import logging
import struct
from collections.abc import Awaitable
from typing import Final, TypeVar

from asyncua import ua
from asyncua.common.utils import ServiceError

from server.history.store import StoreError
from server.security.roles import User
from server.services.context import Service, ServiceContext
from server.services.data_values import STAMPS
from server.services.history_access import target
from server.services.history_at_time import at_time_reading
from server.services.history_domain import domain
from server.services.history_events import event_reading
from server.services.history_modified import ModifiedReading
from server.services.history_pages import HistoryPoints, Page, Reading
from server.services.history_processed import check_aggregates, processed_reading
from server.services.history_raw import Position, RawReading, Target
from server.services.history_request import (
    AtTimeDetails,
    EventDetails,
    ProcessedDetails,
    RawDetails,
    ReadRequest,
    Unsupported,
    read_request,
    update_request,
)
from server.services.history_update import HistoryUpdates
from server.services.wire import response_head, status_code

_log = logging.getLogger(__name__)
_NO_DIAGNOSTICS: Final = struct.pack("<i", -1)
_RESULT_SIZE: Final = 64
"""Bytes that a result takes besides its values."""
_HEAD_SIZE: Final = 256
T = TypeVar("T")


async def _read(context: ServiceContext, body: bytes) -> bytes:
    request = read_request(body)
    server, session = context.server, context.caller
    if not request.nodes:
        raise ServiceError(ua.StatusCodes.BadNothingToDo)
    if len(request.nodes) > server.limits.max_nodes_per_history_read:
        raise ServiceError(ua.StatusCodes.BadTooManyOperations)
    for item in request.nodes:
        item.NodeId = session.resolve(item.NodeId)
    points = _points(context)
    if request.release:
        results = [_released(points, session.user, item) for item in request.nodes]
    else:
        _check(request)
        results = await _read_all(context, request, points)
    head = response_head(ua.ObjectIds.HistoryReadResponse_Encoding_DefaultBinary, context.header.RequestHandle)
    return b"".join((head, struct.pack("<i", len(results)), *results, _NO_DIAGNOSTICS))


def _check(request: ReadRequest) -> None:
    """What is wrong with the request as a whole."""
    neither = request.stamps == ua.TimestampsToReturn.Neither
    if neither and not isinstance(request.details, EventDetails):
        raise ServiceError(ua.StatusCodes.BadTimestampsToReturnInvalid)
    if isinstance(request.details, ProcessedDetails):
        check_aggregates(request.details, request.stamps, len(request.nodes))


async def _read_all(context: ServiceContext, request: ReadRequest, points: HistoryPoints) -> list[bytes]:
    """Node by node; the room that the response has left is shared evenly among those still to come."""
    room = min(context.channel.secure.largest_body(), context.server.limits.max_message_size) - _HEAD_SIZE
    made: set[bytes] = set()
    results: list[bytes] = []
    for place, item in enumerate(request.nodes):
        share = room // (len(request.nodes) - place) - _RESULT_SIZE
        page = await _page(context, request, place, points, share)
        point = None
        if page.more is not None:
            point = points.put(item.NodeId, context.caller.user, page.more, made)
            if point is None:
                page = Page(int(ua.StatusCodes.BadNoContinuationPoints))
        results.append(page.encode(point))
        room -= len(results[-1])
    return results


async def _page(context: ServiceContext, request: ReadRequest, place: int, points: HistoryPoints, room: int) -> Page:
    item = request.nodes[place]
    try:
        if item.ContinuationPoint:
            reading = points.take(item.NodeId, context.caller.user, item.ContinuationPoint)
        else:
            reading = await _begin(context, request, place)
        return await _from_store(reading.page(room))
    except ServiceError as error:
        return Page(int(error.code))


async def _begin(context: ServiceContext, request: ReadRequest, place: int) -> Reading:
    server, user, item, details = context.server, context.caller.user, request.nodes[place], request.details
    if isinstance(details, EventDetails):
        return event_reading(server, user, item, details)
    of = target(server, user, item, STAMPS[ua.TimestampsToReturn(request.stamps)])
    if isinstance(details, RawDetails):
        return _raw(of, details)
    if isinstance(details, AtTimeDetails):
        return at_time_reading(server, of, details)
    if isinstance(details, ProcessedDetails):
        return processed_reading(server, of, details, place)
    assert isinstance(details, Unsupported)
    raise ServiceError(ua.StatusCodes.BadHistoryOperationUnsupported)


def _raw(of: Target, details: RawDetails) -> Reading:
    if details.modified and details.bounds:
        raise ServiceError(ua.StatusCodes.BadInvalidArgument)
    span = domain(details.start, details.end, details.most)
    if details.modified:
        return ModifiedReading(of, span, Position(span.origin))
    return RawReading(of, span, details.bounds, Position(span.origin))


async def _from_store(work: Awaitable[T]) -> T:
    """A store that cannot answer is told to the operator in words and to the client as a StatusCode."""
    try:
        return await work
    except StoreError as error:
        _log.warning("history: %s", error)
        raise ServiceError(ua.StatusCodes.BadResourceUnavailable) from error


def _points(context: ServiceContext) -> HistoryPoints:
    """The session's continuation points; they end with it."""
    session = context.caller
    if session.history_points is None:
        points = HistoryPoints(context.server.limits.max_history_continuation_points)
        session.history_points = points
        session.on_close.append(lambda _delete_subscriptions: points.clear())
    return session.history_points


def _released(points: HistoryPoints, user: User, item: ua.HistoryReadValueId) -> bytes:
    try:
        points.take(item.NodeId, user, item.ContinuationPoint or b"")
    except ServiceError as error:
        return Page(int(error.code)).encode(None)
    return Page(int(ua.StatusCodes.Good)).encode(None)


async def _update(context: ServiceContext, body: bytes) -> ua.HistoryUpdateResponse:
    details = update_request(body)
    if not details:
        raise ServiceError(ua.StatusCodes.BadNothingToDo)
    if len(details) > context.server.limits.max_nodes_per_history_update:
        raise ServiceError(ua.StatusCodes.BadTooManyOperations)
    updates = HistoryUpdates(context.server, context.caller, context.header.AuditEntryId or "")
    response = ua.HistoryUpdateResponse()
    for one in details:
        try:
            response.Results.append(await _from_store(updates.apply(one)))
        except ServiceError as error:
            response.Results.append(ua.HistoryUpdateResult(StatusCode=status_code(error.code)))
    return response


HANDLERS: Final = {
    ua.ObjectIds.HistoryReadRequest_Encoding_DefaultBinary: Service(None, _read, parallel=True),
    ua.ObjectIds.HistoryUpdateRequest_Encoding_DefaultBinary: Service(None, _update, parallel=True),
}
