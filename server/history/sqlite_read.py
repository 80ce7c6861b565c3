"""Reads one tag's values out of pages and of what is not in pages yet."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from drivers.readings import TICKS_PER_SECOND
from server.history.columns import Columns
from server.history.page import TAGS, Page

DAY_TICKS: Final = 86_400 * TICKS_PER_SECOND
"""Pages do not reach over the end of a day (UTC)."""
_PLACES: Final = (
    "SELECT day, id, first, last FROM page WHERE bucket = ? AND day BETWEEN ? AND ? AND last >= ? AND first <= ? "
)


def read_tag(
    connection: sqlite3.Connection,
    pending: Iterable[Columns],
    tag: int,
    start_ticks: int,
    end_ticks: int,
    limit: int,
    forward: bool,
) -> Columns:
    """Values with start <= source_ticks <= end in order; with a limit at least that many, where there are so many, of
    the earliest (or with forward=False of the latest), and no gap among them. Raises PageError."""
    found = [part for part in (_between(_of_tag(one, tag), start_ticks, end_ticks) for one in pending) if len(part)]
    count = 0
    for page_id, bound in _places(connection, tag, start_ticks, end_ticks, forward):
        if limit and count >= limit:
            joined = Columns.concat(found).in_order()
            found = [joined]
            reached = joined.source_ticks < bound if forward else joined.source_ticks > bound
            if int(reached.sum()) >= limit:
                return joined
        data = connection.execute("SELECT data FROM page WHERE id = ?", (page_id,)).fetchone()[0]
        part = _between(Page(data).tag_values(tag), start_ticks, end_ticks)
        if len(part):
            found.append(part)
            count += len(part)
    return Columns.concat(found).in_order()


def pages_with(connection: sqlite3.Connection, tag: int, start_ticks: int, end_ticks: int) -> list[int]:
    """Ids of the pages that may hold values of a tag and time."""
    return [page_id for page_id, _ in _places(connection, tag, start_ticks, end_ticks, True)]


def _places(
    connection: sqlite3.Connection, tag: int, start_ticks: int, end_ticks: int, forward: bool
) -> Iterator[tuple[int, int]]:
    """Ids of pages with the tag's neighbours: forward by their first time, backward by their last; and that time."""
    bounds = (tag // TAGS, start_ticks // DAY_TICKS, end_ticks // DAY_TICKS, start_ticks, end_ticks)
    rows = connection.execute(f"{_PLACES} ORDER BY day {'' if forward else 'DESC'}", bounds)
    for _, pages in groupby(rows, lambda row: row[0]):
        if forward:
            yield from ((page_id, first) for _, page_id, first, _ in sorted(pages, key=lambda page: (page[2], page[1])))
        else:
            yield from ((page_id, last) for _, page_id, _, last in sorted(pages, key=lambda page: (-page[3], page[1])))


def _of_tag(columns: Columns, tag: int) -> Columns:
    return columns.take(columns.tag == tag)


def _between(columns: Columns, start_ticks: int, end_ticks: int) -> Columns:
    ticks = columns.source_ticks
    if not len(ticks) or (ticks.min() >= start_ticks and ticks.max() <= end_ticks):
        return columns
    return columns.take((ticks >= start_ticks) & (ticks <= end_ticks))
