"""The NodeManagement Service Set (Part 4, 5.7): off by default, and then for administrators only; and Query, which is
not offered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from asyncua import ua
from asyncua.common.utils import ServiceError

from server.services.context import Service, ServiceContext


def _check(context: ServiceContext, items: list[Any]) -> None:
    if not context.server.options.node_management:
        raise ServiceError(ua.StatusCodes.BadServiceUnsupported)
    if not items:
        raise ServiceError(ua.StatusCodes.BadNothingToDo)
    if len(items) > context.server.limits.max_nodes_per_node_management:
        raise ServiceError(ua.StatusCodes.BadTooManyOperations)
    if not context.caller.user.may_administer:
        raise ServiceError(ua.StatusCodes.BadUserAccessDenied)


def _handler(field: str, response_type: Callable[[], Any]) -> Any:
    async def handle(context: ServiceContext, request: Any) -> Any:
        items = getattr(request, field)
        _check(context, items)
        service: Any = context.server.stack.iserver.node_mgt_service
        serve = {
            "NodesToAdd": lambda: service.add_nodes(items),
            "NodesToDelete": lambda: service.delete_nodes(request),
            "ReferencesToAdd": lambda: service.add_references(items),
            "ReferencesToDelete": lambda: service.delete_references(items),
        }
        results = serve[field]()
        response = response_type()
        if hasattr(response, "Parameters"):
            response.Parameters.Results = results
        else:
            response.Results = results
        return response

    return handle


async def _unsupported(context: ServiceContext, request: bytes) -> None:
    raise ServiceError(ua.StatusCodes.BadServiceUnsupported)


HANDLERS: Final[dict[int, Service]] = {
    ua.ObjectIds.AddNodesRequest_Encoding_DefaultBinary: Service(
        ua.AddNodesParameters, _handler("NodesToAdd", ua.AddNodesResponse)
    ),
    ua.ObjectIds.DeleteNodesRequest_Encoding_DefaultBinary: Service(
        ua.DeleteNodesParameters, _handler("NodesToDelete", ua.DeleteNodesResponse)
    ),
    ua.ObjectIds.AddReferencesRequest_Encoding_DefaultBinary: Service(
        ua.AddReferencesParameters, _handler("ReferencesToAdd", ua.AddReferencesResponse)
    ),
    ua.ObjectIds.DeleteReferencesRequest_Encoding_DefaultBinary: Service(
        ua.DeleteReferencesParameters, _handler("ReferencesToDelete", ua.DeleteReferencesResponse)
    ),
    ua.ObjectIds.QueryFirstRequest_Encoding_DefaultBinary: Service(None, _unsupported),
    ua.ObjectIds.QueryNextRequest_Encoding_DefaultBinary: Service(None, _unsupported),
}
