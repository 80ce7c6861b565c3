"""What the sections of a plant file may hold: the models that check them and that the JSON Schema is made from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, Strict
from pydantic_core import PydanticCustomError

from drivers.data_types import DataType
from server.config.analytics_spec import AnalyticsSettings
from server.config.history_spec import HistorySpec
from server.config.model_spec import ModelSpec
from server.config.optimization_spec import OptimizationSpec
from server.config.plant import CommandRules, Scope
from server.config.process_spec import ProcessSpec
from server.config.publish_spec import PublisherSpec
from server.config.quality_settings import QualitySettings
from server.config.rule_spec import RuleSpec
from server.config.scenario_settings import ScenarioSettings
from server.config.spec import Scalar, Seconds, Spec
from server.config.unit_code import Unit

DataTypeName = Literal[
    "Boolean", "SByte", "Byte", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64",
    "Float", "Double", "String", "DateTime", "ByteString",
]  # fmt: skip
Operator = Literal["above", "below", "at_least", "at_most", "equals", "not_equals"]
POLICIES: Final = ("Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss")
"""SecurityPolicies offered when the plant file names none."""
RelationName = Literal[
    "AssociatedWith", "Controls", "IsExecutableOn", "IsExecutingOn", "IsHostedBy", "IsPhysicallyConnectedTo",
    "RepresentsSameEntityAs", "RepresentsSameFunctionalityAs", "RepresentsSameHardwareAs", "Requires", "Utilizes",
]  # fmt: skip
"""ReferenceTypes of a plant relation: those of OPC 10000-23 that do not build the twin tree."""
IdentificationName = Literal[
    "AssetId", "ComponentName", "DeviceClass", "DeviceRevision", "HardwareRevision", "InitialOperationDate", "Location",
    "Manufacturer", "ManufacturerUri", "Model", "MonthOfConstruction", "ProductCode", "ProductInstanceUri",
    "SerialNumber", "SoftwareRevision", "YearOfConstruction",
]  # fmt: skip
"""Names of OPC 40001-1 Identification."""
_ENDPOINT: Final = re.compile(r"opc\.tcp://(\[[0-9A-Fa-f:.]+\]|[^/:\s\[\]]+):(\d{1,5})(/\S*)?")


def _ordered(pair: tuple[float, float]) -> tuple[float, float]:
    low, high = pair
    if not low < high:
        context = {"low": f"{low:g}", "high": f"{high:g}"}
        raise PydanticCustomError("upside_down", "[{low}, {high}] is upside down; the lower value comes first", context)
    return pair


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    twice = next((name for index, name in enumerate(names) if name in names[:index]), None)
    if twice is not None:
        raise PydanticCustomError("twice", "{name} is given twice; each once", {"name": twice})
    return names


def _endpoint(url: str) -> str:
    match = _ENDPOINT.fullmatch(url)
    if not match or not 0 <= int(match[2]) <= 65535:
        raise PydanticCustomError("endpoint", "is not an endpoint; like opc.tcp://0.0.0.0:4840", {})
    return url


def _plant_name(name: str) -> str:
    if not re.fullmatch(r"\w[\w.-]*", name):
        message = '"{name}" cannot be part of a namespace URI; use letters, digits, - _ and .'
        raise PydanticCustomError("plant_name", message, {"name": name})
    return name


def _as_text(value: object) -> object:
    return value if isinstance(value, (bool, str)) or not isinstance(value, (int, float)) else str(value)


Range = Annotated[
    tuple[
        Annotated[float, Field(strict=True, allow_inf_nan=False)],
        Annotated[float, Field(strict=True, allow_inf_nan=False)],
    ],
    Strict(False),
    AfterValidator(_ordered),
]
ScopeName = Annotated[Scope, Strict(False)]
StateName = Annotated[str, Field(strict=True, min_length=1)]
StateNames = Annotated[tuple[StateName, ...], Strict(False), Field(min_length=2), AfterValidator(_distinct)]
Text = Annotated[str, BeforeValidator(_as_text, json_schema_input_type=str | int | float)]
"""Text that may be written as a number: a serial number, a year."""


class PlantSpec(Spec):
    """Section `plant`."""

    name: Annotated[str, AfterValidator(_plant_name)] = Field(
        description="Name of the plant, part of the namespace urn:uatwin:plant:<name>: letters, digits, - _ and ."
    )
    description: str = Field(default="", description="What the plant is.")


class ServerSettings(Spec):
    """Section `server`: how OPC UA clients reach the bridge."""

    endpoint: Annotated[str, AfterValidator(_endpoint)] = Field(
        default="opc.tcp://0.0.0.0:4840", description="Address the server listens on; 0.0.0.0 is every interface."
    )
    application_uri: str | None = Field(
        default=None, description="ApplicationUri. Default: urn:<host name>:uatwin:<plant name>."
    )
    policies: Annotated[
        tuple[Literal["None", "Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"], ...],
        Strict(False),
        Field(min_length=1),
        AfterValidator(_distinct),
    ] = Field(default=POLICIES, description="SecurityPolicies offered. None only when listed.")
    allow_anonymous: bool = Field(default=True, description="Anonymous clients may browse and read; they never write.")
    users_file: Annotated[Path, Strict(False)] | None = Field(
        default=None, description="File with users and their roles, relative to the plant file."
    )
    data_dir: Annotated[Path, Strict(False)] | None = Field(
        default=None,
        description="Folder of what outlives a restart (history, models, states of alarms), relative to the plant "
        "file. Default: in the user's data folder, by the name of the plant.",
    )
    max_sessions: int = Field(default=100, ge=1, le=10_000, description="Most sessions at a time.")
    nat_host: str | None = Field(
        default=None, description="Host name or address in endpoint URLs for clients behind address translation."
    )


class ParameterSpec(Spec):
    """A parameter of a type; without default it must be given."""

    default: Scalar | None = Field(default=None, description="Value where none is given.")
    description: str = Field(default="", description="What it is.")


class TagSpec(Spec):
    """A Variable under Telemetry."""

    type: DataTypeName = Field(description="OPC UA data type.")
    description: str = Field(default="", description="What is measured.")
    array_length: int = Field(default=0, ge=0, le=65535, description="Elements of an array; 0 for a single value.")
    unit: Unit | None = Field(default=None, description="UNECE common code: CEL, BAR, RPM, MQH, P1, KWT, ...")
    range: Range | None = Field(default=None, description="EURange: lowest and highest value in normal operation.")
    states: StateNames | None = Field(
        default=None, description="Names of the values 0, 1, ...; two for a Boolean, two or more for an integer type."
    )
    connection: str | None = Field(default=None, description="Connection that feeds it. Default: that of the twin.")
    rate_s: Seconds | None = Field(
        default=None, description="Polling period, or expected interval of what is pushed, seconds."
    )
    stale_s: Seconds | None = Field(
        default=None,
        description="Seconds without a reading after which it is not Good any more. "
        "Default: 3 x rate_s, at least 3 and what the driver allows.",
    )
    history: bool | None = Field(
        default=None, description="Whether its values are kept. Default: as the section history says."
    )
    point: Any = Field(description="Address in the device; its keys are those of the connection's driver.")

    @property
    def data_type(self) -> DataType:
        """The type as an enumeration."""
        return DataType[self.type]


class InterlockSpec(Spec):
    """Conditions of a command over one tag."""

    tag: str = Field(description="Path of the tag the condition is about.")
    above: float | None = Field(default=None, description="Its value must be above this.")
    below: float | None = Field(default=None, description="Its value must be below this.")
    at_least: float | None = Field(default=None, description="Its value must be this or more.")
    at_most: float | None = Field(default=None, description="Its value must be this or less.")
    equals: Scalar | None = Field(default=None, description="Its value or state must be this.")
    not_equals: Scalar | None = Field(default=None, description="Its value or state must not be this.")
    message: str = Field(default="", description="Why the command is refused, for a person.")


class CommandSpec(TagSpec):
    """A writable Variable under Commands."""

    limits: Range | None = Field(default=None, description="Lowest and highest value allowed. Default: range.")
    clamp: bool = Field(
        default=False,
        description="true: pull a value beyond the limits to the nearer one (GoodClamped), not refuse it.",
    )
    confirm: Literal["acknowledge", "read_back"] = Field(
        default="acknowledge", description="What makes a write Good: the device's acknowledgement, or reading it back."
    )
    tolerance: float = Field(
        default=0.0, ge=0, allow_inf_nan=False, description="Largest difference between written and read back."
    )
    within_s: Seconds = Field(default=1.0, description="How long a write and its confirmation may take, seconds.")
    interlock: Annotated[tuple[InterlockSpec, ...], Strict(False)] = Field(
        default=(), description="All must hold, else BadInvalidState with the message."
    )

    @property
    def rules(self) -> CommandRules:
        """How values go down, but for its interlocks."""
        return CommandRules(self.limits or self.range, self.clamp, self.confirm, self.tolerance, self.within_s)


class MethodSpec(Spec):
    """A Method under Commands that writes commands in order."""

    description: str = Field(default="", description="What it does.")
    writes: dict[str, Scalar] = Field(
        min_length=1, description="Command (name or path) to value or state; $Name takes the input argument Name."
    )


class TwinBase(Spec):
    """What types and twins have in common."""

    description: str = Field(default="", description="What it is.")
    connection: str | None = Field(default=None, description="Connection of the tags below that name none.")
    rate_s: Seconds | None = Field(default=None, description="Rate of the tags below that give none, seconds.")
    stale_s: Seconds | None = Field(default=None, description="stale_s of the tags below, seconds.")
    identification: dict[IdentificationName, Text] = Field(
        default_factory=dict, description="Names of OPC 40001-1: Manufacturer, Model, SerialNumber, ..."
    )
    relations: Annotated[tuple[dict[RelationName, str], ...], Strict(False)] = Field(
        default=(), description="ReferenceType to path of a twin, e.g. Controls: ../Tank."
    )
    telemetry: dict[str, TagSpec] = Field(default_factory=dict, description="Variables that are read.")
    commands: dict[str, CommandSpec] = Field(default_factory=dict, description="Variables that can be written.")
    methods: dict[str, MethodSpec] = Field(default_factory=dict, description="Methods that write commands.")
    rules: dict[str, RuleSpec] = Field(default_factory=dict, description="Alarms of it, by name.")
    process: ProcessSpec | None = Field(
        default=None, description="What it does in the flow of work: state, counts, meters, whom it feeds."
    )
    model: ModelSpec | None = Field(default=None, description="What simulates it.")
    models: dict[str, ModelSpec] = Field(default_factory=dict, description="The same by name, where there are several.")
    optimization: OptimizationSpec | None = Field(
        default=None, description="What its setpoints are to reach, within which limits, and who applies it."
    )
    components: dict[str, TwinSpec] = Field(default_factory=dict, description="Twins of parts, of scope component.")
    children: dict[str, TwinSpec] = Field(default_factory=dict, description="Twins below this one, of any scope.")


class TypeSpec(TwinBase):
    """A template that twins are made from."""

    scope: ScopeName = Field(description="component, asset, system or process.")
    parameters: dict[str, ParameterSpec] = Field(
        default_factory=dict, description="Names that {...} may use; {} is required, {default: x} optional."
    )


class TwinSpec(TwinBase):
    """A twin, or many by `instances`."""

    scope: ScopeName | None = Field(default=None, description="component, asset, system or process.")
    type: str | None = Field(default=None, description="Type it is made from.")
    with_: dict[str, Scalar] = Field(alias="with", default_factory=dict, description="Values of parameters.")
    instances: Any = Field(default=None, description="A list of parameter sets, a range {n: 1..5}, or {csv: file.csv}.")


class PlantFile(Spec):
    """A plant file."""

    include: Annotated[tuple[str, ...], Strict(False)] = Field(
        default=(), description="Further files; their sections are merged."
    )
    plant: PlantSpec = Field(description="Name and description.")
    server: ServerSettings = Field(default_factory=ServerSettings, description="How OPC UA clients reach the bridge.")
    connections: dict[str, Any] = Field(default_factory=dict, description="Devices, brokers and lines by name.")
    types: dict[str, TypeSpec] = Field(default_factory=dict, description="Templates of twins by name.")
    twins: dict[str, TwinSpec] = Field(description="The roots of the twin tree by name.")
    history: HistorySpec = Field(
        default_factory=HistorySpec, description="Where values are kept, how long, of which tags."
    )
    publish: dict[str, PublisherSpec] = Field(
        default_factory=dict, description="MQTT brokers and Kafka clusters that the twins are published to, by name."
    )
    rules: dict[str, RuleSpec] = Field(
        default_factory=dict, description="Alarms by name, over tags given by absolute paths and patterns."
    )
    data_quality: QualitySettings = Field(
        default_factory=QualitySettings, description="How strictly the values of tags are judged."
    )
    scenarios: ScenarioSettings = Field(
        default_factory=ScenarioSettings, description="How many copies of twins clients may create, and for how long."
    )
    analytics: AnalyticsSettings = Field(
        default_factory=AnalyticsSettings, description="Where work that is too much for this computer is done."
    )
