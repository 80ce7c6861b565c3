"""Rows of the table for tags that come and go: those that were given back are used again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from server.config.plant import Tag
from server.tags.table import TagTable

Kind = tuple[int, int]


class Room:
    """A row keeps the data type and the array length it was made with. held: gives the rows that clients still know,
    by monitored items and registered nodes, which must not show something else all of a sudden."""

    def __init__(self, table: TagTable, held: Callable[[], frozenset[int]]) -> None:
        self._table = table
        self._held = held
        self._free: dict[Kind, list[int]] = {}

    def take(self, tags: Sequence[Tag]) -> list[int]:
        """A row for each tag; those from the end of the table on have to be made, in this order."""
        held = self._held() if self._free else frozenset[int]()
        end = len(self._table)
        rows = []
        for tag in tags:
            row = self._reused(_kind(tag), held)
            if row < 0:
                row, end = end, end + 1
            rows.append(row)
        return rows

    def give_back(self, tags: Iterable[Tag]) -> None:
        """Nothing has the rows of these tags any more."""
        for tag in tags:
            self._free.setdefault(_kind(tag), []).append(tag.row)

    def _reused(self, kind: Kind, held: frozenset[int]) -> int:
        free = self._free.get(kind, [])
        for place in range(len(free) - 1, -1, -1):
            if free[place] not in held:
                return free.pop(place)
        return -1


def _kind(tag: Tag) -> Kind:
    return int(tag.data_type), tag.array_length
