"""What the Server object says of history: capabilities, aggregates, defaults (Part 11, 5.4 and 5.6; Part 13, 4.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from asyncua import ua
from asyncua.server.address_space import AttributeValue
from asyncua.ua.uatypes import win_epoch_to_datetime

from analytics.aggregates import AGGREGATES, Aggregate
from server.address_space.history_nodes import AGGREGATE_DEFAULTS
from server.services.history_access import EVENT_HISTORY
from server.services.wire import node_id

if TYPE_CHECKING:
    from server.services.ua_server import UaServer

Set = Callable[[str, Any, ua.VariantType], None]
Watch = Callable[[str, Callable[[], ua.Variant]], None]
_V = ua.VariantType
_OFFERED: Final = (
    *("InsertDataCapability", "ReplaceDataCapability", "UpdateDataCapability"),
    *("DeleteRawCapability", "DeleteAtTimeCapability", "ServerTimestampSupported"),
)
"""Where values are kept at all."""
_NOT_OFFERED: Final = (
    *("InsertEventCapability", "ReplaceEventCapability", "UpdateEventCapability", "DeleteEventCapability"),
    "InsertAnnotationCapability",
)
_FOLDERS: Final = (
    "HistoryServerCapabilities_AggregateFunctions",
    "Server_ServerCapabilities_AggregateFunctions",
    "DefaultHAConfiguration_AggregateFunctions",
)
_SUBSCRIBE_TO_EVENTS: Final = 1


def fill(server: UaServer, put: Set, watch: Watch) -> None:
    """Set the values of the nodes about history."""
    kept, limits = server.history is not None, server.limits
    prefix = "HistoryServerCapabilities"
    put(f"{prefix}_AccessHistoryDataCapability", kept, _V.Boolean)
    put(f"{prefix}_AccessHistoryEventsCapability", True, _V.Boolean)
    for name in _OFFERED:
        put(f"{prefix}_{name}", kept, _V.Boolean)
    for name in _NOT_OFFERED:
        put(f"{prefix}_{name}", False, _V.Boolean)
    put(f"{prefix}_MaxReturnDataValues", limits.max_history_values, _V.UInt32)
    put(f"{prefix}_MaxReturnEventValues", limits.max_history_events, _V.UInt32)
    _defaults(put)
    _events(server, watch)
    for folder in _FOLDERS:
        _organize(server, folder, AGGREGATES)


def _defaults(put: Set) -> None:
    """How a tag is kept whose own configuration says nothing else."""
    prefix = "DefaultHAConfiguration"
    put(f"{prefix}_Stepped", False, _V.Boolean)
    put(f"{prefix}_MaxTimeInterval", 0.0, _V.Double)
    put(f"{prefix}_MinTimeInterval", 0.0, _V.Double)
    put(f"{prefix}_ServerTimestampSupported", True, _V.Boolean)
    for name, value in AGGREGATE_DEFAULTS.items():
        put(f"{prefix}_AggregateConfiguration_{name}", value.Value, value.VariantType)


def _events(server: UaServer, watch: Watch) -> None:
    """Events of every type are kept, and can be read at the Server object."""
    for name in ("StartOfArchive", "StartOfOnlineArchive"):
        watch(f"DefaultHEConfiguration_{name}", lambda: _moment(server.past_events.oldest))
    _link(server, ua.ObjectIds.DefaultHEConfiguration_EventTypes, ua.ObjectIds.BaseEventType, "BaseEventType")
    notifier = ua.Variant(_SUBSCRIBE_TO_EVENTS | EVENT_HISTORY, _V.Byte)
    object_node = server.aspace.get(node_id(ua.ObjectIds.Server))
    object_node.attributes[ua.AttributeIds.EventNotifier] = AttributeValue(ua.DataValue(notifier))


def _moment(ticks: int) -> ua.Variant:
    return ua.Variant(win_epoch_to_datetime(ticks), _V.DateTime)


def _organize(server: UaServer, folder: str, aggregates: tuple[Aggregate, ...]) -> None:
    for aggregate in aggregates:
        _link(server, getattr(ua.ObjectIds, folder), aggregate.node_id, aggregate.name)


def _link(server: UaServer, folder: int, target: int, name: str) -> None:
    node, found = server.aspace.get(node_id(folder)), server.aspace.get(node_id(target))
    kind = found.attributes[ua.AttributeIds.NodeClass].value.Value.Value
    types = [one.NodeId for one in found.references if one.ReferenceTypeId == node_id(ua.ObjectIds.HasTypeDefinition)]
    node.references.append(
        ua.ReferenceDescription(
            node_id(ua.ObjectIds.Organizes),
            True,
            node_id(target),
            ua.QualifiedName(name, 0),
            ua.LocalizedText(name),
            ua.NodeClass(kind),
            types[0] if types else ua.NodeId(),
        )
    )
