"""The pages of the embedded store: written from what came, joined into larger ones as they become many."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from server.history.columns import Columns, by_tag
from server.history.page import TAGS, Page, encode
from server.history.sqlite_read import DAY_TICKS
from server.history.words import NEVER, SINGLE, UNKNOWN

TOP: Final = 2
"""The level of pages that are joined no further."""
_MANY: Final = 16
"""So many pages of a level, of one bucket and day, become one of the next."""
_MOST: Final = 400_000
"""Values of a joined page; they are in memory at once, 100 bytes each."""
_SETTLED_S: Final = 3600.0
"""When nothing has come to a past day for so long, its remaining small pages are joined."""
_ZSTD: Final = (1, 3, 3)
_INSERT: Final = "INSERT INTO page (bucket, day, level, first, last, count, data) VALUES (?, ?, ?, ?, ?, ?, ?)"


@dataclass(slots=True)
class _Open:
    """Pages of a bucket and day that may still be joined: how many of each level, and when one came last."""

    count: list[int]
    touched: float


class PageKeeper:
    """Writes pages on the writing connection, within the caller's transaction.

    is_float: by tag number, whether its cells hold a float64; more can be added by `know`.
    """

    def __init__(self, connection: sqlite3.Connection, is_float: npt.NDArray[np.bool_]) -> None:
        self._connection = connection
        self._ways = np.empty(0, np.uint8)
        self.know(is_float)
        self._open: dict[tuple[int, int], _Open] = {}
        self._due: list[tuple[int, int]] = []
        self._latest_day = 0
        now = time.monotonic()
        for bucket, day, level, count in connection.execute(
            "SELECT bucket, day, level, count(*) FROM page WHERE level < 2 GROUP BY bucket, day, level"
        ):
            self._note(bucket, day, level, count, now)

    def know(self, is_float: npt.NDArray[np.bool_]) -> None:
        """There are more tags now."""
        ways = np.where(is_float, UNKNOWN, NEVER).astype(np.uint8)
        ways[: len(self._ways)] = self._ways
        self._ways = ways

    def write(self, columns: Columns) -> int:
        """Pages of values in any order; how many values there were once exact duplicates are left out."""
        order, buckets = by_tag(columns.tag), columns.tag // TAGS
        sorted_buckets = buckets[order]
        edges = np.flatnonzero(np.diff(sorted_buckets, prepend=-1, append=-1))
        rows, total, now = [], 0, time.monotonic()
        for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            bucket = int(sorted_buckets[low])
            for day, part in _by_day(_own_side(columns.take(order[low:high]))):
                ordered = part.in_order()
                rows.append(self._row(bucket, day, 0, ordered))
                total += len(ordered)
                self._note(bucket, day, 0, 1, now)
        self._connection.executemany(_INSERT, rows)
        return total

    def due(self) -> bool:
        """Whether pages are to be joined."""
        if not self._due:
            self._due = [place for place, pages in self._open.items() if self._is_due(place[1], pages)]
        return bool(self._due)

    def join_next(self) -> int:
        """Join the pages of one place; how many values turned out to be there twice."""
        place = self._due.pop()
        pages = self._open.get(place)
        if pages is None:
            return 0
        full = [level for level, count in enumerate(pages.count) if count >= _MANY]
        return self._join(place, full[-1:] or list(range(TOP)), full[-1] + 1 if full else TOP)

    def take_out(self, page_id: int, tag: int, ticks: npt.NDArray[np.int64]) -> int:
        """Take a tag's values of those times out of a page; how many there were."""
        bucket, day, level, data = self._connection.execute(
            "SELECT bucket, day, level, data FROM page WHERE id = ?", (page_id,)
        ).fetchone()
        columns = Page(data).all_values()
        gone = (columns.tag == tag) & np.isin(columns.source_ticks, ticks)
        kept = _own_side(columns.take(~gone))
        if not len(kept):
            self.forget([(page_id, bucket, day, level)])
        elif gone.any():
            row = self._row(bucket, day, level, kept)
            self._connection.execute(
                "UPDATE page SET first = ?, last = ?, count = ?, data = ? WHERE id = ?", (*row[3:], page_id)
            )
        return int(gone.sum())

    def forget(self, pages: Sequence[tuple[int, int, int, int]]) -> None:
        """Delete pages by (id, bucket, day, level)."""
        self._connection.executemany("DELETE FROM page WHERE id = ?", [(page[0],) for page in pages])
        for _, bucket, day, level in pages:
            self._note(bucket, day, level, -1, time.monotonic())

    def _is_due(self, day: int, pages: _Open) -> bool:
        if max(pages.count) >= _MANY:
            return True
        return day < self._latest_day and sum(pages.count) > 1 and time.monotonic() - pages.touched > _SETTLED_S

    def _join(self, place: tuple[int, int], levels: list[int], into: int) -> int:
        marks = ", ".join("?" * len(levels))
        found = self._connection.execute(
            f"SELECT id, level, count FROM page WHERE bucket = ? AND day = ? AND level < 2 AND level IN ({marks}) "
            "ORDER BY level DESC, first",
            (*place, *levels),
        ).fetchall()
        chosen = _fitting(found)
        parts = [Page(self._data(page_id)).all_values() for page_id, _, _ in chosen]
        joined = Columns.concat(parts).in_order()
        self.forget([(page_id, *place, level) for page_id, level, _ in chosen])
        self._connection.execute(_INSERT, self._row(*place, into, joined))
        self._note(*place, into, 1, time.monotonic())
        return sum(count for _, _, count in chosen) - len(joined)

    def _data(self, page_id: int) -> bytes:
        row = self._connection.execute("SELECT data FROM page WHERE id = ?", (page_id,)).fetchone()
        return bytes(row[0])

    def _row(self, bucket: int, day: int, level: int, columns: Columns) -> tuple[int | bytes, ...]:
        if level:  # time to look whether there is a better way
            tags = slice(bucket * TAGS, (bucket + 1) * TAGS)
            self._ways[tags][self._ways[tags] <= SINGLE] = UNKNOWN
        data = encode(columns, self._ways, _ZSTD[level])
        first, last = int(columns.source_ticks.min()), int(columns.source_ticks.max())
        return bucket, day, level, first, last, len(columns), data

    def _note(self, bucket: int, day: int, level: int, count: int, now: float) -> None:
        self._latest_day = max(self._latest_day, day)
        if level >= TOP:
            return
        pages = self._open.setdefault((bucket, day), _Open([0] * TOP, now))
        pages.count[level] += count
        pages.touched = now
        if not any(pages.count):
            del self._open[bucket, day]


def _fitting(pages: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """As many as may be joined, two at least."""
    chosen, total = pages[:2], sum(page[2] for page in pages[:2])
    for page in pages[2:]:
        total += page[2]
        if total > _MOST:
            break
        chosen.append(page)
    return chosen


def _by_day(columns: Columns) -> Iterator[tuple[int, Columns]]:
    days = columns.source_ticks // DAY_TICKS
    first, last = int(days.min()), int(days.max())
    if first == last:
        yield first, columns
        return
    for day in np.unique(days).tolist():
        yield day, _own_side(columns.take(days == day))


def _own_side(columns: Columns) -> Columns:
    """Without the text that is not of these values."""
    if not columns.side:
        return columns
    own = {key: columns.side[key] for key in np.unique(columns.cells).tolist() if key in columns.side}
    return Columns(columns.tag, columns.source_ticks, columns.server_ticks, columns.cells, columns.status, own)
