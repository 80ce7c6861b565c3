"""The queue on disk: what is to be published and is not acknowledged yet; it outlives uplinks, restarts and kill -9."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from drivers.readings import Readings
from server.publish.reduced import Reduced

_SCHEMA: Final = """
create table if not exists tags (
    id integer primary key, path text not null, type integer not null, unique (path, type));
create table if not exists batches (
    id integer primary key autoincrement, ticks integer not null, count integer not null, body blob not null);
"""
_OVERHEAD: Final = 64
"""Bytes that a batch takes in the file besides its body, roughly."""


class QueueError(Exception):
    """The file cannot be written or read; the message says which, why and what to do."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """most_bytes: of what waits; longest_ticks: how long it may wait. The oldest goes first."""

    most_bytes: int
    longest_ticks: int


class Queue:
    """Batches in order, each with its number. Synchronous, for one thread at a time (`check_same_thread` is off).

    tags: path and data type by row, of the running plant. A batch outlives the end of the process once `append` has
    returned; a power cut may take the last seconds (SQLite's WAL with synchronous=NORMAL).
    """

    def __init__(self, path: Path, tags: Sequence[tuple[str, int]], bounds: Bounds) -> None:
        self.values = 0
        """Values that wait."""
        self.bytes = 0
        self.dropped = 0
        """Values given up since the start, for their age or the size of the queue."""
        self._path = path
        self._bounds = bounds
        self._db = self._open()
        self._ids: dict[tuple[str, int], int] = {}
        self.adopt(tags)

    def adopt(self, tags: Sequence[tuple[str, int]]) -> None:
        """The rows of the plant have these paths and data types from now on."""
        known = self._tags()
        with self._trouble(), self._db:
            new = [tag for tag in dict.fromkeys(tags) if tag not in known]
            self._db.executemany("insert into tags (path, type) values (?, ?)", new)
        self._ids = self._tags()
        self._id_of_row = np.array([self._ids[tag] for tag in tags], np.int64)
        rows = np.full(max(self._ids.values(), default=0) + 1, -1, np.int32)
        rows[self._id_of_row] = np.arange(len(tags))
        self._row_of_id = rows

    def append(self, reduced: Reduced, now_ticks: int) -> int:
        """Keep a batch; returns its number. What is too old or too much is dropped first."""
        body = _packed(reduced, self._id_of_row)
        with self._trouble(), self._db:
            self._make_room(len(body) + _OVERHEAD, now_ticks)
            cursor = self._db.execute(
                "insert into batches (ticks, count, body) values (?, ?, ?)", (now_ticks, len(reduced), body)
            )
        self.values += len(reduced)
        self.bytes += len(body) + _OVERHEAD
        return int(cursor.lastrowid or 0)

    def newest(self) -> int:
        """The number of the batch that came last, 0 when none waits."""
        with self._trouble():
            return int(self._db.execute("select coalesce(max(id), 0) from batches").fetchone()[0])

    def after(self, number: int, most_values: int, last: int = 2**62) -> list[tuple[int, Reduced]]:
        """The next batches behind that number up to `last`, of about so many values but at least one. Values of tags
        that the plant has no more are left out."""
        found: list[tuple[int, Reduced]] = []
        count = 0
        with self._trouble():
            query = "select id, count, body from batches where id > ? and id <= ? order by id"
            rows = self._db.execute(query, (number, last))
            for batch, values, body in rows:
                found.append((batch, _unpacked(body, self._row_of_id)))
                count += values
                if count >= most_values:
                    break
        return found

    def done(self, numbers: Iterable[int]) -> None:
        """These have been acknowledged."""
        with self._trouble(), self._db:
            self._forget(list(numbers))

    def keep_only(self, number: int, places: np.ndarray[Any, np.dtype[np.intp]], reduced: Reduced) -> None:
        """Of that batch only these places are still to be acknowledged."""
        body = _packed(reduced.take(places), self._id_of_row)
        with self._trouble(), self._db:
            self._db.execute("update batches set count = ?, body = ? where id = ?", (len(places), body, number))
        self._count()

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    # -- the file ---------------------------------------------------------------------------------------------------

    def _open(self) -> sqlite3.Connection:
        with self._trouble():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(self._path, check_same_thread=False)
            for pragma in ("journal_mode=wal", "synchronous=normal", "auto_vacuum=incremental"):
                db.execute(f"pragma {pragma}")
            db.executescript(_SCHEMA)
        self._db = db
        self._count()
        return db

    def _count(self) -> None:
        with self._trouble():
            query = f"select coalesce(sum(count), 0), coalesce(sum(length(body) + {_OVERHEAD}), 0) from batches"
            self.values, self.bytes = self._db.execute(query).fetchone()

    def _tags(self) -> dict[tuple[str, int], int]:
        with self._trouble():
            return {(path, kind): number for number, path, kind in self._db.execute("select id, path, type from tags")}

    def _make_room(self, size: int, now_ticks: int) -> None:
        """Drop what is too old, and the oldest while there is too much."""
        oldest = now_ticks - self._bounds.longest_ticks
        self.dropped += self._forget(
            [number for (number,) in self._db.execute("select id from batches where ticks < ?", (oldest,))]
        )
        while self.bytes + size > self._bounds.most_bytes and self.values:
            first = self._db.execute("select id from batches order by id limit 16").fetchall()
            if not first:
                return
            self.dropped += self._forget([number for (number,) in first])

    def _forget(self, numbers: Sequence[int]) -> int:
        """Delete batches; how many values they had."""
        gone = 0
        for number in numbers:
            row = self._db.execute(
                "delete from batches where id = ? returning count, length(body)", (number,)
            ).fetchone()
            if row is not None:
                gone += row[0]
                self.bytes -= row[1] + _OVERHEAD
        self.values -= gone
        self._db.execute("pragma incremental_vacuum(64)")
        return gone

    def _trouble(self) -> _Trouble:
        return _Trouble(self._path)


class _Trouble:
    """Turns what SQLite and the disk complain of into a QueueError."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (sqlite3.Error, OSError)):
            cure = "free some space, or move it by `queue: {path: ...}`" if "full" in str(error) else "look at the disk"
            raise QueueError(f"{self._path}: {error}; {cure}") from error


def _packed(reduced: Reduced, id_of_row: np.ndarray[Any, np.dtype[np.int64]]) -> bytes:
    of = reduced.readings
    columns = (
        id_of_row[of.row].astype("<i4"),
        of.value.astype("<u8"),
        of.status.astype("<u4"),
        of.source_ticks.astype("<i8"),
        reduced.aspect.astype("u1"),
    )
    side = [(place, _plain(value)) for place, value in of.side.items()]
    return msgspec.msgpack.encode([*(column.tobytes() for column in columns), side])


def _unpacked(body: bytes, row_of_id: np.ndarray[Any, np.dtype[np.int32]]) -> Reduced:
    ids, value, status, ticks, aspect, side = msgspec.msgpack.decode(body)
    row = row_of_id[np.frombuffer(ids, "<i4")]
    known = row >= 0
    places = np.cumsum(known) - 1
    kept: Mapping[int, object] = {int(places[place]): _restored(one) for place, one in side if known[place]}
    readings = Readings(
        row[known],
        np.frombuffer(value, "<u8")[known],
        np.frombuffer(status, "<u4")[known],
        np.frombuffer(ticks, "<i8")[known],
        kept,
    )
    return Reduced(readings, np.frombuffer(aspect, "u1")[known])


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray):
        return {"dtype": value.dtype.str, "data": value.tobytes()}
    return value


def _restored(value: Any) -> object:
    if isinstance(value, dict):
        return np.frombuffer(value["data"], value["dtype"])
    return value
