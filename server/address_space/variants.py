"""Results of analytics as Variants: Python values and arrays by the type of the argument they belong to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from asyncua import ua
from asyncua.ua.uatypes import win_epoch_to_datetime

NodeIdOf = Callable[[str], ua.NodeId]


def result_variant(data_type: int, value_rank: int, value: Any, node_id: NodeIdOf) -> ua.Variant:
    """data_type: numeric id of a built-in type. DateTimes are ticks; NodeIds are paths, "" for none, or numbers of
    namespace 0; StatusCodes numbers, LocalizedTexts texts."""
    kind, is_array = ua.VariantType(data_type), value_rank >= 0
    if is_array:
        value = value.tolist() if isinstance(value, np.ndarray) else list(value)
    convert = _FROM.get(kind)
    if convert is not None:
        value = [convert(one, node_id) for one in value] if is_array else convert(value, node_id)
    return ua.Variant(value, kind, is_array=is_array)


def _moment(ticks: Any, _node_id: NodeIdOf) -> Any:
    return win_epoch_to_datetime(int(ticks))


def _node(identifier: Any, node_id: NodeIdOf) -> Any:
    if isinstance(identifier, int):
        return ua.NodeId(ua.Int32(identifier))
    return node_id(identifier) if identifier else ua.NodeId()


def _status(code: Any, _node_id: NodeIdOf) -> Any:
    return ua.StatusCode(ua.UInt32(code))


def _text(text: Any, _node_id: NodeIdOf) -> Any:
    return ua.LocalizedText(text, "en") if text else ua.LocalizedText()


_FROM: Final[dict[ua.VariantType, Callable[[Any, NodeIdOf], Any]]] = {
    ua.VariantType.DateTime: _moment,
    ua.VariantType.NodeId: _node,
    ua.VariantType.StatusCode: _status,
    ua.VariantType.LocalizedText: _text,
}
