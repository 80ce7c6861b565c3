"""The methods of conditions, as data: what they do, what they take, and the NodeIds the standard gives them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from asyncua import ua

from server.address_space.heads import standard
from server.alarms.definitions import AlarmDefinition
from server.alarms.machine import Happening

SHELVING: Final = "ShelvingState"
_EVENT_ID: Final = ("EventId", "ByteString", "The event that is meant")
_COMMENT: Final = ("Comment", "LocalizedText", "Empty to leave the comment there is")
_SHELVING_TIME: Final = ("ShelvingTime", "Duration", "Milliseconds until it is unshelved")


@dataclass(frozen=True, slots=True)
class ConditionMethod:
    """name, below the condition or its ShelvingState (within). type_ids: the NodeIds of its declarations, by each of
    which a client may call it (Part 9, 5.5.4). audit: its audit EventType by its standard name."""

    name: str
    within: str
    happening: Happening
    arguments: tuple[tuple[str, str, str], ...]
    type_ids: tuple[str, ...]
    audit: str
    has: Callable[[AlarmDefinition], bool] = lambda _: True

    @property
    def suffix(self) -> str:
        """What follows the condition's path in its NodeId."""
        return f"/{self.within}/{self.name}" if self.within else f"/{self.name}"

    @property
    def input_arguments(self) -> list[ua.Argument]:
        """The value of its InputArguments."""
        return [
            ua.Argument(name, standard(kind), ua.Int32(-1), [], ua.LocalizedText(description, "en"))
            for name, kind, description in self.arguments
        ]


def _of(
    owner: str,
    name: str,
    happening: Happening,
    audit: str,
    *arguments: tuple[str, str, str],
    has: Callable[[AlarmDefinition], bool] = lambda _: True,
) -> ConditionMethod:
    event_type = f"AuditCondition{audit}EventType"
    return ConditionMethod(name, "", happening, arguments, (f"{owner}_{name}",), event_type, has)


def _with_comment(
    owner: str, name: str, happening: Happening, audit: str, *arguments: tuple[str, str, str]
) -> list[ConditionMethod]:
    """The method, and its variant of 1.05 with a comment."""
    return [
        _of(owner, name, happening, audit, *arguments),
        _of(owner, f"{name}2", happening, audit, *arguments, _COMMENT),
    ]


def _shelving(name: str, happening: Happening, *arguments: tuple[str, str, str]) -> list[ConditionMethod]:
    made = []
    for suffix, all_arguments in (("", arguments), ("2", (*arguments, _COMMENT))):
        ids = (f"ShelvedStateMachineType_{name}{suffix}", f"AlarmConditionType_{SHELVING}_{name}{suffix}")
        known = tuple(one for one in ids if hasattr(ua.ObjectIds, one))
        audit = "AuditConditionShelvingEventType"
        made.append(ConditionMethod(f"{name}{suffix}", SHELVING, happening, all_arguments, known, audit))
    return made


_ALARM: Final = "AlarmConditionType"
_ACKNOWLEDGEABLE: Final = "AcknowledgeableConditionType"
H = Happening
METHODS: Final = (
    _of("ConditionType", "Enable", H.enable, "Enable"),
    _of("ConditionType", "Disable", H.disable, "Enable"),
    _of("ConditionType", "AddComment", H.comment, "Comment", _EVENT_ID, _COMMENT),
    _of(_ACKNOWLEDGEABLE, "Acknowledge", H.acknowledge, "Acknowledge", _EVENT_ID, _COMMENT),
    _of(_ACKNOWLEDGEABLE, "Confirm", H.confirm, "Confirm", _EVENT_ID, _COMMENT, has=lambda one: one.needs_confirm),
    *_with_comment(_ALARM, "Suppress", H.suppress, "Suppression"),
    *_with_comment(_ALARM, "Unsuppress", H.unsuppress, "Suppression"),
    *_with_comment(_ALARM, "RemoveFromService", H.remove, "OutOfService"),
    *_with_comment(_ALARM, "PlaceInService", H.place, "OutOfService"),
    *_shelving("TimedShelve", H.shelve, _SHELVING_TIME),
    *_shelving("OneShotShelve", H.shelve_once),
    *_shelving("Unshelve", H.unshelve),
)
BY_SUFFIX: Final = {method.suffix: method for method in METHODS}
BY_TYPE_ID: Final = {standard(name): method for method in METHODS for name in method.type_ids}
