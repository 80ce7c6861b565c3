"""The mapping under the address space: nodes that were loaded, and nodes of the plant made when asked for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from typing import Any

from asyncua import ua
from asyncua.server.address_space import AttributeValue, NodeData

Make = Callable[[str], "PlantNode | None"]


class PlantNode(NodeData):
    """A node made on demand. It can be made again at any time unless somebody has hung something on it."""

    def __init__(
        self,
        node_id: ua.NodeId,
        attributes: dict[ua.AttributeIds, AttributeValue],
        references: list[ua.ReferenceDescription],
    ) -> None:
        super().__init__(node_id)
        self.attributes = attributes
        self.references = references
        self._made_references = len(references)

    def is_in_use(self) -> bool:
        """Whether a callback, a method's implementation or a further reference would be lost with it."""
        return (
            self.call is not None
            or len(self.references) != self._made_references
            or any(value.datachange_callbacks for value in self.attributes.values())
        )


class LazyNodes(MutableMapping[ua.NodeId, NodeData]):
    """`loaded` nodes come first; string NodeIds of the plant's namespace that are not among them come from `make`.

    At most `capacity` nodes are kept, the least recently used go first; nodes in use stay. Iteration and len() are over
    the loaded nodes only: whoever walks all nodes (asyncua, for the next free numeric NodeId) means those.
    """

    def __init__(
        self, loaded: MutableMapping[ua.NodeId, NodeData], namespace_index: int, make: Make, capacity: int = 2048
    ) -> None:
        self._loaded = loaded
        self._index = namespace_index
        self._make = make
        self._capacity = capacity
        self._recent: OrderedDict[str, PlantNode] = OrderedDict()
        self._in_use: dict[str, PlantNode] = {}
        self._sweep_at = capacity

    @property
    def kept(self) -> int:
        """How many nodes of the plant exist at the moment."""
        return len(self._recent) + len(self._in_use)

    def forget(self) -> None:
        """Make every node of the plant anew when it is asked for next: the plant has changed."""
        self._recent.clear()
        self._in_use.clear()

    def forget_below(self, paths: Iterable[str]) -> None:
        """The same for the nodes with these paths and all whose path goes on from there."""
        below = tuple(paths)
        for kept in (self._recent, self._in_use):
            for path in [path for path in kept if path.startswith(below)]:
                del kept[path]

    def get(self, key: ua.NodeId, default: Any = None, /) -> Any:
        """The node, or the default where there is none."""
        node = self._loaded.get(key)
        if node is None and key.NamespaceIndex == self._index and isinstance(key.Identifier, str):
            node = self._plant_node(key.Identifier)
        return default if node is None else node

    def __getitem__(self, key: ua.NodeId) -> NodeData:
        node: NodeData | None = self.get(key)
        if node is None:
            raise KeyError(key)
        return node

    def __contains__(self, key: object) -> bool:
        return isinstance(key, ua.NodeId) and self.get(key) is not None

    def __setitem__(self, key: ua.NodeId, node: NodeData) -> None:
        self._loaded[key] = node

    def __delitem__(self, key: ua.NodeId) -> None:
        del self._loaded[key]

    def __iter__(self) -> Iterator[ua.NodeId]:
        return iter(self._loaded)

    def __len__(self) -> int:
        return len(self._loaded)

    def _plant_node(self, path: str) -> PlantNode | None:
        node = self._recent.get(path)
        if node is not None:
            self._recent.move_to_end(path)
            return node
        node = self._in_use.pop(path, None) or self._make(path)
        if node is not None:
            self._keep(path, node)
        return node

    def _keep(self, path: str, node: PlantNode) -> None:
        self._recent[path] = node
        if len(self._recent) > self._capacity:
            oldest, evicted = self._recent.popitem(last=False)
            if evicted.is_in_use():
                self._in_use[oldest] = evicted
        if len(self._in_use) > self._sweep_at:
            self._in_use = {path: node for path, node in self._in_use.items() if node.is_in_use()}
            self._sweep_at = max(self._capacity, 2 * len(self._in_use))
