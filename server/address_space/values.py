"""DataValues of single rows, for whoever reads one tag; batches go by columns in server/services."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

import numpy as np
from asyncua import ua
from asyncua.ua.uatypes import win_epoch_to_datetime

from drivers.data_types import DataType
from drivers.status import is_bad
from server.config.plant import Tag
from server.tags.table import TagTable


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
    is_array = bool(table.array_length[row])
    if data_type is DataType.DateTime:
        value = [win_epoch_to_datetime(int(tick)) for tick in _items(value)] if is_array else _date(value)
    elif is_array:
        value = _items(value)
    return ua.Variant(value, ua.VariantType(int(data_type)), is_array=is_array)


def _date(ticks: Any) -> datetime:
    return win_epoch_to_datetime(ticks)


def _items(value: Any) -> list[Any]:
    return value.tolist() if isinstance(value, np.ndarray) else list(value)


def _moment(ticks: int) -> ua.DateTime | None:
    return cast(ua.DateTime, win_epoch_to_datetime(ticks)) if ticks else None


def state_text(table: TagTable, tag: Tag) -> ua.DataValue:
    """The name of the state a discrete tag is in, with the tag's status and times (ValueAsText, Part 8, 5.3.3.4)."""
    value = data_value(table, tag.row)
    number = value.Value.Value if value.Value is not None else None
    if isinstance(number, int):
        name = tag.states[number] if 0 <= number < len(tag.states) else ""
        value.Value = ua.Variant(ua.LocalizedText(name), ua.VariantType.LocalizedText)
    return value
