"""The resolved plant: what a plant file means once types, parameters and CSV rows are worked out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from analytics.process.stations import Station
from analytics.simulation.wiring import ModelUse
from drivers.data_types import DataType
from server.config.optimization import Optimization
from server.config.upkeep import Upkeep


class Scope(StrEnum):
    """The four scopes of twins."""

    component = "component"
    asset = "asset"
    system = "system"
    process = "process"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition over the current value of a tag; true only while that value is Good.

    operator is one of "above", "below", "at_least", "at_most", "equals", "not_equals".
    """

    row: int
    path: str
    operator: str
    value: float | bool | str


@dataclass(frozen=True, slots=True)
class Interlock:
    """A command is refused with BadInvalidState unless all conditions hold; message says why to a person."""

    conditions: tuple[Condition, ...]
    message: str


@dataclass(frozen=True, slots=True)
class CommandRules:
    """How a value goes down. limits: allowed (lowest, highest); clamp: pull a value beyond them to the nearer one and
    answer GoodClamped, instead of refusing it with BadOutOfRange. confirm: "acknowledge" or "read_back"; tolerance:
    largest difference between what was written and what is read back; within_s: how long that may take."""

    limits: tuple[float, float] | None
    clamp: bool
    confirm: str
    tolerance: float
    within_s: float
    interlocks: tuple[Interlock, ...] = ()


@dataclass(frozen=True, slots=True)
class Tag:
    """A row of the table and what it means.

    path: the NodeId's identifier ("Cooling/Loop1/Pump3/Temperature"). unit: UNECE common code or None. range:
    EURange. states: names of a discrete tag's values 0, 1, ... (two for a Boolean), empty for others. connection: the
    name of the connection that feeds it, None for tags that uatwin computes itself. stale_s: after that long without
    a reading it is no longer Good. command: set for tags under Commands. history: whether its values are kept, None
    where the section `history` decides.
    """

    row: int
    name: str
    path: str
    data_type: DataType
    description: str = ""
    array_length: int = 0
    unit: str | None = None
    range: tuple[float, float] | None = None
    states: tuple[str, ...] = ()
    connection: str | None = None
    point: Any = None
    rate_s: float = 1.0
    stale_s: float = 3.0
    command: CommandRules | None = None
    history: bool | None = None


@dataclass(frozen=True, slots=True)
class CommandWrite:
    """One write of a command method: a fixed value, or the method's argument of that index."""

    row: int
    value: float | bool | str | None
    argument: int | None


@dataclass(frozen=True, slots=True)
class CommandArgument:
    """An input argument of a command method; type, unit and limits are those of the command it goes to."""

    name: str
    row: int


@dataclass(frozen=True, slots=True)
class CommandMethod:
    """A method under Commands: its writes in order, stopping at the first refusal."""

    name: str
    path: str
    description: str
    arguments: tuple[CommandArgument, ...]
    writes: tuple[CommandWrite, ...]


@dataclass(frozen=True, slots=True)
class Relation:
    """A plant relation by a standard non-hierarchical ReferenceType ("IsPhysicallyConnectedTo", "Controls", ...)."""

    reference_type: str
    target: str


@dataclass(frozen=True, slots=True)
class Twin:
    """One twin and all that hangs below it. path is its NodeId's identifier; type_name the type in the plant file it
    was made from ("" where it was written out); identification: OPC 40001-1 names to values; analytics: the latest
    results, computed by uatwin."""

    name: str
    path: str
    scope: Scope
    type_name: str
    description: str
    identification: Mapping[str, str]
    telemetry: tuple[Tag, ...]
    commands: tuple[Tag, ...]
    methods: tuple[CommandMethod, ...]
    diagnostics: tuple[Tag, ...]
    children: tuple[Twin, ...]
    relations: tuple[Relation, ...] = ()
    analytics: tuple[Tag, ...] = ()
    models: tuple[ModelUse, ...] = ()
    process: Station | None = None
    optimization: Optimization | None = None

    def walk(self) -> Iterator[Twin]:
        """This twin and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Connection:
    """A configured device endpoint. settings is an instance of the driver's connection_model; tags those it feeds, in
    row order; diagnostics: its own tags (State, LastError, ...) under Objects/Connections/<name>; upkeep: how it is
    kept alive, whatever its driver."""

    name: str
    driver: str
    settings: Any
    tags: tuple[Tag, ...]
    diagnostics: tuple[Tag, ...]
    upkeep: Upkeep = field(default_factory=Upkeep)


@dataclass(frozen=True, slots=True)
class Plant:
    """Everything the bridge needs. tags is indexed by row; twins are the roots; server holds the section `server`;
    services: the tags about parts of the bridge itself, by the name of their folder under Objects."""

    name: str
    description: str
    server: Any
    connections: Mapping[str, Connection]
    twins: tuple[Twin, ...]
    tags: tuple[Tag, ...]
    sections: Mapping[str, Any] = field(default_factory=dict)
    services: Mapping[str, tuple[Tag, ...]] = field(default_factory=dict)

    def walk(self) -> Iterator[Twin]:
        """All twins, parents first."""
        for twin in self.twins:
            yield from twin.walk()
