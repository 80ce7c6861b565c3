"""Monitored items over the wire (Part 4, 5.12; Part 8, 6.2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from asyncua import ua

from drivers.readings import Readings, now_ticks
from server.services.events import EventDraft
from tests.services.conftest import Served
from tests.simulators.subscriber import Subscriber, values

pytestmark = pytest.mark.asyncio(loop_scope="module")
TANK = "Cooling/Loop1/Tank"
LEVEL = f"{TANK}/Level"
HEALTH = "Cooling/Loop1/Pump1/HealthScore"
OVERFLOW = 0x480
Codes = ua.StatusCodes
Mode = ua.MonitoringMode


@pytest_asyncio.fixture(loop_scope="module")
async def client(served: Served) -> AsyncIterator[Subscriber]:
    async with Subscriber(served.server.port) as raw:
        await raw.connect()
        yield raw
        await raw.call(ua.CloseSessionRequest())


def deadband(kind: ua.DeadbandType, value: float) -> ua.DataChangeFilter:
    return ua.DataChangeFilter(Trigger=ua.DataChangeTrigger.StatusValue, DeadbandType=kind, DeadbandValue=value)


async def ask(client: Subscriber, kind: type, subscription: int, **parameters: Any) -> Any:
    made = kind()
    made.Parameters.SubscriptionId = subscription
    for name, value in parameters.items():
        setattr(made.Parameters, name, value)
    response = await client.call(made)
    response.ResponseHeader.ServiceResult.check()
    return response


async def sampled(served: Served) -> None:
    """Let every sampling timer of 10 ms pass."""
    await asyncio.sleep(0.04)


async def test_each_bad_request_is_refused_for_its_own_reason(served: Served, client: Subscriber):
    """Part 4, 5.12.2.4 and 7.22; Part 8, 6.2: per item, the others are made."""
    made = await client.subscribe()
    node, none = served.node_id, ua.NodeId("no such node", 3)
    absolute, percent = ua.DeadbandType.Absolute, ua.DeadbandType.Percent
    cases = [
        (client.item(node(LEVEL)), Codes.Good),
        (client.item(none), Codes.BadNodeIdUnknown),
        (client.item(node(LEVEL), ua.AttributeIds.EventNotifier), Codes.BadAttributeIdInvalid),
        (client.item(node("Cooling"), ua.AttributeIds.Value), Codes.BadAttributeIdInvalid),
        (client.item(node(LEVEL), Filter=deadband(absolute, -1.0)), Codes.BadDeadbandFilterInvalid),
        (client.item(node(LEVEL), Filter=deadband(percent, 101.0)), Codes.BadDeadbandFilterInvalid),
        (client.item(node(f"{TANK}/EachDouble"), Filter=deadband(percent, 1.0)), Codes.BadFilterNotAllowed),
        (client.item(node(f"{TANK}/EachBoolean"), Filter=deadband(absolute, 1.0)), Codes.BadFilterNotAllowed),
        (client.item(node(f"{TANK}/EachString"), Filter=deadband(absolute, 1.0)), Codes.BadFilterNotAllowed),
        (client.item(node(LEVEL), ua.AttributeIds.DisplayName, Filter=deadband(absolute, 1.0)),
         Codes.BadFilterNotAllowed),
        (client.item(node(LEVEL), Filter=ua.EventFilter()), Codes.BadFilterNotAllowed),
        (client.item(node(LEVEL), Filter=ua.AggregateFilter()), Codes.BadMonitoredItemFilterUnsupported),
        (client.item(node("Cooling"), ua.AttributeIds.EventNotifier), Codes.BadEventFilterInvalid),
        (client.item(node(LEVEL), index_range="3:1"), Codes.BadIndexRangeInvalid),
    ]  # fmt: skip
    results = await client.monitor(made.SubscriptionId, *(item for item, _ in cases))
    assert [one.StatusCode.name for one in results] == [ua.StatusCode(code).name for _, code in cases]


async def test_sampling_and_queue_are_revised_within_limits(served: Served, client: Subscriber):
    """Part 4, 7.21: -1 is the publishing interval, 0 the fastest, a queue of 0 is one of 1."""
    made = await client.subscribe(500)
    wanted = [(-1.0, 1), (0.0, 0), (1.0, 5), (100.0, 10**9), (1234.0, 1)]
    items = [client.item(served.node_id(LEVEL), SamplingInterval=s, QueueSize=q) for s, q in wanted]
    results = await client.monitor(made.SubscriptionId, *items)
    assert [one.RevisedSamplingInterval for one in results] == [500.0, 10.0, 10.0, 100.0, 1500.0]
    assert [one.RevisedQueueSize for one in results] == [1, 1, 5, 1000, 1]


async def test_an_absolute_deadband_holds_against_the_last_reported_value(served: Served, client: Subscriber):
    """Part 4, 7.22.2."""
    served.set(LEVEL, 10.0)
    made = await client.subscribe(20)
    item = client.item(served.node_id(LEVEL), Filter=deadband(ua.DeadbandType.Absolute, 1.0), QueueSize=10)
    await client.monitor(made.SubscriptionId, item)
    assert values(await client.next()) == [(1, 10.0, 0)]
    got = []
    for value in (10.4, 10.8, 11.0, 11.2, 12.1, 12.3):
        served.set(LEVEL, value)
        await sampled(served)
    got += values(await client.next())
    assert [value for _, value, _ in got] == [11.2, 12.3]


async def test_a_percent_deadband_is_of_the_eu_range(served: Served, client: Subscriber):
    """Part 8, 6.2: EURange of Level is 0 to 100."""
    served.set(LEVEL, 50.0)
    made = await client.subscribe(20)
    item = client.item(served.node_id(LEVEL), Filter=deadband(ua.DeadbandType.Percent, 5.0), QueueSize=10)
    await client.monitor(made.SubscriptionId, item)
    await client.next()
    for value in (54.0, 55.0, 55.5):
        served.set(LEVEL, value)
        await sampled(served)
    assert values(await client.next()) == [(1, 55.5, 0)]


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [
        (ua.DataChangeTrigger.Status, [(7.0, Codes.UncertainLastUsableValue)]),
        (ua.DataChangeTrigger.StatusValue, [(6.0, 0), (7.0, 0), (7.0, Codes.UncertainLastUsableValue)]),
        (ua.DataChangeTrigger.StatusValueTimestamp,
         [(6.0, 0), (6.0, 0), (7.0, 0), (7.0, Codes.UncertainLastUsableValue)]),
    ],
)  # fmt: skip
async def test_the_trigger_decides_what_is_a_change(
    served: Served, client: Subscriber, trigger: ua.DataChangeTrigger, expected: list[tuple[float, int]]
):
    """Part 4, 7.22.2."""
    served.set(LEVEL, 5.0)
    made = await client.subscribe(20)
    asked = ua.DataChangeFilter(Trigger=trigger)
    await client.monitor(made.SubscriptionId, client.item(served.node_id(LEVEL), Filter=asked, QueueSize=10))
    await client.next()
    for value, status in ((6.0, 0), (6.0, 0), (7.0, 0), (7.0, Codes.UncertainLastUsableValue)):
        served.set(LEVEL, value, status)
        await sampled(served)
    assert [(value, status) for _, value, status in values(await client.next())] == expected


@pytest.mark.parametrize(
    ("discard_oldest", "expected"),
    [(True, [(3.0, OVERFLOW), (4.0, 0)]), (False, [(1.0, 0), (4.0, OVERFLOW)])],
)
async def test_a_full_queue_loses_by_its_policy_and_says_so(
    served: Served, client: Subscriber, discard_oldest: bool, expected: list[tuple[float, int]]
):
    """Part 4, 5.12.1.5."""
    served.set(LEVEL, 1.0)
    made = await client.subscribe(1000)
    item = client.item(served.node_id(LEVEL), QueueSize=2, DiscardOldest=discard_oldest)
    await client.monitor(made.SubscriptionId, item)
    for value in (2.0, 3.0, 4.0):
        served.set(LEVEL, value)
        await sampled(served)
    assert [(value, status) for _, value, status in values(await client.next())] == expected


async def test_a_queue_of_one_holds_the_newest_and_never_overflows(served: Served, client: Subscriber):
    """Part 4, 5.12.1.5."""
    served.set(LEVEL, 1.0)
    made = await client.subscribe(200)
    await client.monitor(made.SubscriptionId, client.item(served.node_id(LEVEL)))
    for value in (2.0, 3.0):
        served.set(LEVEL, value)
        await sampled(served)
    assert values(await client.next()) == [(1, 3.0, 0)]


async def test_monitoring_modes(served: Served, client: Subscriber):
    """Part 4, 5.12.1.3 and 5.12.4: disabled and sampling items report nothing; enabling reports the value at once."""
    served.set(LEVEL, 1.0)
    made = await client.subscribe(20, keep_alive=1)
    results = await client.monitor(
        made.SubscriptionId,
        client.item(served.node_id(LEVEL), mode=Mode.Disabled),
        client.item(served.node_id(HEALTH), mode=Mode.Sampling),
    )
    assert values(await client.next()) == []
    assert values(await client.next()) == []
    ids = [one.MonitoredItemId for one in results]
    answer = await ask(
        client, ua.SetMonitoringModeRequest, made.SubscriptionId,
        MonitoringMode=Mode.Reporting, MonitoredItemIds=[*ids, 4711],
    )  # fmt: skip
    assert [one.value for one in answer.Parameters.Results] == [0, 0, Codes.BadMonitoredItemIdInvalid]
    assert sorted(values(await client.next()))[0] == (1, 1.0, 0)


async def test_a_triggered_item_reports_when_its_trigger_does(served: Served, client: Subscriber):
    """Part 4, 5.12.1.6 and 5.12.5."""
    served.set(LEVEL, 1.0)
    served.set(HEALTH, 90.0)
    made = await client.subscribe(20, keep_alive=1)
    results = await client.monitor(
        made.SubscriptionId,
        client.item(served.node_id(LEVEL)),
        client.item(served.node_id(HEALTH), mode=Mode.Sampling, QueueSize=5),
    )
    trigger, triggered = (one.MonitoredItemId for one in results)
    assert values(await client.next()) == [(1, 1.0, 0)]
    answer = await ask(
        client, ua.SetTriggeringRequest, made.SubscriptionId,
        TriggeringItemId=trigger, LinksToAdd=[triggered, 4711], LinksToRemove=[triggered],
    )  # fmt: skip
    assert [one.value for one in answer.Parameters.AddResults] == [0, Codes.BadMonitoredItemIdInvalid]
    assert [one.value for one in answer.Parameters.RemoveResults] == [Codes.BadMonitoredItemIdInvalid]
    served.set(HEALTH, 80.0)
    await sampled(served)
    assert values(await client.next()) == []
    served.set(LEVEL, 2.0)
    await sampled(served)
    assert sorted(values(await client.next())) == [(1, 2.0, 0), (2, 80.0, 0), (2, 90.0, 0)]


async def test_a_modified_item_takes_its_new_settings(served: Served, client: Subscriber):
    """Part 4, 5.12.3."""
    served.set(LEVEL, 1.0)
    made = await client.subscribe(20, keep_alive=1)
    (item,) = await client.monitor(made.SubscriptionId, client.item(served.node_id(LEVEL)))
    await client.next()
    told = ua.MonitoringParameters(
        ClientHandle=99, SamplingInterval=40.0, QueueSize=3, DiscardOldest=True,
        Filter=deadband(ua.DeadbandType.Absolute, 10.0),
    )  # fmt: skip
    asked = [
        ua.MonitoredItemModifyRequest(MonitoredItemId=item.MonitoredItemId, RequestedParameters=told),
        ua.MonitoredItemModifyRequest(MonitoredItemId=4711, RequestedParameters=told),
    ]
    answer = await ask(client, ua.ModifyMonitoredItemsRequest, made.SubscriptionId, ItemsToModify=asked)
    changed, unknown = answer.Results
    assert (changed.RevisedSamplingInterval, changed.RevisedQueueSize) == (40.0, 3)
    assert unknown.StatusCode.value == Codes.BadMonitoredItemIdInvalid
    served.set(LEVEL, 5.0)
    await asyncio.sleep(0.1)
    assert values(await client.next()) == []
    served.set(LEVEL, 20.0)
    await asyncio.sleep(0.1)
    assert values(await client.next()) == [(99, 20.0, 0)]


async def test_deleted_items_say_nothing_more(served: Served, client: Subscriber):
    """Part 4, 5.12.6."""
    served.set(LEVEL, 1.0)
    made = await client.subscribe(100, keep_alive=1)
    (item,) = await client.monitor(made.SubscriptionId, client.item(served.node_id(LEVEL)))
    answer = await ask(
        client, ua.DeleteMonitoredItemsRequest, made.SubscriptionId, MonitoredItemIds=[item.MonitoredItemId, 4711]
    )
    assert [one.value for one in answer.Results] == [0, Codes.BadMonitoredItemIdInvalid]
    assert values(await client.next()) == []


async def test_attributes_text_and_the_server_object_are_monitored_too(served: Served, client: Subscriber):
    """Part 4, 5.12.1.2: Several attributes of one node, a text tag, an array tag, and what is no tag at all."""
    row = served.row(f"{TANK}/EachString")
    text = Readings.uniform([row], 0, now_ticks())
    served.table.commit(Readings(text.row, text.value, text.status, text.source_ticks, {0: "running"}))
    made = await client.subscribe(20)
    results = await client.monitor(
        made.SubscriptionId,
        client.item(served.node_id(LEVEL), ua.AttributeIds.DisplayName),
        client.item(served.node_id(LEVEL), ua.AttributeIds.NodeClass),
        client.item(served.node_id(f"{TANK}/EachString")),
        client.item(ua.NodeId(ua.ObjectIds.Server_ServerStatus_State)),
        client.item(served.node_id(f"{LEVEL}.EURange")),
    )
    assert all(one.StatusCode.is_good() for one in results)
    got = {handle: value for handle, value, _ in values(await client.next())}
    assert got[1].Text == "Level"
    assert got[2] == ua.NodeClass.Variable
    assert got[3] == "running"
    assert got[4] == ua.ServerState.Running
    assert (got[5].Low, got[5].High) == (0.0, 100.0)
    served.table.commit(Readings(text.row, text.value, text.status, text.source_ticks, {0: "stopped"}))
    assert values(await client.next()) == [(3, "stopped", 0)]


async def test_a_tag_that_never_had_a_value_is_told_so_without_a_source_timestamp(served: Served, client: Subscriber):
    """Part 4, 7.11.3 and 7.39.2: BadWaitingForInitialData, and no time at which it would have been."""
    made = await client.subscribe(20)
    await client.monitor(made.SubscriptionId, client.item(served.node_id(f"{TANK}/EachSByte")))
    (told,) = (await client.next()).Parameters.NotificationMessage.NotificationData[0].MonitoredItems
    assert told.Value.StatusCode.value == Codes.BadWaitingForInitialData
    assert told.Value.SourceTimestamp is None
    assert told.Value.ServerTimestamp is not None


async def test_two_clients_get_the_same_values_at_their_own_intervals(served: Served, client: Subscriber):
    """Part 4, 5.12.1.2 and 5.13.1.1."""
    async with Subscriber(served.server.port) as second:
        await second.connect()
        for one, interval in ((client, 20), (second, 40)):
            made = await one.subscribe(interval)
            await one.monitor(made.SubscriptionId, one.item(served.node_id(LEVEL)))
            await one.next()
        served.set(LEVEL, 77.0)
        assert values(await client.next()) == values(await second.next()) == [(1, 77.0, 0)]
        await second.call(ua.CloseSessionRequest())


def select(*names: str) -> ua.EventFilter:
    clauses = [
        ua.SimpleAttributeOperand(
            TypeDefinitionId=ua.NodeId(ua.ObjectIds.BaseEventType),
            BrowsePath=[ua.QualifiedName(name)],
            AttributeId=ua.AttributeIds.Value,
        )
        for name in names
    ]
    return ua.EventFilter(SelectClauses=clauses)


def emit(served: Served, message: str, severity: int, *notifiers: ua.NodeId) -> None:
    kind = ua.NodeId(ua.ObjectIds.SystemEventType)
    draft = EventDraft(kind, served.node_id("Cooling"), "Cooling", message, severity, notifiers=notifiers)
    served.server.events.emit(draft.finish())


def events(response: Any) -> list[list[Any]]:
    out = []
    for data in response.Parameters.NotificationMessage.NotificationData:
        out += [[field.Value for field in one.EventFields] for one in getattr(data, "Events", [])]
    return out


async def test_events_reach_the_notifiers_above_their_source(served: Served, client: Subscriber):
    """Part 3, 4.7: the twin and the Server object hear it, another twin does not."""
    made = await client.subscribe(20)
    wanted = select("Message", "Severity")
    nodes = [ua.NodeId(ua.ObjectIds.Server), served.node_id("Cooling"), served.node_id(TANK)]
    items = [client.item(node, ua.AttributeIds.EventNotifier, Filter=wanted, QueueSize=10) for node in nodes]
    results = await client.monitor(made.SubscriptionId, *items)
    assert all(one.StatusCode.is_good() for one in results)
    emit(served, "it happened", 700, served.node_id("Cooling"))
    got = events(await client.next())
    assert [(message.Text, severity) for message, severity in got] == [("it happened", 700)] * 2


async def test_a_where_clause_lets_only_its_events_through(served: Served, client: Subscriber):
    """Part 4, 7.7.3: severity above 500 and of a subtype of SystemEventType."""
    made = await client.subscribe(20)
    wanted = select("Message")
    literal = lambda value, kind: ua.LiteralOperand(Value=ua.Variant(value, kind))  # noqa: E731
    element, op = ua.ContentFilterElement, ua.FilterOperator
    severity = select("Severity").SelectClauses[0]
    wanted.WhereClause = ua.ContentFilter(
        Elements=[
            element(FilterOperator=op.And, FilterOperands=[ua.ElementOperand(Index=1), ua.ElementOperand(Index=2)]),
            element(FilterOperator=op.GreaterThan, FilterOperands=[severity, literal(500, ua.VariantType.UInt16)]),
            element(
                FilterOperator=op.OfType,
                FilterOperands=[literal(ua.NodeId(ua.ObjectIds.BaseEventType), ua.VariantType.NodeId)],
            ),
        ]
    )
    item = client.item(ua.NodeId(ua.ObjectIds.Server), ua.AttributeIds.EventNotifier, Filter=wanted, QueueSize=10)
    (result,) = await client.monitor(made.SubscriptionId, item)
    result.StatusCode.check()
    emit(served, "minor", 100)
    emit(served, "major", 800)
    assert [message.Text for (message,) in events(await client.next())] == ["major"]


async def test_a_full_event_queue_says_that_events_are_lost(served: Served, client: Subscriber):
    """Part 4, 5.12.1.5: EventQueueOverflowEventType at the front when the oldest go, beyond the size of the queue."""
    made = await client.subscribe(50)
    wanted = select("EventType", "Message")
    item = client.item(ua.NodeId(ua.ObjectIds.Server), ua.AttributeIds.EventNotifier, Filter=wanted, QueueSize=3)
    await client.monitor(made.SubscriptionId, item)
    for number in range(6):
        emit(served, f"event {number}", 100)
    got = events(await client.next())
    assert got[0][0] == ua.NodeId(ua.ObjectIds.EventQueueOverflowEventType)
    assert [message.Text for _, message in got[1:]] == ["event 3", "event 4", "event 5"]
