"""Checks data of a plant file against a model, and says what is wrong in a person's words and at its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from drivers.secret import SECRET_ERROR
from server.config.errors import Place, did_you_mean
from server.config.yaml_source import Map, Seq, resolve_scalar

T = TypeVar("T")
Loc = tuple[int | str, ...]

_WANTED: Final[dict[str, str]] = {
    "int_type": "a whole number", "int_from_float": "a whole number", "int_parsing": "a whole number",
    "float_type": "a number", "float_parsing": "a number", "finite_number": "a finite number",
    "bool_type": "true or false", "bool_parsing": "true or false", "string_type": "text",
    "dict_type": "a mapping (key: value)", "model_type": "a mapping (key: value)",
    "model_attributes_type": "a mapping (key: value)", "dataclass_type": "a mapping (key: value)",
    "dataclass_exact_type": "a mapping (key: value)", "list_type": "a list", "tuple_type": "a list",
    "none_required": "nothing", "path_type": "a path", "bytes_type": "text",
}  # fmt: skip
"""pydantic's error types that mean another type was expected, and which."""
_SECRET: Final = re.compile("password|passphrase|secret|token|psk")
"""Keys whose values no message repeats."""
_EXTRA: Final = ("extra_forbidden", "unexpected_keyword_argument")
_BOUND: Final = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at most", "le"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with a piece of data. kind tells findings at one place apart."""

    place: Place
    loc: Loc
    kind: str
    message: str
    given: str = ""

    @property
    def structural(self) -> bool:
        """Whether it is about which keys there are, not about a value."""
        return self.kind in ("missing", "unknown")


Rules = Callable[[Any], Iterator[tuple[Loc, str]]]
"""What a model says about several of its keys together: where, and what is wrong."""


class Checker(Generic[T]):
    """Turns plain data into one model. rules: checks over several keys, made once the model stands. salvage: go on
    without the keys that are wrong, so that one mistake does not hide the next."""

    def __init__(self, model: Any, rules: Rules | None = None, *, salvage: bool = False) -> None:
        self._adapter: TypeAdapter[T] = TypeAdapter(model)
        self._salvage = salvage
        self.rules = rules
        self.make = self._adapter.validate_python
        """make(data) is the model; raises pydantic.ValidationError, which `findings` explains."""

    def check(self, data: Any, raw: Any) -> tuple[T | None, list[Finding]]:
        """The model of data and what is wrong with it; with findings the model serves only to look for more, and may
        be None. raw: the data as it stands in the file."""
        try:
            model = self.make(data)
        except ValidationError as error:
            findings = self.findings(error, raw)
            return self._rest(data, findings), findings
        return model, list(self.broken(model, raw))

    def _rest(self, data: Any, findings: list[Finding]) -> T | None:
        """The model without the keys that are wrong, where it has one."""
        wrong = {finding.loc[0] for finding in findings if finding.loc}
        if not self._salvage or not isinstance(data, dict):
            return None
        try:
            return self.make({key: value for key, value in data.items() if key not in wrong})
        except ValidationError:
            return None

    def broken(self, model: T, raw: Any) -> Iterator[Finding]:
        """Which rules a model breaks."""
        for loc, message in self.rules(model) if self.rules else ():
            known = walk(raw, loc)[0]
            yield Finding(position(raw, known), known, "rule", message)

    def findings(self, error: ValidationError, raw: Any) -> list[Finding]:
        """What a ValidationError means, by the places in raw."""
        found = [self._finding(details, raw) for details in error.errors(include_url=False)]
        return list(_merged(found))

    def _finding(self, details: ErrorDetails, raw: Any) -> Finding:
        known, rest = walk(raw, details["loc"])
        what, place, name = details["type"], position(raw, known), _name(known)
        if what in _EXTRA or rest[-1:] == ("[key]",):
            choices = self._keys(known[:-1]) if what in _EXTRA else _expected(details)
            message = f"unknown key {known[-1]}{did_you_mean(str(known[-1]), choices)}"
            return Finding(key_position(raw, known), known, "unknown", message)
        if what == "missing" and rest and isinstance(rest[-1], int):
            return Finding(place, known, "short", f"{name}must have {rest[-1] + 1} entries, not {rest[-1]}")
        if what in ("missing", "missing_argument") and rest:
            about = self._description(known, str(rest[-1]))
            return Finding(place, (*known, rest[-1]), "missing", f"{name}{rest[-1]} is missing{about}")
        secret = what != SECRET_ERROR and any(isinstance(part, str) and _SECRET.search(part) for part in known)
        if what in _WANTED:
            given = "" if secret else _given(details.get("input"), _WANTED[what])
            return Finding(place, known, "type", _WANTED[what], given)
        return Finding(place, known, what, f"{name}{'is not possible' if secret else _complaint(details)}")

    @cached_property
    def _schema(self) -> dict[str, Any]:
        return self._adapter.json_schema()

    def _keys(self, loc: Loc) -> list[str]:
        return [key for node in self._nodes(loc) for key in node.get("properties", {})]

    def _description(self, loc: Loc, key: str) -> str:
        for node in self._nodes(loc):
            text = node.get("properties", {}).get(key, {}).get("description", "")
            if text:
                first = text[0] if text[1:2].isupper() else text[0].lower()
                return f"; give {key}: {first}{text[1:].rstrip('.')}"
        return ""

    def _nodes(self, loc: Loc) -> list[dict[str, Any]]:
        """The parts of the JSON Schema that describe what stands at loc."""
        nodes = self._spread(self._schema)
        for part in loc:
            nodes = [inner for node in nodes for inner in self._spread(_inside(node, part))]
        return nodes

    def _spread(self, node: dict[str, Any]) -> list[dict[str, Any]]:
        if "$ref" in node:
            return self._spread(self._schema["$defs"][node["$ref"].rsplit("/", 1)[1]])
        options = [*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())]
        return [node, *(found for option in options for found in self._spread(option))]


def walk(raw: Any, loc: Sequence[int | str]) -> tuple[Loc, Loc]:
    """Splits a location into the part that exists in raw and the rest (a missing key, names of union members)."""
    known: list[int | str] = []
    rest: list[int | str] = []
    here = raw
    for part in loc:
        inside = (isinstance(here, Map) and part in here) or (
            isinstance(here, Seq) and isinstance(part, int) and part < len(here)
        )
        if inside:
            known.append(part)
            here = here[part]
            rest.clear()
        else:
            rest.append(part)
    return tuple(known), tuple(rest)


def value_at(raw: Any, loc: Loc) -> Any:
    """What stands at an existing location."""
    for part in loc:
        raw = raw[part]
    return raw


def position(raw: Any, loc: Loc) -> Place:
    """Where the value at an existing location stands."""
    container = value_at(raw, loc[:-1])
    return int(container.value_at[loc[-1]]) if loc else int(raw.place)


def key_position(raw: Any, loc: Loc) -> Place:
    """Where the key of an existing location stands; that of the value for an item of a list."""
    container = value_at(raw, loc[:-1])
    return container.key_at[str(loc[-1])] if loc and isinstance(container, Map) else position(raw, loc)


def describe(value: object) -> str:
    """A value in a message: the text "abc", the number 5, a list."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'the text "{value if len(value) < 60 else value[:57] + "..."}"'
    if isinstance(value, (int, float)):
        return f"the number {str(value)[:40]}"
    return "a list" if isinstance(value, Sequence) else "a mapping"


def _name(loc: Loc) -> str:
    """The key at a location as the beginning of a message: "range: ", "writes.Run: "."""
    names = [f"[{part + 1}]" if isinstance(part, int) else str(part) for part in loc]
    return ".".join(names).replace(".[", "[") + ": " if names else ""


def _given(value: object, wanted: str) -> str:
    """What was given instead, with a hint where the difference is only how it is written."""
    said = f", not {describe(value)}"
    if isinstance(value, str) and "number" in wanted and isinstance(resolve_scalar(value), (int, float)):
        return said + "; write it without quotes"
    if isinstance(value, str) and wanted == "true or false" and value.lower() in ("on", "off", "yes", "no"):
        return said + "; in YAML 1.2 only true and false are booleans"
    if wanted == "text" and isinstance(value, (bool, int, float)):
        return said + "; put it in quotes"
    return said


def _inside(node: Mapping[str, Any], part: int | str) -> dict[str, Any]:
    if isinstance(part, int):
        items = node.get("prefixItems", ())
        found = items[part] if part < len(items) else node.get("items", {})
    else:
        found = node.get("properties", {}).get(part, node.get("additionalProperties", {}))
    return found if isinstance(found, dict) else {}


def _expected(details: ErrorDetails) -> list[str]:
    listed = str(details.get("ctx", {}).get("expected", ""))
    return [choice.strip().strip("'\"") for choice in listed.replace(" or ", ", ").split(",") if choice.strip()]


def _complaint(details: ErrorDetails) -> str:
    """What is wrong with a value that has the right type."""
    what, given, context = details["type"], details.get("input"), details.get("ctx", {})
    if what in ("literal_error", "enum"):
        text = given if isinstance(given, str) else describe(given)
        return f"{text} is not one of the values it can have{did_you_mean(str(text), _expected(details))}"
    if what in _BOUND:
        word, key = _BOUND[what]
        return f"must be {word} {context[key]}, not {str(given)[:40]}"
    if what in ("too_short", "too_long"):
        limit = context.get("min_length", context.get("max_length"))
        side = "at least" if what == "too_short" else "at most"
        return f"must have {side} {limit} {'entry' if limit == 1 else 'entries'}, not {context['actual_length']}"
    if what == "string_too_short":
        return "must not be empty"
    if what == "string_pattern_mismatch":
        return f"{describe(given)} does not fit; it must match {context['pattern']}"
    message = details["msg"].removeprefix("Value error, ")
    return message[0].lower() + message[1:] if message.startswith("Input") else message


def _merged(findings: Sequence[Finding]) -> Iterator[Finding]:
    """One finding a place where a value fits none of several types; the value's own error wins over those."""
    by_loc: dict[Loc, list[Finding]] = {}
    for finding in findings:
        by_loc.setdefault(finding.loc, []).append(finding)
    for loc, group in by_loc.items():
        types = [finding for finding in group if finding.kind == "type"]
        others = [finding for finding in group if finding.kind != "type"]
        deeper = any(len(other) > len(loc) and other[: len(loc)] == loc for other in by_loc)
        if others:
            yield from others
        elif not deeper:
            yield Finding(types[0].place, loc, "type", f"{_name(loc)}must be {_either(types)}{types[-1].given}")


def _either(types: Sequence[Finding]) -> str:
    words = dict.fromkeys(finding.message for finding in types if finding.message != "nothing")
    if "a number" in words:
        words.pop("a whole number", None)
    return " or ".join(words) or "nothing"
