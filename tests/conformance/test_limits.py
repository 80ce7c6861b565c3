"""Every limit that ServerCapabilities tells holds, with the StatusCode the standard has for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from asyncua import ua

from server.services.options import Limits
from tests.services.conftest import Served, serve
from tests.simulators.raw_client import Ended
from tests.simulators.subscriber import Subscriber
from tests.simulators.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
NODE = ua.NodeId(ua.ObjectIds.Server_ServerStatus_State)
LIMITS = Limits(
    max_sessions=3,
    max_nodes_per_read=2,
    max_nodes_per_write=2,
    max_nodes_per_method_call=2,
    max_nodes_per_browse=2,
    max_nodes_per_register=2,
    max_nodes_per_translate=2,
    max_nodes_per_history_read=2,
    max_nodes_per_history_update=2,
    max_monitored_items_per_call=2,
    max_subscriptions=3,
    max_subscriptions_per_session=2,
    max_monitored_items_per_subscription=3,
    max_monitored_items=5,
    max_monitored_item_queue=7,
    max_filter_clauses=4,
    max_array_length=4,
    max_string_length=8,
    min_sampling_interval_s=0.05,
)
_PREFIX = "Server_ServerCapabilities_"
PUBLISHED = {
    "OperationLimits_MaxNodesPerRead": 2,
    "OperationLimits_MaxNodesPerWrite": 2,
    "OperationLimits_MaxNodesPerMethodCall": 2,
    "OperationLimits_MaxNodesPerBrowse": 2,
    "OperationLimits_MaxNodesPerRegisterNodes": 2,
    "OperationLimits_MaxNodesPerTranslateBrowsePathsToNodeIds": 2,
    "OperationLimits_MaxNodesPerHistoryReadData": 2,
    "OperationLimits_MaxNodesPerHistoryUpdateData": 2,
    "OperationLimits_MaxMonitoredItemsPerCall": 2,
    "MaxSessions": 3,
    "MaxSubscriptions": 3,
    "MaxSubscriptionsPerSession": 2,
    "MaxMonitoredItems": 5,
    "MaxMonitoredItemsPerSubscription": 3,
    "MaxMonitoredItemsQueueSize": 7,
    "MaxSelectClauseParameters": 4,
    "MaxWhereClauseParameters": 4,
    "MaxArrayLength": 4,
    "MaxStringLength": 8,
    "MaxByteStringLength": 8,
    "MinSupportedSampleRate": 50.0,
}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def limited(tmp_path_factory: Any) -> AsyncIterator[Served]:
    running = await serve(tmp_path_factory.mktemp("server"), LIMITS)
    try:
        yield running
    finally:
        await running.server.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def client(limited: Served) -> AsyncIterator[Subscriber]:
    async with Subscriber(limited.server.port) as raw:
        await raw.connect()
        yield raw
        await raw.call(ua.CloseSessionRequest())


def status(response: Any) -> str:
    return str(ua.StatusCode(response.ResponseHeader.ServiceResult.value).name)


def asked(kind: type, **fields: Any) -> Any:
    request = kind()
    for name, value in fields.items():
        setattr(request.Parameters, name, value)
    return request


@pytest.mark.parametrize("name", PUBLISHED)
async def test_the_published_limits_are_those_in_force(client: Subscriber, name: str) -> None:
    """Part 5, 6.3.2 and 6.3.11: ServerCapabilitiesType and OperationLimitsType."""
    node = ua.ReadValueId(NodeId=ua.NodeId(getattr(ua.ObjectIds, _PREFIX + name)), AttributeId=13)
    response = await client.call(asked(ua.ReadRequest, NodesToRead=[node], TimestampsToReturn=3))
    assert response.Results[0].Value.Value == PUBLISHED[name]


def over_the_limit() -> dict[str, Any]:
    three = [1, 2, 3]
    path = ua.RelativePath([ua.RelativePathElement(TargetName=ua.QualifiedName("x"))])
    write = ua.WriteValue(NodeId=NODE, AttributeId=13, Value=ua.DataValue(ua.Variant(1)))
    return {
        "Read": asked(ua.ReadRequest, NodesToRead=[ua.ReadValueId(NodeId=NODE, AttributeId=13)] * 3),
        "Write": asked(ua.WriteRequest, NodesToWrite=[write] * 3),
        "Call": asked(ua.CallRequest, MethodsToCall=[ua.CallMethodRequest(NODE, NODE)] * 3),
        "Browse": asked(ua.BrowseRequest, NodesToBrowse=[ua.BrowseDescription(NodeId=NODE)] * 3),
        "BrowseNext": asked(ua.BrowseNextRequest, ContinuationPoints=[b"1", b"2", b"3"]),
        "Translate": asked(ua.TranslateBrowsePathsToNodeIdsRequest, BrowsePaths=[ua.BrowsePath(NODE, path)] * 3),
        "RegisterNodes": asked(ua.RegisterNodesRequest, NodesToRegister=[NODE] * 3),
        "UnregisterNodes": asked(ua.UnregisterNodesRequest, NodesToUnregister=[NODE] * 3),
        "HistoryRead": asked(
            ua.HistoryReadRequest,
            HistoryReadDetails=ua.ReadRawModifiedDetails(),
            NodesToRead=[ua.HistoryReadValueId(NodeId=NODE)] * 3,
        ),
        "HistoryUpdate": asked(ua.HistoryUpdateRequest, HistoryUpdateDetails=[ua.DeleteRawModifiedDetails()] * 3),
        "CreateMonitoredItems": asked(
            ua.CreateMonitoredItemsRequest,
            ItemsToCreate=[ua.MonitoredItemCreateRequest(ua.ReadValueId(NodeId=NODE, AttributeId=13))] * 3,
        ),
        "ModifyMonitoredItems": asked(
            ua.ModifyMonitoredItemsRequest, ItemsToModify=[ua.MonitoredItemModifyRequest()] * 3
        ),
        "SetMonitoringMode": asked(ua.SetMonitoringModeRequest, MonitoredItemIds=three),
        "SetTriggering": asked(ua.SetTriggeringRequest, LinksToAdd=three[:2], LinksToRemove=three[2:]),
        "DeleteMonitoredItems": asked(ua.DeleteMonitoredItemsRequest, MonitoredItemIds=three),
    }


@pytest.mark.parametrize("service", over_the_limit())
async def test_more_operations_than_the_limit_are_a_fault(client: Subscriber, service: str) -> None:
    """Part 4, 7.39.2 and Part 5, 6.3.11: BadTooManyOperations for the whole request."""
    assert status(await client.call(over_the_limit()[service])) == "BadTooManyOperations"


async def test_a_session_too_many_is_refused_and_room_is_made_by_closing_one(limited: Served) -> None:
    """Part 4, 5.6.2.3: BadTooManySessions."""
    opened = []
    try:
        for _ in range(LIMITS.max_sessions):
            opened.append(await limited.raw().__aenter__())
            await opened[-1].connect()
        async with limited.raw() as late:
            await late.open()
            assert status(await late.call(ua.CreateSessionRequest())) == "BadTooManySessions"
            await opened[0].call(ua.CloseSessionRequest())
            assert status(await late.call(ua.CreateSessionRequest())) == "Good"
    finally:
        for one in opened:
            await one.call(ua.CloseSessionRequest())
            await one.__aexit__(None, None, None)


async def test_sessions_that_were_left_behind_keep_nobody_out(limited: Served) -> None:
    """Part 4, 5.6.2.1: at the limit the one whose client has been away the longest goes, never one in use."""
    async with limited.raw() as stays:
        await stays.connect()
        for _ in range(2 * LIMITS.max_sessions):
            async with limited.raw() as leaves:
                await leaves.connect()
            await until(lambda: len([one for one in limited.server.sessions if one.channel is not None]) == 1)
        read = asked(ua.ReadRequest, NodesToRead=[ua.ReadValueId(NodeId=NODE, AttributeId=13)])
        assert status(await stays.call(read)) == "Good"
        await stays.call(ua.CloseSessionRequest())
    for session in limited.server.sessions:
        await limited.server.sessions.close(session, delete_subscriptions=True)


async def test_subscriptions_are_limited_for_a_session_and_for_the_server(limited: Served, client: Subscriber) -> None:
    """Part 4, 5.13.2.3: BadTooManySubscriptions."""
    create = asked(ua.CreateSubscriptionRequest, RequestedPublishingInterval=1000.0, RequestedLifetimeCount=1000)
    assert [status(await client.call(create)) for _ in range(3)] == ["Good", "Good", "BadTooManySubscriptions"]
    async with limited.raw() as other:
        await other.connect()
        assert [status(await other.call(create)) for _ in range(2)] == ["Good", "BadTooManySubscriptions"]
        await other.call(ua.CloseSessionRequest())


async def test_monitored_items_are_limited_for_a_subscription_and_for_the_server(client: Subscriber) -> None:
    """Part 4, 5.12.2.4: BadTooManyMonitoredItems for each item beyond the limit."""
    first, second = [(await client.subscribe(1000)).SubscriptionId for _ in range(2)]

    async def make(subscription: int) -> list[str]:
        results = await client.monitor(subscription, client.item(NODE), client.item(NODE))
        return [one.StatusCode.name for one in results]

    assert [await make(first), await make(first)] == [["Good", "Good"], ["Good", "BadTooManyMonitoredItems"]]
    assert [await make(second), await make(second)] == [["Good", "Good"], ["BadTooManyMonitoredItems"] * 2]


async def test_queues_and_intervals_are_revised_to_the_limits(limited: Served, client: Subscriber) -> None:
    """Part 4, 7.21: MaxMonitoredItemsQueueSize and MinSupportedSampleRate."""
    made = await client.subscribe(1000)
    level = limited.node_id("Cooling/Loop1/Tank/Level")
    tag, plain = await client.monitor(
        made.SubscriptionId,
        *(client.item(node, SamplingInterval=1.0, QueueSize=1000) for node in (level, NODE)),
    )
    assert (tag.RevisedQueueSize, tag.RevisedSamplingInterval) == (7, 50)
    assert (plain.RevisedQueueSize, plain.RevisedSamplingInterval) == (7, 50)


async def test_a_filter_with_too_many_clauses_is_refused(client: Subscriber) -> None:
    """Part 4, 7.22.3 and Part 5, 6.3.2: MaxSelectClauseParameters, MaxWhereClauseParameters."""
    made = await client.subscribe(1000)
    clause = ua.SimpleAttributeOperand(BrowsePath=[ua.QualifiedName("Message")], AttributeId=13)
    element = ua.ContentFilterElement(FilterOperator=ua.FilterOperator.IsNull, FilterOperands=[clause])
    filters = [
        ua.EventFilter(SelectClauses=[clause] * 4, WhereClause=ua.ContentFilter([element] * 4)),
        ua.EventFilter(SelectClauses=[clause] * 5),
        ua.EventFilter(SelectClauses=[clause], WhereClause=ua.ContentFilter([element] * 5)),
    ]
    seen = []
    for wanted in filters:
        item = client.item(ua.NodeId(ua.ObjectIds.Server), ua.AttributeIds.EventNotifier, Filter=wanted)
        seen += [one.StatusCode.name for one in await client.monitor(made.SubscriptionId, item)]
    assert seen == ["Good", "BadEventFilterInvalid", "BadEventFilterInvalid"]


async def test_values_beyond_the_longest_are_refused(limited: Served) -> None:
    """Part 5, 6.3.2: MaxArrayLength, MaxStringLength, MaxByteStringLength."""
    objects = limited.server.stack.nodes.objects
    text = await objects.add_variable(ua.NodeId("text", 1), "text", "x")
    data = await objects.add_variable(ua.NodeId("data", 1), "data", b"x")
    list_ = await objects.add_variable(ua.NodeId("list", 1), "list", ["x"])
    async with limited.client("operator") as operator:
        for node, good, too_long in (
            (text, "x" * 8, ["x" * 9]),
            (data, b"x" * 8, [b"x" * 9]),
            (list_, ["x" * 8] * 4, [["x"] * 5, ["x" * 9]]),
        ):
            await node.set_writable()
            mine = operator.get_node(node.nodeid)
            await mine.write_value(good)
            for value in too_long:
                with pytest.raises(ua.uaerrors.BadEncodingLimitsExceeded):
                    await mine.write_value(value)


async def test_a_connection_too_many_is_refused_with_an_error(tmp_path: Any) -> None:
    """Part 6, 7.1.5: BadTcpNotEnoughResources in an ERR message."""
    running = await serve(tmp_path, Limits(max_connections=2))
    try:
        async with running.raw() as one, running.raw() as two:
            await one.connect()
            await two.connect()
            async with running.raw() as late:
                with pytest.raises(Ended) as refused:
                    await late.open()
                assert refused.value.status == ua.StatusCodes.BadTcpNotEnoughResources
    finally:
        await running.server.stop()
