"""The text of types and twins, checked and taken apart once, ready to be made into any number of twins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from server.config.checking import Checker, describe, key_position
from server.config.errors import Place, Problems, did_you_mean
from server.config.instances import VALUES, Instances, one, read_instances
from server.config.model_parts import MODEL_KEYS, ModelPart, model_parts
from server.config.models import (
    CommandSpec,
    InterlockSpec,
    MethodSpec,
    ParameterSpec,
    RelationName,
    TagSpec,
    TwinSpec,
    TypeSpec,
)  # fmt: skip
from server.config.optimization_parts import OPTIMIZATION_KEY, optimization_part
from server.config.pieces import Name, Names, Piece
from server.config.process_parts import PROCESS_KEY, process_part
from server.config.rule_messages import with_message
from server.config.rule_spec import RuleSpec, rule_rules
from server.config.rules import command_rules, interlock_rules, tag_rules, twin_rules
from server.config.templates import Scalar
from server.config.yaml_source import Map, Seq

TAG: Final[Checker[TagSpec]] = Checker(TagSpec, tag_rules, salvage=True)
COMMAND: Final[Checker[CommandSpec]] = Checker(CommandSpec, command_rules, salvage=True)
INTERLOCK: Final[Checker[InterlockSpec]] = Checker(InterlockSpec, interlock_rules, salvage=True)
RULE: Final[Checker[RuleSpec]] = Checker(RuleSpec, rule_rules, salvage=True)
METHOD: Final[Checker[MethodSpec]] = Checker(MethodSpec, salvage=True)
RELATION: Final[Checker[dict[str, str]]] = Checker(dict[RelationName, str], salvage=True)
TYPE: Final[Checker[TypeSpec]] = Checker(TypeSpec, twin_rules, salvage=True)
TWIN: Final[Checker[TwinSpec]] = Checker(TwinSpec, twin_rules, salvage=True)
PARAMETER: Final[Checker[ParameterSpec]] = Checker(ParameterSpec)
RESERVED: Final = frozenset(
    {"Identification", "Telemetry", "Commands", "Analytics", "Alarms", "Diagnostics", "ExtractFeatures"}
)
"""Names that every twin has below it already."""
DIAGNOSTICS: Final = ("GoodFraction", "BadTags", "QualityProblems")
"""Names of every twin's own diagnostics tags."""

_PARTS: Final = frozenset({"telemetry", "commands", "methods", "rules", "components", "children"})
_ELSEWHERE: Final = _PARTS | MODEL_KEYS | {"relations", PROCESS_KEY, OPTIMIZATION_KEY}
_NOT_IN_HEADER: Final = {TYPE: _ELSEWHERE | {"parameters"}, TWIN: _ELSEWHERE | {"with", "instances"}}


@dataclass(frozen=True, slots=True)
class TagPart:
    """A tag or command. point: its address, None where it has none; interlocks: those of a command."""

    name: Name
    raw: Map
    spec: Piece
    point: Piece | None
    interlocks: tuple[Piece, ...]
    checker: Checker[Any]

    @property
    def is_command(self) -> bool:
        """Whether it is one."""
        return self.checker is COMMAND


@dataclass(frozen=True, slots=True)
class MethodPart:
    """A command method."""

    name: Name
    raw: Map
    spec: Piece


@dataclass(frozen=True, slots=True)
class RulePart:
    """A rule: an alarm in the making."""

    name: Name
    raw: Map
    spec: Piece


@dataclass(frozen=True, slots=True)
class Body:
    """What a twin consists of. header: everything about the twin itself (TypeSpec or TwinSpec without its parts)."""

    raw: Map
    header: Piece
    checker: Checker[Any]
    relations: tuple[Piece, ...]
    tags: tuple[TagPart, ...]
    methods: tuple[MethodPart, ...]
    rules: tuple[RulePart, ...]
    models: tuple[ModelPart, ...]
    process: Piece | None
    optimization: Piece | None
    entries: tuple[Entry, ...]


@dataclass(slots=True)
class Type:
    """A type. parameters: name to default; missing default: required. used: whether a twin was made from it."""

    name: str
    place: Place
    body: Body
    parameters: dict[str, Scalar | None]
    used: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One key under twins, children or components: a twin or many. component: it stands under components."""

    name: Name
    place: Place
    body: Body
    type_name: str
    given: Piece
    instances: Instances
    names: Names
    component: bool


class BodyReader:
    """Takes the text of types and twins apart."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems

    def type(self, name: str, raw: Map, place: Place) -> Type:
        """A type."""
        parameters = self._parameters(raw)
        names = Names(frozenset(parameters), f"the type {name}")
        body = self._body(raw, names, TYPE)
        return Type(name, place, body, parameters)

    def entries(self, raw: Any, place: Place, what: str, names: Names, component: bool = False) -> Iterator[Entry]:
        """The twins under a key."""
        section = self.mapping(raw, place, what, "twins by name")
        for key, value in section.items():
            if value is not None and not isinstance(value, Map):
                message = f"the twin {key} is {describe(value)}; it must be a mapping of scope, type, telemetry, ..."
                self._problems.add(section.value_at[key], message)
                continue
            yield self._entry(key, section.key_at[key], value or Map(section.value_at[key]), names, component)

    def mapping(self, raw: Any, place: Place, what: str, holds: str) -> Map:
        """A mapping; anything else but nothing is reported, and gives an empty one."""
        if isinstance(raw, Map):
            return raw
        if raw is not None:
            self._problems.add(place, f"{what} is {describe(raw)}; it must be a mapping of {holds}")
        return Map(place)

    def _entry(self, key: str, key_at: Place, raw: Map, outer: Names, component: bool) -> Entry:
        given_at = raw.value_at.get("with", key_at)
        given_raw = self.mapping(raw.get("with"), given_at, "with", "parameters")
        rows = one(key_at)
        if raw.get("instances") is not None:
            rows = read_instances(raw["instances"], raw.value_at["instances"], outer, self._problems)
        here = outer.more(frozenset(rows.names), f"the entry {key}", rows.lost)
        given = Piece(given_raw, given_at, here, self._problems)
        given.define(VALUES)
        names = here.more(frozenset(given_raw), here.owner)
        in_name = names.more(frozenset(), names.owner)
        name = Name(key, key_at, in_name, self._problems)
        body = self._body(raw, names, TWIN)
        names.used |= here.used | in_name.used
        outer.used |= names.used
        type_name = raw["type"] if isinstance(raw.get("type"), str) else ""
        self._check_entry(key, key_at, raw, bool(in_name.used & {*rows.names, *given_raw}), rows)
        return Entry(name, key_at, body, type_name, given, rows, names, component)

    def _check_entry(self, key: str, key_at: Place, raw: Map, varies: bool, rows: Instances) -> None:
        if rows.names and not varies:
            hint = f"{key}{{{next(iter(rows.names))}}}"
            self._problems.add(key_at, f"every instance would be called {key}; put a parameter into the name: {hint}")
        if "type" in raw:
            for part in sorted({"scope", "telemetry", "commands", "methods"} & raw.keys()):
                message = f"{part} of a twin made from a type stands in the type; move it there, or leave type out"
                self._problems.add(raw.key_at[part], message)
        elif "with" in raw:
            self._problems.add(raw.key_at["with"], "with gives the parameters of a type; add type, or leave it out")

    def _body(self, raw: Map, names: Names, checker: Checker[Any]) -> Body:
        header = Piece(raw.without(_NOT_IN_HEADER[checker]), raw.place, names, self._problems)
        header.define(checker)
        tags = (*self._tags(raw, "telemetry", names, TAG), *self._tags(raw, "commands", names, COMMAND))
        return Body(
            raw,
            header,
            checker,
            self._list(raw, "relations", "{Controls: ../Tank}", RELATION, names),
            tags,
            tuple(self._methods(raw, names)),
            tuple(self._rules(raw, names)),
            tuple(model_parts(raw, names, self._problems)),
            process_part(raw, names, self._problems),
            optimization_part(raw, names, self._problems),
            (*self._below(raw, "components", names), *self._below(raw, "children", names)),
        )

    def _below(self, raw: Map, part: str, names: Names) -> Iterator[Entry]:
        if part in raw:
            yield from self.entries(raw[part], raw.value_at[part], part, names, part == "components")

    def _part(self, raw: Map, part: str, holds: str, names: Names) -> Iterator[tuple[Name, Map]]:
        if part not in raw:
            return
        section = self.mapping(raw[part], raw.value_at[part], part, holds)
        for key, value in section.items():
            if not isinstance(value, Map):
                message = f"{key} is {describe(value)}; it must be a mapping like {{type: Float, ...}}"
                self._problems.add(section.value_at[key], message)
                continue
            yield Name(key, section.key_at[key], names, self._problems), value

    def _tags(self, raw: Map, part: str, names: Names, checker: Checker[Any]) -> Iterator[TagPart]:
        for name, value in self._part(raw, part, "tags by name", names):
            point = value.get("point")
            spec_raw = value.without(frozenset({"point", "interlock"} if checker is COMMAND else {"point"}))
            if point is not None:
                spec_raw.put("point", True, value.key_at["point"], value.value_at["point"])
            spec = Piece(spec_raw, value.place, names, self._problems)
            spec.define(checker)
            address = Piece(point, value.value_at["point"], names, self._problems) if isinstance(point, Map) else None
            if point is not None and address is None:
                message = f"point is {describe(point)}; it must be a mapping with the address in the device"
                self._problems.add(value.value_at["point"], message)
            like = "{tag: ../Tank/Level, above: 10}"
            interlocks = self._list(value, "interlock", like, INTERLOCK, names) if checker is COMMAND else ()
            yield TagPart(name, value, spec, address, interlocks, checker)

    def _list(self, raw: Map, key: str, like: str, checker: Checker[Any], names: Names) -> tuple[Piece, ...]:
        """The items of a list, each checked for itself."""
        items = raw.get(key)
        if items is None:
            return ()
        if not isinstance(items, Seq):
            self._problems.add(raw.value_at[key], f"{key} is {describe(items)}; it must be a list like [{like}]")
            return ()
        pieces = []
        for item, place in zip(items, items.value_at, strict=True):
            if not isinstance(item, Map):
                self._problems.add(place, f"{key} has {describe(item)}; each item must be like {like}")
                continue
            pieces.append(Piece(item, place, names, self._problems))
            pieces[-1].define(checker)
        return tuple(pieces)

    def _methods(self, raw: Map, names: Names) -> Iterator[MethodPart]:
        for name, value in self._part(raw, "methods", "methods by name", names):
            spec = Piece(value, value.place, names, self._problems)
            spec.define(METHOD)
            yield MethodPart(name, value, spec)

    def _rules(self, raw: Map, names: Names) -> Iterator[RulePart]:
        for name, value in self._part(raw, "rules", "rules by name", names):
            spec = Piece(with_message(value, names.known), value.place, names, self._problems)
            spec.define(RULE)
            yield RulePart(name, value, spec)

    def _parameters(self, raw: Map) -> dict[str, Scalar | None]:
        if "parameters" not in raw:
            return {}
        section = self.mapping(
            raw["parameters"], raw.value_at["parameters"], "parameters", "names to {} or {default: x}"
        )
        parameters: dict[str, Scalar | None] = {}
        for key, value in section.items():
            text = self.mapping(value, section.value_at[key], f"the parameter {key}", "default and description")
            spec, findings = PARAMETER.check(text, text)
            for finding in findings:
                self._problems.add(finding.place, finding.message)
            if not key.isidentifier():
                message = f"{key} cannot be a parameter; a name is letters, digits and _, and starts with a letter"
                self._problems.add(key_position(section, (key,)), message)
            parameters[key] = spec.default if spec else None
        return parameters


def taken(name: str, seen: Mapping[str, str]) -> str:
    """Why a name cannot be given below a twin that has those in `seen` (to where they stand), "" when it can."""
    if name in RESERVED or name in DIAGNOSTICS:
        return f"{name} is a name that every twin has below it already; choose another"
    return f"the name {name} is already at {seen[name]}; names below a twin differ" if name in seen else ""


def known_type(name: str, types: dict[str, Type]) -> str:
    """The end of a message about an unknown type."""
    return did_you_mean(name, types, "the section types has none")
