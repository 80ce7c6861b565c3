"""Pieces of a plant file that become one model: once when plain, for every twin when parameters occur in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from server.config.checking import Checker, Finding, Loc, describe, position, value_at
from server.config.errors import Place, Problems, did_you_mean
from server.config.templates import Scalar, Scope, Template, TemplateError, parse, parse_payload
from server.config.yaml_source import Map, Seq

T = TypeVar("T")
Fill = Callable[[Scope], Any]

_PAYLOADS: Final = frozenset({"template", "write_template"})
"""Keys of points whose text is a payload, full of braces of its own."""


@dataclass(slots=True)
class Names:
    """The parameters that templates in one part of the file may use. owner: whose they are, for messages; used: those
    that some template does use; open: there would be more, had they not been lost with an error."""

    known: frozenset[str]
    owner: str
    used: set[str] = field(default_factory=set)
    open: bool = False

    def more(self, names: frozenset[str], owner: str, lost: bool = False) -> Names:
        """These and others, with a record of use of its own."""
        return Names(self.known | names, owner, open=self.open or lost)


class _Poisoned(TemplateError):
    """Raised in place of a template that has been reported already."""


def _poisoned(scope: Scope) -> Scalar:
    raise _Poisoned


class Piece:
    """Data with templates in it. make(checker, scope, twin) is its model with the values of scope filled in; what is
    wrong with it in that twin is reported, and then it serves only to look for more, or is None."""

    __slots__ = ("_data", "_fill", "_made", "_problems", "raw")

    def __init__(self, raw: Any, place: Place, names: Names, problems: Problems) -> None:
        self.raw = raw
        self._problems = problems
        self._data, self._fill = _compile(raw, place, names, problems)
        self._made: dict[Checker[Any], tuple[Any, list[Finding]]] = {}

    @property
    def plain(self) -> bool:
        """Whether no parameter occurs in it."""
        return self._fill is None

    def define(self, checker: Checker[Any]) -> None:
        """Report what is wrong whatever the parameters are."""
        if self._fill is None:
            self._report(self._plain(checker)[1], "")
            return
        findings = checker.check(self._data, self.raw)[1]
        self._report([f for f in findings if f.structural or not _has_hole(value_at(self.raw, f.loc))], "")

    def make(self, checker: Checker[T], scope: Scope, twin: str) -> T | None:
        """The model, or None when it cannot be made."""
        if self._fill is None:
            model, findings = self._plain(checker)
            if findings:
                self._report(findings, twin)
            return model  # type: ignore[no-any-return]
        try:
            data = self._fill(scope)
        except TemplateError:
            self._report_holes(self.raw, (), scope, twin)
            return None
        try:
            model = checker.make(data)
        except ValidationError:
            rest, findings = checker.check(data, self.raw)
            self._report(findings, twin)
            return rest
        if checker.rules and (broken := list(checker.broken(model, self.raw))):
            self._report(broken, twin)
        return model

    def _plain(self, checker: Checker[Any]) -> tuple[Any, list[Finding]]:
        if checker not in self._made:
            self._made[checker] = checker.check(self._data, self.raw)
        return self._made[checker]

    def _report(self, findings: list[Finding], twin: str) -> None:
        for finding in findings:
            self._problems.add(finding.place, finding.message, twin, f"{finding.kind} {finding.loc}")

    def _report_holes(self, raw: Any, loc: Loc, scope: Scope, twin: str) -> None:
        """Look for the templates that could not be filled, and report each at its place."""
        parts = raw.items() if isinstance(raw, Map) else enumerate(raw) if isinstance(raw, Seq) else ()
        for key, value in parts:
            if isinstance(value, (Map, Seq)):
                self._report_holes(value, (*loc, key), scope, twin)
            elif isinstance(value, str):
                problem = _hole_problem(value, scope) if key not in _PAYLOADS else ""
                if problem:
                    self._problems.add(position(self.raw, (*loc, key)), problem, twin, "hole")


class Name:
    """The key of a mapping that names a tag or a twin, and may hold parameters."""

    __slots__ = ("_fill", "place", "text")

    def __init__(self, text: str, place: Place, names: Names, problems: Problems) -> None:
        self.place = place
        data, fill = _compile(text, place, names, problems)
        self.text: str = data
        self._fill = fill

    @property
    def plain(self) -> bool:
        """Whether no parameter occurs in it."""
        return self._fill is None

    def make(self, scope: Scope) -> str | None:
        """The name; None when it cannot be worked out."""
        if self._fill is None:
            return self.text
        try:
            return str(self._fill(scope))
        except TemplateError:
            return None


def mapping_piece(
    raw: Map, key: str, checker: Checker[Any], example: str, names: Names, problems: Problems
) -> Piece | None:
    """What stands under a key of a type or twin, with what is wrong with it reported; None where no mapping does.
    example: of a right one."""
    value = raw.get(key)
    if value is None:
        return None
    if not isinstance(value, Map):
        problems.add(raw.value_at[key], f"{key} is {describe(value)}; it must be a mapping like {example}")
        return None
    piece = Piece(value, value.place, names, problems)
    piece.define(checker)
    return piece


def _compile(raw: Any, place: Place, names: Names, problems: Problems, key: str = "") -> tuple[Any, Fill | None]:
    """Data without its escapes, and how to fill it; None when there is nothing to fill."""
    if isinstance(raw, str):
        return _compile_text(raw, place, names, problems, key)
    if isinstance(raw, Map):
        compiled = {name: _compile(raw[name], raw.value_at[name], names, problems, name) for name in raw}
        fills = tuple((name, fill) for name, (_, fill) in compiled.items() if fill)
        data = {name: value for name, (value, _) in compiled.items()}
        return data, _filled_map(data, fills) if fills else None
    if isinstance(raw, Seq):
        items = [_compile(item, at, names, problems) for item, at in zip(raw, raw.value_at, strict=True)]
        data_list = [value for value, _ in items]
        return data_list, _filled_list(items) if any(fill for _, fill in items) else None
    return raw, None


def _compile_text(raw: str, place: Place, names: Names, problems: Problems, key: str) -> tuple[str, Fill | None]:
    try:
        template = parse_payload(raw, names.known) if key in _PAYLOADS else parse(raw)
    except TemplateError as error:
        problems.add(place, str(error))
        return raw, _poisoned
    if isinstance(template, str):
        return template, None
    names.used |= template.names
    unknown = sorted(template.names - names.known)
    for name in unknown if not names.open else ():
        nearest = did_you_mean(name, sorted(names.known), f"{names.owner} has none")
        problems.add(place, f"there is no parameter {name}{nearest}, or write {{{{{name}}}}} for text in braces")
    return raw, _poisoned if unknown else template.fill


def _filled_map(data: dict[str, Any], fills: tuple[tuple[str, Fill], ...]) -> Fill:
    def filled(scope: Scope) -> dict[str, Any]:
        copy = data.copy()
        for name, fill in fills:
            copy[name] = fill(scope)
        return copy

    return filled


def _filled_list(items: list[tuple[Any, Fill | None]]) -> Fill:
    return lambda scope: [fill(scope) if fill else value for value, fill in items]


def _hole_problem(text: str, scope: Scope) -> str:
    try:
        template = parse(text)
    except TemplateError:  # reported when it was read
        return ""
    try:
        if isinstance(template, Template) and template.names <= scope.keys():
            template.fill(scope)
    except TemplateError as error:
        return str(error)
    return ""


def _has_hole(raw: Any) -> bool:
    return any(_holes(raw))


def _holes(raw: Any) -> Iterator[bool]:
    if isinstance(raw, str):
        yield "{" in raw
    elif isinstance(raw, (Map, Seq)):
        for value in raw.values() if isinstance(raw, Map) else raw:
            yield from _holes(value)
