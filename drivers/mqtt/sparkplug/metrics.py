"""The values of Sparkplug B metrics: from the wire to plain values, and from a command's value to the wire. No I/O."""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final

import numpy as np

from drivers.data_types import DataType
from drivers.errors import ValueNotAccepted
from drivers.mqtt.sparkplug.sparkplug_b_pb2 import Metric, PropertyValue
from drivers.payload_fields import Unusable
from drivers.status import Status


class Kind(IntEnum):
    """Data types of Sparkplug 3.0, 6.4.16, that a tag can take."""

    Int8 = 1
    Int16 = 2
    Int32 = 3
    Int64 = 4
    UInt8 = 5
    UInt16 = 6
    UInt32 = 7
    UInt64 = 8
    Float = 9
    Double = 10
    Boolean = 11
    String = 12
    DateTime = 13
    Text = 14
    UUID = 15
    Bytes = 17
    File = 18
    Int8Array = 22
    Int16Array = 23
    Int32Array = 24
    Int64Array = 25
    UInt8Array = 26
    UInt16Array = 27
    UInt32Array = 28
    UInt64Array = 29
    FloatArray = 30
    DoubleArray = 31
    BooleanArray = 32
    StringArray = 33
    DateTimeArray = 34


_KIND_OF: Final[dict[DataType, Kind]] = {
    DataType.Boolean: Kind.Boolean,
    DataType.SByte: Kind.Int8,
    DataType.Byte: Kind.UInt8,
    DataType.Int16: Kind.Int16,
    DataType.UInt16: Kind.UInt16,
    DataType.Int32: Kind.Int32,
    DataType.UInt32: Kind.UInt32,
    DataType.Int64: Kind.Int64,
    DataType.UInt64: Kind.UInt64,
    DataType.Float: Kind.Float,
    DataType.Double: Kind.Double,
    DataType.String: Kind.String,
    DataType.DateTime: Kind.DateTime,
    DataType.ByteString: Kind.Bytes,
}
_SIGNED_BITS: Final = {Kind.Int8: 8, Kind.Int16: 16, Kind.Int32: 32, Kind.Int64: 64}
_UNSIGNED_BITS: Final = {Kind.UInt8: 8, Kind.UInt16: 16, Kind.UInt32: 32, Kind.UInt64: 64, Kind.DateTime: 64}
_LONG: Final = (Kind.Int64, Kind.UInt32, Kind.UInt64, Kind.DateTime)
"""Written as long_value. UInt32 is by the standard an int_value, but Tahu's libraries write and want a long."""
_TEXT: Final = (Kind.String, Kind.Text, Kind.UUID)
_ITEM: Final = {
    Kind.Int8Array: "<i1",
    Kind.Int16Array: "<i2",
    Kind.Int32Array: "<i4",
    Kind.Int64Array: "<i8",
    Kind.UInt8Array: "<u1",
    Kind.UInt16Array: "<u2",
    Kind.UInt32Array: "<u4",
    Kind.UInt64Array: "<u8",
    Kind.FloatArray: "<f4",
    Kind.DoubleArray: "<f8",
    Kind.DateTimeArray: "<u8",
}
_STALE: Final = 500
_GOOD: Final = 192


def value_of(metric: Metric | PropertyValue, datatype: int) -> object:
    """The plain value of a metric of that type; None where it is null. Raises Unusable."""
    if metric.is_null:
        return None
    field = metric.WhichOneof("value")
    if field is None:
        raise Unusable(Status.BadTypeMismatch, "the metric has no value that a tag can take (a DataSet or Template?)")
    raw: object = getattr(metric, field)
    if isinstance(raw, int) and not isinstance(raw, bool):
        bits = _SIGNED_BITS.get(Kind(datatype)) if datatype in _KINDS else None
        return raw if bits is None else _signed(raw, bits)
    if isinstance(raw, bytes) and datatype >= Kind.Int8Array and datatype in _KINDS:
        return _array(raw, Kind(datatype))
    return raw


_KINDS: Final = frozenset(int(kind) for kind in Kind)


def _signed(raw: int, bits: int) -> int:
    """Two's complement, whether the sender filled the upper bits or not."""
    raw &= (1 << bits) - 1
    return raw - (1 << bits) if raw >> (bits - 1) else raw


def _array(data: bytes, kind: Kind) -> list[object]:
    """Sparkplug 3.0, 6.4.17."""
    try:
        if kind is Kind.StringArray:
            return [part.decode() for part in data.split(b"\0")[:-1]]
        if kind is Kind.BooleanArray:
            (count,) = struct.unpack_from("<I", data)
            bits = np.unpackbits(np.frombuffer(data, np.uint8, offset=4), count=count)
            return [bool(bit) for bit in bits]
        items: list[object] = np.frombuffer(data, _ITEM[kind]).tolist()
    except (struct.error, ValueError) as error:
        raise Unusable(Status.BadDecodingError, f"{len(data)} bytes are no {kind.name} ({error})") from error
    return items


def status_of(quality: object) -> Status:
    """The StatusCode of the property Quality: 192 Good, 0 Bad, 500 stale (Sparkplug 3.0, 6.4.15). Raises Unusable."""
    if quality is None or quality == _GOOD:
        return Status.Good
    if quality == 0:
        return Status.Bad
    if quality == _STALE:
        return Status.UncertainLastUsableValue
    raise Unusable(Status.BadDecodingError, f"quality {quality!r} is none of 0 (bad), 192 (good) and 500 (stale)")


def kind_of(datatype: int, data_type: DataType) -> Kind:
    """As what a command is sent: in the type that the birth said, where it said one. Raises ValueNotAccepted."""
    if datatype == 0:
        return _KIND_OF[data_type]
    if datatype not in _KINDS:
        raise ValueNotAccepted(f"the metric is of the type {datatype}, which no value of a tag can be sent as")
    return Kind(datatype)


def put_value(metric: Metric, kind: Kind, value: object) -> None:
    """Fill in type and value of a metric. Raises ValueNotAccepted."""
    metric.datatype = kind
    try:
        if kind in _SIGNED_BITS or kind in _UNSIGNED_BITS:
            _put_whole(metric, kind, value)
        elif kind is Kind.Float:
            metric.float_value = float(value)  # type: ignore[arg-type]
        elif kind is Kind.Double:
            metric.double_value = float(value)  # type: ignore[arg-type]
        elif kind is Kind.Boolean:
            metric.boolean_value = bool(value)
        elif kind in _TEXT:
            metric.string_value = str(value)
        elif kind in (Kind.Bytes, Kind.File) and isinstance(value, bytes):
            metric.bytes_value = value
        elif kind in _ITEM and isinstance(value, list):
            metric.bytes_value = np.array(value, _ITEM[kind]).tobytes()
        else:
            raise ValueNotAccepted(f"{value!r} cannot be sent as {kind.name}")
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueNotAccepted(f"{value!r} cannot be sent as {kind.name} ({error})") from error


def _put_whole(metric: Metric, kind: Kind, value: object) -> None:
    if isinstance(value, float) and not value.is_integer():
        raise ValueNotAccepted(f"{value} is not a whole number, and the metric is {kind.name}")
    number = int(value)  # type: ignore[call-overload]
    bits = _SIGNED_BITS.get(kind) or _UNSIGNED_BITS[kind]
    low = -(1 << (bits - 1)) if kind in _SIGNED_BITS else 0
    if not low <= number < low + (1 << bits):
        raise ValueNotAccepted(f"{number} is beyond the range of {kind.name}")
    if kind in _LONG:
        metric.long_value = number & 0xFFFF_FFFF_FFFF_FFFF
    else:
        metric.int_value = number & 0xFFFF_FFFF
