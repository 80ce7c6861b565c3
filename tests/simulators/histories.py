"""Values for the stores of history, and what a store must answer about them, by plain Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from server.history.store import Block, Samples


class Value(NamedTuple):
    """One value of one tag; cell before status, as a store orders values of one time."""

    source: int
    cell: int
    status: int = 0
    server: int = 0


def block(values: Sequence[tuple[int, Value]], side: Mapping[int, object] | None = None) -> Block:
    """Values by tag number as a batch."""
    return Block(
        np.array([tag for tag, _ in values], np.int32),
        np.array([value.source for _, value in values], np.int64),
        np.array([value.server for _, value in values], np.int64),
        np.array([value.cell for _, value in values], np.uint64),
        np.array([value.status for _, value in values], np.uint32),
        side or {},
    )


def samples(values: Sequence[Value], data_type: int = 11) -> Samples:
    """Values of one tag."""
    one = block([(0, value) for value in values])
    return Samples(data_type, one.source_ticks, one.server_ticks, one.cells, one.status)


def values_of(found: Samples) -> list[Value]:
    """The other way round."""
    columns = (found.source_ticks, found.cells, found.status, found.server_ticks)
    return [Value(*one) for one in zip(*(column.tolist() for column in columns), strict=True)]


class Model:
    """What a store holds of each tag: a set of (source, cell, status) and the ServerTimestamp that came first."""

    def __init__(self) -> None:
        self.held: dict[int, dict[tuple[int, int, int], int]] = {}

    def append(self, values: Sequence[tuple[int, Value]]) -> None:
        for tag, one in values:
            self.held.setdefault(tag, {}).setdefault((one.source, one.cell, one.status), one.server)

    def read(
        self, tag: int, start: int, end: int, limit: int = 0, *, forward: bool = True
    ) -> list[tuple[int, int, int]]:
        found = sorted(key for key in self.held.get(tag, {}) if start <= key[0] <= end)
        found = found if forward else found[::-1]
        return found[:limit] if limit else found

    def times(self, tag: int) -> set[int]:
        return {key[0] for key in self.held.get(tag, {})}

    def remove(self, tag: int, times: set[int]) -> int:
        held = self.held.get(tag, {})
        gone = [key for key in held if key[0] in times]
        for key in gone:
            del held[key]
        return len(gone)
