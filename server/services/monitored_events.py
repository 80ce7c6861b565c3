"""Monitored items on the events of a notifier (Part 4, 5.12.1.5 and 7.22.3)."""

from __future__ import annotations

import struct
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from asyncua import ua

from server.services import sampling
from server.services.event_filter import EventSelection
from server.services.events import SERVER, Event, EventDraft

_OVERFLOW_TYPE: Final = ua.NodeId(ua.Int32(ua.ObjectIds.EventQueueOverflowEventType))


@dataclass(slots=True, eq=False)
class EventItem:
    """Queues the events of one notifier that its filter lets through, as encoded EventFieldLists."""

    notifier: ua.NodeId
    handle: int
    mode: int
    selection: EventSelection
    queue_size: int
    discard_oldest: bool
    queue: deque[bytes] = field(default_factory=deque)
    overflown: bool = False
    armed: bool = False
    overflows: int = 0

    def offer(self, event: Event, *, always: bool = False) -> bool:
        """Queue the event if it is one of ours; whether it was. always: whatever its notifier and the filter are."""
        if self.mode == sampling.DISABLED:
            return False
        if not always and (self.notifier not in event.notifiers or not self.selection.matches(event)):
            return False
        if len(self.queue) >= self.queue_size:
            self._overflow()
            if not self.discard_oldest:
                return True
        self.queue.append(self._encode(event))
        return True

    def _overflow(self) -> None:
        """Say once that events are lost: before the oldest kept, or behind the last (Part 4, 5.12.1.5)."""
        self.overflows += 1
        notice = EventDraft(_OVERFLOW_TYPE, SERVER, "Server", "Events were lost: the queue of an item is full", 500)
        if self.discard_oldest:
            if self.overflown:
                self.queue.popleft()
            while len(self.queue) >= self.queue_size:
                self.queue.popleft()
            self.queue.appendleft(self._encode(notice.finish()))
        elif not self.overflown:
            self.queue.append(self._encode(notice.finish()))
        self.overflown = True

    def _encode(self, event: Event) -> bytes:
        fields = self.selection.fields(event)
        encoded = [struct.pack("<Ii", self.handle, len(fields))]
        encoded += [ua.ua_binary.variant_to_binary(value) for value in fields]
        return b"".join(encoded)

    def set_mode(self, mode: int) -> None:
        """Disabled empties the queue."""
        if mode == sampling.DISABLED:
            self.queue.clear()
            self.overflown = False
        self.mode = mode

    @property
    def ready(self) -> bool:
        """Whether something waits that may be published."""
        return bool(self.queue) and (self.mode == sampling.REPORTING or self.armed)

    def take(self, most: int, room: int, *, alone: bool) -> list[bytes]:
        """Up to so many events in so many bytes, encoded, oldest first. alone: nothing else is in the message, so that
        an event which does not even fit then never will, and goes."""
        out: list[bytes] = []
        while self.queue and len(out) < most:
            if len(self.queue[0]) > room and (out or not alone):
                break
            event = self.queue.popleft()
            room -= len(event)
            if room >= 0:
                out.append(event)
        if not self.queue:
            self.armed = self.overflown = False
        return out
