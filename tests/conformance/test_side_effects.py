"""What one client does costs the others nothing, and what is slow delays nobody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from asyncua import ua

from drivers.readings import now_ticks
from server.commands.audit import CommandAudit
from server.security.roles import Role, User
from server.services.audit_events import AuditTrail
from server.services.events import EventDraft
from tests.services.conftest import Served
from tests.simulators.subscriber import Subscriber, values
from tests.simulators.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
LEVEL, RUN, HEALTH = "Cooling/Loop1/Tank/Level", "Cooling/Loop1/Pump1/Run", "Cooling/Loop1/Pump1/HealthScore"
SERVER = ua.NodeId(ua.ObjectIds.Server)


@pytest_asyncio.fixture(loop_scope="module")
async def client(served: Served) -> AsyncIterator[Subscriber]:
    async with Subscriber(served.server.port) as raw:
        await raw.connect()
        yield raw
        await raw.call(ua.CloseSessionRequest())


async def test_a_write_that_waits_for_its_device_delays_no_notification(served: Served, client: Subscriber) -> None:
    """Part 4, 5.10.4.1 and 5.13.5: of no client, nor the Publish of the client that writes."""
    made = await client.subscribe(20)
    served.set(LEVEL, 1.0)
    await client.monitor(made.SubscriptionId, client.item(served.node_id(LEVEL)))
    await client.next()
    served.commands.gate.clear()
    try:
        async with served.client("operator") as operator:
            slow = asyncio.create_task(served.node(operator, RUN).write_value(True))
            await until(lambda: any(session.running for session in served.server.sessions))
            served.set(LEVEL, 2.0)
            assert [value for _, value, _ in values(await client.next())] == [2.0]
            assert not slow.done()
            served.commands.gate.set()
            await slow
    finally:
        served.commands.gate.set()


async def test_an_item_sampled_slower_than_published_tells_less_often(served: Served, client: Subscriber) -> None:
    """Part 4, 5.12.1.2: the sampling interval is the item's own, whatever the publishing interval is."""
    made = await client.subscribe(20)
    served.set(LEVEL, 0.0)
    slow, quick = (client.item(served.node_id(LEVEL), SamplingInterval=interval) for interval in (1000.0, 20.0))
    await client.monitor(made.SubscriptionId, slow, quick)
    handles = [slow.RequestedParameters.ClientHandle, quick.RequestedParameters.ClientHandle]
    assert sorted(handle for handle, _, _ in values(await client.next())) == handles
    told = []
    for step in range(1, 6):
        served.set(LEVEL, float(step))
        told += [handle for handle, _, _ in values(await client.next())]
    assert told.count(handles[1]) == 5
    assert told.count(handles[0]) <= 1


async def test_a_filter_that_doubles_its_work_with_each_element_costs_no_time(
    served: Served, client: Subscriber
) -> None:
    """Part 4, 7.7.4: And(1, 1), And(2, 2), ...: 200 elements are worked out once each."""
    clause = ua.SimpleAttributeOperand(BrowsePath=[ua.QualifiedName("Severity")], AttributeId=13)
    elements = [
        ua.ContentFilterElement(ua.FilterOperator.And, [ua.ElementOperand(place + 1), ua.ElementOperand(place + 1)])
        for place in range(199)
    ]
    low = ua.LiteralOperand(ua.Variant(0, ua.VariantType.UInt16))
    elements.append(ua.ContentFilterElement(ua.FilterOperator.GreaterThan, [clause, low]))
    wanted = ua.EventFilter(SelectClauses=[clause], WhereClause=ua.ContentFilter(elements))
    await heard_quickly(served, client, wanted)


async def test_a_pattern_made_to_take_for_ever_does_not(served: Served, client: Subscriber) -> None:
    """Part 4, 7.7.3: Like with many wildcards, and a text that nearly fits."""
    clause = ua.SimpleAttributeOperand(BrowsePath=[ua.QualifiedName("Message")], AttributeId=13)
    pattern = ua.LiteralOperand(ua.Variant("%a" * 40 + "b"))
    like = ua.ContentFilterElement(ua.FilterOperator.Like, [clause, pattern])
    refuse = ua.ContentFilterElement(ua.FilterOperator.Not, [ua.ElementOperand(1)])
    wanted = ua.EventFilter(SelectClauses=[clause], WhereClause=ua.ContentFilter([refuse, like]))
    await heard_quickly(served, client, wanted)


async def heard_quickly(served: Served, client: Subscriber, wanted: ua.EventFilter) -> None:
    made = await client.subscribe(20)
    item = client.item(SERVER, ua.AttributeIds.EventNotifier, Filter=wanted, QueueSize=10)
    (result,) = await client.monitor(made.SubscriptionId, item)
    result.StatusCode.check()
    kind = ua.NodeId(ua.ObjectIds.SystemEventType)
    event = EventDraft(kind, SERVER, "Server", "a" * 2000, 500).finish()
    start = time.process_time()
    served.server.events.emit(event)
    assert time.process_time() - start < 0.5
    response: Any = await client.next()
    assert len(response.Parameters.NotificationMessage.NotificationData[0].Events) == 1


async def test_an_audit_event_names_the_node_that_was_written(served: Served, client: Subscriber) -> None:
    """Part 5, 6.4.25 and 6.4.27: SourceNode is the Variable written, or the Object whose method was called."""
    made = await client.subscribe(20)
    clauses = [
        ua.SimpleAttributeOperand(BrowsePath=[ua.QualifiedName(name)], AttributeId=13)
        for name in ("SourceNode", "SourceName", "Severity")
    ]
    item = client.item(SERVER, ua.AttributeIds.EventNotifier, Filter=ua.EventFilter(clauses), QueueSize=10)
    await client.monitor(made.SubscriptionId, item)
    for session in served.server.sessions:
        session.user = User("admin", frozenset({Role.SecurityAdmin}))
    trail = AuditTrail(served.server)
    for path, status in ((RUN, 0), ("Cooling/Loop1/Pump1/Start", ua.StatusCodes.BadNotConnected)):
        trail.note(CommandAudit(now_ticks(), "operator", path, False, True, status, ""))
    response = await client.next()
    told = [
        [field.Value for field in one.EventFields]
        for one in response.Parameters.NotificationMessage.NotificationData[0].Events
    ]
    assert told == [
        [served.node_id(RUN), "Attribute/Write", 100],
        [served.node_id("Cooling/Loop1/Pump1"), "Method/Call", 300],
    ]
