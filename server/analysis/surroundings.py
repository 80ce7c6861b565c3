"""What analytics functions may know of each twin: its signals, what the plant says of them, and the twins below."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from analytics.arguments import NO_LIMITS, Limits, Part, Signal
from analytics.process.stations import Station
from analytics.simulation.naming import shown
from analytics.simulation.wiring import ModelUse
from drivers.data_types import DataType
from nodesets.units import unit
from server.config.alarm_definitions import AlarmDefinition, Kind, Level
from server.config.analytics import is_numeric
from server.config.plant import Tag, Twin

_ANALOG: Final = (DataType.Float, DataType.Double)
_KEPT: Final = 256
_LEVELS: Final = (Level.low_low, Level.low, Level.high, Level.high_high)


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """Of one twin. rows: of all numeric telemetry of the twin and of those below it, by path below the twin; about:
    what the plant says of each; parts: the twins below; latest: rows of the Analytics Variables of them all; stations:
    what they are in the flow of work, with the rows of states that are no numbers among `more`; machines: the models
    that simulate them; bound: rows of the tags these are bound to, wherever they stand."""

    rows: Mapping[str, int]
    about: Mapping[str, Signal]
    parts: tuple[Part, ...]
    latest: Mapping[str, int]
    stations: tuple[Station, ...]
    more: Mapping[str, int]
    machines: tuple[ModelUse, ...]
    bound: Mapping[str, int]


class _About(Mapping[str, Signal]):
    """Made when looked at: a process has tens of thousands of signals, and hardly a function asks for all."""

    def __init__(self, tags: Mapping[str, Tag], limits: Mapping[str, Limits]) -> None:
        self._tags = tags
        self._limits = limits

    def __getitem__(self, name: str) -> Signal:
        tag = self._tags[name]
        symbol = unit(tag.unit).symbol if tag.unit else ""
        limits = self._limits.get(tag.path, NO_LIMITS)
        span = tag.range if tag.command is None else tag.command.limits or tag.range
        analog, command = tag.data_type in _ANALOG, tag.command is not None
        return Signal(tag.unit, span, tag.rate_s, tag.description, symbol, limits, tag.stale_s, analog, command)

    def __iter__(self) -> Iterator[str]:
        return iter(self._tags)

    def __len__(self) -> int:
        return len(self._tags)


TagAt = Callable[[str], Tag | None]
"""The tag with a path of the plant."""


def nowhere(_path: str) -> Tag | None:
    """There are no tags elsewhere."""
    return None


def survey(twin: Twin, limits: Mapping[str, Limits] = MappingProxyType({}), tag_at: TagAt = nowhere) -> Surroundings:
    """Look at a twin and all below it. limits: those of alarms, by the path of the tag. tag_at: finds what models are
    bound to."""
    start = len(twin.path) + 1
    below = list(twin.walk())
    tags = {tag.path[start:]: tag for one in below for tag in one.telemetry if is_numeric(tag)}
    stations = tuple(one.process.seen_from(twin.path) for one in below if one.process is not None)
    states = {one.state for one in stations} - tags.keys()
    others = (
        {tag.path[start:]: tag for one in below for tag in one.telemetry if tag.path[start:] in states}
        if states
        else {}
    )
    machines = tuple(use for one in below for use in one.models)
    paths = dict.fromkeys(path for use in machines for path in (*use.tags, *use.commands))
    bound = {shown(path, twin.path): tag for path in paths if (tag := tag_at(path)) is not None}
    return Surroundings(
        {name: tag.row for name, tag in tags.items()},
        _About({**bound, **tags, **others} if others or bound else tags, limits),
        tuple(Part(one.path[start:], one.scope, one.type_name) for one in below[1:]),
        {tag.path[start:]: tag.row for one in below for tag in one.analytics},
        stations,
        {name: tag.row for name, tag in others.items()},
        machines,
        {name: tag.row for name, tag in bound.items()},
    )


def limits_of(definitions: Iterable[AlarmDefinition]) -> dict[str, Limits]:
    """The limits that alarms set to values of tags, by path; of several the tightest. Deviations, rates of change and
    alarms that are not enabled set none."""
    found: dict[str, Limits] = {}
    for one in definitions:
        if one.kind is not Kind.limits or not one.enabled or not one.input_path:
            continue
        before = found.get(one.input_path, NO_LIMITS)
        given = [one.limits.get(level, none) for level, none in zip(_LEVELS, NO_LIMITS, strict=True)]
        found[one.input_path] = (
            max(before[0], given[0]), max(before[1], given[1]), min(before[2], given[2]), min(before[3], given[3]),
        )  # fmt: skip
    return found


class Surveyor:
    """Surveys twins when asked, and remembers the latest ones. definitions: gives the alarms there are now. tag_at:
    finds tags of the plant."""

    def __init__(self, definitions: Callable[[], Iterable[AlarmDefinition]] = tuple, tag_at: TagAt = nowhere) -> None:
        self._definitions = definitions
        self._tag_at = tag_at
        self._limits: Mapping[str, Limits] | None = None
        self._known: OrderedDict[str, Surroundings] = OrderedDict()

    def of(self, twin: Twin) -> Surroundings:
        """The surroundings of a twin."""
        known = self._known.get(twin.path)
        if known is None:
            if self._limits is None:
                self._limits = limits_of(self._definitions())
            known = self._known[twin.path] = survey(twin, self._limits, self._tag_at)
        self._known.move_to_end(twin.path)
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return known

    def forget_below(self, path: str) -> None:
        """The twin with that path and all below it have changed or gone."""
        for one in [one for one in self._known if f"{one}/".startswith(f"{path}/")]:
            del self._known[one]

    def forget(self) -> None:
        """The plant or its alarms have changed."""
        self._known.clear()
        self._limits = None
