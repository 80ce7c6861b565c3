"""The one interface of a history store: what the bridge, HistoryRead and the analytics may ask of it.

Everything here is synchronous and is called from threads of `server.history.history.History`, never on the event loop.
Tags are named by number: `tag_ids` gives each path its number, which stays for as long as the store exists, while rows
of the tag table change from start to start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """n values of one tag, in the order of source_ticks (or the reverse, where asked for).

    source_ticks, server_ticks: int64[n], 100 ns since 1601 UTC. cells: uint64[n] (`drivers.data_types`). status:
    uint32[n] StatusCodes without HistorianInfo bits. side: text and arrays by index. data_type: the built-in type id.
    """

    data_type: int
    source_ticks: npt.NDArray[np.int64]
    server_ticks: npt.NDArray[np.int64]
    cells: npt.NDArray[np.uint64]
    status: npt.NDArray[np.uint32]
    side: Mapping[int, object] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.source_ticks)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """n committed values of many tags: tag int32[n] numbers of `tag_ids`, the other columns as in Samples."""

    tag: npt.NDArray[np.int32]
    source_ticks: npt.NDArray[np.int64]
    server_ticks: npt.NDArray[np.int64]
    cells: npt.NDArray[np.uint64]
    status: npt.NDArray[np.uint32]
    side: Mapping[int, object] = field(default_factory=dict)


class UpdateKind(IntEnum):
    """HistoryUpdateType of Part 11."""

    insert = 1
    replace = 2
    update = 3
    delete = 4


@dataclass(frozen=True, slots=True, eq=False)
class Modified:
    """n superseded or deleted values of one tag: samples, and of each when, by whom and how it was modified.

    modified_ticks: int64[n]. kinds: UpdateKind[n] as uint8. users: text[n].
    """

    samples: Samples
    modified_ticks: npt.NDArray[np.int64]
    kinds: npt.NDArray[np.uint8]
    users: Sequence[str]


@dataclass(frozen=True, slots=True)
class StoreFigures:
    """values: stored so far; bytes: on disk; oldest_ticks: the oldest value, 0 when there is none."""

    values: int
    bytes: int
    oldest_ticks: int


@dataclass(frozen=True, slots=True)
class StoredTag:
    """A tag that the store knows, whether the plant still has it or not. data_type: the built-in type id."""

    number: int
    path: str
    data_type: int


class HistoryStore(Protocol):
    """Where history is kept. A value that comes again with the same time, value and status is stored once; one with
    another value or status is kept beside it (Part 11 allows several values at one time), by cell, then by status.

    Every method raises StoreError with a message for people when the disk or the database refuses.
    """

    def tag_ids(self, tags: Sequence[tuple[str, int]]) -> npt.NDArray[np.int32]:
        """The numbers of tags by (path, built-in type id); new ones are made. A tag whose type changed is a new one."""
        ...

    def tags(self) -> Sequence[StoredTag]:
        """Every tag that it knows."""
        ...

    def append(self, block: Block) -> None:
        """Store a batch; late and out-of-order values go to their place. Durable when it returns."""
        ...

    def read(self, tag: int, start_ticks: int, end_ticks: int, limit: int = 0, *, forward: bool = True) -> Samples:
        """Values with start <= source_ticks <= end, at most `limit` of them (0: all): the earliest in time order, or
        with forward=False the latest, latest first."""
        ...

    def update(
        self, tag: int, samples: Samples, kind: UpdateKind, user: str, modified_ticks: int
    ) -> npt.NDArray[np.uint32]:
        """Insert, replace or update values; the StatusCode of each, as of Part 11, 6.8 (GoodEntryInserted,
        GoodEntryReplaced, BadEntryExists, BadNoEntryExists). What is superseded can be read by `modified`."""
        ...

    def delete(self, tag: int, start_ticks: int, end_ticks: int, user: str, modified_ticks: int) -> int:
        """Delete values with start <= source_ticks < end; how many there were. They can be read by `modified`."""
        ...

    def modified(self, tag: int, start_ticks: int, end_ticks: int, limit: int = 0, *, forward: bool = True) -> Modified:
        """Superseded and deleted values."""
        ...

    def tidy(self, longest_s: float) -> bool:
        """Put in order for quick reading what was written in haste, for about so long; whether more is left to do."""
        ...

    def retain(self, oldest_ticks: int, most_bytes: int) -> int:
        """Forget values older than that, and the oldest beyond that size (0: no bound); roughly how many it were."""
        ...

    def figures(self) -> StoreFigures:
        """How much there is."""
        ...

    def close(self) -> None:
        """Write what is pending and let go of the files."""
        ...


class StoreError(Exception):
    """The store cannot do that now; the message names the place, the cause and a cure."""
