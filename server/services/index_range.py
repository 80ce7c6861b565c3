"""NumericRange (Part 4, 7.27): parsing, cutting a value out of an array, and putting one in."""

from __future__ import annotations

import re
from typing import Any, Final

from asyncua import ua
from asyncua.common.utils import ServiceError

Bounds = tuple[int, int]
_PART: Final = re.compile(r"(\d{1,10})(?::(\d{1,10}))?\Z")


def parse(text: str) -> list[Bounds]:
    """First and last index, both included, for each dimension. Raises ServiceError(BadIndexRangeInvalid)."""
    out: list[Bounds] = []
    for part in text.split(","):
        match = _PART.match(part)
        if match is None:
            raise ServiceError(ua.StatusCodes.BadIndexRangeInvalid)
        low = int(match[1])
        high = int(match[2]) if match[2] is not None else low
        if match[2] is not None and high <= low:
            raise ServiceError(ua.StatusCodes.BadIndexRangeInvalid)
        out.append((low, high))
    return out


def cut(variant: ua.Variant, text: str) -> ua.Variant:
    """Part of an array, a String or a ByteString. Raises ServiceError: BadIndexRangeInvalid, BadIndexRangeNoData."""
    bounds = parse(text)
    value = variant.Value
    if not variant.is_array and not isinstance(value, list | tuple):
        if isinstance(value, str | bytes) and len(bounds) == 1 and bounds[0][0] < len(value):
            low, high = bounds[0]
            return ua.Variant(value[low : high + 1], variant.VariantType)
        raise ServiceError(ua.StatusCodes.BadIndexRangeNoData)
    out = _cut(value or [], bounds, isinstance(variant.Value, list | tuple))
    dimensions = _dimensions(out, len(bounds)) if variant.Dimensions and len(bounds) > 1 else None
    return ua.Variant(out, variant.VariantType, dimensions, is_array=True)


def splice(old: ua.Variant, text: str, new: ua.Variant) -> ua.Variant:
    """The old array, String or ByteString with `new` in place of the range. Raises ServiceError: BadIndexRangeInvalid,
    BadIndexRangeNoData, BadIndexRangeDataMismatch, BadTypeMismatch."""
    bounds = parse(text)
    if len(bounds) != 1:
        raise ServiceError(ua.StatusCodes.BadWriteNotSupported)
    low, high = bounds[0]
    value, part = old.Value, new.Value
    if new.VariantType != old.VariantType:
        raise ServiceError(ua.StatusCodes.BadTypeMismatch)
    is_text = isinstance(value, str | bytes) and not old.is_array
    if not is_text and not isinstance(value, list | tuple):
        raise ServiceError(ua.StatusCodes.BadIndexRangeNoData)
    if high >= len(value):
        raise ServiceError(ua.StatusCodes.BadIndexRangeNoData)
    if part is None or (not is_text and not isinstance(part, list | tuple)):
        raise ServiceError(ua.StatusCodes.BadIndexRangeDataMismatch)
    if len(part) != high - low + 1:
        raise ServiceError(ua.StatusCodes.BadIndexRangeDataMismatch)
    if is_text:
        return ua.Variant(value[:low] + part + value[high + 1 :], old.VariantType)
    return ua.Variant([*value[:low], *part, *value[high + 1 :]], old.VariantType, old.Dimensions, is_array=True)


def _cut(value: Any, bounds: list[Bounds], is_list: bool) -> Any:
    low, high = bounds[0]
    if not is_list or low >= len(value):
        raise ServiceError(ua.StatusCodes.BadIndexRangeNoData)
    part = value[low : high + 1]
    if len(bounds) == 1:
        return list(part) if isinstance(part, list | tuple) else part
    return [_cut_inner(item, bounds[1:]) for item in part]


def _cut_inner(item: Any, bounds: list[Bounds]) -> Any:
    if isinstance(item, str | bytes) and len(bounds) == 1:
        low, high = bounds[0]
        if low >= len(item):
            raise ServiceError(ua.StatusCodes.BadIndexRangeNoData)
        return item[low : high + 1]
    return _cut(item, bounds, isinstance(item, list | tuple))


def _dimensions(value: Any, count: int) -> list[ua.Int32]:
    out: list[ua.Int32] = []
    while isinstance(value, list) and len(out) < count:
        out.append(ua.Int32(len(value)))
        value = value[0] if value else None
    return out
