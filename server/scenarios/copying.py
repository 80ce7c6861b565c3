"""Twins in another place: the same tree with rows of its own and models that are bound to its own tags."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from analytics.simulation.wiring import ModelUse, Source, Term
from server.config.plant import CommandMethod, CommandRules, Condition, Relation, Tag, Twin


def tags_of(roots: Iterable[Twin]) -> Iterator[Tag]:
    """What is copied: telemetry and commands of twins and all below them."""
    for root in roots:
        for twin in root.walk():
            yield from twin.telemetry
            yield from twin.commands


def moved(path: str, roots: Sequence[Twin], above: str) -> str | None:
    """Where a path of the plant is when the roots stand below another object; None for what is outside of them."""
    for root in roots:
        length = len(root.path)
        if path[:length] == root.path and path[length : length + 1] in ("", "/"):
            return f"{above}/{root.name}{path[length:]}"
    return None


class Copier:
    """above: path of the object that the copies of the roots stand below. rows: those of the copied tags, by the rows
    of the originals. uses: the models, calibrated. values: of tags by path, which stand for what is outside of the copy
    and feeds its models."""

    def __init__(
        self,
        roots: Sequence[Twin],
        above: str,
        rows: Mapping[int, int],
        uses: Iterable[ModelUse],
        values: Mapping[str, float],
    ) -> None:
        self._roots = roots
        self._above = above
        self._rows = rows
        self._values = values
        self._uses: dict[str, list[ModelUse]] = {}
        for use in uses:
            self._uses.setdefault(use.twin, []).append(use)

    def tag(self, tag: Tag) -> Tag:
        """The copy of a tag: no device feeds it, and none gets what is written to it."""
        rules = self._rules(tag.command) if tag.command is not None else None
        path = f"{self._inside(tag.path)}"
        return replace(
            tag, row=self._rows[tag.row], path=path, connection=None, point=None, history=None, command=rules
        )

    def twin(self, twin: Twin) -> Twin:
        """The copy of a twin and of all below it, without results, diagnostics and what it is in the flow of work."""
        relations = ((one.reference_type, self._inside(one.target)) for one in twin.relations)
        return replace(
            twin,
            path=f"{self._inside(twin.path)}",
            telemetry=tuple(map(self.tag, twin.telemetry)),
            commands=tuple(map(self.tag, twin.commands)),
            methods=tuple(self._method(one) for one in twin.methods if self._has(one)),
            diagnostics=(),
            analytics=(),
            children=tuple(map(self.twin, twin.children)),
            relations=tuple(Relation(kind, target) for kind, target in relations if target is not None),
            models=tuple(map(self._use, self._uses.get(twin.path, ()))),
            process=None,
        )

    def _inside(self, path: str) -> str | None:
        return moved(path, self._roots, self._above)

    def _rules(self, rules: CommandRules) -> CommandRules:
        """An interlock that asks for something outside looks at the plant."""
        interlocks = tuple(
            replace(one, conditions=tuple(map(self._condition, one.conditions))) for one in rules.interlocks
        )
        return replace(rules, confirm="acknowledge", interlocks=interlocks)

    def _condition(self, one: Condition) -> Condition:
        path = self._inside(one.path)
        return one if path is None else replace(one, row=self._rows[one.row], path=path)

    def _has(self, method: CommandMethod) -> bool:
        rows = [one.row for one in method.arguments] + [one.row for one in method.writes]
        return all(row in self._rows for row in rows)

    def _method(self, method: CommandMethod) -> CommandMethod:
        return replace(
            method,
            path=f"{self._inside(method.path)}",
            arguments=tuple(replace(one, row=self._rows[one.row]) for one in method.arguments),
            writes=tuple(replace(one, row=self._rows[one.row]) for one in method.writes),
        )

    def _use(self, use: ModelUse) -> ModelUse:
        outputs = {port: self._term(term) for port, term in use.outputs.items() if self._inside(term.path) is not None}
        inputs = {port: self._source(source) for port, source in use.inputs.items()}
        return replace(use, twin=f"{self._inside(use.twin)}", inputs=inputs, outputs=outputs)

    def _source(self, source: Source) -> Source:
        terms, constant = [], source.constant
        for term in source.terms:
            if self._inside(term.path) is None and not term.port and term.path in self._values:
                constant += term.factor * self._values[term.path] + term.offset
            else:
                terms.append(self._term(term))
        return Source(tuple(terms), constant)

    def _term(self, term: Term) -> Term:
        path, command = self._inside(term.path), self._inside(term.command) if term.command else None
        return replace(term, path=path if path is not None else term.path, command=command or "")
