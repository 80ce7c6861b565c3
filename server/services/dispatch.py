"""The dispatch table of services, and the way of one request through it: decode, check its session, serve, answer."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Any, Final

from asyncua import ua
from asyncua.common.utils import NotEnoughData, ServiceError
from asyncua.ua.ua_binary import nodeid_from_binary, struct_from_binary

from server.services import (
    attribute_service,
    discovery_service,
    history_service,
    method_service,
    monitored_item_service,
    node_management_service,
    session_service,
    subscription_service,
    view_service,
)
from server.services.answer import answer, fault, run_parallel
from server.services.chunks import ChannelError
from server.services.context import Service, ServiceContext
from server.services.wire import RequestBuffer

if TYPE_CHECKING:
    from server.services.channel import Channel
    from server.services.session import Session

SERVICES: Final[dict[int, Service]] = {
    **discovery_service.HANDLERS,
    **session_service.HANDLERS,
    **view_service.HANDLERS,
    **attribute_service.HANDLERS,
    **method_service.HANDLERS,
    **history_service.HANDLERS,
    **node_management_service.HANDLERS,
    **monitored_item_service.HANDLERS,
    **subscription_service.HANDLERS,
}
"""By the encoding id of the request."""

_UNDECODABLE: Final = (NotEnoughData, ua.UaError, ValueError, TypeError, struct.error, IndexError, OverflowError)
_WRONG_ENUM: Final = re.compile(r"is not a valid (\w+)")
_ENUM_STATUS: Final = {
    "TimestampsToReturn": ua.StatusCodes.BadTimestampsToReturnInvalid,
    "MonitoringMode": ua.StatusCodes.BadMonitoringModeInvalid,
    "BrowseDirection": ua.StatusCodes.BadBrowseDirectionInvalid,
}


async def serve(channel: Channel, request_id: int, body: bytes) -> None:
    """Serve one request. Whatever goes wrong with it is told to the client as a ServiceFault; only a body without a
    readable RequestHeader ends the connection (ChannelError)."""
    buffer = RequestBuffer(body)
    try:
        type_id = nodeid_from_binary(buffer)
        header = struct_from_binary(ua.RequestHeader, buffer)
    except (*_UNDECODABLE, RecursionError) as error:
        raise ChannelError(ua.StatusCodes.BadDecodingError, f"undecodable RequestHeader: {error}") from error
    handle = header.RequestHandle
    context = ServiceContext(
        channel.server, channel, None, header, channel.reply_to(request_id, handle), _number(type_id)
    )
    try:
        service = _service(context.type_id)
        context.session = await _session(context, service)
        parameters = _decode(service, buffer)
    except (ServiceError, ua.UaStatusCodeError) as error:
        context.reply(fault(context, error.code))
        return
    work = service.handler(context, parameters)
    if service.parallel:
        run_parallel(context, work)
    else:
        await answer(context, work)


def _number(type_id: ua.NodeId) -> int:
    """0 for what is no standard encoding id."""
    standard = type_id.NamespaceIndex == 0 and isinstance(type_id.Identifier, int)
    return int(type_id.Identifier) if standard else 0


def _service(type_id: int) -> Service:
    service = SERVICES.get(type_id)
    if service is None:
        raise ServiceError(ua.StatusCodes.BadServiceUnsupported)
    return service


async def _session(context: ServiceContext, service: Service) -> Session | None:
    if not service.needs_session:
        return None
    session = context.server.sessions.find(context.header.AuthenticationToken)
    if session is None:
        raise ServiceError(ua.StatusCodes.BadSessionIdInvalid)
    if session.channel is not context.channel:
        raise ServiceError(ua.StatusCodes.BadSecureChannelIdInvalid)
    if not session.activated:
        await context.server.sessions.close(session, delete_subscriptions=True)
        raise ServiceError(ua.StatusCodes.BadSessionNotActivated)
    session.touch()
    session.requests[context.type_id] += 1
    return session


def _decode(service: Service, buffer: RequestBuffer) -> Any:
    if service.parameters is None:
        return buffer.read(len(buffer))
    try:
        return struct_from_binary(service.parameters, buffer)
    except RecursionError as error:
        raise ServiceError(ua.StatusCodes.BadEncodingLimitsExceeded) from error
    except _UNDECODABLE as error:
        enum = _WRONG_ENUM.search(str(error))
        raise ServiceError(_ENUM_STATUS.get(enum[1] if enum else "", ua.StatusCodes.BadDecodingError)) from error
