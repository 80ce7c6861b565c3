"""FindServers, GetEndpoints, the Server object, and services that are not offered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from asyncua import Client, ua

from tests.services.conftest import Served, serve

pytestmark = pytest.mark.asyncio(loop_scope="module")
STATUS = ua.StatusCodes
PROFILE = "http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary"


async def endpoints(served: Served, url: str, profiles: list[str] | None = None) -> list[ua.EndpointDescription]:
    async with served.raw() as raw:
        await raw.open()
        request = ua.GetEndpointsRequest()
        request.Parameters.EndpointUrl = url
        request.Parameters.ProfileUris = profiles or []
        return (await raw.call(request)).Endpoints  # type: ignore[no-any-return]


async def test_endpoints_are_told_without_a_session_and_with_a_host_the_client_can_reach(served: Served) -> None:
    """Part 4, 5.4.4."""
    found = await endpoints(served, f"opc.tcp://gateway.plant:{served.server.port}/uatwin")
    assert {one.EndpointUrl for one in found} == {f"opc.tcp://gateway.plant:{served.server.port}/uatwin"}
    assert len({(one.SecurityPolicyUri, one.SecurityMode) for one in found}) == 7
    assert {one.TransportProfileUri for one in found} == {PROFILE}
    assert {one.Server.ApplicationUri for one in found} == {"urn:test:uatwin"}
    assert all(one.ServerCertificate == served.server.identity.certificate_der for one in found)
    levels = {one.SecurityMode: one.SecurityLevel for one in found}
    assert levels[ua.MessageSecurityMode.SignAndEncrypt] > levels[ua.MessageSecurityMode.Sign]


async def test_every_endpoint_asks_for_encrypted_passwords(served: Served) -> None:
    """Part 4, 5.4.4.2 and 7.41."""
    none = "http://opcfoundation.org/UA/SecurityPolicy#None"
    for one in await endpoints(served, ""):
        tokens = {token.TokenType: token for token in one.UserIdentityTokens}
        assert tokens[ua.UserTokenType.UserName].SecurityPolicyUri not in (none, "", None)
        assert ua.UserTokenType.Anonymous in tokens
        assert len({token.PolicyId for token in one.UserIdentityTokens}) == len(one.UserIdentityTokens)


async def test_endpoints_are_filtered_by_profile(served: Served) -> None:
    """Part 4, 5.4.4.2."""
    assert len(await endpoints(served, "", [PROFILE])) == 7
    assert await endpoints(served, "", ["http://opcfoundation.org/UA-Profile/Transport/https-uabinary"]) == []


async def test_behind_a_gateway_the_told_host_is_given(tmp_path: Path) -> None:
    """Part 4, 5.4.4.1."""
    served = await serve(tmp_path, nat_host="public.example", policies=("None",))
    try:
        (one,) = await endpoints(served, "opc.tcp://10.0.0.1:4840")
        assert one.EndpointUrl == f"opc.tcp://public.example:{served.server.port}/uatwin"
    finally:
        await served.server.stop()


@pytest.mark.parametrize(("uris", "count"), [([], 1), (["urn:test:uatwin"], 1), (["urn:other"], 0)])
async def test_find_servers_tells_of_this_server(served: Served, uris: list[str], count: int) -> None:
    """Part 4, 5.4.2."""
    async with served.raw() as raw:
        await raw.open()
        request = ua.FindServersRequest()
        request.Parameters.ServerUris = uris
        servers = (await raw.call(request)).Servers
        assert len(servers) == count
        assert all(one.DiscoveryUrls for one in servers)


@pytest.mark.parametrize(
    "request_type",
    [ua.RegisterServerRequest, ua.FindServersOnNetworkRequest, ua.QueryFirstRequest, ua.AddNodesRequest],
)
async def test_services_that_are_not_offered_say_so(served: Served, request_type: Any) -> None:
    """Part 4, 5.4.3, 5.4.5 and 5.9: FindServersOnNetwork, RegisterServer and Query are not offered:
    BadServiceUnsupported."""
    async with served.raw() as raw:
        await raw.connect()
        response = await raw.call(request_type())
        assert response.ResponseHeader.ServiceResult.value == STATUS.BadServiceUnsupported


async def test_node_management_is_for_administrators(tmp_path: Path) -> None:
    """Part 4, 5.7: off by default (BadServiceUnsupported), then for administrators only."""
    served = await serve(tmp_path, node_management=True)
    item = ua.AddNodesItem(
        ParentNodeId=ua.NodeId(85),
        ReferenceTypeId=ua.NodeId(ua.ObjectIds.Organizes),
        RequestedNewNodeId=ua.NodeId("new", 1),
        BrowseName=ua.QualifiedName("new", 1),
        NodeClass=ua.NodeClass.Object,
        NodeAttributes=ua.ObjectAttributes(DisplayName=ua.LocalizedText("new")),
        TypeDefinition=ua.NodeId(ua.ObjectIds.BaseObjectType),
    )
    try:
        async with served.client("operator") as client:
            with pytest.raises(ua.UaStatusCodeError) as refused:
                await client.uaclient.add_nodes([item])
            assert refused.value.code == STATUS.BadUserAccessDenied
        async with served.client("admin") as client:
            (result,) = await client.uaclient.add_nodes([item])
            assert result.StatusCode.value == 0
            assert (await client.get_node(ua.NodeId("new", 1)).read_browse_name()).Name == "new"
    finally:
        await served.server.stop()


async def test_where_nothing_is_kept_history_is_refused_node_by_node(served: Served) -> None:
    """Part 4, 5.10.3.4: BadHistoryOperationUnsupported, BadNodeIdUnknown."""
    async with served.raw() as raw:
        await raw.connect()
        request = ua.HistoryReadRequest()
        request.Parameters.HistoryReadDetails = ua.ReadRawModifiedDetails()
        request.Parameters.ReleaseContinuationPoints = False
        nodes = [served.node_id("Cooling/Loop1/Tank/Level"), ua.NodeId("nothing", 3)]
        request.Parameters.NodesToRead = [ua.HistoryReadValueId(NodeId=node) for node in nodes]
        results = (await raw.call(request)).Results
        expected = [STATUS.BadHistoryOperationUnsupported, STATUS.BadNodeIdUnknown]
        assert [result.StatusCode.value for result in results] == expected


async def test_the_server_object_tells_the_truth(served: Served, anonymous: Client) -> None:
    """Part 5, 6.3.1 to 6.3.3."""
    limits, ids = served.server.limits, ua.ObjectIds
    prefix = "Server_ServerCapabilities"
    expected = {
        f"{prefix}_OperationLimits_MaxNodesPerRead": limits.max_nodes_per_read,
        f"{prefix}_OperationLimits_MaxNodesPerBrowse": limits.max_nodes_per_browse,
        f"{prefix}_MaxBrowseContinuationPoints": limits.max_browse_continuation_points,
        f"{prefix}_LocaleIdArray": ["en"],
        "Server_ServiceLevel": 255,
        "Server_ServerRedundancy_RedundancySupport": 0,
        "Server_ServerArray": ["urn:test:uatwin"],
        "Server_ServerStatus_State": 0,
        "Server_ServerStatus_SecondsTillShutdown": 0,
        "Server_ServerStatus_BuildInfo_ProductName": "uatwin",
        "Server_ServerDiagnostics_EnabledFlag": True,
    }
    nodes = [anonymous.get_node(ua.NodeId(getattr(ids, name))) for name in expected]
    assert dict(zip(expected, await anonymous.read_values(nodes), strict=True)) == expected
    summary = await anonymous.get_node(ua.NodeId(ids.Server_ServerDiagnostics_ServerDiagnosticsSummary)).read_value()
    assert summary.CurrentSessionCount == len(served.server.sessions)
    status = await anonymous.get_node(ua.NodeId(ids.Server_ServerStatus)).read_value()
    assert status.CurrentTime > status.StartTime


async def test_no_variable_of_the_server_object_is_good_and_null(served: Served, anonymous: Client) -> None:
    """Part 5, 6.3."""
    waiting, null = [anonymous.nodes.server], []
    while waiting:
        for child in await waiting.pop().get_children():
            node_class = await child.read_node_class()
            if node_class not in (ua.NodeClass.Object, ua.NodeClass.Variable):
                continue
            waiting.append(child)
            if node_class == ua.NodeClass.Variable:
                value = await child.read_data_value(raise_on_bad_status=False)
                name = (await child.read_browse_name()).Name
                is_null = value.StatusCode.is_good() and value.Value.Value is None
                if is_null and child.nodeid.NamespaceIndex == 0:
                    null.append(f"{child.nodeid} {name}")
    assert not null


async def test_a_server_without_security_none_is_discovered_without_security_and_takes_no_session(
    tmp_path: Path,
) -> None:
    """Part 4, 5.4.1."""
    served = await serve(tmp_path, policies=("Basic256Sha256",))
    url = served.server.endpoint_url
    try:
        offered = await Client(url).connect_and_get_server_endpoints()
        assert {one.SecurityPolicyUri.rpartition("#")[2] for one in offered} == {"Basic256Sha256"}
        assert len(await Client(url).connect_and_find_servers()) == 1
        with pytest.raises(ua.uaerrors.BadSecurityPolicyRejected):
            await Client(url).connect()
    finally:
        await served.server.stop()
