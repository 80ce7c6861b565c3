"""Events of conditions: a view of the state that was reached, told to every notifier above (Part 9, 5.5.2)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from asyncua import ua

from server.address_space.condition_field import Field, Seen
from server.address_space.condition_fields import FIELDS
from server.address_space.condition_views import ConditionViews
from server.address_space.heads import standard
from server.alarms.definitions import AlarmDefinition
from server.alarms.state import ConditionState
from server.services.events import SERVER, Event, EventDraft, Path
from server.services.twin_events import notifiers
from server.services.wire import node_id

if TYPE_CHECKING:
    from server.address_space import TwinSpace
    from server.services.ua_server import UaServer

SLICE_S: Final = 0.004
"""How long events may be made at a stretch: in a flood of alarms reads and notifications of values go on."""
_REFRESH_REQUIRED: Final = node_id(ua.ObjectIds.RefreshRequiredEventType)


class ConditionFields(Mapping[Path, ua.Variant]):
    """The fields of one event by path; worked out when somebody asks for them, and once."""

    def __init__(self, views: ConditionViews, definition: AlarmDefinition, state: ConditionState) -> None:
        self._views = views
        self._definition = definition
        self._state = state
        self._seen: Seen | None = None
        self._made: dict[Path, ua.Variant] = {}

    def __getitem__(self, path: Path) -> ua.Variant:
        found = self._made.get(path)
        if found is None:
            field = _BY_PATH[path]
            if not field.has(self._definition):
                raise KeyError(path)
            if self._seen is None:
                self._seen = self._views.seen(self._definition, self._state)
            found = self._made[path] = field.variant(self._seen)
        return found

    def __iter__(self) -> Iterator[Path]:
        return (path for path, field in _BY_PATH.items() if field.has(self._definition))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _path(field: Field) -> Path:
    return tuple((0, name) for name in field.name.split("/"))


_BY_PATH: Final[Mapping[Path, Field]] = {_path(field): field for field in FIELDS.values()}


class ConditionEvents:
    """Tells of each change of a condition, in the order they happen and a few at a time."""

    def __init__(self, server: UaServer, space: TwinSpace) -> None:
        self._hub = server.events
        self._space = space
        self._waiting: deque[Event] = deque()
        self._idle = asyncio.Event()
        self._idle.set()
        self._next: asyncio.Handle | None = None
        self._notifiers: dict[str, frozenset[ua.NodeId]] = {}
        conditions = space.conditions
        self._stops = [conditions.listen(self._note), conditions.watch(self._changed)]

    def event(self, definition: AlarmDefinition, state: ConditionState) -> Event:
        """The event that tells of this state; the same one again, EventId and Time included, for a refresh (5.5.3)."""
        heard = self._notifiers.get(definition.owner)
        if heard is None:
            heard = frozenset((*notifiers(self._space, definition.owner), SERVER))
            self._notifiers[definition.owner] = heard
        fields = ConditionFields(self._space.views, definition, state)
        return Event(standard(definition.type), fields, heard, self._space.node_id(definition.path))

    async def told(self) -> None:
        """Wait until everything has been told that has happened up to now."""
        await self._idle.wait()

    def stop(self) -> None:
        """Tell nothing any more."""
        for stop in self._stops:
            stop()
        if self._next is not None:
            self._next.cancel()

    def _note(self, definition: AlarmDefinition, state: ConditionState) -> None:
        self._waiting.append(self.event(definition, state))
        self._schedule()

    def _schedule(self) -> None:
        self._idle.clear()
        if self._next is None:
            self._next = asyncio.get_running_loop().call_soon(self._tell)

    def _tell(self) -> None:
        self._next = None
        clock = asyncio.get_running_loop().time
        until = clock() + SLICE_S
        while self._waiting:
            self._hub.emit(self._waiting[0])
            self._waiting.popleft()
            if clock() > until:
                break
        if self._waiting:
            self._schedule()
        else:
            self._idle.set()

    def _changed(self) -> None:
        """There are other conditions than before: what clients know may be out of date (5.11.4)."""
        self._notifiers.clear()
        draft = EventDraft(_REFRESH_REQUIRED, SERVER, "Server", "The alarms of the plant have changed: refresh", 100)
        self._waiting.append(draft.finish())
        self._schedule()
