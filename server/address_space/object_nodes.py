"""Makes the nodes of models and jobs from their paths: the folders, each object, and all that stands below it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import cast

from asyncua import ua
from asyncua.ua.uatypes import win_epoch_to_datetime

from server.address_space.attributes import Attributes, method_attributes, object_attributes, variable_attributes
from server.address_space.heads import Head, Heads
from server.address_space.lazy_nodes import PlantNode
from server.address_space.object_views import (
    FOLDERS,
    PROPERTY,
    ActionView,
    Item,
    Objects,
    ObjectView,
    Place,
    ValueView,
    places,
)
from server.address_space.variants import result_variant
from server.config.plant import Twin

Link = tuple[str, bool, Head]
MakeNode = Callable[[Head, Attributes, Iterator[Link]], PlantNode]
_GONE = ua.StatusCode(ua.UInt32(ua.StatusCodes.BadNodeIdUnknown))


class ObjectNodes:
    """twin_of: the twin with a path, if it has analytics. node: puts a node together."""

    def __init__(self, objects: Objects, heads: Heads, twin_of: Callable[[str], Twin | None], node: MakeNode) -> None:
        self._objects = objects
        self._heads = heads
        self._twin_of = twin_of
        self._node = node

    def links_of_analytics(self, twin: Twin) -> Iterator[Link]:
        """What the folder Analytics of a twin has to say of them."""
        yield from (("HasComponent", True, self._folder_head(twin, folder)) for folder in FOLDERS)

    def make(self, path: str) -> PlantNode | None:
        """The node with that path; None where it is none of these."""
        found = self.find(path)
        if found is None:
            return None
        twin, folder, name, suffix = found
        if not name:
            return self._folder(twin, folder)
        view = self._objects.view(twin, folder, name)
        if view is None:
            return None
        if not suffix:
            return self._object(twin, folder, view)
        place = next((one for one in places(view) if one.suffix == suffix), None)
        return self._item(twin, folder, view, place) if place is not None else None

    def find(self, path: str) -> tuple[Twin, str, str, str] | None:
        """Twin, folder, name of the object and the rest of a path; whether there is such an object is not looked at."""
        for folder in FOLDERS:
            at = path.find(f"/{folder}")
            while at >= 0:
                twin, rest = self._twin_of(path[:at]), path[at + 1 + len(folder) :]
                if twin is not None and rest[:1] in ("", "/"):
                    name = rest[1:].partition("/")[0].partition(".")[0]
                    return twin, folder, name, rest[1 + len(name) :]
                at = path.find(f"/{folder}", at + 1)
        return None

    def action_of(self, path: str) -> tuple[Twin, str, str] | None:
        """Twin, folder and name of the object that has a method with that path."""
        found = self.find(path)
        view = self._objects.view(*found[:3]) if found is not None and found[2] else None
        if found is None or view is None:
            return None
        is_action = any(one.suffix == found[3] and isinstance(one.item, ActionView) for one in places(view))
        return found[:3] if is_action else None

    def _folder(self, twin: Twin, folder: str) -> PlantNode:
        head = self._folder_head(twin, folder)
        return self._node(head, object_attributes(head, FOLDERS[folder], events=False), self._in_folder(twin, folder))

    def _in_folder(self, twin: Twin, folder: str) -> Iterator[Link]:
        yield "HasComponent", False, self._heads.part(twin, "Analytics")
        for name in self._objects.names(twin, folder):
            view = self._objects.view(twin, folder, name)
            if view is not None:
                yield "HasComponent", True, self._object_head(twin, folder, view)

    def _object(self, twin: Twin, folder: str, view: ObjectView) -> PlantNode:
        head = self._object_head(twin, folder, view)
        links = self._below(twin, folder, view, "", ("HasComponent", False, self._folder_head(twin, folder)))
        return self._node(head, object_attributes(head, view.description, events=False), links)

    def _item(self, twin: Twin, folder: str, view: ObjectView, place: Place) -> PlantNode:
        head = self._head(twin, folder, view.name, place)
        above = next((one for one in places(view) if one.suffix == place.above), None)
        parent = self._object_head(twin, folder, view)
        if above is not None:
            parent = self._head(twin, folder, view.name, above)
        links = self._below(twin, folder, view, place.suffix, (_reference(place.item), False, parent))
        return self._node(head, self._attributes(head, twin, folder, view, place), links)

    def _below(self, twin: Twin, folder: str, view: ObjectView, suffix: str, up: Link) -> Iterator[Link]:
        yield up
        for place in places(view):
            if place.above == suffix:
                yield _reference(place.item), True, self._head(twin, folder, view.name, place)

    def _attributes(self, head: Head, twin: Twin, folder: str, view: ObjectView, place: Place) -> Attributes:
        item = place.item
        if isinstance(item, ObjectView):
            return object_attributes(head, item.description, events=False)
        if isinstance(item, ActionView):
            return method_attributes(head, item.description)
        value = partial(self._value, twin, folder, view.name, place.suffix)
        data_type = ua.NodeId(ua.Int32(item.data_type))
        return variable_attributes(head, item.description, data_type, item.value_rank, value)

    def _value(self, twin: Twin, folder: str, name: str, suffix: str) -> ua.DataValue:
        """As it stands when it is read: a monitored item may outlive the object."""
        view = self._objects.view(twin, folder, name)
        place = next((one for one in places(view) if one.suffix == suffix), None) if view is not None else None
        if view is None or place is None or not isinstance(place.item, ValueView):
            return ua.DataValue(StatusCode=_GONE)
        item, when = place.item, cast(ua.DateTime, win_epoch_to_datetime(view.changed_ticks))
        value = result_variant(item.data_type, item.value_rank, item.value, self._heads.node_id)
        return ua.DataValue(value, SourceTimestamp=when, ServerTimestamp=when)

    def _folder_head(self, twin: Twin, folder: str) -> Head:
        return self._heads.of_analytics(f"{twin.path}/{folder}", folder, ua.NodeClass.Object, "FolderType")

    def _object_head(self, twin: Twin, folder: str, view: ObjectView) -> Head:
        path = f"{twin.path}/{folder}/{view.name}"
        return self._heads.of_analytics(path, view.name, ua.NodeClass.Object, view.kind, "plant")

    def _head(self, twin: Twin, folder: str, name: str, place: Place) -> Head:
        path, item = f"{twin.path}/{folder}/{name}{place.suffix}", place.item
        if isinstance(item, ObjectView):
            return self._heads.of_analytics(path, item.name, ua.NodeClass.Object, item.kind)
        space = "standard" if item.standard else "types"
        if isinstance(item, ActionView):
            return self._heads.of_analytics(path, item.name, ua.NodeClass.Method, "", space)
        return self._heads.of_analytics(path, item.name, ua.NodeClass.Variable, item.kind, space)


def _reference(item: Item) -> str:
    return "HasProperty" if isinstance(item, ValueView) and item.kind == PROPERTY else "HasComponent"
