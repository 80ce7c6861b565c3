"""Encodes the current values of many tags as DataValues by column, in the order asked for."""

from __future__ import annotations

import struct
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
from asyncua import ua
from asyncua.ua.ua_binary import struct_to_binary

from drivers.data_types import CELL_VIEW, WIRE, DataType
from server.address_space.values import data_value
from server.tags.table import TagTable

VALUE, STATUS, SOURCE, SERVER = 1, 2, 4, 8
"""Bits of a DataValue's encoding mask (Part 6, 5.2.2.17)."""

STAMPS: Final = {
    ua.TimestampsToReturn.Source: SOURCE,
    ua.TimestampsToReturn.Server: SERVER,
    ua.TimestampsToReturn.Both: SOURCE | SERVER,
    ua.TimestampsToReturn.Neither: 0,
}
_BAD: Final = np.uint32(0x8000_0000)
_SIDE: Final = 0xFFFF
Rows = npt.NDArray[np.int32]


@cache
def _layout(mask: int, data_type: int) -> np.dtype[np.void]:
    fields: list[tuple[str, object]] = [("mask", "u1")]
    if mask & VALUE:
        fields += [("type", "u1"), ("value", WIRE[DataType(data_type)])]
    if mask & STATUS:
        fields.append(("status", "<u4"))
    if mask & SOURCE:
        fields.append(("source", "<i8"))
    if mask & SERVER:
        fields.append(("server", "<i8"))
    return np.dtype(fields)


class ValueColumns:
    """Encodes rows of one tag table. stamps: SOURCE, SERVER, both or 0. A Bad value goes out as null (Part 4, 7.11)."""

    def __init__(self, table: TagTable) -> None:
        self._table = table

    def encode(self, rows: Rows, stamps: int) -> bytes:
        """The rows' DataValues on the wire, one after the other."""
        if not len(rows):
            return b""
        keys = self._keys(rows, stamps)
        first = int(keys[0])
        if first != _SIDE and (keys == first).all():
            return _records(self._table, rows, first).tobytes()
        return b"".join(self._pieces(rows, keys, stamps))

    def encode_each(self, rows: Rows, stamps: int) -> list[bytes]:
        """The same, a DataValue a piece, for putting others in between."""
        return self._pieces(rows, self._keys(rows, stamps), stamps)

    def _pieces(self, rows: Rows, keys: npt.NDArray[np.uint16], stamps: int) -> list[bytes]:
        out: list[bytes] = [b""] * len(rows)
        for key in np.unique(keys).tolist():
            places = np.flatnonzero(keys == key)
            if key == _SIDE:
                for place in places.tolist():
                    out[place] = _encode_side(self._table, int(rows[place]), stamps)
                continue
            records = _records(self._table, rows[places], key)
            width, data = records.dtype.itemsize, records.tobytes()
            for number, place in enumerate(places.tolist()):
                out[place] = data[number * width : (number + 1) * width]
        return out

    def _keys(self, rows: Rows, stamps: int) -> npt.NDArray[np.uint16]:
        """Per row what its record looks like: mask in the upper byte, data type in the lower."""
        table = self._table
        status = table.status[rows]
        null = (status >= _BAD) | ~table.has_value[rows]
        mask = np.where(null, stamps, stamps | VALUE) | np.where(status != 0, STATUS, 0)
        if stamps & SOURCE:
            mask = np.where(table.source_ticks[rows] == 0, mask & ~SOURCE, mask)
        keys = (mask << 8 | np.where(null, 0, table.data_type[rows])).astype(np.uint16)
        in_side = table.in_side[rows]
        if in_side.any():
            keys[in_side & ~null] = _SIDE
        return keys


def _records(table: TagTable, rows: Rows, key: int) -> npt.NDArray[np.void]:
    mask, data_type = key >> 8, key & 0xFF
    out = np.empty(len(rows), _layout(mask, data_type))
    out["mask"] = mask
    if mask & VALUE:
        out["type"] = data_type
        out["value"] = table.value[rows].view(CELL_VIEW[DataType(data_type)])
    if mask & STATUS:
        out["status"] = table.status[rows]
    if mask & SOURCE:
        out["source"] = table.source_ticks[rows]
    if mask & SERVER:
        out["server"] = table.server_ticks[rows]
    return out


def _encode_side(table: TagTable, row: int, stamps: int) -> bytes:
    value = data_value(table, row)
    if not stamps & SOURCE:
        value.SourceTimestamp = None
    if not stamps & SERVER:
        value.ServerTimestamp = None
    if int(table.status[row]) == 0:
        value.StatusCode = None
    return struct_to_binary(value)


def status_only(status: int) -> bytes:
    """A DataValue that says only what is wrong."""
    return struct.pack("<BI", STATUS, status)
