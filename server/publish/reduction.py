"""Edge reduction by column: which of the committed readings a subscriber needs to know the course within a bound."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from drivers.data_types import floats
from drivers.readings import Readings
from server.publish.reduced import Keep, Plan, Reduced
from server.publish.windows import Windows

Rows = npt.NDArray[np.intp]
_BAD: Final = np.uint32(0x80000000)
_FULL: Final = 1.0 - 1e-12
"""Of a bound; the rest is for rounding."""


class Reduction:
    """Takes readings in the order they were committed and gives back those to publish.

    A change of the StatusCode and the first reading of a row always pass, text and arrays when they differ, and so does
    what is older than what is known of its row. Between two sent values the course is that of the last one
    (`Keep.change`), or the straight line between them (`Keep.door`); no reading is further from it than the bound.
    Works by rounds: the first reading of every row, then the second, ...: a batch takes as many passes as its most
    frequent row has readings.

    data_type: uint8[rows]; in_side: bool[rows], as in the tag table.
    """

    def __init__(self, plan: Plan, data_type: npt.NDArray[np.uint8], in_side: npt.NDArray[np.bool_]) -> None:
        rows = len(data_type)
        self._plan = plan
        self._bound = plan.bound * _FULL
        self._data_type = data_type
        self._in_side = in_side
        self._windows = Windows(plan.period_ticks, data_type)
        self._any_window = bool((plan.keep == Keep.window).any())
        self._known = np.zeros(rows, np.bool_)
        self._seen_ticks = np.zeros(rows, np.int64)
        self._sent = _Points(rows)
        self._held = _Points(rows)
        self._is_held = np.zeros(rows, np.bool_)
        self._low = np.full(rows, -np.inf)
        self._high = np.full(rows, np.inf)
        self._texts: dict[int, object] = {}
        self._turn = np.zeros(rows, np.intp)

    def take(self, batch: Readings) -> Reduced:
        """What of a committed batch is to be published."""
        parts = [part for index in self._rounds(batch.row) for part in self._round(batch, index)]
        return Reduced.concat(parts)

    def flush(self, now_ticks: int, rows: Rows | None = None) -> Reduced:
        """What is held back longer than allowed, and the figures of periods that are over. rows: of these whatever is
        held back, as before a birth or at the end."""
        if rows is None:
            longest = self._plan.longest_ticks
            late = now_ticks - np.where(self._plan.keep == Keep.door, self._sent.ticks, self._held.ticks)
            allowed = np.where(self._plan.keep == Keep.door, longest, self._plan.shortest_ticks)
            rows = np.flatnonzero(self._is_held & (allowed > 0) & (late >= allowed))
        else:
            rows = rows[self._is_held[rows]]
        return Reduced.concat([self._release(rows), self._windows.over(now_ticks)])

    def _rounds(self, row: npt.NDArray[np.int32]) -> Iterator[Rows]:
        """Indices of the first reading of each row, then those of the second, and so on."""
        left = np.arange(len(row), dtype=np.intp)
        while len(left):
            self._turn[row[left[::-1]]] = left[::-1]  # the earliest is written last
            first = self._turn[row[left]] == left
            yield left[first]
            left = left[~first]

    def _round(self, batch: Readings, index: Rows) -> Iterator[Reduced]:
        row, status = batch.row[index].astype(np.intp), batch.status[index]
        new = ~self._known[row]
        late = ~new & (batch.source_ticks[index] <= self._seen_ticks[row])
        if late.any():
            again = late & self._same_as_last(batch, index, row)
            yield _part(batch, index[late & ~again])
            index, row, status, new = index[~late], row[~late], status[~late], new[~late]
        self._seen_ticks[row] = batch.source_ticks[index]
        turned = new | (status != self._sent.status[row])
        aside = np.flatnonzero(self._in_side[row] & ~turned)
        turned[aside] = [self._says_else(int(row[place]), batch, int(index[place])) for place in aside.tolist()]
        settled = self._in_side[row] & ~turned
        if settled.any():
            index, row, status, turned = index[~settled], row[~settled], status[~settled], turned[~settled]
        keep = self._plan.keep[row]
        if self._any_window:
            inside = (keep == Keep.window) & ~self._in_side[row]
            yield self._windows.take(batch, index[inside])
            turned |= inside & (status != self._sent.status[row])
        if turned.any():
            yield self._release(row[turned & self._is_held[row]])
            yield self._send(batch, index[turned], row[turned])
        yield from self._steady(batch, index[~turned], row[~turned], keep[~turned])

    def _steady(self, batch: Readings, index: Rows, row: Rows, keep: npt.NDArray[np.uint8]) -> Iterator[Reduced]:
        """Readings whose status is that of the value sent last."""
        good = batch.status[index] < _BAD  # a Bad one has no value: the same status says all
        every = keep == Keep.every
        index, row, keep, every = (column[good | every] for column in (index, row, keep, every))
        yield self._send(batch, index[every], row[every])
        changing, swinging = keep == Keep.change, keep == Keep.door
        if changing.any():
            yield self._change(batch, index[changing], row[changing])
        if swinging.any():
            yield from self._door(batch, index[swinging], row[swinging])

    def _change(self, batch: Readings, index: Rows, row: Rows) -> Reduced:
        cells, ticks = batch.value[index], batch.source_ticks[index]
        value = floats(cells, self._data_type[row])
        bound = self._bound[row]
        with np.errstate(invalid="ignore"):
            moved = ~(np.abs(value - self._sent.value[row]) <= bound)
        moved &= cells != self._sent.cell[row]  # NaN stays NaN; whole numbers beyond 2^53 round to the same
        moved |= (bound == 0) & (cells != self._sent.cell[row])
        since = ticks - self._sent.ticks[row]
        longest = self._plan.longest_ticks[row]
        now = (moved & (since >= self._plan.shortest_ticks[row])) | ((longest > 0) & (since >= longest))
        self._is_held[row] = moved & ~now
        waits = moved & ~now
        self._held.put(row[waits], batch, index[waits], value[waits])
        return self._send(batch, index[now], row[now])

    def _door(self, batch: Readings, index: Rows, row: Rows) -> Iterator[Reduced]:
        ticks = batch.source_ticks[index]
        value = floats(batch.value[index], self._data_type[row])
        with np.errstate(invalid="ignore"):
            slope = (value - self._sent.value[row]) / (ticks - self._sent.ticks[row])
            fits = (slope >= self._low[row]) & (slope <= self._high[row])
        soon = self._held.ticks[row] - self._sent.ticks[row] < self._plan.shortest_ticks[row]
        odd = ~np.isfinite(value) | ~np.isfinite(self._sent.value[row])
        yield self._release(row[self._is_held[row] & (odd | (~fits & ~soon))])
        told = odd & (batch.value[index] == self._sent.cell[row])
        longest = self._plan.longest_ticks[row]
        now = ~told & (odd | ((longest > 0) & (ticks - self._sent.ticks[row] >= longest)))
        yield self._send(batch, index[now], row[now])
        rest = ~now & ~told
        index, row, value, ticks = index[rest], row[rest], value[rest], ticks[rest]
        run = ticks - self._sent.ticks[row]
        rise, bound = value - self._sent.value[row], self._bound[row]
        self._low[row] = np.maximum(self._low[row], (rise - bound) / run)
        self._high[row] = np.minimum(self._high[row], (rise + bound) / run)
        self._held.put(row, batch, index, value)
        self._is_held[row] = True

    def _send(self, batch: Readings, index: Rows, row: Rows) -> Reduced:
        """These go out and are what the next ones are compared with."""
        self._known[row] = True
        self._sent.put(row, batch, index, floats(batch.value[index], self._data_type[row]))
        self._is_held[row] = False
        self._low[row], self._high[row] = -np.inf, np.inf
        part = _part(batch, index)
        self._texts.update({int(row[place]): value for place, value in part.readings.side.items()})
        return part

    def _release(self, row: Rows) -> Reduced:
        """What is held back of these rows goes out."""
        self._sent.copy(row, self._held)
        self._is_held[row] = False
        self._low[row], self._high[row] = -np.inf, np.inf
        held = self._held
        return Reduced.values(Readings(row.astype(np.int32), held.cell[row], held.status[row], held.ticks[row]))

    def _says_else(self, row: int, batch: Readings, place: int) -> bool:
        """Whether text or an array differs from the one last sent."""
        if self._plan.keep[row] == Keep.every:
            return True
        old, new = self._texts.get(row), batch.side.get(place)
        return not np.array_equal(old, new) if isinstance(new, np.ndarray) else old != new  # type: ignore[arg-type]

    def _same_as_last(self, batch: Readings, index: Rows, row: Rows) -> npt.NDArray[np.bool_]:
        """Whether a reading is the value last sent or held, once more."""
        same = np.zeros(len(row), np.bool_)
        for points in (self._sent, self._held):
            equal = (batch.source_ticks[index] == points.ticks[row]) & (batch.value[index] == points.cell[row])
            same |= equal & (batch.status[index] == points.status[row])
        return same & ~self._in_side[row]


class _Points:
    """One reading of each row: cell, its float, status and source time."""

    def __init__(self, rows: int) -> None:
        self.cell = np.zeros(rows, np.uint64)
        self.value = np.full(rows, np.nan)
        self.status = np.full(rows, _BAD, np.uint32)
        self.ticks = np.zeros(rows, np.int64)

    def put(self, row: Rows, batch: Readings, index: Rows, value: npt.NDArray[np.float64]) -> None:
        self.cell[row], self.value[row] = batch.value[index], value
        self.status[row], self.ticks[row] = batch.status[index], batch.source_ticks[index]

    def copy(self, row: Rows, other: _Points) -> None:
        self.cell[row], self.value[row] = other.cell[row], other.value[row]
        self.status[row], self.ticks[row] = other.status[row], other.ticks[row]


def _part(batch: Readings, index: Rows) -> Reduced:
    return Reduced.values(batch.take(index))
