"""Twins in the making: what is known of one before all the others are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from server.config.bodies import MethodPart
from server.config.errors import Place
from server.config.model_parts import ModelDraft
from server.config.models import InterlockSpec, MethodSpec
from server.config.optimization_parts import OptimizationDraft
from server.config.plant import Scope, Tag
from server.config.process_parts import ProcessDraft
from server.config.rule_spec import RuleSpec
from server.config.yaml_source import Map

DEFAULT_RATE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a tag takes from the twins above it. connection: "" when it was wrong; stale_s: None for the default."""

    connection: str | None = None
    rate_s: float = DEFAULT_RATE_S
    stale_s: float | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """A relation before its target is known."""

    reference_type: str
    target: str
    place: Place


@dataclass(frozen=True, slots=True)
class RuleDraft:
    """A rule of a twin, before the tags it watches are looked up. twin: its path; label: as in Draft."""

    twin: str
    label: str
    name: str
    raw: Map
    spec: RuleSpec


@dataclass(slots=True)
class Draft:
    """A twin in the making. label: its path when errors in it need one, "" when the text of it is its own. names: what
    stands below it, to the place of each; commands: those whose interlocks are still to be resolved."""

    name: str
    path: str
    label: str
    scope: Scope = Scope.asset
    type_name: str = ""
    description: str = ""
    identification: Mapping[str, str] = field(default_factory=dict)
    telemetry: list[Tag] = field(default_factory=list)
    commands: list[tuple[Tag, list[tuple[Map, InterlockSpec]]]] = field(default_factory=list)
    methods: list[tuple[str, MethodPart, MethodSpec]] = field(default_factory=list)
    rules: list[RuleDraft] = field(default_factory=list)
    children: list[Draft] = field(default_factory=list)
    relations: list[Reference] = field(default_factory=list)
    models: dict[str, ModelDraft] = field(default_factory=dict)
    process: list[ProcessDraft] = field(default_factory=list)
    optimization: list[OptimizationDraft] = field(default_factory=list)
    names: dict[str, Place] = field(default_factory=dict)

    def walk(self) -> Iterator[Draft]:
        """This one and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()
