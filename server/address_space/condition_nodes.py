"""Makes the nodes of conditions from their paths: the folder `Alarms`, each condition, and all that stands below it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from asyncua import ua

from server.address_space.attributes import Attributes, method_attributes, object_attributes, property_attributes
from server.address_space.condition_field import Field
from server.address_space.condition_parts import PARTS_BELOW, PARTS_BY_SUFFIX, SUBSTATES, Part
from server.address_space.condition_views import ConditionViews
from server.address_space.heads import ALARMS, Head, Heads, standard
from server.address_space.lazy_nodes import PlantNode
from server.alarms.definitions import AlarmDefinition

Link = tuple[str, bool, Head]
MakeNode = Callable[[Head, Attributes, Iterator[Link]], PlantNode]
_GONE = ua.StatusCode(ua.UInt32(ua.StatusCodes.BadNodeIdUnknown))


class ConditionNodes:
    """owner: the head of the twin, connection or root with a path, None where there is no such node. node: puts a node
    together. since: SourceTimestamp of values that never change."""

    def __init__(
        self,
        views: ConditionViews,
        heads: Heads,
        owner: Callable[[str], Head | None],
        node: MakeNode,
        since: ua.DateTime,
    ) -> None:
        self._views = views
        self._heads = heads
        self._owner = owner
        self._node = node
        self._since = since

    def make(self, path: str) -> PlantNode | None:
        """The node with that path; None where it is neither a condition nor anything of one."""
        found = self._views.find(path)
        if found is None:
            return self._folder(path)
        definition, suffix = found
        if not suffix:
            return self._condition(definition)
        part = PARTS_BY_SUFFIX.get(suffix)
        return self._part(definition, part) if part is not None and part.has(definition) else None

    def links_of_owner(self, path: str) -> Iterator[Link]:
        """What a twin or connection has to say of its conditions: the folder apart (Part 9, 5.12)."""
        for definition in self._views.conditions.of_owner(path):
            yield "HasCondition", True, self._heads.condition(definition)

    def folder_link(self, path: str) -> Iterator[Link]:
        """The folder `Alarms` of a connection or a root, where it has one."""
        if self._views.conditions.of_owner(path):
            yield "HasComponent", True, self._heads.alarms(path)

    def _folder(self, path: str) -> PlantNode | None:
        owner_path, _, name = path.rpartition("/")
        owner = self._owner(owner_path) if name == ALARMS else None
        if owner is None or not self._views.conditions.of_owner(owner_path):
            return None
        head = self._heads.alarms(owner_path)
        return self._node(head, object_attributes(head, "Its alarms", events=False), self._in_folder(owner_path, owner))

    def _in_folder(self, path: str, owner: Head) -> Iterator[Link]:
        yield "HasComponent", False, owner
        for definition in self._views.conditions.of_owner(path):
            yield "HasComponent", True, self._heads.condition(definition)

    def _condition(self, definition: AlarmDefinition) -> PlantNode:
        head = self._heads.condition(definition)
        attributes = object_attributes(head, _description(definition), events=False)
        return self._node(head, attributes, self._condition_links(definition))

    def _condition_links(self, definition: AlarmDefinition) -> Iterator[Link]:
        yield "HasComponent", False, self._heads.alarms(definition.owner)
        owner = self._owner(definition.owner)
        if owner is not None:
            yield "HasCondition", False, owner
        yield from self._below(definition, "")

    def _below(self, definition: AlarmDefinition, suffix: str) -> Iterator[Link]:
        for part in PARTS_BELOW.get(suffix, ()):
            if part.has(definition):
                kind = "HasProperty" if part.is_property else "HasComponent"
                yield kind, True, self._head(definition, part)

    def _head(self, definition: AlarmDefinition, part: Part) -> Head:
        path = f"{definition.path}{part.suffix}"
        return self._heads.below_condition(path, part.name, part.node_class, part.type_definition)

    def _above(self, definition: AlarmDefinition, part: Part) -> Head:
        if not part.above:
            return self._heads.condition(definition)
        return self._head(definition, PARTS_BY_SUFFIX[part.above])

    def _part(self, definition: AlarmDefinition, part: Part) -> PlantNode:
        head = self._head(definition, part)
        return self._node(head, self._attributes(head, definition, part), self._part_links(definition, part))

    def _part_links(self, definition: AlarmDefinition, part: Part) -> Iterator[Link]:
        yield "HasProperty" if part.is_property else "HasComponent", False, self._above(definition, part)
        yield from self._below(definition, part.suffix)
        for state, substates in SUBSTATES.items():
            for name in substates:
                other = PARTS_BY_SUFFIX[f"/{name}"]
                if part.suffix == state and other.has(definition):
                    yield "HasTrueSubState", True, self._head(definition, other)
                if part is other:
                    yield "HasTrueSubState", False, self._head(definition, PARTS_BY_SUFFIX[state])

    def _attributes(self, head: Head, definition: AlarmDefinition, part: Part) -> Attributes:
        if part.node_class is ua.NodeClass.Method:
            return method_attributes(head, "")
        if part.node_class is ua.NodeClass.Object:
            return object_attributes(head, "", events=False)
        if part.field is not None:
            field = part.field
            value = partial(self._value, definition.path, field)
            return property_attributes(head, "", standard(field.data_type or field.kind.name), value, self._since)
        if part.method is not None:
            arguments = ua.Variant(part.method.input_arguments, ua.VariantType.ExtensionObject, is_array=True)
            return property_attributes(head, "", standard("Argument"), arguments, self._since)
        normal = ua.Variant(definition.normal, ua.VariantType.Double)
        return property_attributes(head, "The value that is no alarm", standard("Double"), normal, self._since)

    def _value(self, path: str, field: Field) -> ua.DataValue:
        try:
            return field.data_value(self._views.seen_now(path))
        except KeyError:  # a monitored item may outlive the condition
            return ua.DataValue(StatusCode=_GONE)


def _description(definition: AlarmDefinition) -> str:
    told = {
        "Cause": definition.cause,
        "Consequence": definition.consequence,
        "Response": definition.response,
    }
    return "\n".join([definition.description, *(f"{name}: {what}" for name, what in told.items() if what)]).strip()
