"""Results of analytics as Variants: Python values and arrays by the type of the argument they belong to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from asyncua import ua
from asyncua.ua.uatypes import win_epoch_to_datetime

from drivers.data_types import DataType


def result_variant(data_type: int, value_rank: int, value: Any, node_id: Callable[[str], ua.NodeId]) -> ua.Variant:
    """data_type: numeric id of a built-in type. DateTimes are ticks, NodeIds paths, "" for none."""
    kind, is_array = ua.VariantType(data_type), value_rank >= 0
    if is_array:
        value = value.tolist() if isinstance(value, np.ndarray) else list(value)
    if kind in _FROM:
        convert = _FROM[kind]
        value = [convert(one, node_id) for one in value] if is_array else convert(value, node_id)
    return ua.Variant(value, kind, is_array=is_array)


def _moment(ticks: Any, _node_id: Callable[[str], ua.NodeId]) -> Any:
    return win_epoch_to_datetime(ticks)


def _node(path: Any, node_id: Callable[[str], ua.NodeId]) -> Any:
    return node_id(path) if path else ua.NodeId()


_FROM = {ua.VariantType(int(DataType.DateTime)): _moment, ua.VariantType.NodeId: _node}
