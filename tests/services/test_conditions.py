"""Alarms & Conditions over the wire (Part 9): nodes, events, methods, refresh and a flood, with asyncua's client."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from asyncua import Client, ua
from asyncua.common.subscription import Subscription
from asyncua.ua.uatypes import win_epoch_to_datetime

from server.alarms.definitions import AlarmDefinition, AlarmType, Level
from server.security.roles import Role, User
from tests.services.conftest import Served, serve
from tests.simulators.plants import ALARMS
from tests.simulators.stopwatch import Stopwatch
from tests.simulators.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
STATUS, IDS, V = ua.StatusCodes, ua.ObjectIds, ua.VariantType
PUMP, TANK, LINE = "Cooling/Loop1/Pump1", "Cooling/Loop1/Tank", "Connections/line1"
LEVEL, TRIP = ALARMS
FLOW = replace(LEVEL, path=f"{PUMP}/Vibration", name="Vibration", owner=PUMP, type=AlarmType.non_exclusive_level,
               input_path=f"{PUMP}/Speed", message="", needs_confirm=False)  # fmt: skip
LOST = AlarmDefinition(
    f"{LINE}/Lost", "Lost", LINE, AlarmType.system_off_normal, f"{LINE}/State", {Level.active: 600}, message="No device"
)
RATE = replace(FLOW, path=f"{TANK}/Filling", name="Filling", owner=TANK, type=AlarmType.exclusive_rate_of_change,
               input_path=f"{TANK}/Level")  # fmt: skip
FLOOD = [replace(TRIP, path=f"{PUMP}/Trip{n}", name=f"Trip{n}") for n in range(500)]
FIELDS = (
    *(
        "EventId",
        "EventType",
        "SourceNode",
        "SourceName",
        "Time",
        "ReceiveTime",
        "Message",
        "Severity",
        "ConditionName",
    ),
    *("ConditionClassId", "BranchId", "Retain", "EnabledState", "EnabledState/Id", "EnabledState/EffectiveDisplayName"),
    *("Quality", "LastSeverity", "Comment", "ClientUserId", "AckedState", "AckedState/Id", "ConfirmedState/Id"),
    *("ActiveState/Id", "ActiveState/EffectiveDisplayName", "ActiveState/TransitionTime", "InputNode"),
    *("SuppressedOrShelved", "LimitState/CurrentState", "LimitState/CurrentState/Id", "HighLimit", "HighState/Id"),
    *("ShelvingState/CurrentState", "NormalState", "MaxTimeShelved", "OnDelay"),
)


def name_of(kind: int) -> ua.NodeId:
    return ua.NodeId(ua.Int32(kind))


def event_filter(*more: ua.SimpleAttributeOperand) -> ua.EventFilter:
    """All of FIELDS, then the ConditionId."""
    clauses = [operand(IDS.BaseEventType, path, ua.AttributeIds.Value) for path in FIELDS]
    clauses.append(operand(IDS.ConditionType, "", ua.AttributeIds.NodeId))
    return ua.EventFilter(SelectClauses=[*clauses, *more])


def operand(kind: int, path: str, attribute: ua.AttributeIds) -> ua.SimpleAttributeOperand:
    names = [ua.QualifiedName(name, 0) for name in path.split("/")] if path else []
    return ua.SimpleAttributeOperand(name_of(kind), names, attribute)


class Listener:
    """A subscription to events that keeps what comes, as dictionaries."""

    def __init__(self, client: Client, node: ua.NodeId) -> None:
        self.client, self.node = client, node
        self.events: list[dict[str, Any]] = []
        self.subscription_id = self.item_id = 0

    async def start(self, queue_size: int = 5000, interval_ms: float = 20) -> Listener:
        asked = ua.CreateSubscriptionParameters(interval_ms, 1000, 30, 0, True, 0)
        made = await self.client.uaclient.create_subscription(asked, self._publish)
        self.subscription_id = made.SubscriptionId
        target = ua.ReadValueId(self.node, ua.AttributeIds.EventNotifier)
        told = ua.MonitoringParameters(1, 0, event_filter(), queue_size, True)
        wanted = ua.MonitoredItemCreateRequest(target, ua.MonitoringMode.Reporting, told)
        items = ua.CreateMonitoredItemsParameters(self.subscription_id, ua.TimestampsToReturn.Both, [wanted])
        (result,) = await self.client.uaclient.create_monitored_items(items)
        result.StatusCode.check()
        self.item_id = result.MonitoredItemId
        return self

    async def _publish(self, response: Any) -> None:
        for data in response.NotificationMessage.NotificationData or []:
            for one in getattr(data, "Events", None) or []:
                values = dict(zip([*FIELDS, "ConditionId"], one.EventFields, strict=True))
                self.events.append({name: value.Value for name, value in values.items()})

    async def stop(self) -> None:
        await self.client.uaclient.delete_subscriptions([self.subscription_id])

    async def next(self, count: int = 1) -> list[dict[str, Any]]:
        """The next events, once there are so many; there must be no more of them."""
        await until(lambda: len(self.events) >= count)
        taken, self.events = self.events, []
        assert len(taken) == count, [one["Message"] for one in taken]
        return taken


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def served(tmp_path_factory: Any) -> AsyncIterator[Served]:
    running = await serve(tmp_path_factory.mktemp("server"), alarms=[LEVEL, FLOW, TRIP, LOST, RATE, *FLOOD])
    try:
        yield running
    finally:
        await running.server.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def heard(served: Served, operator: Client) -> AsyncIterator[Listener]:
    for session in served.server.sessions:  # this operator may see what operators did
        if session.user.name == "operator":
            session.user = User("operator", frozenset({Role.Operator, Role.SecurityAdmin}))
    listener = await Listener(operator, name_of(IDS.Server)).start()
    yield listener
    await listener.stop()


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def anew(served: Served) -> AsyncIterator[None]:
    """Every test begins with conditions that nothing has happened to."""
    yield
    conditions = served.space.conditions
    definitions = conditions.definitions
    conditions.adopt([])
    conditions._kept.clear()
    conditions.adopt(definitions)
    await served.server.condition_events.told()


async def call(client: Client, owner: ua.NodeId, method: ua.NodeId, *arguments: ua.Variant) -> int:
    (result,) = await client.uaclient.call([ua.CallMethodRequest(owner, method, list(arguments))])
    return int(result.StatusCode.value)


def event_id(value: bytes | None) -> ua.Variant:
    return ua.Variant(value, V.ByteString)


def comment(text: str = "", locale: str = "") -> ua.Variant:
    return ua.Variant(ua.LocalizedText(text or None, locale or None), V.LocalizedText)


async def test_an_alarm_tells_all_its_fields_to_every_notifier_above(served: Served, operator: Client) -> None:
    """Part 9, 5.5.2, 5.7.2, 5.8.2 and 5.8.19; Part 3, 4.7."""
    nodes = [name_of(IDS.Server), *(served.node_id(path) for path in (TANK, "Cooling", "Twins", PUMP))]
    listeners = [await Listener(operator, node).start() for node in nodes]
    ticks = served.find(LEVEL.path, Level.high_high, 96.5)
    events = [(await one.next())[0] for one in listeners[:-1]]
    assert all(one == events[0] for one in events)
    assert not listeners[-1].events
    for one in listeners:
        await one.stop()
    said = events[0]
    happened = win_epoch_to_datetime(ticks)
    expected = {
        "EventType": name_of(IDS.ExclusiveLevelAlarmType),
        "SourceNode": served.node_id(TANK),
        "SourceName": "Tank",
        "Time": happened,
        "Message": ua.LocalizedText("Level is 96.5 %, limit 95", "en"),
        "Severity": 800,
        "ConditionName": "LevelLimits",
        "ConditionClassId": name_of(IDS.ProcessConditionClassType),
        "BranchId": ua.NodeId(),
        "Retain": True,
        "EnabledState": ua.LocalizedText("Enabled", "en"),
        "EnabledState/Id": True,
        "EnabledState/EffectiveDisplayName": ua.LocalizedText("Active | HighHigh | Unacknowledged", "en"),
        "Quality": ua.StatusCode(0),
        "LastSeverity": 400,
        "ClientUserId": "",
        "AckedState": ua.LocalizedText("Unacknowledged", "en"),
        "AckedState/Id": False,
        "ConfirmedState/Id": True,
        "ActiveState/Id": True,
        "ActiveState/EffectiveDisplayName": ua.LocalizedText("Active | HighHigh", "en"),
        "ActiveState/TransitionTime": happened,
        "InputNode": served.node_id(f"{TANK}/Level"),
        "SuppressedOrShelved": False,
        "LimitState/CurrentState": ua.LocalizedText("HighHigh", "en"),
        "LimitState/CurrentState/Id": name_of(IDS.ExclusiveLimitStateMachineType_HighHigh),
        "HighLimit": 90.0,
        "HighState/Id": None,
        "ShelvingState/CurrentState": ua.LocalizedText("Unshelved", "en"),
        "NormalState": None,
        "MaxTimeShelved": 3_600_000.0,
        "OnDelay": 5000.0,
        "ConditionId": served.node_id(LEVEL.path),
    }
    assert {name: said[name] for name in expected} == expected
    assert len(said["EventId"]) == 16


async def test_alarms_of_other_types_have_the_fields_of_theirs(served: Served, heard: Listener) -> None:
    """Part 9, 5.8.20 (several limits at once), 5.8.24 and 5.9.5 (alarms of the server itself)."""
    served.find(FLOW.path, Level.high | Level.high_high, 99.0)
    served.find(LOST.path, Level.active)
    flow, lost = await heard.next(2)
    assert flow["HighState/Id"]
    assert flow["ActiveState/EffectiveDisplayName"].Text == "Active | HighHigh | High"
    assert flow["LimitState/CurrentState"] is None
    assert flow["Message"].Text == "Vibration: HighHigh, 99 r/min (limit 95)"
    assert lost["SourceNode"] == served.node_id(LINE)
    assert lost["ConditionClassId"] == name_of(IDS.SystemConditionClassType)
    assert lost["EventType"] == name_of(IDS.SystemOffNormalAlarmType)
    assert lost["Message"].Text == "No device"


async def test_a_condition_is_an_object_of_its_type_with_all_that_is_mandatory(
    served: Served, operator: Client
) -> None:
    """Part 9, 4.10 and 5.12: under `Alarms`, and HasCondition from its source; the InstanceDeclarations of its type and
    of those above are there (Part 3, 6.4.4)."""
    for alarm, owner in ((LEVEL, TANK), (FLOW, PUMP), (TRIP, PUMP), (LOST, LINE), (RATE, TANK)):
        folder = served.node(operator, f"{owner}/Alarms")
        assert served.node_id(alarm.path) in [one.nodeid for one in await folder.get_children()]
        source = await served.node(operator, owner).get_references(IDS.HasCondition, ua.BrowseDirection.Forward)
        assert served.node_id(alarm.path) in [one.NodeId for one in source]
        node = served.node(operator, alarm.path)
        kind = operator.get_node(await node.read_type_definition())
        while kind.nodeid.Identifier != IDS.BaseObjectType:
            await has_all_mandatory(operator, kind.nodeid, node.nodeid)
            kind = await kind.get_parent()


async def has_all_mandatory(client: Client, declared: ua.NodeId, instance: ua.NodeId) -> None:
    """Below the instance stands what the declaration requires, of the same class and by the same reference."""
    present = {one.BrowseName.Name: one for one in await below(client, instance)}
    for one in await below(client, declared):
        rules = await client.get_node(one.NodeId).get_references(IDS.HasModellingRule, 0)
        same = present.get(one.BrowseName.Name)
        if same is not None:
            assert (same.NodeClass, same.ReferenceTypeId) == (one.NodeClass, one.ReferenceTypeId), same.NodeId
            assert same.TypeDefinition == one.TypeDefinition
            await has_all_mandatory(client, one.NodeId, same.NodeId)
        else:
            mandatory = [rule.NodeId.Identifier for rule in rules] == [IDS.ModellingRule_Mandatory]
            assert not mandatory, f"{instance} has no {one.BrowseName}"


async def below(client: Client, node: ua.NodeId) -> list[ua.ReferenceDescription]:
    """Components and properties."""
    found = await client.get_node(node).get_references(IDS.Aggregates, ua.BrowseDirection.Forward)
    return list(found)


async def test_every_node_of_a_condition_can_be_read_and_fits_its_data_type(served: Served, operator: Client) -> None:
    """Part 9, 5.5.2; Part 3, 5.6.2."""
    for alarm in (LEVEL, FLOW, TRIP, RATE):
        waiting, seen = [served.node_id(alarm.path)], 0
        while waiting:
            for one in await below(operator, waiting.pop()):
                waiting.append(one.NodeId)
                if one.NodeClass == ua.NodeClass.Variable:
                    seen += 1
                    node = operator.get_node(one.NodeId)
                    value = await node.read_data_value(raise_on_bad_status=False)
                    not_active = value.StatusCode.value == STATUS.BadStateNotActive
                    assert value.StatusCode.value == 0 or (not_active and "LimitState" in str(one.NodeId)), one.NodeId
                    assert await node.read_data_type() is not None
        assert seen > 50


async def test_the_variables_of_a_condition_can_be_subscribed(served: Served, operator: Client) -> None:
    """Part 9, 4.10: direct access to the state; Part 4, 5.12."""
    changes: list[tuple[str, Any]] = []

    class Handler:
        def datachange_notification(self, node: Any, value: Any, data: Any) -> None:
            changes.append((node.nodeid.Identifier.rpartition("/")[2], value))

    subscription: Subscription = await operator.create_subscription(20, Handler())
    nodes = [served.node(operator, f"{TRIP.path}/{one}") for one in ("ActiveState", "ActiveState.Id")]
    await subscription.subscribe_data_change(nodes)
    await until(lambda: len(changes) == 2)
    served.find(TRIP.path, Level.active)
    await until(lambda: len(changes) == 4)
    await subscription.delete()
    texts = [value.Text for name, value in changes if name == "ActiveState"]
    assert texts == ["Inactive", "Active"]
    assert [value for name, value in changes if name == "ActiveState.Id"] == [False, True]


async def test_acknowledge_confirm_and_comment(served: Served, heard: Listener, operator: Client) -> None:
    """Part 9, 5.5.6, 5.7.3 and 5.7.4, by the NodeIds of the types' methods, as clients call them."""
    served.find(LEVEL.path, Level.high)
    (raised,) = await heard.next()
    condition, acknowledge = raised["ConditionId"], name_of(IDS.AcknowledgeableConditionType_Acknowledge)
    assert await call(operator, condition, acknowledge, event_id(raised["EventId"]), comment("on my way", "en")) == 0
    audit, acked = await heard.next(2)
    assert acked["AckedState/Id"]
    assert not acked["ConfirmedState/Id"]
    assert (acked["Comment"].Text, acked["ClientUserId"]) == ("on my way", "operator")
    assert acked["EventId"] != raised["EventId"]
    assert audit["EventType"] == name_of(IDS.AuditConditionAcknowledgeEventType)
    again = await call(operator, condition, acknowledge, event_id(raised["EventId"]), comment())
    assert again == STATUS.BadConditionBranchAlreadyAcked
    add = name_of(IDS.ConditionType_AddComment)
    assert await call(operator, condition, add, event_id(acked["EventId"]), comment("fixed", "en")) == 0
    assert (
        await call(operator, condition, add, event_id(b"never heard of it"), comment("?", "en"))
        == STATUS.BadEventIdUnknown
    )
    confirm = served.node_id(f"{LEVEL.path}/Confirm")
    assert await call(operator, condition, confirm, event_id(raised["EventId"]), comment()) == 0
    await until(lambda: any(one["ConfirmedState/Id"] for one in heard.events))
    assert heard.events[-1]["Comment"].Text == "fixed", "an empty comment leaves the one there is"


async def test_shelving(served: Served, heard: Listener, operator: Client) -> None:
    """Part 9, 5.8.17: the ShelvingState or the condition as ObjectId, the method of the type, of its declaration in
    AlarmConditionType or of the instance as MethodId."""
    shelving, condition = served.node_id(f"{TRIP.path}/ShelvingState"), served.node_id(TRIP.path)
    timed = served.node_id(f"{TRIP.path}/ShelvingState/TimedShelve")
    hour = ua.Variant(3_600_000.0, V.Double)
    assert await call(operator, shelving, timed, hour) == 0
    audit, told = await heard.next(2)
    assert (audit["EventType"], audit["SourceName"]) == (
        name_of(IDS.AuditConditionShelvingEventType),
        "Method/TimedShelve",
    )
    assert told["SuppressedOrShelved"]
    assert told["ShelvingState/CurrentState"].Text == "TimedShelved"
    left = await served.node(operator, f"{TRIP.path}/ShelvingState.UnshelveTime").read_value()
    assert 3_590_000 < left <= 3_600_000
    last = await served.node(operator, f"{TRIP.path}/ShelvingState/LastTransition.Id").read_value()
    assert last == name_of(IDS.ShelvedStateMachineType_UnshelvedToTimedShelved)
    one_shot, unshelve = IDS.ShelvedStateMachineType_OneShotShelve, IDS.AlarmConditionType_ShelvingState_Unshelve
    assert await call(operator, condition, name_of(IDS.ShelvedStateMachineType_TimedShelve), hour) == (
        STATUS.BadConditionAlreadyShelved
    )
    assert await call(operator, condition, name_of(one_shot)) == 0
    assert await call(operator, shelving, name_of(unshelve)) == 0
    assert await call(operator, condition, name_of(unshelve)) == STATUS.BadConditionNotShelved
    too_long = ua.Variant(1e12, V.Double)
    assert await call(operator, shelving, timed, too_long) == STATUS.BadShelvingTimeOutOfRange
    second = served.node_id(f"{TRIP.path}/ShelvingState/TimedShelve2")
    assert await call(operator, shelving, second, hour, comment("maintenance", "en")) == 0
    assert served.space.conditions.state(TRIP.path).comment == ("maintenance", "en")


async def test_disable_and_enable(served: Served, heard: Listener, operator: Client) -> None:
    """Part 9, 5.5.2, 5.5.4 and 5.5.5: a disabled condition has but its names, Retain and its EnabledState."""
    condition, disable = served.node_id(TRIP.path), name_of(IDS.ConditionType_Disable)
    served.find(TRIP.path, Level.active)
    await heard.next()
    assert await call(operator, condition, disable) == 0
    audit, told = await heard.next(2)
    assert audit["EventType"] == name_of(IDS.AuditConditionEnableEventType)
    assert (told["Retain"], told["EnabledState/Id"], told["ConditionName"]) == (False, False, "Tripped")
    assert told["AckedState/Id"].value == STATUS.BadConditionDisabled
    read = await served.node(operator, f"{TRIP.path}/ActiveState").read_data_value(raise_on_bad_status=False)
    assert read.StatusCode.value == STATUS.BadConditionDisabled
    assert await call(operator, condition, disable) == STATUS.BadConditionAlreadyDisabled
    suppress = served.node_id(f"{TRIP.path}/Suppress")
    assert await call(operator, condition, suppress) == STATUS.BadConditionDisabled
    enable = served.node_id(f"{TRIP.path}/Enable")
    assert await call(operator, condition, enable) == 0
    assert await call(operator, condition, enable) == STATUS.BadConditionAlreadyEnabled


async def test_suppression_and_service_are_there_for_every_alarm(served: Served, operator: Client) -> None:
    """Part 9, 5.8.8 to 5.8.15."""
    condition = served.node_id(TRIP.path)
    pairs = [
        ("Suppress", "Unsuppress", "SuppressedState"),
        ("RemoveFromService", "PlaceInService", "OutOfServiceState"),
    ]
    for begin, end, state in pairs:
        shown = served.node(operator, f"{TRIP.path}/{state}.Id")
        hidden = served.node(operator, f"{TRIP.path}.SuppressedOrShelved")
        for method, arguments, expected in [(begin, (), True), (f"{end}2", (comment("done", "en"),), False)]:
            assert await call(operator, condition, served.node_id(f"{TRIP.path}/{method}"), *arguments) == 0
            assert await shown.read_value() is expected
            assert await hidden.read_value() is expected


async def test_calls_that_mean_nothing_are_refused(served: Served, operator: Client) -> None:
    """Part 9, 5.5.4 (not on the type), 5.7.4 (no Confirm without a ConfirmedState); Part 4, 5.11.2."""
    acknowledge, confirm = IDS.AcknowledgeableConditionType_Acknowledge, IDS.AcknowledgeableConditionType_Confirm
    arguments = (event_id(b"x"), comment())
    cases = [
        (name_of(IDS.AcknowledgeableConditionType), name_of(acknowledge), arguments, STATUS.BadNodeIdInvalid),
        (served.node_id(TRIP.path), name_of(confirm), arguments, STATUS.BadMethodInvalid),
        (served.node_id(TRIP.path), served.node_id(f"{LEVEL.path}/Acknowledge"), arguments, STATUS.BadMethodInvalid),
        (served.node_id(PUMP), name_of(acknowledge), arguments, STATUS.BadMethodInvalid),
        (served.node_id(f"{PUMP}/NoAlarm"), name_of(acknowledge), arguments, STATUS.BadNodeIdUnknown),
        (served.node_id(TRIP.path), name_of(acknowledge), (), STATUS.BadArgumentsMissing),
        (served.node_id(TRIP.path), name_of(acknowledge), (comment(), comment()), STATUS.BadInvalidArgument),
        (served.node_id(TRIP.path), name_of(acknowledge), arguments, STATUS.BadEventIdUnknown),
    ]
    for owner, method, given, expected in cases:
        assert await call(operator, owner, method, *given) == expected, (owner, method)


async def test_only_operators_act_on_alarms(served: Served, operator: Client) -> None:
    """Part 3, 4.9; Part 9, 5.7.3."""
    async with served.client("viewer") as viewer:
        condition, disable = served.node_id(TRIP.path), name_of(IDS.ConditionType_Disable)
        assert await call(viewer, condition, disable) == STATUS.BadUserAccessDenied
        own = served.node(viewer, f"{TRIP.path}/Disable")
        executable = await own.read_attribute(ua.AttributeIds.UserExecutable)
        assert not executable.Value.Value


def refreshed(events: list[dict[str, Any]]) -> list[str]:
    """What a refresh told, between its start and its end."""
    kinds = [one["EventType"].Identifier for one in events]
    assert kinds[0] == IDS.RefreshStartEventType
    assert kinds[-1] == IDS.RefreshEndEventType
    return [one["ConditionName"] for one in events[1:-1]]


async def test_a_refresh_tells_again_what_is_retained_to_that_subscription_alone(
    served: Served, heard: Listener, operator: Client
) -> None:
    """Part 9, 4.5, 5.5.3 (with the EventId and Time it had) and 5.5.7."""
    for alarm in (LEVEL, LOST, TRIP):
        served.find(alarm.path, Level.high if alarm is LEVEL else Level.active)
    told = await heard.next(3)
    served.find(TRIP.path, 0)
    (cleared,) = await heard.next()
    acknowledge = name_of(IDS.AcknowledgeableConditionType_Acknowledge)
    assert await call(operator, cleared["ConditionId"], acknowledge, event_id(cleared["EventId"]), comment()) == 0
    await heard.next(2)
    other = await Listener(operator, served.node_id("Connections")).start()
    kind, refresh = name_of(IDS.ConditionType), name_of(IDS.ConditionType_ConditionRefresh)
    assert await call(operator, kind, refresh, ua.Variant(other.subscription_id, V.UInt32)) == 0
    assert refreshed(await other.next(3)) == ["Lost"], "of its own notifier"
    assert not heard.events
    assert await call(operator, kind, refresh, ua.Variant(heard.subscription_id, V.UInt32)) == 0
    again = await heard.next(4)
    assert refreshed(again) == ["LevelLimits", "Lost"]
    assert {key: again[1][key] for key in again[1]} == told[0]
    await other.stop()


async def test_a_refresh_of_one_item(served: Served, heard: Listener, operator: Client) -> None:
    """Part 9, 5.5.8."""
    served.find(TRIP.path, Level.active)
    await heard.next()
    kind, refresh = name_of(IDS.ConditionType), name_of(IDS.ConditionType_ConditionRefresh2)
    ids = [ua.Variant(one, V.UInt32) for one in (heard.subscription_id, heard.item_id)]
    assert await call(operator, kind, refresh, *ids) == 0
    assert refreshed(await heard.next(3)) == ["Tripped"]
    wrong = [ids[0], ua.Variant(9999, V.UInt32)]
    assert await call(operator, kind, refresh, *wrong) == STATUS.BadMonitoredItemIdInvalid
    assert await call(operator, kind, refresh, *reversed(wrong)) == STATUS.BadSubscriptionIdInvalid


async def test_refreshes_that_are_refused(served: Served, heard: Listener, operator: Client, anonymous: Client) -> None:
    """Part 9, 5.5.7: another session's subscription, one without events, two at a time, not the ConditionType."""
    kind, refresh = name_of(IDS.ConditionType), name_of(IDS.ConditionType_ConditionRefresh)
    own = ua.Variant(heard.subscription_id, V.UInt32)
    assert await call(anonymous, kind, refresh, own) == STATUS.BadSubscriptionIdInvalid
    empty = await operator.create_subscription(100, None)
    assert await call(operator, kind, refresh, ua.Variant(empty.subscription_id, V.UInt32)) == STATUS.BadNothingToDo
    await empty.delete()
    assert await call(operator, served.node_id(TRIP.path), refresh, own) == STATUS.BadMethodInvalid
    for alarm in FLOOD:
        served.find(alarm.path, Level.active)
    requests = [ua.CallMethodRequest(kind, refresh, [own])] * 2
    results = await operator.uaclient.call(requests)
    assert sorted(one.StatusCode.value for one in results) == [0, STATUS.BadRefreshInProgress]


async def test_other_alarms_than_before_require_a_refresh(served: Served, heard: Listener) -> None:
    """Part 9, 5.11.4; what is gone tells once more that it is of no interest (Retain)."""
    served.find(TRIP.path, Level.active)
    await heard.next()
    conditions = served.space.conditions
    definitions = conditions.definitions
    conditions.adopt([one for one in definitions if one is not TRIP])
    gone, required = await heard.next(2)
    assert (gone["ConditionId"], gone["Retain"]) == (served.node_id(TRIP.path), False)
    assert required["EventType"] == name_of(IDS.RefreshRequiredEventType)
    assert served.server.aspace.get(served.node_id(TRIP.path)) is None
    conditions.adopt(definitions)
    await heard.next()


async def test_a_flood_of_alarms_reaches_its_subscribers_and_disturbs_nobody(
    served: Served, heard: Listener, anonymous: Client
) -> None:
    """500 conditions become active at once: all are told, and reads are answered meanwhile (Part 9, 5.8.2)."""
    level = served.node(anonymous, f"{TANK}/Level")
    served.set(f"{TANK}/Level", 50.0)
    slowest, begun = 0.0, time.perf_counter()
    for alarm in FLOOD:
        served.find(alarm.path, Level.active)
    blocked = time.perf_counter() - begun
    while len(heard.events) < len(FLOOD):
        asked = Stopwatch()
        await level.read_value()
        slowest = max(slowest, asked.seconds)
        await asyncio.sleep(0)
        assert time.perf_counter() - begun < 10.0
    print(f"flood: taken over in {blocked * 1000:.0f} ms, told in {time.perf_counter() - begun:.2f} s, "
          f"slowest read {slowest * 1000:.0f} ms")  # fmt: skip
    assert len({one["ConditionId"] for one in heard.events}) == len(FLOOD)
    assert slowest < 0.5
