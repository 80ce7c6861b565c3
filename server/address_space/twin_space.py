"""TwinSpace: the plant as nodes under Objects/Twins and Objects/Connections, and who is who among their NodeIds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final, cast

import numpy as np
import numpy.typing as npt
from asyncua import ua
from asyncua.server.server import Server

from drivers.readings import now_ticks
from nodesets import loader
from nodesets.catalog import SHIPPED, TWIN
from server.address_space.condition_views import ConditionViews
from server.address_space.entries import Entries, roots
from server.address_space.grafts import Graft
from server.address_space.heads import Heads
from server.address_space.history_nodes import HistoryView
from server.address_space.index import AddressSpaceError, PlantIndex
from server.address_space.lazy_nodes import LazyNodes
from server.address_space.method_views import AnalyticsMethods, MethodView
from server.address_space.nodes import NodeMaker
from server.address_space.object_views import FOLDERS, NoObjects, Objects
from server.address_space.service_methods import service_method
from server.address_space.values import Faults, Words
from server.alarms.conditions import Conditions
from server.alarms.definitions import AlarmDefinition
from server.config.plant import CommandMethod, Plant, Tag, Twin
from server.tags.table import TagTable

TYPES_INDEX: Final = 2
PLANT_INDEX: Final = 3


class TwinSpace:
    """Nodes of the plant are made when somebody asks for them; what is kept per tag is one dict entry.

    Raises AddressSpaceError for a plant that cannot be shown. analytics_methods says what stands under `Analytics`,
    conditions under `Alarms`, past which tags have a history, objects which models and jobs there are, faults what was
    wrong with what came for a row, quality whether its values can be believed.
    """

    namespace_index: Final = PLANT_INDEX

    def __init__(
        self,
        plant: Plant,
        table: TagTable,
        analytics_methods: AnalyticsMethods,
        conditions: Conditions | None = None,
        past: HistoryView | None = None,
        objects: Objects | None = None,
        faults: Faults = lambda row: None,
        quality: Words = lambda row: "Good",
    ) -> None:
        self._table = table
        self.conditions = conditions if conditions is not None else Conditions()
        self._past = past or HistoryView()
        self._objects = objects or NoObjects()
        self._faults = faults
        self._quality = quality
        self._analytics_methods = analytics_methods
        self._heads = Heads(TYPES_INDEX, PLANT_INDEX)
        self._entries = Entries(self._heads)
        self._nodes: LazyNodes | None = None
        self._grafts: dict[str, Graft] = {}
        self._node_versions: dict[str, int] = {}
        self.conditions.watch(self._forget)
        self.adopt(plant)

    def adopt(self, plant: Plant, alarms: Sequence[AlarmDefinition] | None = None) -> None:
        """Show this plant from now on; its name must stay, and its rows must fit the table. alarms: what the conditions
        are about to adopt, None where they stay. Raises AddressSpaceError, and goes on showing the one before, for a
        plant that cannot be shown."""
        defined = self.conditions.definitions if alarms is None else alarms
        index = PlantIndex(plant, self._analytics_methods, self.conditions, defined)
        index.node_versions = self._node_versions
        for graft in self._grafts.values():
            index.graft(graft)
        self.views = ConditionViews(self.conditions, self._heads, index.tag)
        self._plant, self._index, self._rows = plant, index, index.rows
        since = cast(ua.DateTime, datetime.now(UTC))
        self._maker = NodeMaker(
            index, self._heads, self._table, self.views, self._past, self._objects, since, self._faults, self._quality
        )
        self._forget()
        if self._nodes is not None:
            self._entries.lay(self._nodes, plant)

    def seat(self, plant: Plant) -> None:
        """The same plant with other tags in rows that only grafts use."""
        self._plant = self._index.plant = plant

    def graft(self, graft: Graft) -> None:
        """Show twins beside the plant, through changes of the plant as well; their rows have been seated. Raises
        AddressSpaceError, and shows nothing of them, for paths that two nodes would share."""
        self._index.graft(graft)
        self._grafts[graft.path] = graft
        self._changed(graft.path)

    def regraft(self, graft: Graft) -> None:
        """Show what stands at its path in another way; nodes neither come nor go."""
        self._index.prune(graft.path)
        self._index.graft(graft)
        self._grafts[graft.path] = graft
        self._forget_graft(graft.path)

    def prune(self, path: str) -> None:
        """Show the graft with that path no more."""
        self._index.prune(path)
        del self._grafts[path]
        self._changed(path)

    def _changed(self, path: str) -> None:
        folder = path.rpartition("/")[0]
        self._node_versions[folder] = max(now_ticks(), self._node_versions.get(folder, 0) + 1)
        self._forget_graft(path)

    def _forget_graft(self, path: str) -> None:
        if self._nodes is not None:
            self._nodes.forget_below([path.rpartition("/")[0]])

    def forget_objects(self, twin_path: str) -> None:
        """Models or jobs of a twin have come, changed or gone."""
        if self._nodes is not None:
            self._nodes.forget_below([f"{twin_path}/{folder}" for folder in FOLDERS])

    def _forget(self) -> None:
        """Make nodes anew when they are asked for next."""
        if self._nodes is not None:
            self._nodes.forget()

    async def install(self, server: Server) -> None:
        """Register both namespaces, load the types and hang the plant into the server's address space. Once per
        server, after its init and before anything else registers a namespace."""
        await loader.load(server, [TWIN])
        await server.register_namespace(self.namespace_uri)
        await self._refuse_other_indices(server)
        await loader.load(server, SHIPPED)
        loader.mount(server, self._lay_under)

    def _lay_under(self, loaded: loader.Nodes) -> LazyNodes:
        self._nodes = LazyNodes(loaded, PLANT_INDEX, lambda path: self._maker.make(path))
        self._entries.lay(self._nodes, self._plant)
        return self._nodes

    @property
    def namespace_uri(self) -> str:
        """The namespace of the plant's nodes."""
        return f"urn:uatwin:plant:{self._plant.name}"

    def node_id(self, path: str) -> ua.NodeId:
        """The NodeId with that path; whether there is such a node is not looked at."""
        return self._heads.node_id(path)

    def row_of(self, node_id: ua.NodeId) -> int:
        """The row of the tag whose Variable this is, -1 for every other node."""
        return self._rows.get(node_id.Identifier, -1) if node_id.NamespaceIndex == PLANT_INDEX else -1  # type: ignore[arg-type]

    def rows_of(self, node_ids: Iterable[ua.NodeId]) -> npt.NDArray[np.int32]:
        """The same for many: int32[n]."""
        return np.fromiter(map(self.row_of, node_ids), np.int32)

    def tag_of(self, row: int) -> Tag:
        """The tag of a row."""
        return self._plant.tags[row]

    def service_method(self, node_id: ua.NodeId) -> MethodView | None:
        """The method on a part of the bridge itself that a NodeId stands for."""
        path = self.path_of(node_id)
        return service_method(path) if path is not None else None

    def path_of(self, node_id: ua.NodeId) -> str | None:
        """The path a NodeId of the plant stands for, whether there is such a node or not; None for any other NodeId."""
        path = node_id.Identifier
        return path if node_id.NamespaceIndex == PLANT_INDEX and isinstance(path, str) else None

    def is_notifier(self, path: str) -> bool:
        """Whether events can be subscribed at the node with that path."""
        return path in roots(self._plant) or path in self._index.twins or path in self._index.connections

    def twin_of(self, path: str) -> Twin | None:
        """The twin with that path."""
        return self._index.twins.get(path)

    def method_of(self, node_id: ua.NodeId) -> tuple[Twin, MethodView | CommandMethod] | None:
        """The method a NodeId stands for and the twin it belongs to; None for every other node."""
        if node_id.NamespaceIndex != PLANT_INDEX or not isinstance(node_id.Identifier, str):
            return None
        return self._index.method(node_id.Identifier)

    def action_of(self, node_id: ua.NodeId) -> tuple[Twin, str, str] | None:
        """The twin, the folder and the name of the model or job whose method a NodeId stands for; None for every other
        node."""
        path = self.path_of(node_id)
        return self._maker.action_of(path) if path is not None else None

    async def _refuse_other_indices(self, server: Server) -> None:
        present = await server.get_namespace_array()
        if present[TYPES_INDEX : PLANT_INDEX + 1] != [TWIN.uri, self.namespace_uri]:
            raise AddressSpaceError(
                f"{TWIN.uri} and {self.namespace_uri} must have the namespace indices {TYPES_INDEX} and {PLANT_INDEX}: "
                f"NodeIds would change. The server has {present}; install the plant before other namespaces"
            )
