"""HistoryUpdate: who may change the past, what becomes of it, what ReadModified and the audit trail tell."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from asyncua import ua

from server.services.events import Event
from tests.services.conftest import Served, serve
from tests.simulators.history_client import GOOD, Past, at, name

pytestmark = pytest.mark.asyncio(loop_scope="module")
LEVEL, SPEED = "Cooling/Loop1/Tank/Level", "Cooling/Loop1/Pump1/Speed"
TEXT, SPECTRUM = "Cooling/Loop1/Tank/EachString", "Cooling/Loop1/Pump1/Spectrum"
VOLUME, NOT_KEPT = "Cooling/Loop1/Tank/Volume", "Cooling/Loop1/Pump1/HealthScore"
INSERT, REPLACE, UPDATE, REMOVE = ua.PerformUpdateType
EXTRA_DATA = 0x0408


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def past_served(tmp_path_factory: Any) -> AsyncIterator[Served]:
    running = await serve(tmp_path_factory.mktemp("server"), historized=(LEVEL, SPEED, TEXT, SPECTRUM, VOLUME))
    try:
        yield running
    finally:
        await running.server.stop()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def engineer(past_served: Served) -> AsyncIterator[Past]:
    async with past_served.client("engineer") as client:
        yield Past(past_served, client)


async def test_values_are_inserted_replaced_and_updated(engineer: Past) -> None:
    """Part 11, 6.9.2: GoodEntryInserted, GoodEntryReplaced, BadEntryExists, BadNoEntryExists, each value its own."""
    assert await engineer.write(LEVEL, INSERT, ("5:02", 2), ("5:00", 0)) == ["GoodEntryInserted"] * 2
    assert await engineer.write(LEVEL, INSERT, ("5:01", 1), ("5:00", 9)) == ["GoodEntryInserted", "BadEntryExists"]
    assert await engineer.write(LEVEL, REPLACE, ("5:00", 10), ("5:07", 7)) == ["GoodEntryReplaced", "BadNoEntryExists"]
    assert await engineer.write(LEVEL, UPDATE, ("5:01", 11), ("5:03", 3)) == ["GoodEntryReplaced", "GoodEntryInserted"]
    got = await engineer.raw(LEVEL, "5:00", "5:10")
    assert [(time, value) for time, value, _ in got.values] == [("5:00", 10), ("5:01", 11), ("5:02", 2), ("5:03", 3)]


async def test_what_was_changed_can_still_be_read(engineer: Past) -> None:
    """Part 11, 6.5.3.3: old values with ModificationInfos; 6.5.3.2: ExtraData marks values beside which there are
    others. BadInvalidArgument with bounds."""
    await engineer.write(LEVEL, INSERT, ("6:00", 1), ("6:01", 2))
    await engineer.write(LEVEL, REPLACE, ("6:00", 10))
    await engineer.write(LEVEL, REPLACE, ("6:00", 100))
    got = await engineer.raw(LEVEL, "5:59", "6:02", modified=True)
    replaced = [
        (value, info.UpdateType.name, info.UserName)
        for (_, value, _), info in zip(got.values, got.data.ModificationInfos, strict=True)
        if info.UpdateType == ua.HistoryUpdateType.Replace
    ]
    assert sorted(replaced) == [(1.0, "Replace", "engineer"), (10.0, "Replace", "engineer")]
    current = await engineer.raw(LEVEL, "6:00", "6:01")
    assert current.values == [("6:00", 100.0, EXTRA_DATA)]
    count = len(got.values)
    paged = await engineer.pages(LEVEL, "5:59", "6:02", 1, modified=True)
    assert [len(page) for page in paged] == [1] * count
    backward = await engineer.pages(LEVEL, "6:02", "5:59", 2, modified=True)
    assert [time for page in backward for time in page] == got.times[::-1]
    assert (await engineer.raw(LEVEL, "4:00", "4:10", modified=True)).status == "GoodNoData"
    assert (await engineer.raw(LEVEL, "5:59", "6:02", bounds=True, modified=True)).status == "BadInvalidArgument"


async def test_values_are_deleted_by_range_and_by_time(engineer: Past) -> None:
    """Part 11, 6.9.5 and 6.9.6: up to, not including, the end; BadNoData, BadNoEntryExists where there is none."""
    await engineer.write(LEVEL, INSERT, *[(f"7:0{minute}", minute) for minute in range(6)])
    assert await engineer.delete(LEVEL, "7:00", "7:02") == "Good"
    assert await engineer.delete(LEVEL, "7:03", "7:03") == "Good"
    assert await engineer.delete(LEVEL, "7:00", "7:02") == "BadNoData"
    details = ua.DeleteAtTimeDetails(engineer.served.node_id(LEVEL), [at("7:04"), at("7:01"), at("7:04")])
    result = await engineer.update(details)
    assert [name(code) for code in result.OperationResults] == ["Good", "BadNoEntryExists", "BadNoEntryExists"]
    assert (await engineer.raw(LEVEL, "7:00", "8:00")).times == ["7:02", "7:05"]
    deleted = await engineer.raw(LEVEL, "7:00", "7:02", modified=True)
    kinds = {info.UpdateType.name for info in deleted.data.ModificationInfos}
    assert "Delete" in kinds


async def test_every_type_is_taken_and_only_its_own(engineer: Past) -> None:
    """Part 11, 6.9.2: BadTypeMismatch; BadInvalidTimestamp for a value without SourceTimestamp."""
    kind = ua.VariantType
    text, array = ua.Variant("on", kind.String), ua.Variant([1.0, 2.0, 3.0, 4.0], kind.Float, is_array=True)
    whole = ua.Variant(-7, kind.Int32)
    for path, value in ((TEXT, text), (SPECTRUM, array), (VOLUME, whole)):
        assert await engineer.write(path, INSERT, ("5:00", value)) == ["GoodEntryInserted"]
        assert (await engineer.raw(path, "5:00", "5:01")).values == [("5:00", value.Value, GOOD)]
    for path, value in ((VOLUME, 1.0), (LEVEL, array), (SPECTRUM, text)):
        assert await engineer.write(path, UPDATE, ("5:09", value)) == ["BadTypeMismatch"]
    untimed = [ua.DataValue(ua.Variant(1.0, kind.Double)), ua.DataValue(SourceTimestamp=at("5:09"))]
    result = await engineer.update(ua.UpdateDataDetails(engineer.served.node_id(LEVEL), INSERT, untimed))
    assert [name(code) for code in result.OperationResults] == ["BadInvalidTimestamp", "BadTypeMismatch"]


@pytest.mark.parametrize("user", ["", "viewer", "operator"])
async def test_only_engineers_and_administrators_change_the_past(past_served: Served, user: str) -> None:
    """Part 3, 8.57 and 4.9: HistoryWrite is in the UserAccessLevel of those who may; BadUserAccessDenied for others."""
    async with past_served.client(user) as client, past_served.client("admin") as admin:
        past, node = Past(past_served, client), past_served.node_id(LEVEL)
        change = ua.UpdateDataDetails(node, INSERT, [ua.DataValue(ua.Variant(1.0), SourceTimestamp=at("9:00"))])
        details = (
            change,
            ua.DeleteRawModifiedDetails(node, False, at("1:00"), at("9:00")),
            ua.DeleteAtTimeDetails(node, [at("5:00")]),
        )
        assert [name((await past.update(one)).StatusCode) for one in details] == ["BadUserAccessDenied"] * 3
        levels = [await one.get_node(node).read_attribute(ua.AttributeIds.UserAccessLevel) for one in (client, admin)]
        assert [level.Value.Value & 0b1100 for level in levels] == [0b0100, 0b1100]


async def test_what_is_a_record_stays_as_it_is(engineer: Past) -> None:
    """Part 11, 6.9.3, 6.9.4 and 6.9.7: changing events, annotations and modified values of the past is not offered:
    BadHistoryOperationUnsupported."""
    node = engineer.served.node_id(LEVEL)
    refused = [
        ua.UpdateEventDetails(node, INSERT, ua.EventFilter(), []),
        ua.DeleteEventDetails(node, [b"1"]),
        ua.UpdateStructureDataDetails(node, INSERT, []),
        ua.DeleteRawModifiedDetails(node, True, at("5:00"), at("6:00")),
        ua.UpdateDataDetails(engineer.served.node_id(NOT_KEPT), INSERT, []),
    ]
    statuses = [name((await engineer.update(one)).StatusCode) for one in refused]
    assert statuses == ["BadHistoryOperationUnsupported"] * 5


async def test_wrong_updates_are_refused(engineer: Past) -> None:
    """Part 11, 6.9: BadNothingToDo, BadHistoryOperationInvalid (Remove is for structures), BadInvalidTimestampArgument,
    BadNodeIdUnknown."""
    node, value = engineer.served.node_id(LEVEL), ua.DataValue(ua.Variant(1.0), SourceTimestamp=at("5:00"))
    expected = {
        "BadNothingToDo": ua.UpdateDataDetails(node, INSERT, []),
        "BadHistoryOperationInvalid": ua.UpdateDataDetails(node, REMOVE, [value]),
        "BadInvalidTimestampArgument": ua.DeleteRawModifiedDetails(node, False, at("6:00"), at("5:00")),
        "BadNodeIdUnknown": ua.DeleteEventDetails(ua.NodeId("nothing", 3), [b"1"]),
    }
    for status, details in expected.items():
        assert name((await engineer.update(details)).StatusCode) == status


async def test_every_attempt_is_audited_with_user_old_and_new_values(engineer: Past) -> None:
    """Part 11, 5.7: AuditHistoryValueUpdate, RawModifyDelete and AtTimeDelete events, refused ones included."""
    heard: list[Event] = []
    stop = engineer.served.server.events.listen(heard.append)
    try:
        await engineer.write(LEVEL, INSERT, ("9:30", 1), ("9:31", 2))
        await engineer.write(LEVEL, REPLACE, ("9:30", 5))
        await engineer.delete(LEVEL, "9:30", "9:31")
        await engineer.update(ua.DeleteAtTimeDetails(engineer.served.node_id(LEVEL), [at("9:31")]))
        async with engineer.served.client("viewer") as client:
            await Past(engineer.served, client).delete(LEVEL, "1:00", "2:00")
    finally:
        stop()
    inserted, replaced, deleted, at_time, refused = [_told(event) for event in heard]
    assert inserted == ("AuditHistoryValueUpdateEventType", "engineer", True, [1.0, 2.0], [])
    assert replaced == ("AuditHistoryValueUpdateEventType", "engineer", True, [5.0], [1.0])
    assert deleted == ("AuditHistoryRawModifyDeleteEventType", "engineer", True, None, [5.0])
    assert at_time == ("AuditHistoryAtTimeDeleteEventType", "engineer", True, None, [2.0])
    assert refused == ("AuditHistoryRawModifyDeleteEventType", "viewer", False, None, [])
    assert all(heard[0].fields[((0, "UpdatedNode"),)].Value == engineer.served.node_id(LEVEL) for _ in heard)
    assert "replaced 1 value in the history of Cooling/Loop1/Tank/Level" in _field(heard[1], "Message").Text


def _field(event: Event, field: str) -> Any:
    found = event.fields.get(((0, field),))
    return found.Value if found is not None else None


def _told(event: Event) -> tuple[Any, ...]:
    new, old = _field(event, "NewValues"), _field(event, "OldValues")
    values = [None if told is None else [one.Value.Value for one in told] for told in (new, old)]
    kind = ua.ObjectIdNames[event.type.Identifier]
    return kind, _field(event, "ClientUserId"), _field(event, "Status"), *values
