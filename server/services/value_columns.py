"""Encodes the current values of many tags as DataValues, by column where they fit one, in the order asked for."""

from __future__ import annotations

import struct
from typing import Final

import numpy as np
import numpy.typing as npt
from asyncua.ua.ua_binary import struct_to_binary

from server.address_space.values import data_value
from server.services.data_values import SERVER, SOURCE, STATUS, Columns
from server.tags.table import TagTable

_BAD: Final = np.uint32(0x8000_0000)
Rows = npt.NDArray[np.int32]


class ValueColumns:
    """Encodes rows of one tag table. stamps: SOURCE, SERVER, both or 0."""

    def __init__(self, table: TagTable) -> None:
        self._table = table

    def encode(self, rows: Rows, stamps: int) -> bytes:
        """The rows' DataValues on the wire, one after the other."""
        if self._table.in_side[rows].any():
            return b"".join(self.encode_each(rows, stamps))
        return self._columns(rows, stamps).encode(keep_order=True)

    def encode_each(self, rows: Rows, stamps: int) -> list[bytes]:
        """The same, a DataValue a piece, for putting others in between."""
        table = self._table
        in_side = table.in_side[rows] & (table.status[rows] < _BAD)
        if not in_side.any():
            return self._columns(rows, stamps).encode_each()
        out: list[bytes] = [b""] * len(rows)
        for place in np.flatnonzero(in_side).tolist():
            out[place] = _encode_side(table, int(rows[place]), stamps)
        plain = np.flatnonzero(~in_side)
        for place, piece in zip(plain.tolist(), self._columns(rows[plain], stamps).encode_each(), strict=True):
            out[place] = piece
        return out

    def _columns(self, rows: Rows, stamps: int) -> Columns:
        table = self._table
        wanted = np.full(len(rows), stamps, np.uint8)
        times = table.source_ticks[rows], table.server_ticks[rows]
        return Columns(None, table.data_type[rows], wanted, table.value[rows], table.status[rows], *times)


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
