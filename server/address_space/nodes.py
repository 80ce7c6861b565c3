"""Makes any node of the plant from its path: what it is, and its references in both directions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final

from asyncua import ua

from nodesets.identification import PROPERTIES as IDENTIFICATION
from nodesets.identification import STRING, identification_value
from server.address_space.arguments import argument_lists
from server.address_space.attributes import (
    Attributes,
    method_attributes,
    object_attributes,
    property_attributes,
    tag_attributes,
)
from server.address_space.condition_nodes import ConditionNodes
from server.address_space.condition_views import ConditionViews
from server.address_space.heads import ALARMS, CONNECTIONS, OBJECTS, SERVER, TWINS, Head, Heads, reference, standard
from server.address_space.history_nodes import HistoryNodes, HistoryView
from server.address_space.index import PARTS, PlantIndex
from server.address_space.kinds import DATA_QUALITY, LAST_ERROR, PROPERTIES, property_names
from server.address_space.lazy_nodes import PlantNode
from server.address_space.method_views import MethodView
from server.address_space.object_nodes import ObjectNodes
from server.address_space.object_views import Objects
from server.address_space.service_nodes import ServiceNodes
from server.address_space.values import Faults, Words, data_value, last_error, quality_text, state_text
from server.config.plant import CommandMethod, Connection, Tag, Twin
from server.tags.table import TagTable

Link = tuple[str, bool, Head]
"""ReferenceType by its standard name, IsForward, and what it leads to."""
_PART_TEXTS: Final[Mapping[str, str]] = {
    "Identification": "What it is and who made it",
    "Telemetry": "Current values from the devices",
    "Commands": "What can be told to the devices",
    "Analytics": "What is computed from the values",
    "Diagnostics": "How well it is watched",
}
_ROOT_TEXTS: Final[Mapping[str, str]] = {
    TWINS: "The digital twins of the plant",
    CONNECTIONS: "The device endpoints that feed it",
}


class NodeMaker:
    """past: which tags have a history. objects: models and jobs. since: SourceTimestamp of values that never change.
    faults: what was wrong with what came for a row; quality: whether its values can be believed."""

    def __init__(
        self,
        index: PlantIndex,
        heads: Heads,
        table: TagTable,
        views: ConditionViews,
        past: HistoryView,
        objects: Objects,
        since: ua.DateTime,
        faults: Faults,
        quality: Words,
    ) -> None:
        self._index = index
        self._quality = quality
        self._faults = faults
        self._past = HistoryNodes(past, heads, index.tag, self._node, since)
        self._objects = ObjectNodes(objects, heads, index.analysed, self._node)
        self._conditions = ConditionNodes(views, heads, self._owner_of_alarms, self._node, since)
        self._services = ServiceNodes(index, heads, table, self._node, since, self._conditions)
        self._heads = heads
        self._table = table
        self._since = since

    def make(self, path: str) -> PlantNode | None:
        """The node with that path, or None where there is none."""
        tag = self._index.tag(path)
        if tag is not None:
            return self._tag(tag)
        twin = self._index.twins.get(path)
        if twin is not None:
            return self._twin(twin)
        if path in _ROOT_TEXTS:
            return self._root(path)
        connection = self._index.connections.get(path)
        if connection is not None:
            return self._connection(connection)
        return (
            self._part(path)
            or self._method(path)
            or self._property(path)
            or self._identification_property(path)
            or self._conditions.make(path)
            or self._past.make(path)
            or self._objects.make(path)
            or self._services.make(path)
        )

    def action_of(self, path: str) -> tuple[Twin, str, str] | None:
        """The twin, the folder and the name of the object that has a method with that path."""
        return self._objects.action_of(path)

    def _owner_of_alarms(self, path: str) -> Head | None:
        if path in _ROOT_TEXTS or path in self._index.services:
            return self._heads.root(path)
        twin, connection = self._index.twins.get(path), self._index.connections.get(path)
        if connection is not None:
            return self._heads.connection(connection)
        return self._heads.twin(twin) if twin is not None else None

    def _node(self, head: Head, attributes: Attributes, links: Iterator[Link]) -> PlantNode:
        references = [reference(*link) for link in links]
        if not head.type_definition.is_null():
            references.insert(1, reference("HasTypeDefinition", True, self._heads.type_of(head)))
        return PlantNode(head.node_id, attributes, references)

    def _tag(self, tag: Tag) -> PlantNode:
        head = self._heads.tag(tag)
        value = partial(data_value, self._table, tag.row)
        attributes = tag_attributes(head, tag, value, historized=self._past.historized(tag))
        return self._node(head, attributes, self._tag_links(tag))

    def _tag_links(self, tag: Tag) -> Iterator[Link]:
        owner = self._index.owner(tag)
        yield "HasComponent", False, self._head_of(owner)
        yield from (("HasProperty", True, self._heads.property(tag.path, name)) for name in property_names(tag))
        yield from self._past.links_of_tag(tag)
        yield from self._relations_to(tag.path)

    def _head_of(self, owner: tuple[Twin, str] | Connection | str) -> Head:
        if isinstance(owner, str):
            return self._heads.root(owner)
        return self._heads.connection(owner) if isinstance(owner, Connection) else self._heads.part(*owner)

    def _twin(self, twin: Twin) -> PlantNode:
        head = self._heads.twin(twin)
        return self._node(head, object_attributes(head, twin.description, events=True), self._twin_links(twin))

    def _twin_links(self, twin: Twin) -> Iterator[Link]:
        heads, parent = self._heads, self._index.parent(twin)
        above = heads.root(self._index.root_of(twin)) if parent is None else heads.twin(parent)
        yield "Organizes" if parent is None else "HasComponent", False, above
        yield from (("HasComponent", True, heads.part(twin, part)) for part in self._index.parts(twin))
        yield from (("HasComponent", True, heads.twin(child)) for child in twin.children)
        yield from self._conditions.links_of_owner(twin.path)
        for relation in twin.relations:
            yield relation.reference_type, True, self._target(relation.target)
        yield from self._relations_to(twin.path)

    def _relations_to(self, path: str) -> Iterator[Link]:
        for relation in self._index.pointing_at.get(path, ()):
            yield relation.reference_type, False, self._target(relation.target)

    def _target(self, path: str) -> Head:
        tag = self._index.tag(path)
        return self._heads.tag(tag) if tag is not None else self._heads.twin(self._index.twins[path])

    def _root(self, name: str) -> PlantNode:
        head = self._heads.root(name)
        attributes = object_attributes(head, _ROOT_TEXTS[name], events=True)
        return self._node(head, attributes, self._root_links(name))

    def _root_links(self, name: str) -> Iterator[Link]:
        yield "Organizes", False, OBJECTS
        yield "HasNotifier", False, SERVER
        yield from self._conditions.folder_link(name)
        yield from self._conditions.links_of_owner(name)
        if name == CONNECTIONS:
            connections = self._index.connections.values()
            yield from (("Organizes", True, self._heads.connection(connection)) for connection in connections)
            return
        roots = [self._heads.twin(twin) for twin in self._index.plant.twins]
        yield from (("Organizes", True, root) for root in roots)

    def _connection(self, connection: Connection) -> PlantNode:
        head = self._heads.connection(connection)
        text = f"{connection.driver}, feeds {len(connection.tags)} tags"
        return self._node(head, object_attributes(head, text, events=True), self._connection_links(connection))

    def _connection_links(self, connection: Connection) -> Iterator[Link]:
        yield "Organizes", False, self._heads.root(CONNECTIONS)
        yield "HasProperty", True, self._heads.driver(connection)
        yield from (("HasComponent", True, self._heads.tag(tag)) for tag in connection.diagnostics)
        path = f"{CONNECTIONS}/{connection.name}"
        yield from self._conditions.folder_link(path)
        yield from self._conditions.links_of_owner(path)

    def _part(self, path: str) -> PlantNode | None:
        owner, _, part = path.rpartition("/")
        twin = self._index.twins.get(owner)
        if twin is None or part == ALARMS or part not in PARTS or part not in self._index.parts(twin):
            return None
        head = self._heads.part(twin, part)
        attributes = object_attributes(head, _PART_TEXTS[part], events=False)
        return self._node(head, attributes, self._part_links(twin, part))

    def _part_links(self, twin: Twin, part: str) -> Iterator[Link]:
        heads = self._heads
        yield "HasComponent", False, heads.twin(twin)
        if part == "Identification":
            yield from (("HasProperty", True, heads.identification(twin, name)) for name in twin.identification)
        tags = {
            "Telemetry": twin.telemetry,
            "Commands": twin.commands,
            "Analytics": twin.analytics,
            "Diagnostics": twin.diagnostics,
        }.get(part, ())
        yield from (("HasComponent", True, heads.tag(tag)) for tag in tags)
        if part == "Commands":
            yield from (("HasComponent", True, heads.method(method.path, in_types=False)) for method in twin.methods)
        if part == "Analytics":
            for view in self._index.analytics_methods(twin):
                yield "HasComponent", True, heads.method(f"{twin.path}/{view.name}", in_types=True)
            yield from self._objects.links_of_analytics(twin)

    def _method(self, path: str) -> PlantNode | None:
        found = self._index.method(path)
        if found is None:
            return None
        twin, method = found
        head = self._heads.method(path, in_types=isinstance(method, MethodView))
        attributes = method_attributes(head, method.description)
        return self._node(head, attributes, self._method_links(path, twin, method))

    def _method_links(self, path: str, twin: Twin, method: MethodView | CommandMethod) -> Iterator[Link]:
        part = "Analytics" if isinstance(method, MethodView) else "Commands"
        yield "HasComponent", False, self._heads.part(twin, part)
        for name in argument_lists(method, self._index.plant.tags):
            yield "HasProperty", True, self._heads.property(path, name)

    def _property(self, path: str) -> PlantNode | None:
        owner, _, name = path.rpartition(".")
        tag, method, connection = self._index.tag(owner), self._index.method(owner), self._index.connections.get(owner)
        if tag is not None and name in property_names(tag):
            return self._tag_property(tag, name)
        if method is not None:
            return self._arguments(owner, method[1], name)
        if connection is not None and name == "Driver":
            head, text = self._heads.driver(connection), "The field protocol it speaks"
            value = ua.Variant(connection.driver, ua.VariantType.String)
            return self._fixed_property(head, text, standard("String"), value, self._heads.connection(connection))
        return None

    def _tag_property(self, tag: Tag, name: str) -> PlantNode:
        head = self._heads.property(tag.path, name)
        if name == "ValueAsText":
            attributes = property_attributes(
                head, "", standard("LocalizedText"), partial(state_text, self._table, tag), self._since
            )
            return self._node(head, attributes, iter([("HasProperty", False, self._heads.tag(tag))]))
        if name == LAST_ERROR:
            text = "What was wrong with the latest that came for it and could not be used, and in SourceTimestamp when"
            attributes = property_attributes(
                head, text, standard("String"), partial(last_error, self._faults, tag.row, self._since), self._since
            )
            return self._node(head, attributes, iter([("HasProperty", False, self._heads.tag(tag))]))
        if name == DATA_QUALITY:
            text = "Whether its values can be believed: Good, or FlatLine, Spike, OutOfRange, Gap"
            words = partial(quality_text, self._quality, self._table, tag.row)
            attributes = property_attributes(head, text, standard("String"), words, self._since)
            return self._node(head, attributes, iter([("HasProperty", False, self._heads.tag(tag))]))
        kind = PROPERTIES[name]
        value = ua.Variant(kind.value(tag), is_array=kind.is_array)
        return self._fixed_property(head, "", standard(kind.data_type), value, self._heads.tag(tag))

    def _arguments(self, path: str, method: MethodView | CommandMethod, name: str) -> PlantNode | None:
        arguments = argument_lists(method, self._index.plant.tags).get(name)
        if arguments is None:
            return None
        owner = self._heads.method(path, in_types=isinstance(method, MethodView))
        value = ua.Variant(arguments, ua.VariantType.ExtensionObject, is_array=True)
        return self._fixed_property(self._heads.property(path, name), "", standard("Argument"), value, owner)

    def _identification_property(self, path: str) -> PlantNode | None:
        folder, _, name = path.rpartition("/")
        owner, _, part = folder.rpartition("/")
        twin = self._index.twins.get(owner)
        if twin is None or part != "Identification" or name not in twin.identification:
            return None
        known = IDENTIFICATION.get(name)
        data_type = ua.VariantType(known.data_type if known else STRING)
        text = twin.identification[name]
        is_localized = data_type is ua.VariantType.LocalizedText
        content = ua.LocalizedText(text) if is_localized else identification_value(name, text)
        head, description = self._heads.identification(twin, name), known.description if known else ""
        value = ua.Variant(content, data_type, is_array=False)
        return self._fixed_property(head, description, standard(data_type.name), value, self._heads.part(twin, part))

    def _fixed_property(
        self, head: Head, description: str, data_type: ua.NodeId, value: ua.Variant, owner: Head
    ) -> PlantNode:
        attributes = property_attributes(head, description, data_type, value, self._since)
        return self._node(head, attributes, iter([("HasProperty", False, owner)]))
