"""HistoryRead and HistoryUpdate (Part 4, 5.10.3 and 5.10.5): no history is offered yet, and the client is told so."""

from __future__ import annotations

from typing import Final

from asyncua import ua
from asyncua.common.utils import ServiceError

from server.services.context import Service, ServiceContext
from server.services.wire import status_code

_DETAILS: Final = (
    ua.ReadRawModifiedDetails,
    ua.ReadProcessedDetails,
    ua.ReadAtTimeDetails,
    ua.ReadEventDetails,
)


async def _read(context: ServiceContext, request: ua.HistoryReadParameters) -> ua.HistoryReadResponse:
    if not request.NodesToRead:
        raise ServiceError(ua.StatusCodes.BadNothingToDo)
    if len(request.NodesToRead) > context.server.limits.max_nodes_per_history_read:
        raise ServiceError(ua.StatusCodes.BadTooManyOperations)
    if not isinstance(request.HistoryReadDetails, _DETAILS):
        raise ServiceError(ua.StatusCodes.BadHistoryOperationInvalid)
    response = ua.HistoryReadResponse()
    for item in request.NodesToRead:
        known = context.caller.resolve(item.NodeId) in context.server.aspace
        status = ua.StatusCodes.BadHistoryOperationUnsupported if known else ua.StatusCodes.BadNodeIdUnknown
        response.Results.append(ua.HistoryReadResult(StatusCode=status_code(status)))
    return response


async def _update(context: ServiceContext, request: ua.HistoryUpdateParameters) -> ua.HistoryUpdateResponse:
    if not request.HistoryUpdateDetails:
        raise ServiceError(ua.StatusCodes.BadNothingToDo)
    if len(request.HistoryUpdateDetails) > context.server.limits.max_nodes_per_history_update:
        raise ServiceError(ua.StatusCodes.BadTooManyOperations)
    unsupported = status_code(ua.StatusCodes.BadHistoryOperationUnsupported)
    response = ua.HistoryUpdateResponse()
    response.Results = [ua.HistoryUpdateResult(StatusCode=unsupported) for _ in request.HistoryUpdateDetails]
    return response


HANDLERS: Final = {
    ua.ObjectIds.HistoryReadRequest_Encoding_DefaultBinary: Service(ua.HistoryReadParameters, _read, parallel=True),
    ua.ObjectIds.HistoryUpdateRequest_Encoding_DefaultBinary: Service(
        ua.HistoryUpdateParameters, _update, parallel=True
    ),
}
