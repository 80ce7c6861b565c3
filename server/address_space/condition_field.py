"""What a field of a condition is: its name, its kind, and how its value is read off a state (Part 9, 5.2 to 5.5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from asyncua import ua
from asyncua.ua.uatypes import win_epoch_to_datetime

from server.alarms.definitions import AlarmDefinition
from server.alarms.state import ConditionState

V = ua.VariantType
ABSENT: Final = ua.Variant()


@dataclass(frozen=True, slots=True)
class Seen:
    """A condition as it is looked at. node_id: of a path. event_id: of its last event. unit: the symbol of the unit of
    its input, unit_code: the same as UNECE common code. message: what is shown to operators. now: ticks."""

    definition: AlarmDefinition
    state: ConditionState
    node_id: Callable[[str], ua.NodeId]
    event_id: bytes
    message: str
    unit_code: str | None
    now: int


Of = Callable[[Seen], Any]


@dataclass(frozen=True, slots=True)
class Field:
    """name: its path in events, "AckedState/Id". kind: of its value; data_type, type_definition: by their standard
    names. has: whether a condition has it. ticks: when it became what it is. always: also while the condition is
    disabled, when all others are not available."""

    name: str
    kind: ua.VariantType
    value: Of
    data_type: str = ""
    type_definition: str = "PropertyType"
    has: Callable[[AlarmDefinition], bool] = lambda _: True
    ticks: Callable[[ConditionState], int] = lambda state: state.received_ticks
    always: bool = False

    def variant(self, seen: Seen) -> ua.Variant:
        """Its value as an event has it; a null Variant where there is none at the moment."""
        if not seen.state.enabled and not self.always:
            return ua.Variant(_DISABLED, V.StatusCode)
        value = self.value(seen)
        return ABSENT if value is None else ua.Variant(value, self.kind)

    def data_value(self, seen: Seen) -> ua.DataValue:
        """The same as its Variable has it (Part 9, 5.5.2 for disabled conditions; Part 16, 4.4.2 for sub-states)."""
        moment = _moment(self.ticks(seen.state))
        times = {"SourceTimestamp": moment, "ServerTimestamp": moment}
        if not seen.state.enabled and not self.always:
            return ua.DataValue(StatusCode=_DISABLED, **times)
        value = self.value(seen)
        if value is None and self.name in _OF_LIMIT_STATE:
            return ua.DataValue(StatusCode=_NOT_ACTIVE, **times)
        return ua.DataValue(ua.Variant(value, V.Null if value is None else self.kind), **times)


_DISABLED: Final = ua.StatusCode(ua.UInt32(ua.StatusCodes.BadConditionDisabled))
_NOT_ACTIVE: Final = ua.StatusCode(ua.UInt32(ua.StatusCodes.BadStateNotActive))
_OF_LIMIT_STATE: Final = frozenset({"LimitState/CurrentState", "LimitState/CurrentState/Id"})


def text(value: str) -> ua.LocalizedText:
    """A text of the server, which is in English."""
    return ua.LocalizedText(value, "en")


def _moment(ticks: int) -> Any:
    return win_epoch_to_datetime(ticks) if ticks else datetime.now(UTC)


def time_of(name: str) -> Of:
    def value(seen: Seen) -> Any:
        ticks = getattr(seen.state, name)
        return win_epoch_to_datetime(ticks) if ticks else None

    return value


def stamped(name: str, kind: ua.VariantType, value: Of, ticks: str) -> list[Field]:
    """A Variable of ConditionVariableType with the time of its last change (5.3)."""

    def when(state: ConditionState) -> int:
        return int(getattr(state, ticks))

    return [
        Field(name, kind, value, kind.name, "ConditionVariableType", ticks=when),
        Field(f"{name}/SourceTimestamp", V.DateTime, time_of(ticks), "UtcTime", ticks=when),
    ]


def two_state(
    name: str,
    is_true: Callable[[ConditionState], bool],
    names: tuple[str, str],
    ticks: Of,
    has: Callable[[AlarmDefinition], bool] = lambda _: True,
    always: bool = False,
) -> list[Field]:
    """A Variable of TwoStateVariableType with Id and TransitionTime (5.2). names: of the states True and False."""
    return [
        Field(
            name,
            V.LocalizedText,
            lambda s: text(names[not is_true(s.state)]),
            type_definition="TwoStateVariableType",
            has=has,
            always=always,
        ),
        Field(f"{name}/Id", V.Boolean, lambda s: is_true(s.state), has=has, always=always),
        Field(f"{name}/TransitionTime", V.DateTime, ticks, "UtcTime", has=has, always=always),
    ]


def effective(name: str, shown: Of, ticks: Of, always: bool = False) -> list[Field]:
    return [
        Field(f"{name}/EffectiveDisplayName", V.LocalizedText, lambda s: text(shown(s)), always=always),
        Field(f"{name}/EffectiveTransitionTime", V.DateTime, ticks, "UtcTime", always=always),
    ]
