"""The View Service Set (Part 4, 5.8): Browse, BrowseNext, TranslateBrowsePathsToNodeIds, RegisterNodes."""

from __future__ import annotations

from typing import Any, Final

from asyncua import ua
from asyncua.common.utils import ServiceError

from server.services.browse import BrowsePoints, Browser, View
from server.services.context import Service, ServiceContext
from server.services.registered_nodes import RegisteredNodes


def _check_count(items: list[Any], limit: int) -> None:
    if not items:
        raise ServiceError(ua.StatusCodes.BadNothingToDo)
    if len(items) > limit:
        raise ServiceError(ua.StatusCodes.BadTooManyOperations)


async def _browse(context: ServiceContext, request: View) -> ua.BrowseResponse:
    limits = context.server.limits
    _check_count(request.NodesToBrowse, limits.max_nodes_per_browse)
    if not request.View.ViewId.is_null():
        raise ServiceError(_view_status(context, request.View))
    session = context.caller
    browser = Browser(context.server.aspace)
    most = request.RequestedMaxReferencesPerNode or limits.max_references_per_node
    points = _points(context)
    response = ua.BrowseResponse()
    for wanted in request.NodesToBrowse:
        wanted.NodeId = session.resolve(wanted.NodeId)
        response.Results.append(browser.browse(wanted, min(most, limits.max_references_per_node), points))
    return response


def _view_status(context: ServiceContext, view: ua.ViewDescription) -> int:
    """This address space has no views; a timestamp or version would be one too many."""
    return int(ua.StatusCodes.BadViewIdUnknown)


async def _browse_next(context: ServiceContext, request: ua.BrowseNextParameters) -> ua.BrowseNextResponse:
    _check_count(request.ContinuationPoints, context.server.limits.max_nodes_per_browse)
    points = _points(context)
    response = ua.BrowseNextResponse()
    if request.ReleaseContinuationPoints:
        response.Parameters.Results = [points.release(point) for point in request.ContinuationPoints]
    else:
        response.Parameters.Results = [points.next(point) for point in request.ContinuationPoints]
    return response


async def _translate(
    context: ServiceContext, request: ua.TranslateBrowsePathsToNodeIdsParameters
) -> ua.TranslateBrowsePathsToNodeIdsResponse:
    _check_count(request.BrowsePaths, context.server.limits.max_nodes_per_translate)
    browser = Browser(context.server.aspace)
    response = ua.TranslateBrowsePathsToNodeIdsResponse()
    for path in request.BrowsePaths:
        path.StartingNode = context.caller.resolve(path.StartingNode)
        response.Results.append(browser.translate(path))
    return response


async def _register(context: ServiceContext, request: ua.RegisterNodesParameters) -> ua.RegisterNodesResponse:
    server, session = context.server, context.caller
    _check_count(request.NodesToRegister, server.limits.max_nodes_per_register)
    if session.registered is None:
        session.registered = RegisteredNodes(len(server.table), server.own_namespace)
    response = ua.RegisterNodesResponse()
    for node_id in request.NodesToRegister:
        row = server.row_of(node_id)
        response.Parameters.RegisteredNodeIds.append(node_id if row < 0 else session.registered.add(row, node_id))
    return response


async def _unregister(context: ServiceContext, request: ua.UnregisterNodesParameters) -> ua.UnregisterNodesResponse:
    _check_count(request.NodesToUnregister, context.server.limits.max_nodes_per_register)
    registered = context.caller.registered
    if registered is not None:
        for node_id in request.NodesToUnregister:
            registered.remove(node_id)
    return ua.UnregisterNodesResponse()


def _points(context: ServiceContext) -> BrowsePoints:
    session = context.caller
    if session.browse_points is None:
        session.browse_points = BrowsePoints(context.server.limits.max_browse_continuation_points)
    points: BrowsePoints = session.browse_points
    return points


HANDLERS: Final = {
    ua.ObjectIds.BrowseRequest_Encoding_DefaultBinary: Service(View, _browse),
    ua.ObjectIds.BrowseNextRequest_Encoding_DefaultBinary: Service(ua.BrowseNextParameters, _browse_next),
    ua.ObjectIds.TranslateBrowsePathsToNodeIdsRequest_Encoding_DefaultBinary: Service(
        ua.TranslateBrowsePathsToNodeIdsParameters, _translate
    ),
    ua.ObjectIds.RegisterNodesRequest_Encoding_DefaultBinary: Service(ua.RegisterNodesParameters, _register),
    ua.ObjectIds.UnregisterNodesRequest_Encoding_DefaultBinary: Service(ua.UnregisterNodesParameters, _unregister),
}
