"""The uatwin types in a few words: what build.py writes out as twin.NodeSet2.xml."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from nodesets import analytics_methods
from nodesets.identification import PROPERTIES
from nodesets.node_ids import TypeIds

VERSION: Final = "1.0.0"
PUBLISHED: Final = "2026-11-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a declared method. data_type: name of a standard DataType; rank: ValueRank."""

    name: str
    data_type: str
    description: str
    rank: int = -1


@dataclass(frozen=True, slots=True)
class Declared:
    """An InstanceDeclaration below a type. ident: its number in the namespace; kind: Object, Variable, Property or
    Method; rule: its ModellingRule; type_definition and data_type: names of standard types or of `TypeIds`; inputs,
    outputs: of a Method."""

    ident: int
    kind: str
    name: str
    rule: str
    description: str
    type_definition: str = ""
    data_type: str = "BaseDataType"
    rank: int = -1
    access: int = 1
    children: tuple[Declared, ...] = ()
    inputs: tuple[Argument, ...] = ()
    outputs: tuple[Argument, ...] = ()


@dataclass(frozen=True, slots=True)
class ObjectType:
    """An ObjectType and what is declared below it."""

    ident: TypeIds
    supertype: str
    description: str
    abstract: bool = False
    children: tuple[Declared, ...] = ()


def _folder(ident: int, name: str, rule: str, description: str, *children: Declared) -> Declared:
    return Declared(ident, "Object", name, rule, description, "FolderType", children=children)


def _variable(ident: int, name: str, description: str, access: int = 1) -> Declared:
    return Declared(
        ident, "Variable", name, "OptionalPlaceholder", description, "BaseDataVariableType", rank=-2, access=access
    )


_TYPE_NAMES: Final = {3: "Byte", 5: "UInt16", 12: "String", 13: "DateTime", 21: "LocalizedText"}

_IDENTIFICATION: Final = (
    *(
        Declared(
            6001 + number, "Property", name, "Optional", item.description, "PropertyType", _TYPE_NAMES[item.data_type]
        )
        for number, (name, item) in enumerate(PROPERTIES.items())
    ),
    Declared(
        6099, "Property", "<Property>", "OptionalPlaceholder", "What else identifies it", "PropertyType", "String"
    ),
)


def _methods() -> tuple[Declared, ...]:
    return tuple(
        Declared(
            one["id"],
            "Method",
            one["name"],
            "Optional",
            one["description"],
            inputs=tuple(Argument(**argument) for argument in one["inputs"]),
            outputs=tuple(Argument(**argument) for argument in one["outputs"]),
        )
        for one in analytics_methods.read()
    )


_TWIN: Final = (
    Declared(5001, "Object", "Identification", "Optional", "What it is and who made it", "IdentificationType"),
    _folder(
        5002, "Telemetry", "Mandatory", "Current values from the devices", _variable(6101, "<Tag>", "A current value")
    ),
    _folder(
        5003,
        "Commands",
        "Optional",
        "What can be told to the devices",
        _variable(6102, "<Command>", "A value the device obeys; a Write is answered once the device has it", access=3),
        Declared(7001, "Method", "<Method>", "OptionalPlaceholder", "Several writes at one stroke"),
    ),
    _folder(
        5004,
        "Analytics",
        "Optional",
        "What is computed from the values",
        _variable(6103, "<Result>", "The latest result of an analysis"),
        *_methods(),
    ),
    _folder(
        5005,
        "Alarms",
        "Optional",
        "Conditions of this twin",
        Declared(5101, "Object", "<Condition>", "OptionalPlaceholder", "An alarm", "ConditionType"),
    ),
    _folder(5006, "Diagnostics", "Optional", "How well it is watched", _variable(6104, "<Diagnostic>", "A figure")),
    Declared(5102, "Object", "<Twin>", "OptionalPlaceholder", "A twin that is part of this one", "TwinType"),
)

TYPES: Final = (
    ObjectType(TypeIds.IdentificationType, "FolderType", "Names of OPC 40001-1", children=_IDENTIFICATION),
    ObjectType(
        TypeIds.TwinType, "BaseObjectType", "The digital twin of a physical entity", abstract=True, children=_TWIN
    ),
    ObjectType(TypeIds.ComponentTwinType, "TwinType", "The twin of one part: a bearing, a motor winding"),
    ObjectType(TypeIds.AssetTwinType, "TwinType", "The twin of one machine: a pump, a turbine"),
    ObjectType(TypeIds.SystemTwinType, "TwinType", "The twin of several assets that act together"),
    ObjectType(TypeIds.ProcessTwinType, "TwinType", "The twin of a flow of work over systems"),
    ObjectType(
        TypeIds.ConnectionType,
        "BaseObjectType",
        "A configured device endpoint and how it is doing",
        children=(
            Declared(6201, "Property", "Driver", "Mandatory", "The field protocol it speaks", "PropertyType", "String"),
            _variable(6202, "<Diagnostic>", "State, last error, requests and errors so far"),
            _folder(
                5011,
                "Alarms",
                "Optional",
                "Conditions of this connection",
                Declared(5111, "Object", "<Condition>", "OptionalPlaceholder", "An alarm", "ConditionType"),
            ),
        ),
    ),
)
