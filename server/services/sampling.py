"""Samples the tag items of one subscription: change detection, deadband and queues as array operations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from drivers.data_types import floats
from server.services.data_values import Columns
from server.services.samples import Samples, Slots
from server.tags.table import TagTable

DISABLED, SAMPLING, REPORTING = 0, 1, 2
"""MonitoringMode (Part 4, 7.23)."""
ON_STATUS, ON_STATUS_VALUE, ON_STATUS_VALUE_TIMESTAMP = 0, 1, 2
"""DataChangeTrigger (Part 4, 7.10)."""


@dataclass(slots=True)
class TagItem:
    """What a client asked for one tag. deadband: absolute, in the tag's unit, 0 for none; stamps: the SOURCE and SERVER
    bits of `data_values`."""

    row: int
    handle: int
    mode: int
    trigger: int
    deadband: float
    queue_size: int
    discard_oldest: bool
    stamps: int


class TagItems:
    """The monitored items on tags of one subscription, by slot; a slot is free again after `remove`.

    Each `sample` compares the rows' version, then what was reported last, with the table and queues what changed.
    `take` hands out what is to be published now.
    """

    def __init__(self, table: TagTable) -> None:
        self._table = table
        self._free: list[int] = []
        self._used = 0
        self._waiting: list[Samples] = []
        self._waiting_count = 0
        self._may_repeat = False
        self._any_sampling_mode = False
        self.overflows = 0
        """how often a queue lost a value;"""
        self.watched: set[int] = set()
        """slots whose new notifications trigger other items (Part 4, 5.12.1.6); those that did are in:"""
        self.fired: set[int] = set()
        self._grow(64)

    def _grow(self, size: int) -> None:
        for name, kind in _COLUMNS:
            fresh = np.zeros(size, kind)
            if self._used:
                fresh[: self._used] = getattr(self, name)[: self._used]
            setattr(self, name, fresh)

    row: npt.NDArray[np.int32]
    handle: npt.NDArray[np.uint32]
    mode: npt.NDArray[np.uint8]
    trigger: npt.NDArray[np.uint8]
    deadband: npt.NDArray[np.float64]
    queue_size: npt.NDArray[np.int64]
    discard_oldest: npt.NDArray[np.bool_]
    stamps: npt.NDArray[np.uint8]
    seen: npt.NDArray[np.int64]
    reported: npt.NDArray[np.bool_]
    armed: npt.NDArray[np.bool_]
    last_cell: npt.NDArray[np.uint64]
    last_status: npt.NDArray[np.uint32]
    last_source: npt.NDArray[np.int64]

    def add(self, items: list[TagItem]) -> Slots:
        """New items; returns their slots. Nothing is queued before the first `sample`."""
        slots = np.array([self._slot() for _ in items], np.intp)
        for name in _SETTINGS:
            getattr(self, name)[slots] = [getattr(item, name) for item in items]
        self._note_modes()
        self.reported[slots] = False
        self.armed[slots] = False
        return slots

    def change(
        self, slot: int, handle: int, trigger: int, deadband: float, queue_size: int, discard_oldest: bool, stamps: int
    ) -> None:
        """New settings for an item; a queue that became shorter loses by the discard policy (Part 4, 5.12.3)."""
        self.handle[slot], self.trigger[slot], self.deadband[slot] = handle, trigger, deadband
        self.queue_size[slot], self.discard_oldest[slot], self.stamps[slot] = queue_size, discard_oldest, stamps

    def set_mode(self, slots: Slots, mode: int) -> None:
        """Disabled empties the queue and forgets what was reported (Part 4, 5.12.1.3): enabling starts afresh."""
        if mode == DISABLED:
            self._drop(slots)
            self.reported[slots] = False
        else:
            fresh = slots[self.mode[slots] == DISABLED]
            self.reported[fresh] = False
        self.mode[slots] = mode
        self._note_modes()

    def _note_modes(self) -> None:
        self._any_sampling_mode = bool((self.mode[: self._used] == SAMPLING).any())

    def remove(self, slots: Slots) -> None:
        """Free the slots and drop what waits in their queues."""
        self._drop(slots)
        self.mode[slots] = DISABLED
        self._free.extend(slots.tolist())

    def report_again(self, slots: Slots) -> None:
        """Let the next `sample` queue the current values whether they changed or not."""
        self.reported[slots] = False

    @property
    def rows(self) -> npt.NDArray[np.int32]:
        """The rows that are monitored."""
        used = np.ones(self._used, np.bool_)
        used[self._free] = False
        return self.row[: self._used][used]

    @property
    def disabled(self) -> int:
        """How many items are disabled."""
        return int((self.mode[: self._used] == DISABLED).sum()) - len(self._free)

    @property
    def waiting(self) -> bool:
        """Whether `take` would hand out something."""
        if not self._waiting_count:
            return False
        if not self._any_sampling_mode:
            return True
        return any(self._reportable(part.slot).any() for part in self._waiting)

    def sample(self, slots: Slots) -> None:
        """Queue what changed among these items since it was last sampled. slots holds each item once."""
        table = self._table
        row = self.row[slots]
        fresh = table.version[row] > self.seen[slots]
        fresh |= ~self.reported[slots]
        fresh &= self.mode[slots] != DISABLED
        if not fresh.any():
            return
        if not fresh.all():
            slots, row = slots[fresh], row[fresh]
        self.seen[slots] = table.commits
        sampled = Samples(slots, table.value[row], table.status[row], table.source_ticks[row], table.server_ticks[row])
        changed = self._changed(sampled, row)
        if not changed.all():
            sampled = sampled.take(changed)
        if len(sampled.slot):
            self._queue(sampled)

    def _changed(self, new: Samples, row: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
        slots = new.slot
        trigger = self.trigger[slots]
        value: npt.NDArray[np.bool_] = new.cell != self.last_cell[slots]
        deadband = self.deadband[slots]
        if deadband.any():
            value &= self._beyond(new.cell, slots, row, deadband)
        value &= trigger >= ON_STATUS_VALUE
        value |= new.status != self.last_status[slots]
        timed = trigger == ON_STATUS_VALUE_TIMESTAMP
        if timed.any():  # with a deadband this trigger behaves as StatusValue (Part 4, 7.22.2)
            value |= timed & (deadband == 0) & (new.source != self.last_source[slots])
        value |= ~self.reported[slots]
        return value

    def _beyond(
        self,
        cell: npt.NDArray[np.uint64],
        slots: Slots,
        row: npt.NDArray[np.int32],
        deadband: npt.NDArray[np.float64],
    ) -> npt.NDArray[np.bool_]:
        kinds = self._table.data_type[row]
        difference = np.abs(floats(cell, kinds) - floats(self.last_cell[slots], kinds))
        beyond: npt.NDArray[np.bool_] = (deadband == 0) | (difference > deadband) | np.isnan(difference)
        return beyond

    def _queue(self, sampled: Samples) -> None:
        slots = sampled.slot
        self.last_cell[slots] = sampled.cell
        self.last_status[slots] = sampled.status
        self.last_source[slots] = sampled.source
        self.reported[slots] = True
        if self.watched:
            self.fired |= self.watched.intersection(slots.tolist())
        self._may_repeat |= bool(self._waiting)
        self._waiting.append(sampled)
        self._waiting_count += len(slots)
        if len(self._waiting) > 1 and self._waiting_count > 4 * int(self.queue_size[: self._used].sum()):
            self._shorten()

    def _reportable(self, slots: Slots) -> npt.NDArray[np.bool_]:
        reportable: npt.NDArray[np.bool_] = (self.mode[slots] == REPORTING) | self.armed[slots]
        return reportable

    def take(self, most: int) -> tuple[int, bytes]:
        """Remove at most so many notifications from the queues: how many, and their encoding."""
        if self._may_repeat:
            self._shorten()
        if not self._waiting:
            return 0, b""
        now = self._waiting[0]
        self._waiting, self._waiting_count = [], 0
        keep_order, self._may_repeat = self._may_repeat, False
        if self._any_sampling_mode:
            ready = self._reportable(now.slot)
            self.armed[now.slot[ready]] = False
            self._put_back(now.take(~ready), keep_order)
            now = now.take(ready)
        if len(now.slot) > most:
            self._put_back(now.take(np.arange(most, len(now.slot))), keep_order)
            now = now.take(np.arange(most))
        return len(now.slot), self._encode(now, keep_order)

    def _encode(self, now: Samples, keep_order: bool) -> bytes:
        slots = now.slot
        kinds = self._table.data_type[self.row[slots]]
        columns = Columns(self.handle[slots], kinds, self.stamps[slots], now.cell, now.status, now.source, now.server)
        return columns.encode(keep_order)

    def _put_back(self, rest: Samples, may_repeat: bool) -> None:
        if len(rest.slot):
            self._waiting.append(rest)
            self._waiting_count += len(rest.slot)
            self._may_repeat |= may_repeat or len(self._waiting) > 1

    def _drop(self, slots: Slots) -> None:
        gone = np.zeros(self._used, np.bool_)
        gone[slots] = True
        parts = [part.take(~gone[part.slot]) for part in self._waiting]
        self._waiting = [part for part in parts if len(part.slot)]
        self._waiting_count = sum(len(part.slot) for part in self._waiting)

    def _shorten(self) -> None:
        """Join what waits and apply the queue sizes (Part 4, 5.12.1.5)."""
        kept, lost = Samples.join(self._waiting).within(self.queue_size, self.discard_oldest)
        self.overflows += lost
        self._waiting, self._waiting_count = [kept], len(kept.slot)

    def _slot(self) -> int:
        if self._free:
            return self._free.pop()
        if self._used == len(self.row):
            self._grow(2 * self._used)
        self._used += 1
        return self._used - 1


_SETTINGS = ("row", "handle", "mode", "trigger", "deadband", "queue_size", "discard_oldest", "stamps")
_COLUMNS: Final = (
    ("row", np.int32),
    ("handle", np.uint32),
    ("mode", np.uint8),
    ("trigger", np.uint8),
    ("deadband", np.float64),
    ("queue_size", np.int64),
    ("discard_oldest", np.bool_),
    ("stamps", np.uint8),
    ("seen", np.int64),
    ("reported", np.bool_),
    ("armed", np.bool_),
    ("last_cell", np.uint64),
    ("last_status", np.uint32),
    ("last_source", np.int64),
)
