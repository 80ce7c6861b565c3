"""Ties the twin tree together: paths of interlocks, methods and relations become rows and twins that exist."""

from __future__ import annotations

from dataclasses import replace

from drivers.data_types import value_range
from server.config.bodies import MethodPart
from server.config.build import Builder
from server.config.diagnostics import twin_diagnostics
from server.config.drafts import Draft, Reference
from server.config.errors import Place, Problems, did_you_mean
from server.config.model_wiring import Wiring
from server.config.models import InterlockSpec, MethodSpec
from server.config.names import absolute
from server.config.optimization_wiring import OptimizationWiring
from server.config.plant import (
    CommandArgument,
    CommandMethod,
    CommandRules,
    CommandWrite,
    Condition,
    Interlock,
    Relation,
    Tag,
    Twin,
)  # fmt: skip
from server.config.process_wiring import ProcessWiring
from server.config.rules import as_value, comparisons, default_message, value_problem
from server.config.yaml_source import Map


class Resolver:
    """Makes twins of drafts, once all of them are there."""

    def __init__(self, built: Builder, problems: Problems) -> None:
        self._built = built
        self._problems = problems
        self._commands: dict[str, tuple[Tag, ...]] = {}
        self._wiring = Wiring(built, problems, self._tag)
        self._processes = ProcessWiring(built, problems, self._tag)
        self._optimizations = OptimizationWiring(built, problems)

    def twins(self, roots: list[Draft]) -> tuple[Twin, ...]:
        """The roots of the finished tree; built.tags then holds all tags, the twins' diagnostics last."""
        everything = [draft for root in roots for draft in root.walk()]
        for draft in everything:
            self._commands[draft.path] = tuple(self._command(draft, *command) for command in draft.commands)
        diagnostics: dict[str, tuple[Tag, ...]] = {}
        for draft in everything:
            diagnostics[draft.path] = twin_diagnostics(draft.path, len(self._built.tags))
            self._built.tags += diagnostics[draft.path]
        return tuple(self._twin(root, diagnostics) for root in roots)

    def _twin(self, draft: Draft, diagnostics: dict[str, tuple[Tag, ...]]) -> Twin:
        process = self._processes.station(draft)
        relations = [found for relation in draft.relations if (found := self._relation(draft, relation))]
        twin = Twin(
            draft.name,
            draft.path,
            draft.scope,
            draft.type_name,
            draft.description,
            draft.identification,
            tuple(draft.telemetry),
            self._commands[draft.path],
            tuple(self._method(draft, *method) for method in draft.methods),
            diagnostics[draft.path],
            tuple(self._twin(child, diagnostics) for child in draft.children),
            self._processes.relations(draft, process, relations),
            models=self._wiring.uses(draft) if draft.models else (),
            process=process,
        )
        optimization = self._optimizations.of(draft, twin)
        return replace(twin, optimization=optimization) if optimization is not None else twin

    def _command(self, draft: Draft, tag: Tag, given: list[tuple[Map, InterlockSpec]]) -> Tag:
        if not given or tag.command is None:
            return tag
        interlocks = tuple(found for raw, spec in given if (found := self._interlock(draft, raw, spec)))
        tag = replace(tag, command=replace(tag.command, interlocks=interlocks))
        self._built.tags[tag.row] = tag
        return tag

    def _interlock(self, draft: Draft, raw: Map, spec: InterlockSpec) -> Interlock | None:
        tag = self._tag(draft, spec.tag, raw.value_at["tag"])
        if tag is None:
            return None
        conditions = []
        for operator, value in comparisons(spec):
            problem = _comparison_problem(operator, value, tag)
            if problem:
                self._add(draft, raw.value_at[operator], f"{operator}: {problem}", "comparison")
            conditions.append(Condition(tag.row, tag.path, operator, as_value(value, tag.states, tag.data_type)))
        interlock = Interlock(tuple(conditions), spec.message)
        return interlock if spec.message else replace(interlock, message=default_message(interlock))

    def _method(self, draft: Draft, name: str, part: MethodPart, spec: MethodSpec) -> CommandMethod:
        arguments: list[CommandArgument] = []
        writes: list[CommandWrite] = []
        for target, value in spec.writes.items():
            raw_writes = part.raw["writes"]
            raw_key = target if target in raw_writes else next(iter(raw_writes))
            tag = self._tag(draft, target, raw_writes.key_at[raw_key], "command")
            if tag is None or tag.command is None:
                continue
            place = raw_writes.value_at[raw_key]
            if isinstance(value, str) and value.startswith("$") and not value.startswith("$$"):
                index = self._argument(draft, arguments, value[1:], tag, place)
                writes.append(CommandWrite(tag.row, None, index))
                continue
            value = value[1:] if isinstance(value, str) and value.startswith("$$") else value
            problem = value_problem(value, tag.data_type, tag.states) or _limit_problem(value, tag.command)
            if problem:
                self._add(draft, place, f"{target} cannot be written so: {problem}", "write")
            writes.append(CommandWrite(tag.row, as_value(value, tag.states, tag.data_type), None))
        return CommandMethod(name, f"{draft.path}/{name}", spec.description, tuple(arguments), tuple(writes))

    def _argument(self, draft: Draft, arguments: list[CommandArgument], name: str, tag: Tag, place: Place) -> int:
        if not name.isidentifier():
            self._add(draft, place, f"${name} names no argument; write $Name, or $$ for text with a dollar", "argument")
        for index, argument in enumerate(arguments):
            if argument.name == name:
                other = self._built.tags[argument.row]
                if other and other.data_type is not tag.data_type:
                    message = f"${name} goes to commands of the types {other.data_type.name} and {tag.data_type.name}"
                    self._add(draft, place, f"{message}; give them two arguments", "argument")
                return index
        arguments.append(CommandArgument(name, tag.row))
        return len(arguments) - 1

    def _relation(self, draft: Draft, relation: Reference) -> Relation | None:
        path = absolute(draft.path, relation.target)
        if path in self._built.drafts:
            return Relation(relation.reference_type, str(path))
        if path in self._built.rows:
            message = f"{relation.target} is a tag; a relation goes to a twin"
            self._add(draft, relation.place, message, "relation")
        else:
            self._nowhere(draft, relation.target, path, relation.place)
        return None

    def _tag(self, draft: Draft, text: str, place: Place, what: str = "tag") -> Tag | None:
        path = absolute(draft.path, text)
        row = self._built.rows.get(path) if path is not None else None
        if row is not None:
            tag = self._built.tags[row]
            if what == "command" and tag and tag.command is None:
                self._add(draft, place, f"{text} is not a command; a method writes commands only", "tag")
            return tag
        if path in self._built.drafts:
            self._add(draft, place, f"{text} is a twin; give one of its {what}s", "tag")
        else:
            self._nowhere(draft, text, path, place, what)
        return None

    def _nowhere(self, draft: Draft, text: str, path: str | None, place: Place, what: str = "twin") -> None:
        if self._built.incomplete:  # it may be one of those that were left out because of another error
            return
        if path is None:
            self._add(draft, place, f"{text} leads above the roots of the tree; .. is the twin above", "path")
            return
        above, _, last = path.rpartition("/")
        while above and above not in self._built.drafts:
            above, _, last = above.rpartition("/")
        names = self._built.drafts[above].names if above else [p for p in self._built.drafts if "/" not in p]
        nearest = did_you_mean(last, names)
        self._add(draft, place, f"there is no {what} {text} (that is /{path}){nearest}", "path")

    def _add(self, draft: Draft, place: Place, message: str, kind: str) -> None:
        self._problems.add(place, message, draft.label, kind if draft.label else "")


def _comparison_problem(operator: str, value: object, tag: Tag) -> str:
    if tag.array_length:
        return f"{tag.name} is an array, which cannot be compared"
    if operator in ("equals", "not_equals"):
        return value_problem(value, tag.data_type, tag.states)
    numeric = value_range(tag.data_type) is not None
    return "" if numeric else f"{tag.name} is a {tag.data_type.name}; use equals or not_equals"


def _limit_problem(value: object, rules: CommandRules) -> str:
    if rules.limits is None or isinstance(value, (bool, str)) or not isinstance(value, (int, float)):
        return ""
    low, high = rules.limits
    return "" if low <= value <= high else f"{value} is outside its limits {low:g} to {high:g}"
