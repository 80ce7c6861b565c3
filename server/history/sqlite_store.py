"""The embedded history store: one SQLite file of compressed pages.

What comes is written down at once as a batch in the journal and kept in memory too; from time to time all of that goes
into pages, by tag and time, and the journal is emptied. A read takes pages and memory together, so late values are
where they belong. A value that came twice is told once, whether its copies have met in a page yet or not.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from drivers.data_types import DataType
from server.history.changes import changed_by, recorded, recorded_columns
from server.history.columns import Columns, columns_of, columns_of_tag, samples_of
from server.history.journal import decode_batch, encode_batch
from server.history.packing import PageError
from server.history.pages import PageKeeper
from server.history.sqlite_file import SqliteFile
from server.history.sqlite_read import DAY_TICKS, pages_with, read_tag
from server.history.store import Block, Modified, Samples, StoredTag, StoreError, StoreFigures, UpdateKind

PENDING_VALUES: Final = 1_000_000
"""Values in memory (32 bytes each) before they go into pages."""
PENDING_S: Final = 300.0
_AT_ONCE: Final = 200
"""Pages that are forgotten in one transaction."""
_FULL: Final = 0.95
"""Share of the bytes allowed that is left when the oldest values make room."""
_RECORD: Final = (
    "INSERT INTO modified (tag, source_ticks, server_ticks, cell, status, side, modified_ticks, kind, user) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_FLOATS: Final = (int(DataType.Float), int(DataType.Double))


class SqliteStore:
    """See `server.history.store.HistoryStore`. Written from one thread, read from any."""

    def __init__(
        self,
        path: Path,
        *,
        read_only: bool = False,
        pending_values: int = PENDING_VALUES,
        pending_s: float = PENDING_S,
    ) -> None:
        self._most, self._longest_s = pending_values, pending_s
        self._pending: list[Columns] = []
        self._pending_since = time.monotonic()
        self._file = SqliteFile(path, read_only=read_only)
        try:
            self._load()
        except StoreError:
            self._file.close()
            raise

    def tag_ids(self, tags: Sequence[tuple[str, int]]) -> npt.NDArray[np.int32]:
        """See HistoryStore."""
        new = [tag for tag in dict.fromkeys(tags) if tag not in self._numbers]
        if new:
            with self._file.transaction() as connection:
                connection.executemany("INSERT INTO tag (path, data_type) VALUES (?, ?)", new)
            self._load_tags()
            self._keeper.know(np.isin(self._types, _FLOATS))
        return np.array([self._numbers[tag] for tag in tags], np.int32)

    def tags(self) -> Sequence[StoredTag]:
        """See HistoryStore."""
        return [StoredTag(number, path, data_type) for (path, data_type), number in self._numbers.items()]

    def append(self, block: Block) -> None:
        """See HistoryStore."""
        if not len(block.tag):
            return
        columns, now = columns_of(block), time.monotonic()
        waiting = sum(map(len, self._pending))
        if waiting + len(columns) >= self._most or (waiting and now - self._pending_since > self._longest_s):
            self._settle(columns)
            return
        with self._file.transaction(lambda: self._pending.append(columns)) as connection:
            connection.execute("INSERT INTO journal (data) VALUES (?)", (encode_batch(columns),))
        if not waiting:
            self._pending_since = now

    def tidy(self, longest_s: float) -> bool:
        """See HistoryStore."""
        end = time.monotonic() + longest_s
        if self._keeper.due():
            with self._changing():
                while self._keeper.due() and time.monotonic() < end:
                    self._count -= self._keeper.join_next()
        return self._keeper.due()

    def read(self, tag: int, start_ticks: int, end_ticks: int, limit: int = 0, *, forward: bool = True) -> Samples:
        """See HistoryStore."""
        found = self._read(tag, start_ticks, end_ticks, limit, forward)
        if not forward:
            found = found.take(slice(None, None, -1))
        return self._samples(tag, found.take(slice(limit)) if limit else found)

    def update(
        self, tag: int, samples: Samples, kind: UpdateKind, user: str, modified_ticks: int
    ) -> npt.NDArray[np.uint32]:
        """See HistoryStore."""
        if not len(samples):
            return np.empty(0, np.uint32)
        given = columns_of_tag(tag, samples)
        self._settle()
        there = self._read(tag, int(given.source_ticks.min()), int(given.source_ticks.max()), 0, True)
        change = changed_by(given, there, kind)
        with self._changing() as connection:
            self._take_out(connection, change.gone, kind, user, modified_ticks)
            if len(change.new):
                self._count += self._keeper.write(change.new)
        return change.statuses

    def delete(self, tag: int, start_ticks: int, end_ticks: int, user: str, modified_ticks: int) -> int:
        """See HistoryStore."""
        self._settle()
        gone = self._read(tag, start_ticks, end_ticks - 1, 0, True)
        with self._changing() as connection:
            self._take_out(connection, gone, UpdateKind.delete, user, modified_ticks)
        return len(gone)

    def modified(self, tag: int, start_ticks: int, end_ticks: int, limit: int = 0, *, forward: bool = True) -> Modified:
        """See HistoryStore."""
        way = "" if forward else "DESC"
        with self._file.reading(lambda: None) as (connection, _):
            rows = connection.execute(
                "SELECT source_ticks, server_ticks, cell, status, side, modified_ticks, kind, user FROM modified WHERE "
                "tag = ? AND source_ticks BETWEEN ? AND ? "
                f"ORDER BY source_ticks {way}, modified_ticks {way}, id {way} LIMIT ?",
                (tag, start_ticks, end_ticks, limit or -1),
            ).fetchall()
        ticks, kinds = np.array([row[5] for row in rows], np.int64), np.array([row[6] for row in rows], np.uint8)
        return Modified(self._samples(tag, recorded_columns(tag, rows)), ticks, kinds, [row[7] for row in rows])

    def retain(self, oldest_ticks: int, most_bytes: int) -> int:
        """See HistoryStore."""
        before = self._count
        while self._forget_oldest("WHERE day <= ? AND last < ?", oldest_ticks // DAY_TICKS, oldest_ticks):
            pass
        with self._file.transaction() as connection:
            connection.execute("DELETE FROM modified WHERE source_ticks < ?", (oldest_ticks,))
        if most_bytes and self._file.bytes_on_disk() > most_bytes:
            self._file.shrink()
            while self._file.bytes_in_use() > _FULL * most_bytes and self._forget_oldest("", share=8):
                pass
        if self._count < before:
            self._file.shrink()
        return before - self._count

    def figures(self) -> StoreFigures:
        """See HistoryStore."""
        with self._file.telling():
            first = self._file.writer.execute(
                "SELECT min(first) FROM page WHERE day = (SELECT min(day) FROM page)"
            ).fetchone()[0]
        starts = [int(part.source_ticks.min()) for part in self._pending] + ([] if first is None else [first])
        count = self._count + sum(map(len, self._pending))
        return StoreFigures(count, self._file.bytes_on_disk(), min(starts, default=0))

    def close(self) -> None:
        """See HistoryStore."""
        self._file.close()

    def _load(self) -> None:
        with self._damaged():
            self._load_pages()
            rows = self._file.writer.execute("SELECT data FROM journal ORDER BY id").fetchall()
            self._pending = [decode_batch(data) for (data,) in rows]

    def _load_pages(self) -> None:
        """What is in the file besides the journal; also after a change that failed half-way."""
        with self._file.telling():
            connection = self._file.writer
            self._load_tags()
            self._keeper = PageKeeper(connection, np.isin(self._types, _FLOATS))
            self._count = int(connection.execute("SELECT coalesce(sum(count), 0) FROM page").fetchone()[0])

    def _load_tags(self) -> None:
        with self._file.telling():
            rows = self._file.writer.execute("SELECT id, path, data_type FROM tag ORDER BY id").fetchall()
        self._types = np.zeros(rows[-1][0] + 1 if rows else 0, np.uint8)
        self._types[[row[0] for row in rows]] = [row[2] for row in rows]
        self._numbers = {(path, data_type): number for number, path, data_type in rows}

    def _read(self, tag: int, start_ticks: int, end_ticks: int, limit: int, forward: bool) -> Columns:
        with self._damaged(), self._file.reading(lambda: list(self._pending)) as (connection, pending):
            return read_tag(connection, pending, tag, start_ticks, end_ticks, limit, forward)

    def _samples(self, tag: int, columns: Columns) -> Samples:
        return samples_of(int(self._types[tag]), columns)

    def _settle(self, more: Columns | None = None) -> None:
        """Put all that waits into pages, and this with it."""
        parts = self._pending if more is None else [*self._pending, more]
        if not parts:
            return
        with self._changing(self._pending.clear) as connection:
            connection.execute("DELETE FROM journal")
            self._count += self._keeper.write(Columns.concat(parts))

    @contextlib.contextmanager
    def _changing(self, then: Callable[[], None] | None = None) -> Iterator[sqlite3.Connection]:
        """A transaction that changes pages; one that fails leaves no trace in what is known of them."""
        try:
            with self._damaged(), self._file.transaction(then) as connection:
                yield connection
        except StoreError:
            self._load_pages()
            raise

    @contextlib.contextmanager
    def _damaged(self) -> Iterator[None]:
        try:
            with self._file.telling():
                yield
        except PageError as error:
            raise StoreError(f"{self._file.path}: the file is damaged ({error}); move it away") from error

    def _take_out(
        self, connection: sqlite3.Connection, gone: Columns, kind: UpdateKind, user: str, modified_ticks: int
    ) -> None:
        """Take values of one tag out of their pages and keep them as modified ones."""
        if not len(gone):
            return
        tag = int(gone.tag[0])
        for page_id in pages_with(connection, tag, int(gone.source_ticks[0]), int(gone.source_ticks[-1])):
            self._count -= self._keeper.take_out(page_id, tag, gone.source_ticks)
        connection.executemany(_RECORD, recorded(gone, kind, user, modified_ticks))

    def _forget_oldest(self, condition: str, *values: int, share: int = 1) -> bool:
        """Forget the oldest pages that meet a condition, or a share of them; False when there are none."""
        with self._changing() as connection:
            old = connection.execute(
                f"SELECT id, bucket, day, level, count FROM page {condition} ORDER BY day, last LIMIT {_AT_ONCE}",
                values,
            ).fetchall()
            old = old[: max(1, len(old) // share)]
            self._keeper.forget([page[:4] for page in old])
            self._count -= sum(page[4] for page in old)
        return bool(old)
