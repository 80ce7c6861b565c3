"""Events of the past: what is kept, over restarts too, who may read what of it, and how it is read on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from asyncua import ua

from server.services.events import EventDraft
from server.services.options import Limits
from server.services.twin_events import twin_event
from tests.services.conftest import Served, serve
from tests.simulators.history_client import Past, at

pytestmark = pytest.mark.asyncio(loop_scope="module")
PUMP, TANK = "Cooling/Loop1/Pump1", "Cooling/Loop1/Tank"
SERVER = ua.NodeId(ua.ObjectIds.Server)
SYSTEM, AUDIT = (ua.NodeId(getattr(ua.ObjectIds, kind)) for kind in ("SystemEventType", "AuditWriteUpdateEventType"))
BASE = ua.NodeId(ua.ObjectIds.BaseEventType)


def happen(served: Served, path: str, message: str, time: str, severity: int = 500) -> None:
    draft = twin_event(served.space, path, SYSTEM, message, severity)
    draft.time = at(time)
    served.server.events.emit(draft.finish())


def wrote(served: Served, message: str, time: str) -> None:
    """Somebody wrote."""
    value = ua.Variant(1.5, ua.VariantType.Double)
    draft = EventDraft(AUDIT, served.node_id(TANK), "Attribute/Write", message, 100, at(time), {"NewValue": value})
    served.server.events.emit(draft.finish())


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def past_served(tmp_path_factory: Any) -> AsyncIterator[Served]:
    running = await serve(tmp_path_factory.mktemp("server"))
    try:
        for minute in range(5):
            happen(running, PUMP if minute % 2 else TANK, f"m{minute}", f"5:0{minute}", 100 * (minute + 1))
        wrote(running, "a write", "5:02:30")
        yield running
    finally:
        await running.server.stop()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def past(past_served: Served) -> AsyncIterator[Past]:
    async with past_served.client() as client:
        yield Past(past_served, client, ua.TimestampsToReturn.Neither)


def field(name: str, of_type: ua.NodeId = BASE) -> ua.SimpleAttributeOperand:
    path = [ua.QualifiedName(name, 0)]
    return ua.SimpleAttributeOperand(of_type, path, ua.AttributeIds.Value)


def selecting(*names: str, where: list[ua.ContentFilterElement] | None = None) -> ua.EventFilter:
    return ua.EventFilter([field(one) for one in names or ("Message",)], ua.ContentFilter(where or []))


async def messages(
    past: Past,
    node: ua.NodeId | str,
    start: str = "",
    end: str = "",
    most: int = 0,
    wanted: ua.EventFilter | None = None,
) -> list[list[str]]:
    """The Messages of every page."""
    never = ua.get_win_epoch()
    details = ua.ReadEventDetails(most, at(start) if start else never, at(end) if end else never, wanted or selecting())
    found, point = [], None
    while True:
        (got,) = await past.read(details, [node], [point])
        assert got.status in ("Good", "GoodNoData"), got.status
        found.append([one.EventFields[0].Value.Text for one in got.data.Events])
        point = got.point
        if point is None:
            return found


async def test_events_are_read_at_every_notifier_above_their_source(past: Past) -> None:
    """Part 11, 6.5.2.2; Part 3, 8.59: in the order of time or against it, from the start up to, not including, the
    end."""
    assert await messages(past, SERVER, "5:00", "5:04") == [["m0", "m1", "m2", "m3"]]
    assert await messages(past, SERVER, "5:04", "5:00") == [["m4", "m3", "m2", "m1"]]
    assert await messages(past, "Cooling", "5:00", "5:10") == [["m0", "m1", "m2", "m3", "m4"]]
    assert await messages(past, PUMP, "5:00", "5:10") == [["m1", "m3"]]
    assert await messages(past, TANK, "5:00", "", 2) == [["m0", "m2"]]
    assert await messages(past, TANK, "", "5:04", 9) == [["m4", "m2", "m0"]]
    assert await messages(past, f"{PUMP}/DriveEndBearing", "5:00", "5:10") == [[]]
    assert await messages(past, SERVER, "5:00", "5:10", 2) == [["m0", "m1"], ["m2", "m3"], ["m4"]]
    assert await messages(past, SERVER, "5:10", "4:00", 2) == [["m4", "m3"], ["m2", "m1"], ["m0"]]
    for node in (SERVER, past.served.node_id(PUMP)):
        notifier = await past.client.get_node(node).read_event_notifier()
        assert ua.EventNotifier.HistoryRead in notifier


async def test_filters_select_fields_and_events(past: Past) -> None:
    """Part 4, 7.22.3; Part 11, 6.5.2: select clauses and where clause; a field that an event has not is null."""
    severe = ua.ContentFilterElement(
        ua.FilterOperator.GreaterThan,
        [field("Severity"), ua.LiteralOperand(ua.Variant(300, ua.VariantType.UInt16))],
    )
    wanted = selecting("Message", "Severity", "SourceName", "SourceNode", "Time", "EventType", where=[severe])
    details = ua.ReadEventDetails(0, at("5:00"), at("5:10"), wanted)
    (got,) = await past.read(details, [SERVER])
    rows = [[one.Value for one in event.EventFields] for event in got.data.Events]
    node = past.served.node_id(PUMP)
    assert rows[0] == [ua.LocalizedText("m3", "en"), 400, "Pump1", node, at("5:03"), SYSTEM]
    assert [row[1] for row in rows] == [400, 500]
    absent = ua.EventFilter([field("NewValue", AUDIT)], ua.ContentFilter([]))
    (got,) = await past.read(ua.ReadEventDetails(1, at("5:00"), at("5:10"), absent), [SERVER])
    assert got.data.Events[0].EventFields[0].Value is None


async def test_only_administrators_see_what_users_did(past: Past, past_served: Served) -> None:
    """Part 2, 4.14: the ability to see Audit Events is restricted to appropriate users."""
    assert "a write" not in (await messages(past, SERVER, "5:00", "5:10"))[0]
    async with past_served.client("admin") as client:
        admin = Past(past_served, client)
        assert (await messages(admin, SERVER, "5:02", "5:03"))[0] == ["m2", "a write"]
        wanted = ua.EventFilter([field("Message"), field("NewValue", AUDIT)], ua.ContentFilter([]))
        (got,) = await admin.read(ua.ReadEventDetails(1, at("5:02:30"), at("5:10"), wanted), [SERVER])
        assert got.data.Events[0].EventFields[1].Value == 1.5


async def test_what_keeps_no_events_is_refused(past: Past) -> None:
    """Part 11, 6.5.2: BadHistoryOperationUnsupported, BadNodeIdUnknown, BadHistoryOperationInvalid,
    BadEventFilterInvalid."""
    whole = ua.ReadEventDetails(0, at("5:00"), at("5:10"), selecting())
    nodes = [f"{TANK}/Level", f"{PUMP}/Telemetry", "nothing"]
    expected = ["BadHistoryOperationUnsupported", "BadHistoryOperationUnsupported", "BadNodeIdUnknown"]
    assert [got.status for got in await past.read(whole, nodes)] == expected
    never = ua.get_win_epoch()
    open_ended = ua.ReadEventDetails(0, at("5:00"), never, selecting())
    assert (await past.read(open_ended, [SERVER]))[0].status == "BadHistoryOperationInvalid"
    nothing = ua.ReadEventDetails(0, at("5:00"), at("5:10"), ua.EventFilter([], ua.ContentFilter([])))
    assert (await past.read(nothing, [SERVER]))[0].status == "BadEventFilterInvalid"
    raw = ua.ReadRawModifiedDetails(False, at("5:00"), at("5:10"), 0, False)
    some = Past(past.served, past.client)
    assert (await some.read(raw, [SERVER]))[0].status == "BadHistoryOperationUnsupported"


async def test_events_outlive_a_restart(tmp_path: Path) -> None:
    """Part 11, 5.4: the history of events is that of the plant, not of the process."""
    for run in range(2):
        served = await serve(tmp_path, event_history_s=0.0)
        try:
            happen(served, PUMP, f"run {run}", f"5:0{run}")
        finally:
            await served.server.stop()
    served = await serve(tmp_path, Limits(max_history_events=1), event_history_s=0.0)
    try:
        async with served.client() as client:
            past = Past(served, client)
            assert await messages(past, "Cooling", "4:00", "6:00") == [["run 0"], ["run 1"]]
            start = client.get_node(ua.NodeId(ua.ObjectIds.DefaultHEConfiguration_StartOfArchive))
            assert await start.read_value() == at("5:00")
    finally:
        await served.server.stop()
