"""One batch of values as bytes, in the order it came: what makes it durable until it is put into pages."""

from __future__ import annotations

import struct
from typing import Final

import msgspec
import numpy as np

from server.history.columns import Columns
from server.history.packing import Ints, PageError, pack, packed, running, unpack, unpacked, zigzag

_SIZES: Final = struct.Struct("<I6I")
_LEVEL: Final = 1


def encode_batch(columns: Columns) -> bytes:
    """At least one value. As quick as it gets: the next minute it is read and forgotten."""
    side = packed(msgspec.msgpack.encode(list(columns.side.items())), _LEVEL) if columns.side else b""
    parts = (
        pack(_steps(columns.tag.astype(np.int64)), _LEVEL),
        pack(_steps(columns.source_ticks), _LEVEL),
        pack(_steps(columns.server_ticks), _LEVEL),
        packed(np.ascontiguousarray(columns.cells.view(np.uint8).reshape(-1, 8).T).tobytes(), _LEVEL),
        pack(columns.status, _LEVEL),
        side,
    )
    return b"".join((_SIZES.pack(len(columns), *map(len, parts)), *parts))


def decode_batch(data: bytes) -> Columns:
    """The values again. Raises PageError."""
    if len(data) < _SIZES.size:
        raise PageError(f"{len(data)} bytes are no batch")
    count, *sizes = _SIZES.unpack_from(data)
    parts, at = [], _SIZES.size
    for size in sizes:
        parts.append(data[at : at + size])
        at += size
    planes = np.frombuffer(unpacked(parts[3]), np.uint8)
    if len(planes) != 8 * count:
        raise PageError(f"{len(planes)} bytes are not the cells of {count} values")
    planes = planes.reshape(8, count)
    side = dict(msgspec.msgpack.decode(unpacked(parts[5]), type=list[tuple[int, bytes]])) if parts[5] else {}
    return Columns(
        _sum(parts[0], count).astype(np.int32),
        _sum(parts[1], count),
        _sum(parts[2], count),
        np.ascontiguousarray(planes.T).view(np.uint64).ravel(),
        unpack(parts[4], count, 0, count).astype(np.uint32),
        side,
    )


def _steps(values: Ints) -> np.ndarray[tuple[int, ...], np.dtype[np.uint64]]:
    return zigzag(np.diff(values, prepend=np.int64(0)))


def _sum(data: bytes, count: int) -> Ints:
    return running(unpack(data, count, 0, count), 0)
