"""The attributes of each NodeClass (Part 3, 5.5 to 5.7), complete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from asyncua import ua
from asyncua.server.address_space import AttributeValue, NodeData
from asyncua.ua.uaerrors import BadNotWritable

from drivers.data_types import DataType
from server.address_space.heads import Head
from server.config.plant import Tag

Attributes = dict[ua.AttributeIds, AttributeValue]
_A = ua.AttributeIds
_V = ua.VariantType
_READ: Final = 1
_READ_WRITE: Final = 3
_HISTORY_READ_WRITE: Final = 4 | 8
_SUBSCRIBE_TO_EVENTS: Final = 1
_READ_PAST_EVENTS: Final = 4
_DATA_TYPES: Final = {data_type: ua.NodeId(ua.Int32(data_type)) for data_type in DataType}


def object_attributes(head: Head, description: str, *, events: bool) -> Attributes:
    """Attributes of an Object; events: whether clients can subscribe to its events and read the past ones."""
    attributes = _base(head, description)
    attributes[_A.EventNotifier] = _fixed(_SUBSCRIBE_TO_EVENTS | _READ_PAST_EVENTS if events else 0, _V.Byte)
    return attributes


def method_attributes(head: Head, description: str) -> Attributes:
    """Attributes of a Method."""
    attributes = _base(head, description)
    attributes[_A.Executable] = _fixed(True, _V.Boolean)
    attributes[_A.UserExecutable] = _fixed(True, _V.Boolean)
    return attributes


def tag_attributes(head: Head, tag: Tag, value: Callable[[], ua.DataValue], *, historized: bool = False) -> Attributes:
    """Attributes of a tag's Variable; its Value is asked for at every read and cannot be set here. historized: whether
    its values are kept."""
    attributes = _base(head, tag.description)
    access_level = (_READ if tag.command is None else _READ_WRITE) | (_HISTORY_READ_WRITE if historized else 0)
    attributes |= _variable(_DATA_TYPES[tag.data_type], tag.array_length, access_level)
    attributes[_A.Historizing] = _fixed(historized, _V.Boolean)
    interval_ms = tag.rate_s * 1000 if tag.connection is not None else 0.0
    attributes[_A.MinimumSamplingInterval] = _fixed(interval_ms, _V.Double)
    attributes[_A.Value] = _computed(value)
    return attributes


def variable_attributes(
    head: Head, description: str, data_type: ua.NodeId, value_rank: int, value: Callable[[], ua.DataValue]
) -> Attributes:
    """Attributes of a Variable that is no tag; its Value is asked for at every read. value_rank: -1, or 1 for an array
    of any length."""
    attributes = _base(head, description)
    attributes |= _variable(data_type, 0, _READ)
    if value_rank > 0:
        any_length = ua.Variant([0], _V.UInt32, is_array=True)
        attributes[_A.ValueRank] = _fixed(value_rank, _V.Int32)
        attributes[_A.ArrayDimensions] = AttributeValue(ua.DataValue(any_length))
    attributes[_A.MinimumSamplingInterval] = _fixed(0.0, _V.Double)
    attributes[_A.Value] = _computed(value)
    return attributes


def property_attributes(
    head: Head,
    description: str,
    data_type: ua.NodeId,
    value: ua.Variant | Callable[[], ua.DataValue],
    since: ua.DateTime,
) -> Attributes:
    """Attributes of a property; since: when its value became what it is."""
    attributes = _base(head, description)
    length = len(value.Value) if isinstance(value, ua.Variant) and value.is_array else 0
    attributes |= _variable(data_type, length, _READ)
    if isinstance(value, ua.Variant):
        attributes[_A.Value] = AttributeValue(ua.DataValue(value, SourceTimestamp=since, ServerTimestamp=since))
    else:
        attributes[_A.Value] = _computed(value)
    return attributes


def _base(head: Head, description: str) -> Attributes:
    return {
        _A.NodeId: _fixed(head.node_id, _V.NodeId),
        _A.NodeClass: _fixed(head.node_class, _V.Int32),
        _A.BrowseName: _fixed(head.browse_name, _V.QualifiedName),
        _A.DisplayName: _fixed(ua.LocalizedText(head.browse_name.Name), _V.LocalizedText),
        _A.Description: _fixed(ua.LocalizedText(description), _V.LocalizedText),
        _A.WriteMask: _fixed(0, _V.UInt32),
        _A.UserWriteMask: _fixed(0, _V.UInt32),
    }


def _variable(data_type: ua.NodeId, array_length: int, access_level: int) -> Attributes:
    """array_length: 0 for a scalar."""
    return {
        _A.DataType: _fixed(data_type, _V.NodeId),
        _A.ValueRank: _fixed(1 if array_length else -1, _V.Int32),
        _A.ArrayDimensions: AttributeValue(
            ua.DataValue(ua.Variant([array_length] if array_length else [], _V.UInt32, is_array=True))
        ),
        _A.AccessLevel: _fixed(access_level, _V.Byte),
        _A.UserAccessLevel: _fixed(access_level, _V.Byte),
        _A.AccessLevelEx: _fixed(access_level, _V.UInt32),
        _A.Historizing: _fixed(False, _V.Boolean),
    }


def _fixed(value: object, variant_type: ua.VariantType) -> AttributeValue:
    return AttributeValue(ua.DataValue(ua.Variant(value, variant_type, is_array=False)))


def _computed(value: Callable[[], ua.DataValue]) -> AttributeValue:
    attribute = AttributeValue(ua.DataValue())
    attribute.value = None
    attribute.value_callback = lambda _node_id, _attribute: value()
    attribute.value_setter = _refuse
    return attribute


def _refuse(_node: NodeData, _attribute: ua.AttributeIds, _value: ua.DataValue) -> None:
    """The tag table is the one place of a current value: a value written here would hide it."""
    raise BadNotWritable
