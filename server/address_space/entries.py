"""The ways into the plant: what Objects, Server and PublishSubscribe say of its nodes, also after it has changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from asyncua import ua
from asyncua.server.address_space import NodeData

from server.address_space.heads import CONNECTIONS, TWINS, Head, Heads, reference, standard
from server.address_space.pubsub_nodes import PUBSUB
from server.config.plant import Plant
from server.publish.published import paths


def roots(plant: Plant) -> tuple[str, ...]:
    """The paths of what stands in Objects."""
    return (TWINS, CONNECTIONS, *(one for one in plant.services if "/" not in one))


class Entries:
    """The forward references of the standard's nodes; the plant's nodes, made on demand, have the inverse ones."""

    def __init__(self, heads: Heads) -> None:
        self._heads = heads
        self._laid: list[tuple[ua.NodeId, ua.ReferenceDescription]] = []

    def lay(self, nodes: Mapping[ua.NodeId, NodeData], plant: Plant) -> None:
        """Lead to this plant's nodes from now on, and no longer to those of the one before."""
        for source, link in self._laid:
            nodes[source].references.remove(link)
        self._laid = [(standard(source), reference(kind, True, head)) for source, kind, head in self._links(plant)]
        for source, link in self._laid:
            nodes[source].references.append(link)

    def _links(self, plant: Plant) -> Iterator[tuple[str, str, Head]]:
        for root in roots(plant):
            yield "ObjectsFolder", "Organizes", self._heads.root(root)
            yield "Server", "HasNotifier", self._heads.root(root)
        for path in paths(plant):
            yield "PublishSubscribe", "HasPubSubConnection", self._pubsub(path)

    def _pubsub(self, path: str) -> Head:
        name = path.rpartition("/")[2]
        return self._heads.of_analytics(f"{path}/{PUBSUB}", name, ua.NodeClass.Object, "PubSubConnectionType", "plant")
