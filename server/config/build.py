"""Makes the twin tree: types with their parameters worked out, tags with their row, path, connection and point."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from server.config.bodies import (
    DIAGNOSTICS,
    INTERLOCK,
    METHOD,
    RELATION,
    RESERVED,
    RULE,
    TWIN,
    Body,
    Entry,
    RulePart,
    TagPart,
    Type,
    taken,
)
from server.config.connections import Endpoint, patience_s
from server.config.created import Made
from server.config.drafts import Draft, Inherited, Reference, RuleDraft
from server.config.errors import Place, Problems, did_you_mean
from server.config.instances import VALUES, Row
from server.config.model_parts import MODEL, model_draft
from server.config.models import TwinSpec, TypeSpec
from server.config.names import name_problem
from server.config.optimization_parts import OPTIMIZATION, OptimizationDraft
from server.config.plant import Scope, Tag
from server.config.process_parts import PROCESS, ProcessDraft
from server.config.rules import too_short
from server.config.templates import Scalar
from server.config.templates import Scope as Values

_OWN_NAMES: Final = dict.fromkeys(DIAGNOSTICS, 0)
_ROOTS: Final = {"Connections": "connections", "Rules": "methods of rules"}


class Builder:
    """tags: by row, None where something is wrong with one; sources, labels: by row, its text and its twin; rows: by
    path; drafts: by path. incomplete: something was left out because of an error."""

    def __init__(self, types: dict[str, Type], endpoints: dict[str, Endpoint], problems: Problems) -> None:
        self.tags: list[Tag | None] = []
        self.sources: list[TagPart] = []
        self.labels: list[str] = []
        self.rows: dict[str, int] = {}
        self.drafts: dict[str, Draft] = {}
        self.incomplete = False
        self._types = types
        self._endpoints = endpoints
        self._problems = problems
        self._making: list[str] = []

    def build(self, entries: Iterable[Entry], created: Iterable[Made] = ()) -> list[Draft]:
        """The roots of the tree. created: twins that stand at a path; what is missing of it is made as systems."""
        top = Draft("", "", "")
        for entry in entries:
            self._expand(entry, {}, top, Inherited())
        for one in created:
            self._expand(one.entry, {}, self._parent(one, top), Inherited(one.twin.connection))
        return top.children

    def _parent(self, created: Made, top: Draft) -> Draft:
        """The twin that a created one stands under; what is missing of its path is made."""
        here = top
        for name in filter(None, created.under.split("/")):
            path = f"{here.path}/{name}".strip("/")
            if path not in self.drafts:
                self._claim(here, name, created.entry.place)
                here.children.append(Draft(name, path, path, Scope.system, names={**_OWN_NAMES}))
                self.drafts[path] = here.children[-1]
            here = self.drafts[path]
        return here

    def _expand(self, entry: Entry, scope: Values, parent: Draft, inherited: Inherited) -> None:
        if entry.type_name and (entry.type_name not in self._types or entry.type_name in self._making):
            self.incomplete = True
            return
        for row in entry.instances.rows(scope, parent.label):
            values = self._values(entry, {**scope, **row.values}, row, parent)
            name = entry.name.make(values) if values is not None else None
            if values is None or name is None:
                self.incomplete = True
                continue
            self._twin(entry, name, values, row, parent, inherited)

    def _values(self, entry: Entry, values: dict[str, Scalar], row: Row, parent: Draft) -> dict[str, Scalar] | None:
        """Everything a template in the entry may use; None when something that it does use is missing."""
        lacking = [name for name in entry.instances.names if name in entry.names.used and name not in row.values]
        for name in lacking:
            message = f"{name} is missing, and the entry {entry.name.text} uses it"
            self._problems.add(row.value_at.get(name, row.place), message)
        given = None if lacking else entry.given.make(VALUES, values, parent.label)
        return None if given is None else {**values, **given}

    def _twin(self, entry: Entry, name: str, values: Values, row: Row, parent: Draft, inherited: Inherited) -> None:
        made = bool(parent.label or entry.type_name or entry.instances.names)
        path = f"{parent.path}/{name}" if parent.path else name
        draft = Draft(name, path, path if made else "", names={**_OWN_NAMES})
        place = entry.place if row.place == entry.place or entry.name.plain else row.place
        self._claim(parent, name, place)
        parent.children.append(draft)
        self.drafts[path] = draft
        own = entry.body.header.make(TWIN, values, draft.label) or TwinSpec()
        if entry.component and own.scope is None and not entry.type_name:
            own = own.model_copy(update={"scope": Scope.component})
        if entry.type_name:
            inherited = self._from_type(entry, own, values, row, draft, inherited)
        self._header(draft, entry.body, own, values)
        if entry.component and draft.scope is not Scope.component:
            message = f"{draft.name} is of scope {draft.scope} and stands under components; move it to children"
            self._problems.add(entry.place, message, draft.label, "component")
        self._body(entry.body, values, draft, self._inherit(entry.body.raw, own, inherited, draft))

    def _from_type(
        self, entry: Entry, own: TwinSpec, values: Values, row: Row, draft: Draft, inherited: Inherited
    ) -> Inherited:
        """Fill a draft from its type; returns what the entry's own children inherit."""
        made_from = self._types[entry.type_name]
        made_from.used = True
        parameters = self._parameters(entry, made_from, values, row)
        if parameters is None:
            self.incomplete = True
            return inherited
        draft.type_name = made_from.name
        base = made_from.body.header.make(made_from.body.checker, parameters, draft.label)
        if base is None:
            self.incomplete = True
            return inherited
        self._header(draft, made_from.body, base, parameters)
        inherited = self._inherit(made_from.body.raw, base, inherited, draft)
        self._making.append(made_from.name)
        self._body(made_from.body, parameters, draft, self._inherit(entry.body.raw, own, inherited, draft))
        self._making.pop()
        return inherited

    def _parameters(self, entry: Entry, made_from: Type, values: Values, row: Row) -> dict[str, Scalar] | None:
        found: dict[str, Scalar] = {}
        given = entry.given.raw.keys() | entry.instances.names.keys()
        for name, default in made_from.parameters.items():
            value = values.get(name) if name in given else None
            if value is None:
                value = default
            if value is None:
                if name in given:  # otherwise reported once for the entry
                    message = f"{name} is missing; the type {made_from.name} needs it"
                    self._problems.add(row.value_at.get(name, row.place), message)
                return None
            found[name] = value
        return found

    def _header(self, draft: Draft, body: Body, spec: TwinSpec | TypeSpec, values: Values) -> None:
        draft.scope = spec.scope or draft.scope
        draft.description = spec.description or draft.description
        if spec.identification:
            own: dict[str, str] = {str(name): text for name, text in spec.identification.items()}
            draft.identification = {**draft.identification, **own}
        for name in spec.identification:
            draft.names.setdefault(name, body.raw["identification"].key_at[name])
        for piece in body.relations:
            for reference_type, target in (piece.make(RELATION, values, draft.label) or {}).items():
                draft.relations.append(Reference(reference_type, target, piece.raw.value_at[reference_type]))

    def _inherit(self, raw: Any, spec: TwinSpec | TypeSpec, above: Inherited, draft: Draft) -> Inherited:
        if spec.connection is None and spec.rate_s is None and spec.stale_s is None:
            return above
        connection = above.connection if spec.connection is None else spec.connection
        if spec.connection is not None and spec.connection not in self._endpoints:
            self._unknown_connection(raw, spec.connection, draft.label)
            connection = ""
        rate_s, stale_s = self._rates(raw, spec.rate_s, spec.stale_s, above, draft.label)
        return Inherited(connection, rate_s, stale_s)

    def _rates(
        self, raw: Any, rate_s: float | None, stale_s: float | None, above: Inherited, label: str
    ) -> tuple[float, float | None]:
        """rate_s and stale_s belong together: who gives a rate_s alone gets the default stale_s of it."""
        if rate_s is not None:
            return rate_s, stale_s
        if stale_s is not None and stale_s < above.rate_s:
            self._problems.add(raw.value_at["stale_s"], too_short(stale_s, above.rate_s), label, "stale")
        return above.rate_s, above.stale_s if stale_s is None else stale_s

    def _unknown_connection(self, raw: Any, name: str, label: str) -> None:
        nearest = did_you_mean(name, self._endpoints, "the section connections has none")
        self._problems.add(raw.value_at["connection"], f"there is no connection {name}{nearest}", label, "connection")

    def _body(self, body: Body, values: Values, draft: Draft, inherited: Inherited) -> None:
        for tag in body.tags:
            self._tag(tag, values, draft, inherited)
        for method in body.methods:
            name = method.name.make(values)
            spec = method.spec.make(METHOD, values, draft.label)
            if name is not None:
                self._claim(draft, name, method.name.place)
            if name is not None and spec is not None:
                draft.methods.append((name, method, spec))
        for part in body.rules:
            self._rule(part, values, draft)
        self._told(body, values, draft)
        for entry in body.entries:
            self._expand(entry, values, draft, inherited)

    def _told(self, body: Body, values: Values, draft: Draft) -> None:
        """What simulates it, what it does, and what its setpoints are to reach."""
        for one in body.models:
            if (spec_of := one.spec.make(MODEL, values, draft.label)) is not None:
                model = model_draft(one, spec_of)
                draft.models[model.name] = model
        if body.process is not None and (told := body.process.make(PROCESS, values, draft.label)) is not None:
            draft.process.append(ProcessDraft(body.process.raw, told))
        if (
            body.optimization is not None
            and (aim := body.optimization.make(OPTIMIZATION, values, draft.label)) is not None
        ):
            draft.optimization.append(OptimizationDraft(body.optimization.raw, aim))

    def _rule(self, part: RulePart, values: Values, draft: Draft) -> None:
        name = part.name.make(values)
        spec = part.spec.make(RULE, values, draft.label)
        if name is not None:
            self._claim(draft, name, part.name.place)
        if name is not None and spec is not None:
            draft.rules.append(RuleDraft(draft.path, draft.label, name, part.raw, spec))

    def _tag(self, part: TagPart, values: Values, draft: Draft, inherited: Inherited) -> None:
        name = part.name.make(values)
        if name is None:
            self.incomplete = True
            return
        row = len(self.tags)
        path = f"{draft.path}/{name}"
        self._claim(draft, name, part.name.place)
        self.rows[path] = row
        self.tags.append(None)
        self.sources.append(part)
        self.labels.append(draft.label)
        spec = part.spec.make(part.checker, values, draft.label)
        endpoint = self._endpoint(part, spec.connection if spec else None, draft, inherited)
        if endpoint is None or endpoint.points is None or part.point is None:
            return
        point = part.point.make(endpoint.points, values, draft.label)
        if spec is None or point is None:
            return
        rate_s, stale_s = inherited.rate_s, inherited.stale_s
        if spec.rate_s is not None or spec.stale_s is not None:
            rate_s, stale_s = self._rates(part.raw, spec.rate_s, spec.stale_s, inherited, draft.label)
        tag = Tag(
            row,
            name,
            path,
            spec.data_type,
            spec.description,
            spec.array_length,
            spec.unit,
            spec.range,
            spec.states or (),
            endpoint.name,
            point,
            rate_s,
            patience_s(endpoint, point, rate_s) if stale_s is None else stale_s,
            spec.rules if part.is_command else None,
            spec.history,
        )
        self.tags[row] = tag
        if part.is_command:
            made = ((piece.raw, piece.make(INTERLOCK, values, draft.label)) for piece in part.interlocks)
            draft.commands.append((tag, [(raw, interlock) for raw, interlock in made if interlock]))
        else:
            draft.telemetry.append(tag)

    def _endpoint(self, part: TagPart, name: str | None, draft: Draft, inherited: Inherited) -> Endpoint | None:
        if name is not None and name not in self._endpoints:
            self._unknown_connection(part.raw, name, draft.label)
            return None
        name = inherited.connection if name is None else name
        if name is None and "connection" not in part.raw:
            message = f"no connection feeds {part.name.text}; give connection: here, in its twin or type, or above"
            self._problems.add(part.name.place, message, draft.label)
        return self._endpoints.get(name or "")

    def _claim(self, draft: Draft, name: str, place: Place) -> None:
        """Take a name below a twin; each can be had once."""
        problem = name_problem(name)
        if not problem and (name in draft.names or name in RESERVED):
            first = draft.names.get(name, 0)
            if first == place:  # the whole entry was reported
                return
            problem = taken(name, {name: self._problems.describe(first)} if first else {})
        elif not draft.path and name in _ROOTS:
            problem = f"{name} is where the {_ROOTS[name]} stand; choose another name for a root twin"
        if problem:
            self._problems.add(place, problem, draft.label, "name" if draft.label else problem)
        draft.names.setdefault(name, place)
