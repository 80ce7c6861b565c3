"""Section `publish`: which tags go to which broker, in which format, and how they are reduced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from server.config.checking import Checker, Loc, describe, position, walk
from server.config.errors import Problems
from server.config.files import located
from server.config.names import name_problem
from server.config.patterns import compiled
from server.config.plant import Tag, Twin
from server.config.publish_spec import PublisherSpec, PubSubSpec, ReduceSpec, publisher_rules
from server.config.yaml_source import Map

if TYPE_CHECKING:
    from server.config.sections import Known

PUBLISHER: Final[Checker[PublisherSpec]] = Checker(PublisherSpec, publisher_rules)
_GROUP: Final = "Twins"


@dataclass(frozen=True, slots=True)
class Publishing:
    """One publisher, worked out. groups: paths of tags by writer group; one group where the format knows none. reduce:
    the ReduceSpec of each path that has one."""

    name: str
    spec: PublisherSpec
    groups: Mapping[str, frozenset[str]]
    reduce: Mapping[str, ReduceSpec]

    @property
    def paths(self) -> frozenset[str]:
        """All tags that are published."""
        return frozenset().union(*self.groups.values())


def read_publish(section: Map | None, known: Known, problems: Problems) -> tuple[Publishing, ...]:
    """All publishers of a plant."""
    found = []
    for name, raw in (section or {}).items():
        assert section is not None
        if problem := name_problem(name):
            problems.add(section.key_at[name], problem)
        if not isinstance(raw, Map):
            message = f"the publisher {name} is {describe(raw)}; it must be like {{broker: {{host: ...}}, json: {{}}}}"
            problems.add(section.value_at[name], message)
            continue
        spec, findings = PUBLISHER.check(raw, raw)
        for finding in findings:
            problems.add(finding.place, finding.message, kind=f"{finding.kind} {finding.loc}")
        if spec is not None and not findings:
            spec = cast(PublisherSpec, located(spec, problems.path_of(section.value_at[name]).parent))
            found.append(_Reader(name, raw, spec, known, problems).publishing())
    return tuple(found)


class _Reader:
    def __init__(self, name: str, raw: Map, spec: PublisherSpec, known: Known, problems: Problems) -> None:
        self._name = name
        self._raw = raw
        self._spec = spec
        self._known = known
        self._problems = problems

    def publishing(self) -> Publishing:
        tags = dict(self._tags())
        chosen = self._chosen(("tags",), self._spec.tags, tags)
        return Publishing(self._name, self._spec, self._groups(chosen), dict(self._reduce(chosen, tags)))

    def _tags(self) -> Iterator[tuple[str, tuple[Twin, Tag]]]:
        """What may be published, by path."""
        scopes = frozenset(self._spec.scopes)
        for root in self._known.twins:
            for twin in root.walk():
                if scopes and twin.scope not in scopes:
                    continue
                results = twin.analytics if self._spec.analytics else ()
                extra = twin.diagnostics if self._spec.diagnostics else ()
                yield from ((tag.path, (twin, tag)) for tag in (*twin.telemetry, *twin.commands, *results, *extra))

    def _groups(self, chosen: frozenset[str]) -> Mapping[str, frozenset[str]]:
        spec = self._spec.pubsub or PubSubSpec()
        if not spec.groups:
            return {_GROUP: chosen}
        return {
            name: self._chosen(("pubsub", "groups", name), patterns, chosen) for name, patterns in spec.groups.items()
        }

    def _chosen(self, keys: Loc, patterns: tuple[str, ...] | str, paths: Iterable[str]) -> frozenset[str]:
        """The paths that patterns match; a pattern that matches none is an error."""
        every = (patterns,) if isinstance(patterns, str) else patterns
        for one in every:
            if not _matching([one], paths):
                place = position(self._raw, walk(self._raw, keys)[0])
                hint = "a pattern is over whole paths of tags, such as **/Pump*/Speed"
                self._problems.add(place, f"{self._name}: no published tag matches {one}; {hint}")
        return frozenset(_matching(every, paths))

    def _reduce(self, chosen: frozenset[str], tags: Mapping[str, tuple[Twin, Tag]]) -> Iterator[tuple[str, ReduceSpec]]:
        taken: set[str] = set()
        for number, spec in enumerate(self._spec.reduce):
            every = (spec.tags,) if isinstance(spec.tags, str) else spec.tags
            patterns = [compiled(one) for one in every]
            mine = {
                path
                for path in chosen
                if any(one.fullmatch(_subject(spec, *tags[path])) for one in patterns)
                and (spec.type is None or tags[path][0].type_name == spec.type)
            }
            if not mine:
                self._complain(number, f"no published tag matches {', '.join(every)}")
            percent = spec.deadband_percent or spec.swinging_door_percent
            if percent and mine and not any(tags[path][1].range for path in mine):
                self._complain(
                    number, "no tag it matches has a range that percent could be of; give range: [low, high]"
                )
            yield from ((path, spec) for path in sorted(mine - taken))
            taken |= mine

    def _complain(self, number: int, message: str) -> None:
        entries: Any = self._raw["reduce"]
        self._problems.add(entries.value_at[number], f"{self._name}: {message}")


def _matching(patterns: Iterable[str], paths: Iterable[str]) -> set[str]:
    every = [compiled(one) for one in patterns]
    return {path for path in paths if any(one.fullmatch(path) for one in every)}


def _subject(spec: ReduceSpec, twin: Twin, tag: Tag) -> str:
    """What the patterns of an entry are matched with: the whole path, or that below the twin of a type."""
    return tag.path if spec.type is None else tag.name
