"""The monitored items of one subscription: who is sampled when, what waits to be published, and who triggers whom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from asyncua import ua

from server.services.data_values import LARGEST
from server.services.events import Event
from server.services.monitored_events import EventItem
from server.services.monitored_plain import PlainItem, Read
from server.services.notification import data_change, event_list
from server.services.samples import Slots
from server.services.sampling import DISABLED, SAMPLING, TagItem, TagItems
from server.tags.table import TagTable


@dataclass(slots=True, eq=False)
class MonitoredItem:
    """One item: on a tag (row and slot; node is None), on any other attribute (plain) or on events (events)."""

    id: int
    interval_s: float
    node: ua.ReadValueId | None
    row: int = -1
    slot: int = -1
    plain: PlainItem | None = None
    events: EventItem | None = None

    @property
    def queued(self) -> PlainItem | EventItem | None:
        """The item's own queue; tags queue by column."""
        return self.plain if self.plain is not None else self.events


@dataclass(slots=True, eq=False)
class _Group:
    """The items that are sampled together; commits: the table's count when they were last."""

    due: float
    slots: Slots = field(default_factory=lambda: np.empty(0, np.intp))
    plain: dict[int, MonitoredItem] = field(default_factory=dict)
    commits: int = -1


def next_tick(due: float, interval_s: float, now: float) -> float:
    """The first tick of the grid after now; missed ones are skipped."""
    return due + ((now - due) // interval_s + 1) * interval_s


class SubscriptionItems:
    """All items of one subscription, by id, in groups of one sampling interval each.

    epoch: the loop's time at which the subscription began; the groups' ticks are on its grid, so that they fall
    together with the publishing ticks where they can.
    """

    def __init__(self, table: TagTable, read: Read, epoch: float) -> None:
        self.tags = TagItems(table)
        self.by_id: dict[int, MonitoredItem] = {}
        self.links: dict[int, set[int]] = {}
        self._table = table
        self._read = read
        self._epoch = epoch
        self._groups: dict[float, _Group] = {}
        self._events: dict[int, MonitoredItem] = {}
        self._ready: dict[int, MonitoredItem] = {}
        self._last_id = 0
        self.data_taken = 0
        self.events_taken = 0
        """notifications handed out so far."""

    def new_id(self) -> int:
        """An id that no item of this subscription ever had."""
        self._last_id += 1
        return self._last_id

    @property
    def next_due(self) -> float:
        """When the next group is to be sampled, in the loop's time."""
        return min((group.due for group in self._groups.values()), default=float("inf"))

    def add(self, tags: Sequence[tuple[MonitoredItem, TagItem]], plain: Sequence[MonitoredItem], now: float) -> None:
        """New items; their first values are queued."""
        slots = self.tags.add([settings for _, settings in tags])
        by_interval: dict[float, list[int]] = {}
        for (item, _), slot in zip(tags, slots.tolist(), strict=True):
            item.slot = slot
            self.by_id[item.id] = item
            by_interval.setdefault(item.interval_s, []).append(slot)
        for interval_s, members in by_interval.items():
            group = self._group(interval_s, now)
            group.slots = np.concatenate([group.slots, np.array(members, np.intp)])
        for item in plain:
            self.by_id[item.id] = item
            self._group(item.interval_s, now).plain[item.id] = item
        self._sample(slots, plain)

    def add_events(self, item: MonitoredItem) -> None:
        """A new item on events."""
        self.by_id[item.id] = self._events[item.id] = item

    def offer(self, event: Event) -> None:
        """Queue an event with the items that want it."""
        if self._events:
            self.offer_to(self._events.values(), event)

    def of_events(self) -> list[MonitoredItem]:
        """The items on events."""
        return list(self._events.values())

    def offer_to(self, items: Iterable[MonitoredItem], event: Event, *, always: bool = False) -> None:
        """Queue an event with those of these items that want it; always: with all of them."""
        wanted = [item for item in items if item.events is not None and item.events.offer(event, always=always)]
        self._note([item for item in wanted if item.id in self.by_id])

    def remove(self, items: Sequence[MonitoredItem]) -> None:
        """Items of this subscription, each once; what waits in their queues is dropped."""
        self._leave(items)
        self.tags.remove(_slots(items))
        for item in items:
            del self.by_id[item.id]
            self._events.pop(item.id, None)
            self._ready.pop(item.id, None)
            self.links.pop(item.id, None)
            for triggered in self.links.values():
                triggered.discard(item.id)
        self._watch()

    def move(self, item: MonitoredItem, interval_s: float, now: float) -> None:
        """Sample it at another interval."""
        self._leave([item])
        item.interval_s = interval_s
        group = self._group(interval_s, now)
        group.commits = -1
        if item.plain is not None:
            group.plain[item.id] = item
        else:
            group.slots = np.append(group.slots, item.slot)

    def _leave(self, items: Sequence[MonitoredItem]) -> None:
        gone: dict[float, list[int]] = {}
        for item in items:
            if item.plain is not None:
                del self._groups[item.interval_s].plain[item.id]
            elif item.slot >= 0:
                gone.setdefault(item.interval_s, []).append(item.slot)
        for interval_s, slots in gone.items():
            group = self._groups[interval_s]
            group.slots = np.setdiff1d(group.slots, np.array(slots, np.intp))
        for interval_s in [key for key, group in self._groups.items() if not len(group.slots) and not group.plain]:
            del self._groups[interval_s]

    def set_mode(self, items: Sequence[MonitoredItem], mode: int) -> None:
        """Change the monitoring mode; items that were disabled queue their value at once."""
        slots = _slots(items)
        self.tags.set_mode(slots, mode)
        for item in items:
            if item.queued is not None:
                item.queued.set_mode(mode)
        self._sample(slots, [item for item in items if item.plain is not None])

    def link(self, triggering: int, add: Iterable[int], remove: Iterable[int]) -> None:
        """Change which items the notifications of one item trigger."""
        links = self.links.setdefault(triggering, set())
        links.difference_update(remove)
        links.update(add)
        if not links:
            del self.links[triggering]
        self._watch()

    def _watch(self) -> None:
        self.tags.watched = {self.by_id[item_id].slot for item_id in self.links if self.by_id[item_id].slot >= 0}

    def sample_due(self, now: float) -> None:
        """Sample the groups whose time has come."""
        for interval_s, group in self._groups.items():
            if group.due > now:
                continue
            group.due = next_tick(group.due, interval_s, now)
            changed = group.commits != self._table.commits
            group.commits = self._table.commits
            self._sample(group.slots if changed else group.slots[:0], list(group.plain.values()))

    def report_all_again(self) -> None:
        """Queue the current value of every item, changed or not (after a transfer; ResendData)."""
        items = list(self.by_id.values())
        slots = _slots(items)
        self.tags.report_again(slots)
        plain = [item for item in items if item.plain is not None]
        for item in plain:
            _plain(item).last = None
        self._sample(slots, plain)

    def _sample(self, slots: Slots, plain: Iterable[MonitoredItem]) -> None:
        if len(slots):
            self.tags.sample(slots)
        self._note([item for item in plain if _plain(item).sample(self._read)])

    def _note(self, changed: list[MonitoredItem]) -> None:
        self._ready.update((item.id, item) for item in changed)
        if self.links:
            self._trigger({item.id for item in changed})

    def _trigger(self, changed: set[int]) -> None:
        fired, self.tags.fired = self.tags.fired, set()
        for item_id, linked in self.links.items():
            if item_id in changed or self.by_id[item_id].slot in fired:
                for item in (self.by_id[other] for other in linked):
                    self._arm(item)

    def _arm(self, item: MonitoredItem) -> None:
        if item.queued is None:
            self.tags.armed[item.slot] = self.tags.mode[item.slot] == SAMPLING
        else:
            item.queued.armed = True
            self._ready[item.id] = item

    @property
    def waiting(self) -> bool:
        """Whether there is something to publish."""
        return self.tags.waiting or any(_queue(item).ready for item in self._ready.values())

    def take(self, most: int, room: int) -> list[bytes]:
        """The next NotificationData with at most so many notifications in about so many bytes; empty when nothing
        waits."""
        count, encoded = self.tags.take(min(most, max(room // LARGEST, 1)))
        data, events = [encoded], list[bytes]()
        values = count
        room -= len(encoded)
        for item in list(self._ready.values()):
            queue = _queue(item)
            if count < most and queue.ready:
                taken = queue.take(most - count, room, alone=not count)
                count += len(taken)
                room -= sum(map(len, taken))
                (events if item.plain is None else data).extend(taken)
                values += len(taken) if item.plain is not None else 0
            if not queue.queue:
                del self._ready[item.id]
        self.data_taken += values
        self.events_taken += len(events)
        messages = [data_change(values, b"".join(data))] if values else []
        return [*messages, event_list(len(events), b"".join(events))] if events else messages

    def handles(self) -> list[tuple[int, int]]:
        """The server's and the client's handle of every item."""
        return [(item.id, self._client_handle(item)) for item in self.by_id.values()]

    def _client_handle(self, item: MonitoredItem) -> int:
        return int(self.tags.handle[item.slot]) if item.queued is None else item.queued.handle

    @property
    def disabled(self) -> int:
        """How many items are disabled."""
        others = (item.queued.mode for item in self.by_id.values() if item.queued is not None)
        return self.tags.disabled + sum(mode == DISABLED for mode in others)

    @property
    def data_overflows(self) -> int:
        """How often the queue of a data item of today lost a value."""
        return self.tags.overflows + sum(item.plain.overflows for item in self.by_id.values() if item.plain is not None)

    @property
    def event_overflows(self) -> int:
        """How often the queue of an event item of today lost an event."""
        return sum(item.events.overflows for item in self._events.values() if item.events is not None)

    def _group(self, interval_s: float, now: float) -> _Group:
        group = self._groups.get(interval_s)
        if group is None:
            group = self._groups[interval_s] = _Group(next_tick(self._epoch, interval_s, now))
        return group


def _plain(item: MonitoredItem) -> PlainItem:
    assert item.plain is not None
    return item.plain


def _queue(item: MonitoredItem) -> PlainItem | EventItem:
    assert item.queued is not None
    return item.queued


def _slots(items: Iterable[MonitoredItem]) -> Slots:
    return np.array([item.slot for item in items if item.slot >= 0], np.intp)
