"""DataValues of single rows, for whoever reads one tag; batches go by columns in server/services."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from asyncua import ua
from asyncua.ua.uatypes import win_epoch_to_datetime

from drivers.data_types import CELL_VIEW, DataType
from drivers.driver import Fault
from drivers.status import is_bad
from server.config.plant import Tag
from server.tags.table import TagTable

Faults = Callable[[int], Fault | None]
"""What was wrong with what came for a row."""
Words = Callable[[int], str]
"""Something about a row in words."""


def data_value(table: TagTable, row: int) -> ua.DataValue:
    """The row's value, StatusCode and both timestamps. A Bad status goes with a null value (Part 4, 7.11)."""
    status = int(table.status[row])
    return ua.DataValue(
        Value=ua.Variant() if is_bad(status) else _variant(table, row),
        StatusCode=ua.StatusCode(ua.UInt32(status)),
        SourceTimestamp=_moment(int(table.source_ticks[row])),
        ServerTimestamp=_moment(int(table.server_ticks[row])),
    )


def _variant(table: TagTable, row: int) -> ua.Variant:
    value = table.python_value(row)
    if value is None:
        return ua.Variant()
    data_type = DataType(int(table.data_type[row]))
    if table.array_length[row]:
        return array_variant(value, data_type)
    if data_type is DataType.DateTime:
        value = _date(value)
    return ua.Variant(value, ua.VariantType(int(data_type)), is_array=False)


def array_variant(value: Any, data_type: DataType) -> ua.Variant:
    """An array as the side lists hold it."""
    items = _items(value)
    if data_type is DataType.DateTime:
        items = [win_epoch_to_datetime(int(tick)) for tick in items]
    return ua.Variant(items, ua.VariantType(int(data_type)), is_array=True)


def cell_variant(cell: npt.NDArray[np.uint64], data_type: DataType) -> ua.Variant:
    """A scalar of a type that fits a cell (`drivers.data_types`); cell: uint64[1]."""
    value: Any = cell.view(CELL_VIEW[data_type])[0].item()
    if data_type is DataType.DateTime:
        value = _date(value)
    elif data_type is DataType.Boolean:
        value = bool(value)
    return ua.Variant(value, ua.VariantType(int(data_type)), is_array=False)


def _date(ticks: Any) -> datetime:
    return win_epoch_to_datetime(ticks)


def _items(value: Any) -> list[Any]:
    return value.tolist() if isinstance(value, np.ndarray) else list(value)


def _moment(ticks: int) -> ua.DateTime | None:
    return cast(ua.DateTime, win_epoch_to_datetime(ticks)) if ticks else None


def quality_text(words: Words, table: TagTable, row: int) -> ua.DataValue:
    """Whether the values of a row can be believed, in words, as of its newest value."""
    moment = _moment(int(table.server_ticks[row]))
    value = ua.Variant(words(row), ua.VariantType.String)
    return ua.DataValue(value, SourceTimestamp=moment, ServerTimestamp=moment)


def last_error(faults: Faults, row: int, since: ua.DateTime) -> ua.DataValue:
    """What was wrong with the latest that came for a row and could not be used, and when; empty where nothing was."""
    fault = faults(row)
    text, moment = ("", since) if fault is None else (fault.text, _moment(fault.ticks))
    value = ua.Variant(text, ua.VariantType.String)
    return ua.DataValue(value, SourceTimestamp=moment, ServerTimestamp=moment)


def state_text(table: TagTable, tag: Tag) -> ua.DataValue:
    """The name of the state a discrete tag is in, with the tag's status and times (ValueAsText, Part 8, 5.3.3.4)."""
    value = data_value(table, tag.row)
    number = value.Value.Value if value.Value is not None else None
    if isinstance(number, int):
        name = tag.states[number] if 0 <= number < len(tag.states) else ""
        value.Value = ua.Variant(ua.LocalizedText(name), ua.VariantType.LocalizedText)
    return value
