"""The words of OPC servers, PLC languages and OPC UA for data types."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from drivers.data_types import DataType

_WORDS: Final[dict[str, DataType]] = {
    word: data_type
    for data_type, words in {
        DataType.Boolean: "bool boolean bit discrete digital binary onoff",
        DataType.SByte: "sbyte char sint int8 int1",
        DataType.Byte: "byte usint uint8 uchar",
        DataType.Int16: "short int16 int integer int2 i2 signed16 s16",
        DataType.UInt16: "word uint16 uint ushort ui2 unsigned16 unsigned u16",
        DataType.Int32: "long int32 dint int4 i4 signed32 s32",
        DataType.UInt32: "dword uint32 udint ulong ui4 unsigned32 u32",
        DataType.Int64: "llong longlong int64 lint i8 signed64 s64",
        DataType.UInt64: "qword uint64 ulint ulonglong ui8 unsigned64 u64",
        DataType.Float: "float real float4 float32 single r4 f32 analog",
        DataType.Double: "double lreal float8 float64 r8 f64",
        DataType.String: "string str text wstring",
        DataType.DateTime: "date datetime time timestamp dt",
        DataType.ByteString: "bytestring bytes blob",
    }.items()
    for word in words.split()
}
_BCD: Final = {"bcd": (DataType.UInt16, "bcd16"), "bcd16": (DataType.UInt16, "bcd16")} | dict.fromkeys(
    ("lbcd", "bcd32"), (DataType.UInt32, "bcd32")
)
_ARRAY: Final = re.compile(r"\s*(?:array\b|\[\s*(\d*)\s*\])\s*", re.IGNORECASE)
_IGNITION: Final = {"int8": DataType.Int64}
"""Ignition counts bytes where others count bits."""
SERVER_WORD: Final[dict[DataType, str]] = {
    DataType.Boolean: "Boolean",
    DataType.SByte: "Char",
    DataType.Byte: "Byte",
    DataType.Int16: "Short",
    DataType.UInt16: "Word",
    DataType.Int32: "Long",
    DataType.UInt32: "DWord",
    DataType.Int64: "LLong",
    DataType.UInt64: "QWord",
    DataType.Float: "Float",
    DataType.Double: "Double",
    DataType.String: "String",
    DataType.DateTime: "Date",
    DataType.ByteString: "ByteString",
}
"""What an exported list calls each type."""


class UnknownType(ValueError):
    """A word that is no data type; the message says which there are."""


@dataclass(frozen=True, slots=True)
class DeviceType:
    """A type as the device has it. bcd: "bcd16", "bcd32" or "". array: the word says that it is one; length: of how
    many, 0 where the word does not say."""

    data_type: DataType
    bcd: str = ""
    array: bool = False
    length: int = 0


def device_type(text: str, ignition: bool = False) -> DeviceType:
    """What a word in the column of data types means; raises UnknownType."""
    match = _ARRAY.search(text)
    word = _ARRAY.sub("", text).replace("_", "").replace(" ", "").replace("-", "").lower()
    length = int(match[1]) if match and match[1] else 0
    if word in _BCD:
        data_type, bcd = _BCD[word]
        return DeviceType(data_type, bcd, match is not None, length)
    found = (_IGNITION.get(word) if ignition else None) or _WORDS.get(word)
    if found is None:
        known = ", ".join([*SERVER_WORD.values(), "BCD", "LBCD"])
        raise UnknownType(f'"{text}" is no data type known here; one of {known}')
    return DeviceType(found, "", match is not None, length)
