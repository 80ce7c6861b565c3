"""Samples that wait in the queues of monitored items, as columns, and what the queues' sizes make of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

OVERFLOW: Final = np.uint32(0x480)
"""InfoType DataValue with the Overflow bit (Part 4, 7.39.1)."""

Slots = npt.NDArray[np.intp]


@dataclass(slots=True)
class Samples:
    """n samples, oldest first. slot: the item of each; cell uint64, status uint32, source and server ticks int64."""

    slot: Slots
    cell: npt.NDArray[np.uint64]
    status: npt.NDArray[np.uint32]
    source: npt.NDArray[np.int64]
    server: npt.NDArray[np.int64]

    def take(self, index: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Samples:
        """Those at these places."""
        return Samples(self.slot[index], self.cell[index], self.status[index], self.source[index], self.server[index])

    @staticmethod
    def join(parts: list[Samples]) -> Samples:
        """Several as one, in order."""
        return Samples(*(np.concatenate([getattr(part, name) for part in parts]) for name in Samples.__slots__))

    def within(self, sizes: npt.NDArray[np.int64], oldest_goes: npt.NDArray[np.bool_]) -> tuple[Samples, int]:
        """What the queues hold of these samples, by slot: their sizes, and whether the oldest or the last but the
        newest is lost (Part 4, 5.12.1.5); and how many were lost from queues longer than one."""
        order = np.argsort(self.slot, kind="stable")
        slot = self.slot[order]
        starts = np.flatnonzero(np.r_[True, slot[1:] != slot[:-1]])
        count = np.diff(np.r_[starts, len(slot)])
        place = np.arange(len(slot)) - np.repeat(starts, count)
        from_end = np.repeat(count, count) - 1 - place
        size, oldest = sizes[slot], oldest_goes[slot]
        stays = np.where(oldest, from_end < size, (place < size - 1) | (from_end == 0))
        marked = np.where(oldest, from_end == size - 1, from_end == 0)
        marked &= (np.repeat(count, count) > size) & (size > 1)
        self.status[order[marked]] |= OVERFLOW
        keep = np.zeros(len(slot), np.bool_)
        keep[order] = stays
        return self.take(keep), int((~stays & (size > 1)).sum())
