"""Makes the nodes that tell of parts of the bridge itself: the history, the publishers and their configuration."""

from __future__ import annotations

from asyncua import ua

from server.address_space.attributes import object_attributes
from server.address_space.heads import OBJECTS, Heads
from server.address_space.lazy_nodes import PlantNode
from server.address_space.pubsub_nodes import Link, MakeNode, PubSubNodes
from server.config.plant import Plant
from server.publish.published import connections
from server.tags.table import TagTable


class ServiceNodes:
    """The folders of `Plant.services` and what stands in them. node: puts a node together."""

    def __init__(self, plant: Plant, heads: Heads, table: TagTable, node: MakeNode, since: ua.DateTime) -> None:
        self._services = plant.services
        self._heads = heads
        self._node = node
        self._pubsub = PubSubNodes(connections(plant), heads, table, node, since)

    def make(self, path: str) -> PlantNode | None:
        """The node with that path; None where it is none of these."""
        if path not in self._services:
            return self._pubsub.make(path)
        head, above = self._heads.root(path), path.rpartition("/")[0]
        links: list[Link] = [("Organizes", False, self._heads.root(above) if above else OBJECTS)]
        links += [("HasComponent", True, self._heads.tag(tag)) for tag in self._services[path]]
        below = (one for one in self._services if one.rpartition("/")[0] == path)
        links += [("Organizes", True, self._heads.root(one)) for one in below]
        links += self._pubsub.links_of_publisher(path)
        return self._node(head, object_attributes(head, "How this part of the bridge fares", events=False), iter(links))
