"""How a value lies in registers or bits; one Layout serves reading and writing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from drivers.data_types import DataType
from drivers.driver import Binding
from drivers.modbus.settings import Byte, Kind, ModbusConnection, ModbusPoint, Order, Table

RAW: Final[dict[Kind, np.dtype[np.generic]]] = {
    "bool": np.dtype("<u2"),
    "int8": np.dtype("i1"),
    "uint8": np.dtype("u1"),
    "int16": np.dtype("<i2"),
    "uint16": np.dtype("<u2"),
    "int32": np.dtype("<i4"),
    "uint32": np.dtype("<u4"),
    "int64": np.dtype("<i8"),
    "uint64": np.dtype("<u8"),
    "float16": np.dtype("<f2"),
    "float32": np.dtype("<f4"),
    "float64": np.dtype("<f8"),
    "bcd16": np.dtype("<u2"),
    "bcd32": np.dtype("<u4"),
}
"""What the bytes of one element are, once in little-endian order; text has none."""

BIT: Final = np.dtype("u1")
HALVES: Final = ("int8", "uint8")
"""Two of them lie in a register."""

SUGGESTED: Final[dict[DataType, Kind]] = {
    DataType.Boolean: "bool",
    DataType.SByte: "int16",
    DataType.Byte: "uint16",
    DataType.Int16: "int16",
    DataType.UInt16: "uint16",
    DataType.Int32: "int32",
    DataType.UInt32: "uint32",
    DataType.Int64: "int64",
    DataType.UInt64: "uint64",
    DataType.Float: "float32",
    DataType.Double: "float64",
    DataType.String: "string",
    DataType.ByteString: "bytes",
}


class Definition(NamedTuple):
    """All of a tag and its point but where it lies: what equal tags of 500 machines share."""

    data_type: DataType
    elements: int
    table: Table
    kind: Kind | None
    bit: int | None
    byte: Byte | None
    length: int | None
    byte_order: Order
    word_order: Order
    scale: float
    offset: float
    by_factor: bool
    no_data: float | None

    @staticmethod
    def of(binding: Binding, table: Table, connection: ModbusConnection) -> Definition:
        """What a tag's point and the connection's defaults come to."""
        point: ModbusPoint = binding.point
        no_data = point.no_data
        text = (point.type or SUGGESTED.get(binding.data_type)) in ("string", "bytes")
        return Definition(
            binding.data_type,
            binding.array_length,
            table,
            point.type,
            point.bit,
            point.byte,
            point.length,
            point.byte_order or (connection.string_byte_order if text else None) or connection.byte_order,
            point.word_order or connection.word_order,
            point.scale,
            point.offset,
            point.scale_from is not None,
            math.nan if no_data is not None and no_data != no_data else no_data,  # one NaN object, equal to itself
        )


@dataclass(frozen=True, slots=True)
class Layout:
    """How one value lies in a device and what becomes of it.

    elements: 0 for a scalar. size: registers the whole value takes, or bits in the coil and discrete tables (is_bits).
    bit, byte: the part of its register that it takes. by_factor: a power of ten in another register multiplies it too.
    no_data: raw value that stands for none.
    """

    kind: Kind
    data_type: DataType
    elements: int
    size: int
    is_bits: bool
    byte_order: Order
    word_order: Order
    bit: int | None
    byte: Byte
    scale: float
    offset: float
    by_factor: bool
    no_data: float | None

    @property
    def scaled(self) -> bool:
        """Whether values are computed from raw ones."""
        return self.scale != 1.0 or self.offset != 0.0 or self.by_factor

    @property
    def is_part(self) -> bool:
        """Whether it takes a part of its register, so that writing it must leave the rest alone."""
        return not self.is_bits and (self.bit is not None or (self.kind in HALVES and not self.elements))

    @property
    def raw(self) -> np.dtype[np.generic] | None:
        """Dtype of a raw element; None for text."""
        return BIT if self.is_bits else RAW.get(self.kind)


@lru_cache(maxsize=4096)
def layout_of(definition: Definition) -> Layout:
    """The layout of a definition without problems (`check`)."""
    is_bits = definition.table in ("coil", "discrete")
    kind = kind_of(definition)
    raw = RAW.get(kind)
    count = max(1, definition.elements)
    if is_bits:
        size = count
    elif raw is None:
        size = definition.length or 1
    else:
        size = (raw.itemsize * count + 1) // 2
    return Layout(
        kind,
        definition.data_type,
        definition.elements,
        size,
        is_bits,
        definition.byte_order,
        definition.word_order,
        definition.bit,
        definition.byte or "low",
        definition.scale,
        definition.offset,
        definition.by_factor,
        None if definition.no_data is None else raw_no_data(kind, definition.no_data),
    )


def kind_of(definition: Definition) -> Kind:
    """The type in the device: what the point says, else what table, bit and the tag's type suggest."""
    if definition.table in ("coil", "discrete") or definition.bit is not None:
        return definition.kind or "bool"
    return definition.kind or SUGGESTED[definition.data_type]


def raw_no_data(kind: Kind, no_data: float) -> float:
    """A not-a-value mark as a raw value; manuals write that of signed types as a bit pattern too (0x8000)."""
    raw = RAW[kind]
    if raw.kind == "i" and no_data > np.iinfo(raw.str).max:
        return no_data - (1 << 8 * raw.itemsize)
    if raw.kind == "f":
        no_data = np.asarray(no_data, raw).item()  # as the device rounds it
    return no_data


@lru_cache(maxsize=4096)
def positions(layout: Layout) -> npt.NDArray[np.intp]:
    """For each byte of the value in little-endian order (text: in reading order), where it lies among the device's
    bytes; for the bit tables, where each bit lies."""
    if layout.is_bits:
        return np.arange(layout.size, dtype=np.intp)
    place = np.arange(2 * layout.size, dtype=np.intp)
    if layout.raw is None:
        return place if layout.byte_order == "big" else place ^ 1
    if layout.kind in HALVES:
        halves = (
            np.arange(layout.elements, dtype=np.intp) if layout.elements else np.array([layout.byte == "low"], np.intp)
        )
        return halves if layout.byte_order == "big" else halves ^ 1
    width = layout.raw.itemsize
    element, word, low = place // width, place % width // 2, place % 2
    register = word if layout.word_order == "little" else width // 2 - 1 - word
    result: npt.NDArray[np.intp] = element * width + 2 * register + (low ^ (layout.byte_order == "big"))
    return result
