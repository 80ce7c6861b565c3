"""Makes the nodes that tell of parts of the bridge itself: the history, the publishers and their configuration."""

from __future__ import annotations

from functools import cached_property
from typing import Final, cast

from asyncua import ua
from asyncua.ua.uatypes import win_epoch_to_datetime

from server.address_space.arguments import argument_lists
from server.address_space.attributes import method_attributes, object_attributes, property_attributes
from server.address_space.condition_nodes import ConditionNodes
from server.address_space.heads import OBJECTS, SERVER, Heads, standard
from server.address_space.index import PlantIndex
from server.address_space.lazy_nodes import PlantNode
from server.address_space.method_views import MethodView
from server.address_space.pubsub_nodes import Link, MakeNode, PubSubNodes
from server.address_space.service_methods import SERVICE_METHODS, service_method
from server.config.diagnostics import SCENARIOS
from server.publish.published import connections
from server.tags.table import TagTable

_NODE_VERSION: Final = "NodeVersion"


class ServiceNodes:
    """The folders of `Plant.services` and what stands in them. node: puts a node together."""

    def __init__(
        self,
        index: PlantIndex,
        heads: Heads,
        table: TagTable,
        node: MakeNode,
        since: ua.DateTime,
        conditions: ConditionNodes,
    ) -> None:
        self._services = index.services
        self._grafts = index.grafts
        self._versions = index.node_versions
        self._conditions = conditions
        self._heads = heads
        self._node = node
        self._since = since
        self._plant = index.plant
        self._table = table
        self._since = since

    @cached_property
    def _pubsub(self) -> PubSubNodes:
        """Worked out when somebody looks, not at the start: a plant may have a DataSet for each of 500 machines."""
        return PubSubNodes(connections(self._plant), self._heads, self._table, self._node, self._since)

    def make(self, path: str) -> PlantNode | None:
        """The node with that path; None where it is none of these."""
        if path not in self._services:
            return self._method(path) or self._arguments(path) or self._version(path) or self._pubsub.make(path)
        head, above = self._heads.root(path), path.rpartition("/")[0]
        links: list[Link] = [("Organizes", False, self._heads.root(above) if above else OBJECTS)]
        links += [("HasComponent", True, self._heads.tag(tag)) for tag in self._services[path]]
        methods = (f"{path}/{view.name}" for view in SERVICE_METHODS.get(path, ()))
        links += [("HasComponent", True, self._heads.method(one, in_types=True)) for one in methods]
        below = (one for one in self._services if one.rpartition("/")[0] == path)
        links += [("Organizes", True, self._heads.root(one)) for one in below]
        if path == SCENARIOS:
            links.append(("HasProperty", True, self._heads.property(path, _NODE_VERSION)))
        graft = self._grafts.get(path)
        links += [("Organizes", True, self._heads.twin(twin)) for twin in (graft.twins if graft is not None else ())]
        links += self._pubsub.links_of_publisher(path)
        if not above:
            links.append(("HasNotifier", False, SERVER))
        links += [*self._conditions.folder_link(path), *self._conditions.links_of_owner(path)]
        attributes = object_attributes(head, "How this part of the bridge fares", events=not above)
        return self._node(head, attributes, iter(links))

    def _method(self, path: str) -> PlantNode | None:
        view = self._view(path)
        if view is None:
            return None
        head = self._heads.method(path, in_types=True)
        links: list[Link] = [("HasComponent", False, self._heads.root(path.rpartition("/")[0]))]
        links += [("HasProperty", True, self._heads.property(path, name)) for name in argument_lists(view, ())]
        return self._node(head, method_attributes(head, view.description), iter(links))

    def _arguments(self, path: str) -> PlantNode | None:
        owner, _, name = path.rpartition(".")
        view = self._view(owner)
        arguments = argument_lists(view, ()).get(name) if view is not None else None
        if arguments is None:
            return None
        head = self._heads.property(owner, name)
        value = ua.Variant(arguments, ua.VariantType.ExtensionObject, is_array=True)
        attributes = property_attributes(head, "", standard("Argument"), value, self._since)
        return self._node(head, attributes, iter([("HasProperty", False, self._heads.method(owner, in_types=True))]))

    def _version(self, path: str) -> PlantNode | None:
        """NodeVersion of the folder of scenarios, which changes with each ModelChangeEvent (Part 3, 9.32.2)."""
        if path != f"{SCENARIOS}.{_NODE_VERSION}" or SCENARIOS not in self._services:
            return None
        head = self._heads.property(SCENARIOS, _NODE_VERSION)
        text = "Another one whenever scenarios came or went"
        attributes = property_attributes(head, text, standard("String"), self._version_value, self._since)
        return self._node(head, attributes, iter([("HasProperty", False, self._heads.root(SCENARIOS))]))

    def _version_value(self) -> ua.DataValue:
        ticks = self._versions.get(SCENARIOS)
        when = self._since if ticks is None else cast(ua.DateTime, win_epoch_to_datetime(ticks))
        value = ua.Variant(str(ticks or 0), ua.VariantType.String)
        return ua.DataValue(value, SourceTimestamp=when, ServerTimestamp=when)

    def _view(self, path: str) -> MethodView | None:
        return service_method(path) if path.rpartition("/")[0] in self._services else None
