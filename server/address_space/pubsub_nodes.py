"""Makes the nodes of the PubSub configuration under PublishSubscribe (Part 14, 9.1), when asked for; read only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from asyncua import ua

from server.address_space.attributes import Attributes, object_attributes, property_attributes
from server.address_space.heads import NO_TYPE, Head, Heads, standard
from server.address_space.lazy_nodes import PlantNode
from server.publish.published import PubSubConnection, WriterGroup
from server.tags.table import TagTable

_V = ua.VariantType
Link = tuple[str, bool, Head]
MakeNode = Callable[[Head, Attributes, Iterator[Link]], PlantNode]
PUBSUB: Final = "PubSub"
"""Last part of the path of a connection's configuration: `Publishers/cloud/PubSub`."""
_STATES: Final = {1: 4, 2: 2}
"""From a publisher's State to PubSubState: connecting is PreOperational, connected Operational (Part 14, 6.2.1)."""
_PROFILE: Final = "http://opcfoundation.org/UA-Profile/Transport/pubsub-mqtt-json"


@dataclass(frozen=True, slots=True)
class _Value:
    """A Variable or property. reference: how its parent refers to it; kind: its VariableType."""

    value: ua.Variant | Callable[[], ua.DataValue]
    data_type: str
    kind: str = "PropertyType"
    reference: str = "HasProperty"


@dataclass(slots=True)
class _Object:
    """An Object of that path. above: path of its parent and how that refers to it; objects: its children likewise."""

    path: str
    name: str
    kind: str
    above: str
    reference: str
    text: str
    values: dict[str, _Value] = field(default_factory=dict)
    objects: list[tuple[str, str]] = field(default_factory=list)


class PubSubNodes:
    """connections: what there is. node: puts a node together. since: SourceTimestamp of values that never change."""

    def __init__(
        self,
        connections: tuple[PubSubConnection, ...],
        heads: Heads,
        table: TagTable,
        node: MakeNode,
        since: ua.DateTime,
    ) -> None:
        self._heads = heads
        self._table = table
        self._node = node
        self._since = since
        self._objects: dict[str, _Object] = {}
        for connection in connections:
            self._add_connection(connection)

    def make(self, path: str) -> PlantNode | None:
        """The node with that path; None where it is no part of the configuration."""
        found = self._objects.get(path)
        if found is not None:
            return self._object(found)
        owner, _, name = path.rpartition("/")
        above = self._objects.get(owner)
        value = above.values.get(name) if above is not None else None
        return self._variable(above, name, value) if above is not None and value is not None else None

    def links_of_publisher(self, path: str) -> Iterator[Link]:
        """From a publisher's folder to its configuration."""
        found = self._objects.get(f"{path}/{PUBSUB}")
        if found is not None:
            yield "Organizes", True, self._head(found)

    # -- what there is ----------------------------------------------------------------------------------------------

    def _add_connection(self, of: PubSubConnection) -> None:
        path = f"{of.path}/{PUBSUB}"
        top = self._add(
            _Object(path, of.name, "PubSubConnectionType", "", "HasPubSubConnection", "Where it publishes to")
        )
        top.values = {
            "PublisherId": _Value(ua.Variant(of.publisher_id, _V.String), "BaseDataType"),
            "TransportProfileUri": _Value(
                ua.Variant(_PROFILE, _V.String), "String", "SelectionListType", "HasComponent"
            ),
            "ConnectionProperties": _no_properties(),
        }
        address = self._below(top, "Address", "NetworkAddressUrlType", "The broker")
        address.values = {
            "NetworkInterface": _Value(ua.Variant("", _V.String), "String", "SelectionListType", "HasComponent"),
            "Url": _Value(ua.Variant(of.url, _V.String), "String", "BaseDataVariableType", "HasComponent"),
        }
        self._add_status(top, of.state_row)
        for group in of.groups:
            self._add_group(top, group, of.state_row)

    def _add_group(self, top: _Object, of: WriterGroup, state_row: int) -> None:
        group = self._below(top, of.name, "WriterGroupType", "DataSets that are sent at one interval", "HasWriterGroup")
        group.values = {
            "SecurityMode": _Value(ua.Variant(ua.MessageSecurityMode.None_, _V.Int32), "MessageSecurityMode"),
            "MaxNetworkMessageSize": _Value(ua.Variant(0, _V.UInt32), "UInt32"),
            "GroupProperties": _no_properties(),
            "WriterGroupId": _Value(ua.Variant(of.number, _V.UInt16), "UInt16"),
            "PublishingInterval": _Value(ua.Variant(of.interval_ms, _V.Double), "Duration"),
            "KeepAliveTime": _Value(ua.Variant(of.keep_alive_ms, _V.Double), "Duration"),
            "Priority": _Value(ua.Variant(0, _V.Byte), "Byte"),
            "LocaleIds": _Value(ua.Variant([], _V.String, is_array=True), "LocaleId"),
            "HeaderLayoutUri": _Value(ua.Variant(of.layout_uri, _V.String), "String"),
        }
        self._add_status(group, state_row)
        for one in of.sets:
            writer = self._below(group, one.name, "DataSetWriterType", f"Of {one.twin.path}", "HasDataSetWriter")
            writer.values = {
                "DataSetWriterId": _Value(ua.Variant(one.writer, _V.UInt16), "UInt16"),
                "DataSetFieldContentMask": _Value(ua.Variant(3, _V.UInt32), "DataSetFieldContentMask"),
                "KeyFrameCount": _Value(ua.Variant(of.key_frames, _V.UInt32), "UInt32"),
                "DataSetWriterProperties": _no_properties(),
            }
            self._add_status(writer, state_row)

    def _add_status(self, owner: _Object, state_row: int) -> None:
        status = self._below(owner, "Status", "PubSubStatusType", "Whether it publishes")
        state = partial(self._state, state_row)
        status.values = {"State": _Value(state, "PubSubState", "BaseDataVariableType", "HasComponent")}

    def _below(self, owner: _Object, name: str, kind: str, text: str, reference: str = "HasComponent") -> _Object:
        path = f"{owner.path}/{name}"
        owner.objects.append((reference, path))
        return self._add(_Object(path, name, kind, owner.path, reference, text))

    def _add(self, one: _Object) -> _Object:
        self._objects[one.path] = one
        return one

    def _state(self, row: int) -> ua.DataValue:
        table = self._table
        known = row >= 0 and bool(table.has_value[row])
        state = _STATES.get(int(table.value[row]), 1) if known else 1
        return ua.DataValue(ua.Variant(state, _V.Int32))

    # -- nodes ------------------------------------------------------------------------------------------------------

    def _head(self, of: _Object) -> Head:
        space = "plant" if of.kind in ("PubSubConnectionType", "WriterGroupType", "DataSetWriterType") else "standard"
        return self._heads.of_analytics(of.path, of.name, ua.NodeClass.Object, of.kind, space)

    def _object(self, of: _Object) -> PlantNode:
        head = self._head(of)
        above = self._objects.get(of.above)
        parent = self._head(above) if above is not None else _PUBLISH_SUBSCRIBE
        links: list[Link] = [(of.reference, False, parent)]
        if above is None:
            links.append(("Organizes", False, self._heads.root(of.path.rpartition("/")[0])))
        links += [(one.reference, True, self._part(of, name, one)) for name, one in of.values.items()]
        links += [(reference, True, self._head(self._objects[path])) for reference, path in of.objects]
        return self._node(head, object_attributes(head, of.text, events=False), iter(links))

    def _part(self, of: _Object, name: str, value: _Value) -> Head:
        return self._heads.of_analytics(f"{of.path}/{name}", name, ua.NodeClass.Variable, value.kind, "standard")

    def _variable(self, of: _Object, name: str, value: _Value) -> PlantNode:
        head = self._part(of, name, value)
        attributes = property_attributes(head, "", standard(value.data_type), value.value, self._since)
        return self._node(head, attributes, iter([(value.reference, False, self._head(of))]))


def _no_properties() -> _Value:
    return _Value(ua.Variant([], _V.ExtensionObject, is_array=True), "KeyValuePair")


_PUBLISH_SUBSCRIBE: Final = Head(
    standard("PublishSubscribe"), ua.QualifiedName("PublishSubscribe", 0), ua.NodeClass.Object, NO_TYPE
)
