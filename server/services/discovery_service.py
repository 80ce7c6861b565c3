"""The Discovery Service Set (Part 4, 5.4): FindServers and GetEndpoints; we keep no directory of other servers."""

from __future__ import annotations

from typing import Final

from asyncua import ua
from asyncua.common.utils import ServiceError

from server.services.context import Service, ServiceContext
from server.services.endpoints import TRANSPORT_PROFILE, host_of


def _url(context: ServiceContext, asked: str | None) -> str:
    return context.server.endpoints.url(host_of(asked), context.channel.connection.local_address)


async def _find_servers(context: ServiceContext, request: ua.FindServersParameters) -> ua.FindServersResponse:
    response = ua.FindServersResponse()
    wanted = request.ServerUris or []
    if not wanted or context.server.application_uri in wanted:
        url = _url(context, request.EndpointUrl)
        response.Servers = [context.server.endpoints.application(url, request.LocaleIds or [])]
    return response


async def _get_endpoints(context: ServiceContext, request: ua.GetEndpointsParameters) -> ua.GetEndpointsResponse:
    response = ua.GetEndpointsResponse()
    if not request.ProfileUris or TRANSPORT_PROFILE in request.ProfileUris:
        response.Endpoints = context.server.endpoints.descriptions(_url(context, request.EndpointUrl))
    return response


async def _not_offered(context: ServiceContext, request: bytes) -> None:
    raise ServiceError(ua.StatusCodes.BadServiceUnsupported)


HANDLERS: Final = {
    ua.ObjectIds.FindServersRequest_Encoding_DefaultBinary: Service(
        ua.FindServersParameters, _find_servers, needs_session=False
    ),
    ua.ObjectIds.GetEndpointsRequest_Encoding_DefaultBinary: Service(
        ua.GetEndpointsParameters, _get_endpoints, needs_session=False
    ),
    ua.ObjectIds.FindServersOnNetworkRequest_Encoding_DefaultBinary: Service(None, _not_offered, needs_session=False),
    ua.ObjectIds.RegisterServerRequest_Encoding_DefaultBinary: Service(None, _not_offered, needs_session=False),
    ua.ObjectIds.RegisterServer2Request_Encoding_DefaultBinary: Service(None, _not_offered, needs_session=False),
}
