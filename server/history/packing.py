"""Columns of whole numbers as compressed bytes: as narrow as they can be, byte by byte, then zstd."""

from __future__ import annotations

import threading
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import zstandard

_WIDTHS: Final = (1, 2, 4, 8)
Ints = npt.NDArray[np.int64]


class PageError(ValueError):
    """Bytes that were not written by this module."""


class _Zstd(threading.local):
    """One of each for every thread: they must not be shared."""

    def __init__(self) -> None:
        self.out = zstandard.ZstdDecompressor()
        self.by_level: dict[int, zstandard.ZstdCompressor] = {}

    def into(self, level: int) -> zstandard.ZstdCompressor:
        found = self.by_level.get(level)
        if found is None:
            found = self.by_level[level] = zstandard.ZstdCompressor(level, write_checksum=False)
        return found


_zstd = _Zstd()


def packed(data: bytes, level: int) -> bytes:
    """Bytes, compressed."""
    return _zstd.into(level).compress(data)


def unpacked(data: bytes) -> bytes:
    """The bytes again. Raises PageError."""
    try:
        return _zstd.out.decompress(data)
    except zstandard.ZstdError as error:
        raise PageError(f"not a compressed block: {error}") from error


def pack(values: npt.NDArray[np.unsignedinteger[Any]], level: int) -> bytes:
    """Non-negative numbers: all the lowest bytes, then all the next, ..."""
    width = next(one for one in _WIDTHS if int(values.max()) < 1 << 8 * one)
    narrow = values.astype(f"<u{width}")
    planes = narrow if width == 1 else np.ascontiguousarray(narrow.view(np.uint8).reshape(-1, width).T)
    return packed(planes.tobytes(), level)


def unpack(data: bytes, total: int, low: int, high: int) -> npt.NDArray[np.uint64]:
    """Those from low to high of `total` packed numbers. Raises PageError."""
    planes = np.frombuffer(unpacked(data), np.uint8)
    width = len(planes) // total
    if width not in _WIDTHS or len(planes) != width * total:
        raise PageError(f"{len(planes)} bytes do not hold {total} numbers")
    part = planes.reshape(width, total)[:, low:high]
    numbers: npt.NDArray[np.unsignedinteger[Any]] = np.ascontiguousarray(part.T).view(f"<u{width}").ravel()
    return numbers.astype(np.uint64, copy=False)


def zigzag(values: Ints) -> npt.NDArray[np.uint64]:
    """0, -1, 1, -2, ... as 0, 1, 2, 3, ..."""
    return ((values << 1) ^ (values >> 63)).view(np.uint64)


def running(
    steps: npt.NDArray[np.uint64],
    first: Any,
    starts: npt.NDArray[np.intp] | None = None,
    counts: npt.NDArray[np.intp] | None = None,
    period: Ints | None = None,
) -> Ints:
    """The numbers whose zigzag differences these are; of one run from `first`, or of several by starts and counts.
    period: by run, what is to be added to each difference."""
    one = np.uint64(1)
    total: Ints = ((steps >> one) ^ (np.uint64(0) - (steps & one))).view(np.int64)
    if starts is None:
        np.cumsum(total, out=total)
        total += first
        return total
    assert counts is not None
    if period is not None:
        total += np.repeat(period, counts)
        total[starts] = 0
    np.cumsum(total, out=total)
    total += np.repeat(first - total[starts], counts)
    return total
