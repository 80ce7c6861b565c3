"""Columns of readings as what JSON can say: numbers, text, ISO 8601 times (OPC UA Part 6, 5.4)."""

from __future__ import annotations

from base64 import b64encode
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from drivers.data_types import DataType, from_cells
from drivers.readings import UNIX_EPOCH_TICKS
from drivers.status import Status, name
from server.publish.reduced import Aspect, Reduced

_NAMED: Final = {float("inf"): "Infinity", float("-inf"): "-Infinity"}
_WIDE: Final = (DataType.Int64, DataType.UInt64)
BAD: Final = 0x80000000


def times(ticks: npt.NDArray[np.int64]) -> list[str]:
    """ISO 8601 in UTC with as many digits as it takes: 2026-11-22T10:00:00.125Z."""
    since = (ticks - UNIX_EPOCH_TICKS).astype(np.int64)
    if not (since % 10_000_000).any():
        return _texts(since // 10_000_000, "s")
    if not (since % 10_000).any():
        return _texts(since // 10_000, "ms")
    return [text[:-2] + "Z" for text in np.datetime_as_string((since * 100).view("M8[ns]")).tolist()]


def _texts(count: npt.NDArray[np.int64], unit: str) -> list[str]:
    return [f"{text}Z" for text in np.datetime_as_string(count.astype(f"M8[{unit}]")).tolist()]


def values(reduced: Reduced, data_type: npt.NDArray[np.uint8], *, wide_as_text: bool = True) -> list[Any]:
    """What each reading says, None for a Bad one. data_type: uint8 by row.

    wide_as_text: Int64 and UInt64 are text, as of Part 6, 5.4.2.3, for readers that have only doubles. Floats that are
    no numbers are "NaN", "Infinity", "-Infinity".
    """
    of = reduced.readings
    kinds = reduced.kinds(data_type)
    out: list[Any] = [None] * len(of)
    for kind in np.unique(kinds).tolist():
        index = np.flatnonzero((kinds == kind) & (of.status < BAD))
        for place, one in zip(index.tolist(), _plain(of.value[index], DataType(kind), wide_as_text), strict=True):
            out[place] = one
    counts = np.flatnonzero((reduced.aspect == Aspect.count) & (of.status < BAD))
    for place in counts.tolist():
        out[place] = int(out[place])
    for place, one in of.side.items():
        if of.status[place] < BAD:
            out[place] = side_value(one, wide_as_text)
    return out


def _plain(cells: npt.NDArray[np.uint64], kind: DataType, wide_as_text: bool) -> list[Any]:
    if kind in (DataType.String, DataType.ByteString):
        return [None] * len(cells)  # stands in the side list
    if kind is DataType.DateTime:
        return list(times(from_cells(cells, kind).astype(np.int64)))
    plain: npt.NDArray[Any] = from_cells(cells, kind)
    if kind is DataType.Boolean:
        return list(plain.astype(np.bool_).tolist())
    if kind in (DataType.Float, DataType.Double):
        return _floats(plain, kind)
    whole: list[Any] = plain.tolist()
    return [str(one) for one in whole] if wide_as_text and kind in _WIDE else whole


def _floats(plain: npt.NDArray[Any], kind: DataType) -> list[Any]:
    """A Float gets the few digits that tell it from its neighbours: 21.3, not 21.299999237060547."""
    numbers = plain.tolist() if kind is DataType.Double else [float(str(one)) for one in plain]
    odd = np.flatnonzero(~np.isfinite(plain))
    for place in odd.tolist():
        numbers[place] = _NAMED.get(numbers[place], "NaN")
    return numbers


def side_value(value: object, wide_as_text: bool = True) -> Any:
    """Text as it is, bytes in base64, arrays item by item."""
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, np.ndarray):
        if wide_as_text and value.dtype.kind in "iu" and value.dtype.itemsize == 8:
            return [str(one) for one in value.tolist()]
        items = value.tolist()
        return items if value.dtype.kind != "f" else [_number(one) for one in items]
    return [side_value(one, wide_as_text) for one in value] if isinstance(value, (list, tuple)) else value


def _number(one: float) -> Any:
    return one if np.isfinite(one) else _NAMED.get(one, "NaN")


def status_symbols(status: npt.NDArray[np.uint32]) -> dict[int, str]:
    """Names of the StatusCodes that occur, "" where there is none."""
    return {code: "Good" if code == Status.Good else name(code) for code in np.unique(status).tolist()}
