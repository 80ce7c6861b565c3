"""Values that a person brings: by path, as they are handed from the command to a store or a running bridge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from server.history.columns import Columns, columns_of, samples_of
from server.history.journal import decode_batch, encode_batch
from server.history.packing import PageError
from server.history.store import Block, HistoryStore, StoreError


@dataclass(frozen=True, slots=True, eq=False)
class Fill:
    """names: path and built-in type id of each tag; the tags of block are indices into them."""

    names: Sequence[tuple[str, int]]
    block: Block

    def block_for(self, store: HistoryStore) -> Block:
        """The values with the numbers of a store, which gets to know the tags."""
        return replace(self.block, tag=store.tag_ids(list(self.names))[self.block.tag])


def write_fill(fill: Fill) -> bytes:
    """As bytes; it must hold a value."""
    return msgspec.msgpack.encode((list(fill.names), encode_batch(columns_of(fill.block))))


def read_fill(data: bytes) -> Fill:
    """From bytes. Raises StoreError for bytes that are none."""
    try:
        names, batch = msgspec.msgpack.decode(data, type=tuple[list[tuple[str, int]], bytes])
        columns: Columns = decode_batch(batch)
    except (msgspec.DecodeError, PageError) as error:
        raise StoreError(f"the values to be filled in cannot be read: {error}") from error
    samples = samples_of(0, columns)
    tag = columns.tag.astype(np.int32)
    return Fill(
        names, Block(tag, columns.source_ticks, columns.server_ticks, samples.cells, columns.status, samples.side)
    )
