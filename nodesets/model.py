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
        _folder(
            5007,
            "Models",
            "Optional",
            "What has been learned of it",
            Declared(5103, "Object", "<Model>", "OptionalPlaceholder", "A trained model", "ModelType"),
        ),
        _folder(
            5008,
            "Jobs",
            "Optional",
            "Calls that take their time",
            Declared(5104, "Object", "<Job>", "OptionalPlaceholder", "A call on its way", "JobType"),
        ),
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


def _value(ident: int, name: str, data_type: str, description: str, rank: int = -1) -> Declared:
    return Declared(ident, "Variable", name, "Mandatory", description, "BaseDataVariableType", data_type, rank)


_MODEL: Final = (
    _value(6301, "State", "String", "Draft, Training, Candidate, Active or Retired"),
    _value(6302, "Kind", "String", "What it is for"),
    _value(6303, "Version", "UInt32", "Among the models of its kind"),
    _value(6304, "Created", "DateTime", "When it was trained"),
    _value(6305, "TrainingStart", "DateTime", "Of the data it was trained on"),
    _value(6306, "TrainingEnd", "DateTime", "Of the data it was trained on"),
    _value(6307, "Signals", "String", "What it looks at", 1),
    _value(6308, "ContextSignals", "String", "Those of them that say how it is run", 1),
    _value(6309, "DataHash", "String", "SHA-256 over what it was trained on"),
    _value(6310, "LibraryVersions", "String", "name=version", 1),
    _value(6311, "DriftScore", "Double", "0 as in training, upwards; NaN where not known"),
    _value(6312, "Reason", "String", "Why it is not what it should be; empty where all is well"),
    Declared(
        6313,
        "Variable",
        "Schedule",
        "Optional",
        "Of the newest one that is made again and again: how often, and when next",
        "BaseDataVariableType",
        "String",
        -1,
    ),
    Declared(5201, "Object", "Figures", "Mandatory", "Found on data not used for the training", "BaseObjectType"),
)

_JOB: Final = (
    _value(6401, "Progress", "Double", "How far it is, in percent"),
    _value(6402, "Status", "StatusCode", "Good, or why it failed"),
    _value(6403, "Reason", "String", "Why it failed, or why its Result is not valid"),
    _value(6404, "Function", "String", "The method that was called"),
    _value(6405, "CalledBy", "String", "Who called it"),
    _value(6406, "Created", "DateTime", "When it was called"),
    Declared(5202, "Object", "Result", "Mandatory", "The outputs of the method", "BaseObjectType"),
    Declared(6990, "Method", "Cancel", "Mandatory", "The same as Halt: end it now, with nothing"),
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
    ObjectType(TypeIds.ModelType, "BaseObjectType", "A model that was trained on the past of a twin", children=_MODEL),
    ObjectType(
        TypeIds.JobType, "ProgramStateMachineType", "A call of an analytics method that runs once", children=_JOB
    ),
    ObjectType(
        TypeIds.JobTransitionEventType, "ProgramTransitionEventType", "A job has begun or ended; its source is the job"
    ),
)
