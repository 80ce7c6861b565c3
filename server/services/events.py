"""Events: what happened, as fields, and who hears of it: every notifier above its source (Part 3, 4.7)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from asyncua import ua

Path = tuple[tuple[int, str], ...]
"""A field as (namespace index, name) from the event type down, e.g. ((0, "ActiveState"), (0, "Id"))."""

SERVER: Final = ua.NodeId(ua.Int32(ua.ObjectIds.Server))
BASE_EVENT: Final = ua.NodeId(ua.Int32(ua.ObjectIds.BaseEventType))
_MOST_REMEMBERED: Final = 10_000
_HAS_SUBTYPE: Final = ua.NodeId(ua.Int32(ua.ObjectIds.HasSubtype))


@dataclass(frozen=True, slots=True)
class Event:
    """One event. fields: Variants by path, those of BaseEventType included; notifiers: the objects whose subscribers
    get it, from the source up to the Server object. condition: the ConditionId, for events of conditions."""

    type: ua.NodeId
    fields: Mapping[Path, ua.Variant]
    notifiers: frozenset[ua.NodeId]
    condition: ua.NodeId | None = None


@dataclass(slots=True)
class EventDraft:
    """An event in the making. severity 1 to 1000; time: when it happened, UTC."""

    type: ua.NodeId
    source: ua.NodeId
    source_name: str
    message: str
    severity: int
    time: datetime = field(default_factory=lambda: datetime.now(UTC))
    more: dict[str, ua.Variant] = field(default_factory=dict)
    notifiers: Iterable[ua.NodeId] = ()
    condition: ua.NodeId | None = None

    def finish(self) -> Event:
        """The event with a new EventId and all fields of BaseEventType."""
        kind = ua.VariantType
        base = {
            "EventId": ua.Variant(secrets.token_bytes(16), kind.ByteString),
            "EventType": ua.Variant(self.type, kind.NodeId),
            "SourceNode": ua.Variant(self.source, kind.NodeId),
            "SourceName": ua.Variant(self.source_name, kind.String),
            "Time": ua.Variant(self.time, kind.DateTime),
            "ReceiveTime": ua.Variant(datetime.now(UTC), kind.DateTime),
            "Message": ua.Variant(ua.LocalizedText(self.message, "en"), kind.LocalizedText),
            "Severity": ua.Variant(self.severity, kind.UInt16),
        }
        fields = {tuple((0, part) for part in name.split("/")): value for name, value in (base | self.more).items()}
        return Event(self.type, fields, frozenset((*self.notifiers, SERVER)), self.condition)


class EventTypes:
    """Which event type is a subtype of which, read once from the address space."""

    def __init__(self, aspace: Any) -> None:
        self._aspace = aspace
        self._above: dict[ua.NodeId, frozenset[ua.NodeId]] = {}
        self._declared: dict[tuple[ua.NodeId, Path], bool] = {}

    def and_above(self, type_id: ua.NodeId) -> frozenset[ua.NodeId]:
        """The type itself and its supertypes."""
        known = self._above.get(type_id)
        if known is None:
            known = frozenset(self._climb(type_id))
            self._above[type_id] = known
        return known

    def _climb(self, type_id: ua.NodeId) -> Iterable[ua.NodeId]:
        current: ua.NodeId | None = type_id
        while current is not None:
            yield current
            node = self._aspace.get(current)
            up = (
                [r.NodeId for r in node.references if r.ReferenceTypeId == _HAS_SUBTYPE and not r.IsForward]
                if node
                else []
            )
            current = up[0] if up else None

    def is_event_type(self, type_id: ua.NodeId) -> bool:
        """Whether it is BaseEventType or one of its subtypes."""
        return BASE_EVENT in self.and_above(type_id)

    def declares(self, type_id: ua.NodeId, path: Path) -> bool:
        """Whether the type, one above it or one below it has such a field."""
        known = self._declared.get((type_id, path))
        if known is None:
            known = any(self._find(start, path) for start in (*self.and_above(type_id), *self._below(type_id)))
            if len(self._declared) < _MOST_REMEMBERED:  # a client may ask for anything
                self._declared[type_id, path] = known
        return known

    def _below(self, type_id: ua.NodeId) -> Iterable[ua.NodeId]:
        node = self._aspace.get(type_id)
        for reference in node.references if node else ():
            if reference.ReferenceTypeId == _HAS_SUBTYPE and reference.IsForward:
                yield reference.NodeId
                yield from self._below(reference.NodeId)

    def _find(self, start: ua.NodeId, path: Path) -> bool:
        current = start
        for namespace, name in path:
            node = self._aspace.get(current)
            found = [
                r.NodeId
                for r in (node.references if node else ())
                if r.IsForward and r.BrowseName.Name == name and r.BrowseName.NamespaceIndex == namespace
            ]
            if not found:
                return False
            current = found[0]
        return True


Listener = Callable[[Event], None]


class EventHub:
    """Hands every event to whoever listens: the event items of subscriptions, later the event history."""

    def __init__(self, types: EventTypes) -> None:
        self.types = types
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call listener(event) for each event from now on; returns how to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def emit(self, event: Event) -> None:
        """An event has happened."""
        for listener in list(self._listeners):
            listener(event)
