"""How what came in answer to a plan's requests becomes columns, for one poll or for those of many equal devices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from drivers.modbus.codec import Decoded, Lane, decode
from drivers.packed import Packed
from drivers.readings import Readings


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """`drivers.packed.Shape`. Data are the frames of all answers, joined: of each the values stand behind ANSWER_BYTES
    others. lanes: what to take from where, with bit numbers for places where is_bits. count: readings of a poll."""

    lanes: Sequence[Lane]
    is_bits: bool
    count: int

    def decode(self, polls: Sequence[Packed]) -> Readings:
        """The readings of polls of this shape."""
        joined = polls[0].data if len(polls) == 1 else b"".join([poll.data for poll in polls])
        found = self.columns(joined, len(polls))
        row = polls[0].rows if len(polls) == 1 else np.concatenate([poll.rows for poll in polls])
        status = np.zeros(len(row), np.uint32) if found.status is None else found.status
        ticks = np.repeat(np.array([poll.ticks for poll in polls], np.int64), self.count)
        return Readings(row, found.cells, status, ticks, found.side)

    def columns(self, joined: bytes, polls: int) -> Decoded:
        """The values of so many polls, whose data are joined, one poll after the other."""
        data = np.frombuffer(joined, np.uint8).reshape(polls, -1)
        if self.is_bits:
            data = np.unpackbits(data, axis=1, bitorder="little")
        parts = [decode(lane, data) for lane in self.lanes]
        return parts[0] if len(parts) == 1 else self._beside(parts, polls)

    def _beside(self, parts: Sequence[Decoded], polls: int) -> Decoded:
        """Lanes side by side within each poll."""
        cells = np.empty((polls, self.count), np.uint64)
        status = np.zeros((polls, self.count), np.uint32)
        side: dict[int, object] = {}
        at = 0
        for part in parts:
            width = len(part.cells) // polls
            cells[:, at : at + width] = part.cells.reshape(polls, width)
            if part.status is not None:
                status[:, at : at + width] = part.status.reshape(polls, width)
            for index, value in part.side.items():
                side[index // width * self.count + at + index % width] = value
            at += width
        return Decoded(cells.reshape(-1), status.reshape(-1), side)


@lru_cache(maxsize=1024)
def shape_of(lanes: tuple[Lane, ...], is_bits: bool, payload_bytes: tuple[int, ...]) -> Shape:
    """The one shape of all plans with these lanes, whose blocks take so many bytes each."""
    return Shape(lanes, is_bits, sum(len(lane.index) for lane in lanes))
