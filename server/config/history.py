"""Section `history`: where values are kept, for how long, and of which tags."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from drivers.data_types import DataType, has_cell
from server.config.checking import Checker
from server.config.errors import Problems, did_you_mean
from server.config.files import located
from server.config.history_spec import HistorySpec, PostgresSpec, history_rules
from server.config.patterns import is_pattern, matching
from server.config.plant import Tag, Twin
from server.config.yaml_source import Map, Seq

if TYPE_CHECKING:
    from server.config.sections import Known

_SECTION: Final[Checker[HistorySpec]] = Checker(HistorySpec, history_rules)
_DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class HistorySettings:
    """What the section says, worked out.

    path: the file of the embedded store; None: one in the user's data folder, named after the plant. postgres: a
    database instead of it. age_s: values older than that are forgotten, 0: never. size_bytes: how much the store may
    take, 0: no bound. paths: of the tags whose values are kept.
    """

    path: Path | None = None
    postgres: PostgresSpec | None = None
    age_s: float = 0.0
    size_bytes: int = 0
    paths: frozenset[str] = frozenset()


def read_history(section: Map | None, known: Known, problems: Problems) -> HistorySettings | None:
    """None where nothing is to be kept: without the section, and without a tag that says `history: true`."""
    told = frozenset(tag.path for tag in known.tags if tag.history)
    if section is None:
        return _settings(HistorySpec(), told) if told else None
    spec, findings = _SECTION.check(section, section)
    for finding in findings:
        problems.add(finding.place, finding.message)
    if spec is None:
        return None
    chosen = frozenset(_chosen(spec, section, known, problems))
    return _settings(cast(HistorySpec, located(spec, problems.path_of(section.place).parent)), chosen | told)


def _settings(spec: HistorySpec, paths: frozenset[str]) -> HistorySettings:
    kept = spec.retention
    return HistorySettings(
        spec.path,
        spec.postgres,
        (kept.days or 0.0) * _DAY_S,
        round((kept.gigabytes or 0.0) * 1e9),
        paths,
    )


def _chosen(spec: HistorySpec, section: Map, known: Known, problems: Problems) -> Iterator[str]:
    """The tags that the lists choose; a tag's own `history: false` is stronger."""
    every = {tag.path: tag for tag in known.tags}
    usual = [tag.path for twin in known.twins for one in twin.walk() for tag in _usual(one)]
    found = _matching(spec.tags, usual, every, "tags", section, known, problems)
    left_out = _matching(spec.except_, usual, every, "except", section, known, problems)
    return (path for path in found - left_out if every[path].history is not False)


def is_number(tag: Tag) -> bool:
    """Whether it is one number; a Boolean counts as 0 and 1."""
    return has_cell(tag.data_type) and not tag.array_length and tag.data_type is not DataType.DateTime


def _usual(twin: Twin) -> tuple[Tag, ...]:
    """What patterns are over: the telemetry and the numeric commands of a twin."""
    return (*twin.telemetry, *(tag for tag in twin.commands if is_number(tag)))


def _matching(
    patterns: tuple[str, ...],
    usual: list[str],
    every: dict[str, Tag],
    key: str,
    section: Map,
    known: Known,
    problems: Problems,
) -> set[str]:
    found: set[str] = set()
    for index, pattern in enumerate(patterns):
        hits = set(matching([pattern], usual)) if is_pattern(pattern) else {pattern} & every.keys()
        if not hits and key in section and not known.incomplete:
            listed = section[key]
            place = listed.value_at[index] if isinstance(listed, Seq) else section.value_at[key]
            problems.add(place, _no_match(pattern, every))
        found |= hits
    return found


def _no_match(pattern: str, every: dict[str, Tag]) -> str:
    if is_pattern(pattern):
        what = "a pattern is over whole paths, such as Cooling/** or **/Motor*/Load"
        return f"no telemetry and no numeric command matches {pattern}; {what}"
    return f"there is no tag {pattern}{did_you_mean(pattern, every)}"
