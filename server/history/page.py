"""A page: the values of up to TAGS neighbouring tags over some time, compressed so that one tag can be read alone.

Layout: size of the directory (uint32), directory, frames; all of them zstd. The directory says of each tag how many
values it has, in which frame they lie and which run of times they have: tags that were read together share one. A frame
holds the values (or times) of a few tags: small enough to be unpacked for one, large enough to compress well.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from server.history.columns import Columns
from server.history.packing import PageError, pack, packed, running, unpack, unpacked, zigzag
from server.history.words import NEVER, cells_of, words_of

TAGS: Final = 128
"""Tags of one page: those whose number // TAGS is equal."""
_FEW_RUNS: Final = 8
_FRAME: Final = 4096
"""Values that are compressed together, unless one tag has more."""
_HEAD: Final = struct.Struct("<I")
_SIZES: Final = struct.Struct("<4I")
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_MIXING: Final = np.uint64(0xD6E8FEB86659FD93)
Ints = npt.NDArray[np.int64]


def encode(columns: Columns, known: npt.NDArray[np.uint8], level: int) -> bytes:
    """A page of values in order (`Columns.in_order`). level: of zstd, 1 to 19. known: by tag number NEVER for those
    that hold no float64, else UNKNOWN or what was noted here at the page before; it is changed (`words_of`)."""
    starts = _begins(columns.tag)
    bounds = np.append(starts, len(columns))
    counts = np.diff(bounds)
    tags = columns.tag[starts]
    guess = known[tags]
    words, ways = words_of(columns.cells, starts, counts, guess)
    known[tags] = np.where(guess == NEVER, NEVER, ways)
    run_of, leaders = _runs(columns, starts, counts)
    runs = _Runs.of(columns, starts[leaders], counts[leaders])
    frames = _cut(counts)
    deltas = zigzag(_differences(words, starts))
    parts = list(runs.packed(level))
    for low, high in _spans(bounds, frames):
        parts.append(pack(deltas[low:high], level))
    for low, high in _spans(bounds, frames):
        status = columns.status[low:high]
        parts.append(pack(status, level) if status.any() else b"")
    parts.append(packed(msgspec.msgpack.encode(list(columns.side.items())), level) if columns.side else b"")
    directory = packed(
        b"".join(
            (
                _SIZES.pack(len(starts), len(leaders), len(runs.frames), len(frames)),
                tags.astype("<i4").tobytes(),
                counts.astype("<u4").tobytes(),
                words[starts].astype("<i8").tobytes(),
                ways.tobytes(),
                run_of.astype("u1").tobytes(),
                runs.head(),
                frames.astype("u1").tobytes(),
                np.array([len(part) for part in parts], "<u4").tobytes(),
            )
        ),
        level,
    )
    return b"".join((_HEAD.pack(len(directory)), directory, *parts))


class Page:
    """An encoded page, to be taken apart. Raises PageError for bytes that are none."""

    def __init__(self, data: bytes) -> None:
        if len(data) < _HEAD.size:
            raise PageError(f"{len(data)} bytes are no page")
        (size,) = _HEAD.unpack_from(data)
        self._data = data
        head = _Reader(unpacked(data[_HEAD.size : _HEAD.size + size]))
        tags, runs, time_frames, value_frames = _SIZES.unpack(head.take("u1", _SIZES.size).tobytes())
        self.tag = head.take("<i4", tags)
        self._count = head.take("<u4", tags).astype(np.intp)
        self._first = head.take("<i8", tags)
        self._way = head.take("u1", tags)
        self._run = head.take("u1", tags)
        self._runs = _Runs(
            head.take("<i8", runs),
            head.take("<i8", runs),
            head.take("<i8", runs),
            head.take("<u4", runs).astype(np.intp),
            head.take("u1", time_frames).astype(np.intp),
        )
        self._frames = head.take("u1", value_frames).astype(np.intp)
        sizes = head.take("<u4", time_frames + 2 * value_frames + 1)
        self._offsets = _HEAD.size + size + _totals(sizes)

    def tag_values(self, tag: int) -> Columns:
        """The values of one tag; none where it has none here."""
        index = int(np.searchsorted(self.tag, tag))
        if index == len(self.tag) or self.tag[index] != tag:
            return Columns.empty()
        frame = int(np.searchsorted(self._frames, index, "right")) - 1
        first = int(self._frames[frame])
        last = int(self._frames[frame + 1]) if frame + 1 < len(self._frames) else len(self.tag)
        total, low = int(self._count[first:last].sum()), int(self._count[first:index].sum())
        count = int(self._count[index])
        deltas = unpack(self._frame(self._value_frame(frame)), total, low, low + count)
        cells = cells_of(running(deltas, self._first[index]), np.full(count, self._way[index]))
        source, server = self._times_of(int(self._run[index]))
        status = self._status_of(frame, total, low, low + count)
        return Columns(np.full(count, tag, np.int32), source, server, cells, status, self._side())

    def all_values(self) -> Columns:
        """Everything, in order."""
        source, server = self._all_times()
        starts, total = np.cumsum(self._count) - self._count, int(self._count.sum())
        bounds = np.append(starts, total)
        spans = [high - low for low, high in _spans(bounds, self._frames)]
        numbers = range(len(spans))
        deltas = [unpack(self._frame(self._value_frame(k)), n, 0, n) for k, n in zip(numbers, spans, strict=True)]
        words = running(np.concatenate(deltas), self._first, starts, self._count)
        status = [self._status_of(k, n, 0, n) for k, n in zip(numbers, spans, strict=True)]
        cells = cells_of(words, np.repeat(self._way, self._count))
        tag = np.repeat(self.tag, self._count)
        return Columns(tag, source, server, cells, np.concatenate(status), self._side())

    def _value_frame(self, number: int) -> int:
        return len(self._runs.frames) + number

    def _status_of(self, frame: int, total: int, low: int, high: int) -> npt.NDArray[np.uint32]:
        data = self._frame(self._value_frame(len(self._frames) + frame))
        return unpack(data, total, low, high).astype(np.uint32) if data else np.zeros(high - low, np.uint32)

    def _frame(self, number: int) -> bytes:
        return self._data[self._offsets[number] : self._offsets[number + 1]]

    def _side(self) -> dict[int, bytes]:
        data = self._data[self._offsets[-2] : self._offsets[-1]]
        return dict(msgspec.msgpack.decode(unpacked(data), type=list[tuple[int, bytes]])) if data else {}

    def _times_of(self, run: int) -> tuple[Ints, Ints]:
        frame = int(np.searchsorted(self._runs.frames, run, "right")) - 1
        first = int(self._runs.frames[frame])
        source, server = self._runs.unpacked(frame, self._frame(frame))
        low = int(self._runs.length[first:run].sum())
        high = low + int(self._runs.length[run])
        return source[low:high], server[low:high]

    def _all_times(self) -> tuple[Ints, Ints]:
        parts = [self._runs.unpacked(frame, self._frame(frame)) for frame in range(len(self._runs.frames))]
        source = np.concatenate([part[0] for part in parts])
        server = np.concatenate([part[1] for part in parts])
        run_starts = np.cumsum(self._runs.length) - self._runs.length
        starts = np.cumsum(self._count) - self._count
        place = np.repeat(run_starts[self._run] - starts, self._count) + np.arange(int(self._count.sum()))
        return source[place], server[place]


@dataclass(frozen=True, slots=True, eq=False)
class _Runs:
    """Runs of times. source: the first SourceTimestamp of each; period: the usual step to the next; delay: the smallest
    time to the ServerTimestamp; length: how many; frames: the first run of each frame."""

    source: Ints
    period: Ints
    delay: Ints
    length: npt.NDArray[np.intp]
    frames: npt.NDArray[np.intp]
    residues: tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]] | None = None

    @staticmethod
    def of(columns: Columns, starts: npt.NDArray[np.intp], length: npt.NDArray[np.intp]) -> _Runs:
        place = np.repeat(starts - (np.cumsum(length) - length), length) + np.arange(int(length.sum()))
        ticks = columns.source_ticks[place]
        delays = columns.server_ticks[place] - ticks
        begins = np.cumsum(length) - length
        steps = _differences(ticks, begins)
        period = _usual(steps, begins, length)
        smallest = np.minimum.reduceat(delays, begins)
        steps -= np.repeat(period, length)
        steps[begins] = 0
        residues = zigzag(steps), (delays - np.repeat(smallest, length)).view(np.uint64)
        return _Runs(ticks[begins], period, smallest, length, _cut(length), residues)

    def packed(self, level: int) -> Iterator[bytes]:
        """The frames."""
        assert self.residues is not None
        begins = _totals(self.length)
        for low, high in _spans(begins, self.frames):
            step, delay = (pack(one[low:high], level) for one in self.residues)
            yield _HEAD.pack(len(step)) + step + delay

    def head(self) -> bytes:
        """Its part of the directory."""
        columns = (self.source, self.period, self.delay, self.length.astype("<u4"), self.frames.astype("u1"))
        return b"".join(column.tobytes() for column in columns)

    def unpacked(self, frame: int, data: bytes) -> tuple[Ints, Ints]:
        """SourceTimestamps and ServerTimestamps of the runs of one frame."""
        first = int(self.frames[frame])
        last = int(self.frames[frame + 1]) if frame + 1 < len(self.frames) else len(self.length)
        length = self.length[first:last]
        total, begins = int(length.sum()), np.cumsum(length) - length
        (size,) = _HEAD.unpack_from(data)
        steps = unpack(data[_HEAD.size : _HEAD.size + size], total, 0, total)
        delays = unpack(data[_HEAD.size + size :], total, 0, total).view(np.int64)
        ticks = running(steps, self.source[first:last], begins, length, self.period[first:last])
        return ticks, ticks + delays + np.repeat(self.delay[first:last], length)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, kind: str, count: int) -> npt.NDArray[Any]:
        if self._at + count * np.dtype(kind).itemsize > len(self._data):
            raise PageError("the directory of the page ends too early")
        column = np.frombuffer(self._data, kind, count, self._at)
        self._at += column.nbytes
        return column


def _runs(
    columns: Columns, starts: npt.NDArray[np.intp], counts: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """By tag the number of its run of times, and by run the first tag that has it."""
    place = np.arange(len(columns)) - np.repeat(starts, counts)
    weight = (place.astype(np.uint64) * _GOLDEN) | np.uint64(1)
    mixed = (columns.source_ticks.view(np.uint64) * _MIXING + columns.server_ticks.view(np.uint64)) * weight
    mixed ^= mixed >> np.uint64(29)
    sums = np.add.reduceat(mixed, starts) + counts.astype(np.uint64)
    leaders = _begins(sums)
    run_of = np.repeat(np.arange(len(leaders)), np.diff(np.append(leaders, len(sums))))
    if len(leaders) > _FEW_RUNS:  # tags that are read together lie side by side as a rule
        _, leaders, run_of = np.unique(sums, return_index=True, return_inverse=True)
    if len(leaders) < len(starts):
        leader = leaders[run_of]
        if np.all(counts == counts[leader]):
            other = np.repeat(starts[leader], counts) + place
            same_source = np.array_equal(columns.source_ticks, columns.source_ticks[other])
            if same_source and np.array_equal(columns.server_ticks, columns.server_ticks[other]):
                return run_of, leaders
    every = np.arange(len(starts))
    return every, every


def _begins(column: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Where other values begin than those before."""
    new = np.empty(len(column), np.bool_)
    new[0] = True
    np.not_equal(column[1:], column[:-1], out=new[1:])
    return np.flatnonzero(new)


def _totals(counts: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """What there is before each, and in all."""
    totals = np.zeros(len(counts) + 1, np.intp)
    np.cumsum(counts, out=totals[1:])
    return totals


def _cut(counts: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """The index of the first tag of each frame."""
    frame = (np.cumsum(counts) - counts) // _FRAME
    return _begins(frame)


def _spans(bounds: npt.NDArray[np.intp], frames: npt.NDArray[np.intp]) -> Iterator[tuple[int, int]]:
    """Where the values of each frame begin and end; bounds: of each tag, and the total."""
    edges = [*bounds[frames].tolist(), int(bounds[-1])]
    return pairwise(edges)


def _differences(values: Ints, starts: npt.NDArray[np.intp]) -> Ints:
    steps = np.empty(len(values), np.int64)
    np.subtract(values[1:], values[:-1], out=steps[1:])
    steps[starts] = 0
    return steps


def _usual(steps: Ints, begins: npt.NDArray[np.intp], length: npt.NDArray[np.intp]) -> Ints:
    """By run the median of a few steps, 0 where there is none."""
    part = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
    sampled = steps[
        begins[:, None] + np.minimum(1 + (part * (length[:, None] - 1)).astype(np.intp), length[:, None] - 1)
    ]
    return np.sort(sampled, 1)[:, 2]
