"""The OPC UA built-in types a tag can have, and how each one lies in an 8-byte value cell."""

from __future__ import annotations

from enum import IntEnum
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt


class DataType(IntEnum):
    """Built-in types of OPC UA Part 6, 5.1.2, by their numeric id."""

    Boolean = 1
    SByte = 2
    Byte = 3
    Int16 = 4
    UInt16 = 5
    Int32 = 6
    UInt32 = 7
    Int64 = 8
    UInt64 = 9
    Float = 10
    Double = 11
    String = 12
    DateTime = 13
    ByteString = 15


WIRE: Final[dict[DataType, np.dtype[np.generic]]] = {
    DataType.Boolean: np.dtype("u1"),
    DataType.SByte: np.dtype("i1"),
    DataType.Byte: np.dtype("u1"),
    DataType.Int16: np.dtype("<i2"),
    DataType.UInt16: np.dtype("<u2"),
    DataType.Int32: np.dtype("<i4"),
    DataType.UInt32: np.dtype("<u4"),
    DataType.Int64: np.dtype("<i8"),
    DataType.UInt64: np.dtype("<u8"),
    DataType.Float: np.dtype("<f4"),
    DataType.Double: np.dtype("<f8"),
    DataType.DateTime: np.dtype("<i8"),
}
"""Scalar layout of each fixed-size type in OPC UA Binary (Part 6, 5.2.2), little-endian."""

CELL_VIEW: Final[dict[DataType, np.dtype[np.generic]]] = {
    data_type: np.dtype("<f8") if wire.kind == "f" else np.dtype("<u8") if wire.kind == "u" else np.dtype("<i8")
    for data_type, wire in WIRE.items()
}
"""How the 8 bytes of a cell are to be read: float64 for Float and Double, uint64 for Boolean and the unsigned
integers, int64 for the signed ones and DateTime (ticks)."""


def has_cell(data_type: DataType) -> bool:
    """Whether a scalar of this type fits a cell; String and ByteString travel in the side list."""
    return data_type in WIRE


def to_cells(values: npt.ArrayLike, data_type: DataType) -> npt.NDArray[np.uint64]:
    """Cells for scalar values of one type. Values beyond the type's range must have been dealt with before."""
    if data_type is DataType.Float:  # rounded to single precision, as a client will see it
        return np.asarray(values, "<f4").astype("<f8").view("<u8")
    return np.ascontiguousarray(values, CELL_VIEW[data_type]).view("<u8")


def from_cells(cells: npt.NDArray[np.uint64], data_type: DataType) -> npt.NDArray[np.generic]:
    """The values of cells of one type, in the type's wire dtype."""
    return cells.view(CELL_VIEW[data_type]).astype(WIRE[data_type])


def floats(cells: npt.NDArray[np.uint64], data_types: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Cells of any mixture of types as float64: Boolean as 0 and 1, DateTime as ticks; whole numbers beyond 2^53 are
    rounded. What stands in the cell of a text is meaningless, and so is its float."""
    out = cells.view("<f8").copy()
    whole = (data_types < DataType.Float) | (data_types == DataType.DateTime)
    out[whole] = cells.view("<i8")[whole]
    large = (data_types == DataType.UInt64) & (cells > np.uint64(2**63 - 1))
    out[large] = cells[large]
    return out


@cache
def value_range(data_type: DataType) -> tuple[float, float] | tuple[int, int] | None:
    """Smallest and largest value of a numeric type; None for Boolean, text, bytes and DateTime."""
    if data_type is DataType.Float:
        return -float(np.finfo(np.float32).max), float(np.finfo(np.float32).max)
    if data_type is DataType.Double:
        return -float(np.finfo(np.float64).max), float(np.finfo(np.float64).max)
    if data_type in (DataType.Boolean, DataType.DateTime) or data_type not in WIRE:
        return None
    wire = WIRE[data_type]
    bits = 8 * wire.itemsize
    return (0, 2**bits - 1) if wire.kind == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
