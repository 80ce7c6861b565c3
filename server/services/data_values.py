"""Encodes DataValues by column: numpy records per wire layout, written out with tobytes()."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
from asyncua import ua

from drivers.data_types import CELL_VIEW, WIRE

VALUE, STATUS, SOURCE, SERVER = 1, 2, 4, 8
"""Bits of a DataValue's encoding mask (Part 6, 5.2.2.17)."""
STAMPS: Final = {
    ua.TimestampsToReturn.Source: SOURCE,
    ua.TimestampsToReturn.Server: SERVER,
    ua.TimestampsToReturn.Both: SOURCE | SERVER,
    ua.TimestampsToReturn.Neither: 0,
}
LARGEST: Final = 34
"""Bytes of the longest record: a client handle and a value of 8 bytes with its type, status and both timestamps."""
STATUS_CODE: Final = 19
"""The built-in type of a value that is a StatusCode, as of an aggregate; no tag is of it."""
_WIRE: Final = {int(kind): wire for kind, wire in WIRE.items()} | {STATUS_CODE: np.dtype("<u4")}
_CELL_VIEW: Final = {int(kind): view for kind, view in CELL_VIEW.items()} | {STATUS_CODE: np.dtype("<u8")}
_BAD: Final = np.uint32(0x8000_0000)
_ORDER: Final = ("handle", "data_type", "stamps", "cell", "status", "source", "server")
Index = npt.NDArray[np.intp]


@cache
def _layout(mask: int, data_type: int, with_handle: bool) -> np.dtype[np.void]:
    """One DataValue with a scalar, packed; behind a ClientHandle it is a MonitoredItemNotification (Part 4, 7.25.2)."""
    fields: list[tuple[str, object]] = [("handle", "<u4")] if with_handle else []
    fields.append(("mask", "u1"))
    if mask & VALUE:
        fields += [("type", "u1"), ("value", _WIRE[data_type])]
    if mask & STATUS:
        fields.append(("status", "<u4"))
    if mask & SOURCE:
        fields.append(("source", "<i8"))
    if mask & SERVER:
        fields.append(("server", "<i8"))
    return np.dtype(fields)


class Columns:
    """n DataValues as columns: handle uint32 (None for DataValues without), data_type uint8, stamps uint8 (SOURCE and
    SERVER bits as asked for), cell uint64, status uint32, source and server int64 ticks.

    A Bad value goes out as null, and a SourceTimestamp that there is none of is left out (Part 4, 7.11).
    """

    __slots__ = _ORDER

    def __init__(
        self,
        handle: npt.NDArray[np.uint32] | None,
        data_type: npt.NDArray[np.uint8],
        stamps: npt.NDArray[np.uint8],
        cell: npt.NDArray[np.uint64],
        status: npt.NDArray[np.uint32],
        source: npt.NDArray[np.int64],
        server: npt.NDArray[np.int64],
    ) -> None:
        self.handle, self.data_type, self.stamps = handle, data_type, stamps
        self.cell, self.status, self.source, self.server = cell, status, source, server

    def take(self, index: Index) -> Columns:
        """Those at these places."""
        handle = None if self.handle is None else self.handle[index]
        return Columns(handle, *(getattr(self, name)[index] for name in _ORDER[1:]))

    def encode(self, keep_order: bool) -> bytes:
        """All on the wire, one after the other; without keep_order those of one layout stand together."""
        if not len(self.cell):
            return b""
        keys = self._keys()
        first = int(keys[0])
        if (keys == first).all():
            return self._records(first).tobytes()
        groups = _groups(keys)
        if not keep_order:
            return b"".join(self.take(index)._records(key).tobytes() for key, index in groups)
        return self._interleaved(groups)

    def encode_each(self) -> list[bytes]:
        """A DataValue a piece."""
        out: list[bytes] = [b""] * len(self.cell)
        for key, index in _groups(self._keys()):
            records = self.take(index)._records(key)
            width, data = records.dtype.itemsize, records.tobytes()
            for number, place in enumerate(index.tolist()):
                out[place] = data[number * width : (number + 1) * width]
        return out

    def _keys(self) -> npt.NDArray[np.uint16]:
        """What each record looks like: mask in the upper byte, data type in the lower."""
        bad = self.status >= _BAD
        mask = self.stamps | np.where(bad, np.uint8(0), np.uint8(VALUE))
        mask |= np.where(self.status != 0, np.uint8(STATUS), np.uint8(0))
        unset = self.source == 0
        if unset.any():
            mask[unset] &= np.uint8(0xFF ^ SOURCE)
        return (mask.astype(np.uint16) << np.uint16(8)) | np.where(bad, np.uint8(0), self.data_type)

    def _records(self, key: int) -> npt.NDArray[np.void]:
        mask, data_type = key >> 8, key & 0xFF
        out = np.empty(len(self.cell), _layout(mask, data_type, self.handle is not None))
        if self.handle is not None:
            out["handle"] = self.handle
        out["mask"] = mask
        if mask & VALUE:
            out["type"] = data_type
            out["value"] = self.cell.view(_CELL_VIEW[data_type])
        if mask & STATUS:
            out["status"] = self.status
        if mask & SOURCE:
            out["source"] = self.source
        if mask & SERVER:
            out["server"] = self.server
        return out

    def _interleaved(self, groups: list[tuple[int, Index]]) -> bytes:
        parts = [(index, self.take(index)._records(key)) for key, index in groups]
        size = np.zeros(len(self.cell), np.int64)
        for index, records in parts:
            size[index] = records.dtype.itemsize
        end = np.cumsum(size)
        out = np.empty(int(end[-1]), np.uint8)
        for index, records in parts:
            width = records.dtype.itemsize
            places = (end[index] - width)[:, None] + np.arange(width)
            out[places] = records.view(np.uint8).reshape(-1, width)
        return out.tobytes()


def _groups(keys: npt.NDArray[np.uint16]) -> list[tuple[int, Index]]:
    return [(int(key), np.flatnonzero(keys == key)) for key in np.unique(keys)]
