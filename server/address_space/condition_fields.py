"""The fields of conditions, as data: what they are called, what they are, and their values. Events and nodes of a
condition show the same fields (Part 9, 5.5 to 5.8), so that both are views of one state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from asyncua import ua
from asyncua.ua.uatypes import win_epoch_to_datetime

from server.address_space.condition_field import Field, Of, Seen, V, effective, stamped, text, time_of, two_state
from server.address_space.heads import standard
from server.address_space.kinds import engineering_units
from server.alarms.conditions import DISCRETE
from server.alarms.definitions import AlarmDefinition, AlarmType, Level
from server.alarms.state import Shelving

LEVELS: Final = {"LowLow": Level.low_low, "Low": Level.low, "High": Level.high, "HighHigh": Level.high_high}
"""The limits by the standard's names, in the order of their bits."""
SHELVED_NAMES: Final = {
    Shelving.unshelved: "Unshelved",
    Shelving.timed: "TimedShelved",
    Shelving.one_shot: "OneShotShelved",
}
_LIMIT_TRANSITIONS: Final = ("LowLowToLow", "LowToLowLow", "HighHighToHigh", "HighToHighHigh")
_EXCLUSIVE: Final = frozenset(
    {AlarmType.exclusive_level, AlarmType.exclusive_rate_of_change, AlarmType.exclusive_deviation}
)
_TICKS_PER_MS: Final = 10_000


def is_exclusive(definition: AlarmDefinition) -> bool:
    """Whether it has a LimitState."""
    return definition.type in _EXCLUSIVE


def is_system(definition: AlarmDefinition) -> bool:
    """Whether it is about the bridge itself, not about the plant."""
    return definition.type is AlarmType.system_off_normal


def level_name(level: int) -> str:
    """The worst of the limits that are violated, as the standard calls them; "" for none and for discrete alarms."""
    return next((name for name in ("HighHigh", "LowLow", "High", "Low") if level & LEVELS[name]), "")


def _is_limit(definition: AlarmDefinition) -> bool:
    return definition.type not in DISCRETE


def _properties() -> list[Field]:
    """Of BaseEventType and ConditionType."""
    return [
        Field("EventId", V.ByteString, lambda s: s.event_id, always=True),
        Field("EventType", V.NodeId, lambda s: standard(s.definition.type), always=True),
        Field("SourceNode", V.NodeId, lambda s: s.node_id(s.definition.owner), always=True),
        Field("SourceName", V.String, lambda s: s.definition.owner.rpartition("/")[2], always=True),
        Field("Time", V.DateTime, time_of("time_ticks"), "UtcTime", always=True),
        Field("ReceiveTime", V.DateTime, time_of("received_ticks"), "UtcTime", always=True),
        Field("Message", V.LocalizedText, lambda s: text(s.message), always=True),
        Field("Severity", V.UInt16, lambda s: s.state.severity, always=True),
        Field("ConditionClassId", V.NodeId, lambda s: standard(_class_of(s.definition)), always=True),
        Field("ConditionClassName", V.LocalizedText, lambda s: text(_class_of(s.definition)), always=True),
        Field("ConditionName", V.String, lambda s: s.definition.name, always=True),
        Field("BranchId", V.NodeId, lambda s: ua.NodeId(), always=True),
        Field("Retain", V.Boolean, lambda s: s.state.retain, always=True),
        Field("ClientUserId", V.String, lambda s: s.state.user),
        Field("InputNode", V.NodeId, lambda s: _node_or_null(s, s.definition.input_path)),
        Field("SuppressedOrShelved", V.Boolean, lambda s: s.state.suppressed_or_shelved),
        Field("MaxTimeShelved", V.Double, lambda s: s.definition.longest_shelve_s * 1000, "Duration"),
        Field("OnDelay", V.Double, lambda s: s.definition.on_delay_s * 1000, "Duration"),
        Field("OffDelay", V.Double, lambda s: s.definition.off_delay_s * 1000, "Duration"),
    ]


def _class_of(definition: AlarmDefinition) -> str:
    return "SystemConditionClassType" if is_system(definition) else "ProcessConditionClassType"


def _node_or_null(seen: Seen, path: str) -> ua.NodeId:
    return seen.node_id(path) if path else ua.NodeId()


def _active_name(seen: Seen) -> str:
    """The active state with its sub-states: "Active | HighHigh"."""
    state = seen.state
    if not state.active:
        return "Inactive"
    return " | ".join(["Active", *(name for name in reversed(LEVELS) if state.level & LEVELS[name])])


def _enabled_name(seen: Seen) -> str:
    state = seen.state
    if not state.enabled:
        return "Disabled"
    parts = [_active_name(seen), "" if state.acked else "Unacknowledged", "" if state.confirmed else "Unconfirmed"]
    parts += [SHELVED_NAMES[state.shelving] if state.shelving else "", "Suppressed" if state.suppressed else ""]
    return " | ".join(filter(None, [*parts, "Out of Service" if state.out_of_service else ""]))


def _states() -> list[Field]:
    return [
        *two_state("EnabledState", lambda s: s.enabled, ("Enabled", "Disabled"), time_of("enabled_ticks"), always=True),
        *effective("EnabledState", _enabled_name, time_of("received_ticks"), always=True),
        *two_state("AckedState", lambda s: s.acked, ("Acknowledged", "Unacknowledged"), time_of("acked_ticks")),
        *two_state(
            "ConfirmedState",
            lambda s: s.confirmed,
            ("Confirmed", "Unconfirmed"),
            time_of("confirmed_ticks"),
            lambda definition: definition.needs_confirm,
        ),
        *two_state("ActiveState", lambda s: s.active, ("Active", "Inactive"), time_of("active_ticks")),
        *effective("ActiveState", _active_name, time_of("effective_ticks")),
        *two_state(
            "SuppressedState", lambda s: s.suppressed, ("Suppressed", "Unsuppressed"), time_of("suppressed_ticks")
        ),
        *two_state(
            "OutOfServiceState", lambda s: s.out_of_service, ("Out of Service", "In Service"), time_of("service_ticks")
        ),
        *stamped("Quality", V.StatusCode, lambda s: ua.StatusCode(ua.UInt32(s.state.quality)), "quality_ticks"),
        *stamped("LastSeverity", V.UInt16, lambda s: s.state.last_severity, "severity_ticks"),
        *stamped("Comment", V.LocalizedText, _comment, "comment_ticks"),
    ]


def _comment(seen: Seen) -> ua.LocalizedText:
    content, locale = seen.state.comment
    return ua.LocalizedText(content or None, locale or None)


def _machine(
    name: str,
    state: Callable[[Seen], str],
    transition: Callable[[Seen], str],
    ticks: str,
    owner: str,
    has: Callable[[AlarmDefinition], bool] = lambda _: True,
) -> list[Field]:
    """CurrentState and LastTransition of a finite state machine (Part 16, 4.4.5); owner: its type, which has the
    states and transitions. Empty names stand for none."""

    def of(named: Callable[[Seen], str], value: Callable[[str], Any]) -> Of:
        return lambda seen: value(found) if (found := named(seen)) else None

    def node(found: str) -> ua.NodeId:
        return standard(f"{owner}_{found}")

    here, last = f"{name}/CurrentState", f"{name}/LastTransition"
    return [
        Field(here, V.LocalizedText, of(state, text), type_definition="FiniteStateVariableType", has=has),
        Field(f"{here}/Id", V.NodeId, of(state, node), has=has),
        Field(last, V.LocalizedText, of(transition, text), type_definition="FiniteTransitionVariableType", has=has),
        Field(f"{last}/Id", V.NodeId, of(transition, node), has=has),
        Field(f"{last}/TransitionTime", V.DateTime, time_of(ticks), "UtcTime", has=has),
    ]


def _limit_transition(seen: Seen) -> str:
    name = f"{level_name(seen.state.level_before)}To{level_name(seen.state.level)}"
    return name if name in _LIMIT_TRANSITIONS else ""


def _shelving_transition(seen: Seen) -> str:
    state = seen.state
    return f"{SHELVED_NAMES[state.shelved_from]}To{SHELVED_NAMES[state.shelving]}" if state.shelved_ticks else ""


def _machines() -> list[Field]:
    return [
        *_machine(
            "ShelvingState",
            lambda seen: SHELVED_NAMES[seen.state.shelving],
            _shelving_transition,
            "shelved_ticks",
            "ShelvedStateMachineType",
        ),
        Field("ShelvingState/UnshelveTime", V.Double, _unshelve_ms, "Duration"),
        *_machine(
            "LimitState",
            lambda seen: level_name(seen.state.level) if seen.state.active else "",
            _limit_transition,
            "effective_ticks",
            "ExclusiveLimitStateMachineType",
            is_exclusive,
        ),
    ]


def _unshelve_ms(seen: Seen) -> float:
    """Milliseconds that are left (5.8.17.1)."""
    if not seen.state.shelving:
        return 0.0
    return max(0.0, (seen.state.unshelve_ticks - seen.now) / _TICKS_PER_MS)


def _of_limit(name: str, level: Level) -> list[Field]:
    def has(definition: AlarmDefinition) -> bool:
        return _is_limit(definition) and level in definition.limits

    def when(seen: Seen) -> Any:
        ticks = seen.state.level_ticks[level.bit_length() - 1]
        return win_epoch_to_datetime(ticks) if ticks else None

    return [
        Field(f"{name}Limit", V.Double, lambda s: s.definition.limits[level], has=has),
        Field(f"Severity{name}", V.UInt16, lambda s: s.definition.severities[level], has=has),
        Field(f"{name}Deadband", V.Double, lambda s: s.definition.deadband, has=has),
        *two_state(
            f"{name}State",
            lambda state: bool(state.level & level),
            (f"{name} active", f"{name} inactive"),
            when,
            lambda definition: has(definition) and not is_exclusive(definition),
        ),
    ]


def _of_types() -> list[Field]:
    """What single types have beyond (5.8.21 to 5.8.24)."""
    deviates = AlarmType.exclusive_deviation
    return [
        Field(
            "SetpointNode",
            V.NodeId,
            lambda s: _node_or_null(s, s.definition.setpoint_path),
            has=lambda one: one.type is deviates,
        ),
        Field(
            "EngineeringUnits",
            V.ExtensionObject,
            lambda s: engineering_units(s.unit_code) if s.unit_code else None,
            "EUInformation",
            has=lambda one: one.type is AlarmType.exclusive_rate_of_change,
        ),
        Field("NormalState", V.NodeId, _normal_state, has=lambda one: one.type in DISCRETE),
    ]


NORMAL_VALUE: Final = "NormalValue"
"""Property of ours that NormalState points to: the value of the input that is normal."""


def _normal_state(seen: Seen) -> ua.NodeId:
    definition = seen.definition
    return seen.node_id(f"{definition.path}.{NORMAL_VALUE}") if definition.normal is not None else ua.NodeId()


FIELDS: Final = {
    field.name: field
    for field in [
        *_properties(),
        *_states(),
        *_machines(),
        *(field for name, level in LEVELS.items() for field in _of_limit(name, level)),
        *_of_types(),
    ]
}
