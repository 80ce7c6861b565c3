"""What one field of a message means: a raw value to a tag's type, a timestamp to ticks."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

import numpy as np

from drivers.data_types import WIRE, DataType, value_range
from drivers.readings import TICKS_PER_SECOND, UNIX_EPOCH_TICKS
from drivers.status import Status

Convert = Callable[[object], object]


class Unusable(Exception):
    """A field that gives no value. `status` is what the tag shows, the message why, for the operator."""

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message)
        self.status = status


class TimeUnit(StrEnum):
    """Unit of a timestamp that is a number since 1970. auto goes by its size: seconds below 1e11, then ms, us, ns."""

    auto = "auto"
    s = "s"
    ms = "ms"
    us = "us"
    ns = "ns"


_WORDS: Final = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}
_WHOLE: Final = re.compile(r"[+-]?[0-9]+")
_DECIMAL: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_MILLISECONDS: Final = (TimeUnit.auto, TimeUnit.ms)
_TICKS_PER: Final = {TimeUnit.s: TICKS_PER_SECOND, TimeUnit.ms: 10_000, TimeUnit.us: 10}
_LATEST_TICKS: Final = 2_650_467_743_990_000_000
"""End of the year 9999, the latest DateTime of OPC UA (Part 6, 5.2.2.5)."""


def shown(raw: object) -> str:
    """A raw value for a message to people, cut to 60 characters."""
    text = repr(raw)
    return text if len(text) <= 60 else text[:57] + "..."


def converter(data_type: DataType, scale: float, offset: float, array_length: int) -> Convert:
    """raw -> value of the type (for arrays a numpy array of its wire dtype, or a list for text), scaled as
    raw x scale + offset. The function raises Unusable."""
    one = _scalar(data_type, scale, offset)
    return _array(one, data_type, array_length) if array_length else one


def _scalar(data_type: DataType, scale: float, offset: float) -> Convert:
    match data_type:
        case DataType.Boolean:
            return to_boolean
        case DataType.String:
            return to_text
        case DataType.ByteString:
            return to_bytes
        case DataType.DateTime:
            return lambda raw: to_ticks(raw, TimeUnit.auto)
        case DataType.Float | DataType.Double:
            return _floating(data_type, scale, offset)
        case _:
            return _whole(data_type, scale, offset)


def _array(one: Convert, data_type: DataType, length: int) -> Convert:
    def convert(raw: object) -> object:
        if not isinstance(raw, (list, tuple)):
            raise Unusable(Status.BadTypeMismatch, f"{shown(raw)} is not an array")
        if len(raw) != length:
            raise Unusable(Status.BadTypeMismatch, f"the array has {len(raw)} elements and the tag {length}")
        values = [one(item) for item in raw]
        return np.array(values, WIRE[data_type]) if data_type in WIRE else values

    return convert


def _floating(data_type: DataType, scale: float, offset: float) -> Convert:
    low, high = value_range(data_type) or (0, 0)
    plain = scale == 1 and offset == 0

    def convert(raw: object) -> float:
        number: Any = raw if raw.__class__ is float else to_number(raw)
        value = number if number.__class__ is float and plain else _scaled(number, scale, offset)
        if low <= value <= high:
            return value
        raise _beyond(value, data_type)

    return convert


def _whole(data_type: DataType, scale: float, offset: float) -> Convert:
    low, high = value_range(data_type) or (0, 0)
    plain = scale == 1 and offset == 0

    def convert(raw: object) -> int:
        number: Any = raw if raw.__class__ is int else to_number(raw)
        if not plain:
            number = _scaled(number, scale, offset)
        if isinstance(number, float):
            if not math.isfinite(number):
                raise _beyond(number, data_type)
            if plain and not number.is_integer():
                raise Unusable(Status.BadTypeMismatch, f"{shown(raw)} is not a whole number, and {data_type.name} is")
            number = round(number)
        if low <= number <= high:
            return int(number)
        raise _beyond(number, data_type)

    return convert


def _scaled(number: int | float, scale: float, offset: float) -> float:
    try:
        return number * scale + offset
    except OverflowError:  # a whole number beyond all floats
        return math.inf


def _beyond(value: object, data_type: DataType) -> Unusable:
    if isinstance(value, float) and math.isnan(value):
        return Unusable(Status.BadNoData, "the value is not a number (NaN)")
    return Unusable(Status.BadOutOfRange, f"{shown(value)} is beyond the range of {data_type.name}")


def to_number(raw: object) -> int | float:
    """A number, or text that is one. Raises Unusable."""
    if isinstance(raw, bool):
        raise Unusable(Status.BadTypeMismatch, f"{raw} is a boolean, not a number")
    if isinstance(raw, (int, float)):
        return raw
    if isinstance(raw, Decimal):
        return float(raw)
    if isinstance(raw, str):
        text = raw.strip()
        if len(text) <= 400:
            if _WHOLE.fullmatch(text):
                return int(text)
            if _DECIMAL.fullmatch(text) or text.lower() == "nan":
                return float(text)
    raise _absent_or_wrong(raw, "a number")


def to_boolean(raw: object) -> bool:
    """true and false, the numbers 1 and 0, the words true, false, on, off, 1, 0 in any case. Raises Unusable."""
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, (int, float)) and raw in (0, 1):
        return bool(raw)
    if isinstance(raw, str):
        value = _WORDS.get(raw.strip().lower())
        if value is not None:
            return value
    raise _absent_or_wrong(raw, "a boolean (true, false, on, off, 1, 0)")


def to_text(raw: object) -> str:
    """Text as it is; everything else as JSON writes it. Raises Unusable."""
    if isinstance(raw, str):
        return raw
    if raw is None:
        raise _absent_or_wrong(raw, "text")
    try:
        return raw.decode() if isinstance(raw, bytes) else json.dumps(raw, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise Unusable(Status.BadTypeMismatch, f"{shown(raw)} cannot be shown as text ({error})") from error


def to_bytes(raw: object) -> bytes:
    """Bytes as they are; text is base64. Raises Unusable."""
    if isinstance(raw, bytes):
        return raw
    if isinstance(raw, str):
        try:
            return base64.b64decode(raw, validate=True)
        except (binascii.Error, ValueError) as error:
            raise Unusable(Status.BadTypeMismatch, f"{shown(raw)} is not base64 ({error})") from error
    raise _absent_or_wrong(raw, "bytes or base64 text")


def _absent_or_wrong(raw: object, wanted: str) -> Unusable:
    if raw is None:
        return Unusable(Status.BadNoData, "the value is null")
    return Unusable(Status.BadTypeMismatch, f"{shown(raw)} is not {wanted}")


def to_ticks(raw: object, unit: TimeUnit) -> int:
    """OPC UA ticks of a timestamp: ISO 8601 (without a zone it is UTC), a number since 1970, or a datetime.

    Raises Unusable where it is neither or lies outside 1601 to 9999.
    """
    number: Any = raw
    if number.__class__ is int and 1e11 <= number < 1e14 and unit in _MILLISECONDS:  # by far the commonest
        return int(number * 10_000 + UNIX_EPOCH_TICKS)
    if isinstance(raw, datetime):
        return _in_range(_ticks_of(raw), raw)
    if isinstance(raw, str) and not _DECIMAL.fullmatch(raw.strip()):
        try:
            return _in_range(_ticks_of(datetime.fromisoformat(raw.strip())), raw)
        except ValueError:
            raise Unusable(Status.BadDecodingError, f"timestamp {shown(raw)} is not ISO 8601") from None
    try:
        return _in_range(_ticks_since_1970(to_number(raw), unit) + UNIX_EPOCH_TICKS, raw)
    except (Unusable, OverflowError, ValueError):  # not a number, infinite, not a number at all (NaN)
        raise Unusable(Status.BadDecodingError, f"timestamp {shown(raw)} is not a time within 1601 to 9999") from None


def _ticks_since_1970(number: int | float, unit: TimeUnit) -> int:
    unit = _unit_by_size(abs(number)) if unit is TimeUnit.auto else unit
    if unit is TimeUnit.ns:
        return int(number) // 100
    return round(number * _TICKS_PER[unit]) if number.__class__ is float else int(number) * _TICKS_PER[unit]


def _unit_by_size(size: float) -> TimeUnit:
    if size < 1e14:
        return TimeUnit.s if size < 1e11 else TimeUnit.ms
    return TimeUnit.us if size < 1e17 else TimeUnit.ns


def _ticks_of(moment: datetime) -> int:
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * TICKS_PER_SECOND + since.microseconds * 10 + UNIX_EPOCH_TICKS


def _in_range(ticks: int, raw: object) -> int:
    if 0 <= ticks <= _LATEST_TICKS:
        return ticks
    raise Unusable(Status.BadDecodingError, f"timestamp {shown(raw)} lies outside the years 1601 to 9999")
