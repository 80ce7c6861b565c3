"""Section `rules`, and the rules of types and twins: what alarms they make, by the tags that there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from posixpath import commonpath
from typing import TYPE_CHECKING

from server.config.alarm_definitions import AlarmDefinition
from server.config.alarm_making import (
    CONNECTION_LOST,
    HISTORY_STOPPED,
    RuleText,
    connection_alarm,
    expression_alarm,
    history_alarm,
    tag_alarm,
)
from server.config.bodies import RESERVED, RULE
from server.config.checking import describe
from server.config.errors import Place, Problems, did_you_mean
from server.config.names import absolute, name_problem
from server.config.patterns import compiled, is_pattern
from server.config.plant import Tag
from server.config.rule_spec import RuleSpec
from server.config.yaml_source import Map

if TYPE_CHECKING:
    from server.config.sections import Known


def read_rules(section: Map | None, known: Known, problems: Problems) -> tuple[AlarmDefinition, ...]:
    """Every alarm of a plant: of types and twins, of the section, lost connections, and a history that stopped."""
    reader = RuleReader(known, problems)
    rules = section if section is not None else Map(0)
    found = [*reader.of_twins(), *reader.of_section(rules)]
    if CONNECTION_LOST not in rules:
        found += [connection_alarm(name, CONNECTION_LOST, RuleText(Map(0), RuleSpec())) for name in known.connections]
    if known.keeps_history and HISTORY_STOPPED not in rules:
        found.append(history_alarm(HISTORY_STOPPED))
    return tuple(found)


class RuleReader:
    """Makes alarms of rules. taken: paths of alarms that there are already."""

    def __init__(self, known: Known, problems: Problems, taken: Iterable[str] = ()) -> None:
        self._known = known
        self._problems = problems
        self._tags: dict[str, Tag] = {tag.path: tag for tag in known.tags}
        self._taken: dict[str, Place] = dict.fromkeys(taken, 0)

    def of_twins(self) -> Iterator[AlarmDefinition]:
        """The alarms of rules that stand in types and twins; their paths start at the twin."""
        for draft in self._known.rules:
            text = RuleText(draft.raw, draft.spec, draft.label)
            if draft.spec.connection is not None:
                self._add(text, "connection", "connections have their rules in the section rules; move it there")
            elif draft.spec.kind is not None:
                yield from self._alarms(draft.name, draft.twin, text)

    def of_section(self, section: Map) -> Iterator[AlarmDefinition]:
        """The alarms of top-level rules; the paths of their inputs start at the roots and may be patterns."""
        for name, raw in section.items():
            spec = self._spec(name, raw, section)
            if spec is None:
                continue
            text = RuleText(raw, spec)
            if spec.connection is not None:
                yield from self._of_connections(name, text)
            elif spec.kind is not None:
                yield from self._spread(name, text)

    def _spec(self, name: str, raw: object, section: Map) -> RuleSpec | None:
        problem = name_problem(name.replace("{tag}", "tag"))
        if problem:
            self._problems.add(section.key_at[name], problem)
        if not isinstance(raw, Map):
            message = f"the rule {name} is {describe(raw)}; it must be a mapping like {{input: Pump1/Load, high: 90}}"
            self._problems.add(section.value_at[name], message)
            return None
        data = {"connection": "*", **raw} if name == CONNECTION_LOST else dict(raw)
        spec, findings = RULE.check(data, raw)
        for finding in findings:
            self._problems.add(finding.place, finding.message, kind=f"{finding.kind} {finding.loc}")
        return spec

    def _of_connections(self, name: str, text: RuleText) -> Iterator[AlarmDefinition]:
        pattern = compiled(str(text.spec.connection))
        found = [one for one in self._known.connections if pattern.fullmatch(one)]
        if not found and not self._known.incomplete and name != CONNECTION_LOST:
            nearest = did_you_mean(
                str(text.spec.connection), self._known.connections, "the section connections has none"
            )
            self._add(text, "connection", f"there is no connection {text.spec.connection}{nearest}")
        for one in found:
            yield from self._claimed(connection_alarm(one, name, text), text)

    def _spread(self, name: str, text: RuleText) -> Iterator[AlarmDefinition]:
        """A rule over one tag, or over all that a pattern matches."""
        given = text.spec.input or ""
        if text.spec.expression is not None or not is_pattern(given):
            yield from self._alarms(name, "", text)
            return
        pattern = compiled(given.removeprefix("/"))
        tags = [tag for tag in self._known.tags if tag.connection is not None and pattern.fullmatch(tag.path)]
        if not tags and not self._known.incomplete:
            self._add(text, "input", f"no tag matches {given}; a pattern is over whole paths, such as **/Motor*/Load")
        for tag in tags:
            yield from self._alarms(name, "", text, tag)

    def _alarms(self, name: str, base: str, text: RuleText, tag: Tag | None = None) -> Iterator[AlarmDefinition]:
        """The alarm of one rule. base: path of the twin it stands in, "" in the section."""
        problems: list[tuple[str, str]] = []
        if text.spec.expression is not None:
            inputs = self._inputs(base, text)
            if inputs is None:
                return
            owner = base or self._common(inputs.values())
            definition = expression_alarm(f"{owner}/{name}", owner, inputs, text, problems)
        else:
            tag = tag or (self._tag(text, "input", base, text.spec.input) if text.spec.input else None)
            if tag is None:
                return
            owner = base or tag.path.rpartition("/")[0]
            setpoint = self._tag(text, "setpoint", owner, text.spec.setpoint) if text.spec.setpoint else None
            path = f"{owner}/{name.replace('{tag}', tag.name)}"
            definition = tag_alarm(path, owner, tag, setpoint, text, problems)
        definition = replace(definition, origin=name)
        for key, message in problems:
            self._add(text, key, message)
        if not base:
            yield from self._claimed(definition, text)
        elif not problems:
            yield definition

    def _inputs(self, base: str, text: RuleText) -> Mapping[str, Tag] | None:
        """The tags of an expression by their names in it; None when one is not there."""
        names = text.names
        if isinstance(names, str):
            self._add(text, "expression", names)
            return None
        for name in text.spec.tags:
            if name not in names:
                self._add(text, "tags", f"{name} does not occur in the expression; leave it out of tags")
        found = {
            name: self._tag(text, "expression", base, text.spec.tags.get(name, name.replace(".", "/")))
            for name in names
        }
        return {name: tag for name, tag in found.items() if tag is not None} if all(found.values()) else None

    def _tag(self, text: RuleText, key: str, base: str, given: str) -> Tag | None:
        path = absolute(base, given)
        tag = self._tags.get(path) if path is not None else None
        if tag is not None or self._known.incomplete:
            return tag
        if path is None:
            self._add(text, key, f"{given} leads above the roots of the tree; .. is the twin above")
            return None
        if path in self._below:
            self._add(text, key, f"{given} is a twin; give one of its tags{did_you_mean('', self._below[path])}")
            return None
        above, _, last = path.rpartition("/")
        while above and above not in self._below:
            above, _, last = above.rpartition("/")
        nearest = did_you_mean(last, self._below.get(above, ()))
        self._add(text, key, f"there is no tag {given} (that is /{path}){nearest}")
        return None

    @cached_property
    def _below(self) -> Mapping[str, list[str]]:
        """Names of the tags and twins right below each twin; made when a path leads nowhere."""
        names: dict[str, list[str]] = {"": [twin.name for twin in self._known.twins]}
        for root in self._known.twins:
            for twin in root.walk():
                own = [tag.name for tag in (*twin.telemetry, *twin.commands, *twin.diagnostics)]
                names[twin.path] = own + [child.name for child in twin.children]
        return names

    def _common(self, tags: Iterable[Tag]) -> str:
        """The twin that has all of the tags somewhere below it; the first tag's root where there is none."""
        twins = [tag.path.rpartition("/")[0] for tag in tags]
        return commonpath(twins) or twins[0].partition("/")[0]

    def _claimed(self, definition: AlarmDefinition, text: RuleText) -> Iterator[AlarmDefinition]:
        """The alarm, unless something else has its path."""
        path, twin = definition.path, definition.owner
        if path in self._taken or path in self._tags or path in self._occupied or definition.name in RESERVED:
            first = self._taken.get(path)
            where = f" ({self._problems.describe(first)})" if first else ""
            cure = "put {tag} into the rule's name where it is over several tags, or choose another"
            message = f"there is already something called {definition.name} below {twin}{where}; {cure}"
            self._problems.add(text.raw.place, message, kind="name")
            return
        self._taken[path] = text.raw.place
        yield definition

    @cached_property
    def _occupied(self) -> frozenset[str]:
        """Paths of twins, methods and rules of twins."""
        twins = [twin for root in self._known.twins for twin in root.walk()]
        methods = [method.path for twin in twins for method in twin.methods]
        return frozenset(
            [*(twin.path for twin in twins), *methods, *(f"{one.twin}/{one.name}" for one in self._known.rules)]
        )

    def _add(self, text: RuleText, key: str, message: str) -> None:
        place = text.raw.value_at.get(key, text.raw.place)
        self._problems.add(place, message, text.label, key if text.label else "")
