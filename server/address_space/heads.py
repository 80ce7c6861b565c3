"""Who a node is: NodeId, BrowseName, NodeClass and TypeDefinition, all that a reference to it has to say."""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple

from asyncua import ua
from asyncua.ua.object_ids import ObjectIds

from nodesets.identification import PROPERTIES
from nodesets.node_ids import TypeIds
from server.address_space.kinds import OWN_PROPERTIES, variable_type
from server.alarms.definitions import AlarmDefinition, AlarmType
from server.config.plant import Connection, Scope, Tag, Twin

TWINS: Final = "Twins"
CONNECTIONS: Final = "Connections"
NO_TYPE: Final = ua.NodeId()
_TYPE_OF_SCOPE: Final = {
    Scope.component: TypeIds.ComponentTwinType,
    Scope.asset: TypeIds.AssetTwinType,
    Scope.system: TypeIds.SystemTwinType,
    Scope.process: TypeIds.ProcessTwinType,
}
_VARIABLE_TYPES: Final = (
    *("BaseDataVariableType", "PropertyType", "AnalogItemType", "AnalogUnitType", "AnalogUnitRangeType"),
    *("TwoStateDiscreteType", "MultiStateDiscreteType", "MultiStateValueDiscreteType"),
    *("TwoStateVariableType", "ConditionVariableType", "FiniteStateVariableType", "FiniteTransitionVariableType"),
    "SelectionListType",
)
_OBJECT_TYPES: Final = (
    *("BaseObjectType", "FolderType", "ShelvedStateMachineType", "ExclusiveLimitStateMachineType", *AlarmType),
    *("HistoricalDataConfigurationType", "AggregateConfigurationType", "PubSubConnectionType", "WriterGroupType"),
    *("DataSetWriterType", "PubSubStatusType", "NetworkAddressUrlType"),
)
HA_CONFIGURATION: Final = "HA Configuration"
ALARMS: Final = "Alarms"


@cache
def standard(name: str) -> ua.NodeId:
    """The NodeId of a standard node by its name, e.g. "HasComponent"; raises AttributeError where there is none."""
    return ua.NodeId(ua.Int32(getattr(ObjectIds, name)))


class Head(NamedTuple):
    """What a reference says of its target."""

    node_id: ua.NodeId
    browse_name: ua.QualifiedName
    node_class: ua.NodeClass
    type_definition: ua.NodeId = NO_TYPE


def reference(reference_type: str, is_forward: bool, target: Head) -> ua.ReferenceDescription:
    """A complete ReferenceDescription; reference_type is a standard name."""
    return ua.ReferenceDescription(
        standard(reference_type),
        is_forward,
        target.node_id,
        target.browse_name,
        ua.LocalizedText(target.browse_name.Name),
        target.node_class,
        target.type_definition,
    )


class Heads:
    """The heads of all nodes of a plant, by what they stand for. types, plant: indices of the two namespaces."""

    def __init__(self, types: int, plant: int) -> None:
        self._types = types
        self._plant = plant
        self._own = {ident.name: self._own_type(ident) for ident in TypeIds}
        self._standard = {name: _standard_type(name, ua.NodeClass.ObjectType) for name in _OBJECT_TYPES}
        self._standard |= {name: _standard_type(name, ua.NodeClass.VariableType) for name in _VARIABLE_TYPES}
        self._by_id = {head.node_id: head for head in (*self._own.values(), *self._standard.values())}

    def node_id(self, path: str) -> ua.NodeId:
        """The NodeId with that path."""
        return ua.NodeId(path, self._plant, ua.NodeIdType.String)  # type: ignore[arg-type]

    def type_of(self, head: Head) -> Head:
        """The type a node is of; it must have one."""
        return self._by_id[head.type_definition]

    def tag(self, tag: Tag) -> Head:
        """A tag's Variable."""
        return Head(
            self.node_id(tag.path),
            ua.QualifiedName(tag.name, self._plant),
            ua.NodeClass.Variable,
            self._standard[variable_type(tag)].node_id,
        )

    def twin(self, twin: Twin) -> Head:
        """A twin's Object."""
        return self._object(twin.path, twin.name, self._plant, self._own[_TYPE_OF_SCOPE[twin.scope].name])

    def part(self, twin: Twin, part: str) -> Head:
        """The folder `Telemetry`, `Commands`, ... of a twin."""
        kind = self._own["IdentificationType"] if part == "Identification" else self._standard["FolderType"]
        return self._object(f"{twin.path}/{part}", part, self._types, kind)

    def alarms(self, owner_path: str) -> Head:
        """The folder `Alarms` of a twin or a connection."""
        return self._object(f"{owner_path}/{ALARMS}", ALARMS, self._types, self._standard["FolderType"])

    def condition(self, definition: AlarmDefinition) -> Head:
        """The Object of an alarm."""
        return self._object(definition.path, definition.name, self._plant, self._standard[definition.type])

    def below_condition(self, path: str, name: str, node_class: ua.NodeClass, kind: str) -> Head:
        """A part of a condition; kind: its TypeDefinition by its standard name, "" for a Method."""
        type_definition = self._standard[kind].node_id if kind else NO_TYPE
        return Head(self.node_id(path), ua.QualifiedName(name, 0), node_class, type_definition)

    def of_analytics(self, path: str, name: str, node_class: ua.NodeClass, kind: str, space: str = "types") -> Head:
        """A model, a job or a part of one. kind: the name of its type, "" for a Method; space: where its BrowseName
        belongs, "types", "plant" or "standard"."""
        index = {"types": self._types, "plant": self._plant, "standard": 0}[space]
        of_type = self._own.get(kind) or self._standard[kind] if kind else None
        type_definition = of_type.node_id if of_type is not None else NO_TYPE
        return Head(self.node_id(path), ua.QualifiedName(name, index), node_class, type_definition)

    def ha_configuration(self, tag_path: str) -> Head:
        """How the values of a tag are kept."""
        path = f"{tag_path}.{HA_CONFIGURATION}"
        return self._object(path, HA_CONFIGURATION, 0, self._standard["HistoricalDataConfigurationType"])

    def aggregate_configuration(self, tag_path: str) -> Head:
        """What aggregates make of its bad values."""
        path = f"{tag_path}.{HA_CONFIGURATION}.AggregateConfiguration"
        return self._object(path, "AggregateConfiguration", 0, self._standard["AggregateConfigurationType"])

    def aggregate_functions(self, tag_path: str) -> Head:
        """The folder of the aggregates of its values."""
        path = f"{tag_path}.{HA_CONFIGURATION}.AggregateFunctions"
        return self._object(path, "AggregateFunctions", 0, self._standard["FolderType"])

    def aggregate_function(self, name: str) -> Head:
        """A standard aggregate by its BrowseName."""
        node_id, kind = standard(f"AggregateFunction_{name}"), standard("AggregateFunctionType")
        return Head(node_id, ua.QualifiedName(name, 0), ua.NodeClass.Object, kind)

    def root(self, name: str) -> Head:
        """`Objects/Twins`, `Objects/Connections`, or the folder of a part of the bridge itself."""
        above, _, own = name.rpartition("/")
        return self._object(name, own, self._plant if above else self._types, self._standard["FolderType"])

    def connection(self, connection: Connection) -> Head:
        """A connection's Object."""
        path = f"{CONNECTIONS}/{connection.name}"
        return self._object(path, connection.name, self._plant, self._own["ConnectionType"])

    def method(self, path: str, in_types: bool) -> Head:
        """A Method; in_types: whether its BrowseName belongs to the types (analytics) or to the plant (commands)."""
        name = ua.QualifiedName(path.rpartition("/")[2], self._types if in_types else self._plant)
        return Head(self.node_id(path), name, ua.NodeClass.Method)

    def property(self, owner_path: str, name: str) -> Head:
        """A standard property (`EURange`, `InputArguments`, ...) of the node with that path, or one of ours."""
        return self._property(f"{owner_path}.{name}", name, self._types if name in OWN_PROPERTIES else 0)

    def driver(self, connection: Connection) -> Head:
        """The property `Driver` of a connection."""
        return self._property(f"{CONNECTIONS}/{connection.name}.Driver", "Driver", self._types)

    def identification(self, twin: Twin, name: str) -> Head:
        """A property of a twin's Identification; names beyond OPC 40001-1 belong to the plant."""
        index = self._types if name in PROPERTIES else self._plant
        return self._property(f"{twin.path}/Identification/{name}", name, index)

    def _own_type(self, ident: TypeIds) -> Head:
        node_id = ua.NodeId(int(ident), self._types)  # type: ignore[arg-type]
        return Head(node_id, ua.QualifiedName(ident.name, self._types), ua.NodeClass.ObjectType)

    def _object(self, path: str, name: str, index: int, kind: Head) -> Head:
        return Head(self.node_id(path), ua.QualifiedName(name, index), ua.NodeClass.Object, kind.node_id)

    def _property(self, path: str, name: str, index: int) -> Head:
        kind = self._standard["PropertyType"].node_id
        return Head(self.node_id(path), ua.QualifiedName(name, index), ua.NodeClass.Variable, kind)


def _standard_type(name: str, node_class: ua.NodeClass) -> Head:
    return Head(standard(name), ua.QualifiedName(name, 0), node_class)


OBJECTS: Final = Head(
    standard("ObjectsFolder"), ua.QualifiedName("Objects", 0), ua.NodeClass.Object, standard("FolderType")
)
SERVER: Final = Head(standard("Server"), ua.QualifiedName("Server", 0), ua.NodeClass.Object, standard("ServerType"))
