"""Values of several tags as columns, the form in which stored history is sorted, joined and taken apart."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from server.history.store import Block, Samples

_KEY_BYTES: Final = 8


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """n values: tag int32[n], source_ticks and server_ticks int64[n], cells uint64[n], status uint32[n].

    Text and arrays are kept by what they are: the cell of one is the key of its bytes in `side`.
    """

    tag: npt.NDArray[np.int32]
    source_ticks: npt.NDArray[np.int64]
    server_ticks: npt.NDArray[np.int64]
    cells: npt.NDArray[np.uint64]
    status: npt.NDArray[np.uint32]
    side: Mapping[int, bytes] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.tag)

    def take(self, which: npt.NDArray[Any] | slice) -> Columns:
        """Those values, by index or mask."""
        return Columns(
            self.tag[which],
            self.source_ticks[which],
            self.server_ticks[which],
            self.cells[which],
            self.status[which],
            self.side,
        )

    @staticmethod
    def empty() -> Columns:
        """No values."""
        return Columns(
            np.empty(0, np.int32),
            np.empty(0, np.int64),
            np.empty(0, np.int64),
            np.empty(0, np.uint64),
            np.empty(0, np.uint32),
        )

    @staticmethod
    def concat(parts: Sequence[Columns]) -> Columns:
        """All values of several, in order."""
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return Columns.empty()
        side: dict[int, bytes] = {}
        for part in parts:
            side.update(part.side)
        return Columns(
            np.concatenate([part.tag for part in parts]),
            np.concatenate([part.source_ticks for part in parts]),
            np.concatenate([part.server_ticks for part in parts]),
            np.concatenate([part.cells for part in parts]),
            np.concatenate([part.status for part in parts]),
            side,
        )

    def in_order(self) -> Columns:
        """By tag and source timestamp, several values of one time by cell and status, exact duplicates once."""
        tag, ticks = self.tag, self.source_ticks
        same, later = tag[1:] == tag[:-1], ticks[1:] > ticks[:-1]
        if np.all((same & later) | (tag[1:] > tag[:-1])):
            return self
        if not np.all(tag[1:] >= tag[:-1]):
            ordered = self.take(by_tag(tag))
            return ordered if len(ordered) < 2 else ordered.in_order()
        ordered = self.take(np.lexsort((self.status, self.cells, ticks, tag)))
        new = np.ones(len(ordered), np.bool_)
        new[1:] = (
            (ordered.tag[1:] != ordered.tag[:-1])
            | (ordered.source_ticks[1:] != ordered.source_ticks[:-1])
            | (ordered.cells[1:] != ordered.cells[:-1])
            | (ordered.status[1:] != ordered.status[:-1])
        )
        return ordered if new.all() else ordered.take(new)


def by_tag(tag: npt.NDArray[np.int32]) -> npt.NDArray[np.intp]:
    """The stable order by tag, by radix: 16 bits at a time."""
    order = np.argsort(tag.astype(np.uint16), kind="stable")
    high = tag >> 16
    return order[np.argsort(high[order].astype(np.uint16), kind="stable")] if high.any() else order


def columns_of(block: Block) -> Columns:
    """Of committed values."""
    cells, side = _with_keys(block.cells, block.side)
    return Columns(block.tag, block.source_ticks, block.server_ticks, cells, block.status, side)


def columns_of_tag(tag: int, samples: Samples) -> Columns:
    """Of values of one tag."""
    cells, side = _with_keys(samples.cells, samples.side)
    tags = np.full(len(samples), tag, np.int32)
    return Columns(tags, samples.source_ticks, samples.server_ticks, cells, samples.status, side)


def samples_of(data_type: int, columns: Columns) -> Samples:
    """Values of one tag as they are handed out."""
    side: dict[int, object] = {}
    cells = columns.cells
    if columns.side:
        values = {key: unkeyed(data) for key, data in columns.side.items()}
        side = {index: values[key] for index, key in enumerate(cells.tolist()) if key in values}
        cells = cells.copy()
        cells[list(side)] = 0
    return Samples(data_type, columns.source_ticks, columns.server_ticks, cells, columns.status, side)


def _with_keys(
    cells: npt.NDArray[np.uint64], side: Mapping[int, object]
) -> tuple[npt.NDArray[np.uint64], dict[int, bytes]]:
    if not side:
        return cells, {}
    keys = {index: keyed(value) for index, value in side.items()}
    cells = cells.copy()
    cells[list(keys)] = np.array([key for key, _ in keys.values()], np.uint64)
    return cells, dict(keys.values())


def keyed(value: object) -> tuple[int, bytes]:
    """A text, bytes or array as the key of its cell and its bytes."""
    data = msgspec.msgpack.encode(_plain(value))
    return int.from_bytes(hashlib.blake2b(data, digest_size=_KEY_BYTES).digest(), "little"), data


def unkeyed(data: bytes) -> object:
    """The value again: text, bytes, a list of those, or an array."""
    value = msgspec.msgpack.decode(data)
    if isinstance(value, dict):
        return np.frombuffer(value["data"], value["dtype"]).reshape(value["shape"])
    return value


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return {"dtype": value.dtype.str, "shape": list(value.shape), "data": value.tobytes()}
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
