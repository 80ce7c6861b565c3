"""What analytics functions may know of each twin: its signals, what the plant says of them, and the twins below."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from analytics.arguments import Part, Signal
from nodesets.units import unit
from server.config.analytics import is_numeric
from server.config.plant import Tag, Twin

_KEPT: Final = 256


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """Of one twin. rows: of all numeric telemetry of the twin and of those below it, by path below the twin; about:
    what the plant says of each; parts: the twins below; latest: rows of the Analytics Variables of them all."""

    rows: Mapping[str, int]
    about: Mapping[str, Signal]
    parts: tuple[Part, ...]
    latest: Mapping[str, int]


class _About(Mapping[str, Signal]):
    """Made when looked at: a process has tens of thousands of signals, and hardly a function asks for all."""

    def __init__(self, tags: Mapping[str, Tag]) -> None:
        self._tags = tags

    def __getitem__(self, name: str) -> Signal:
        tag = self._tags[name]
        return Signal(tag.unit, tag.range, tag.rate_s, tag.description, unit(tag.unit).symbol if tag.unit else "")

    def __iter__(self) -> Iterator[str]:
        return iter(self._tags)

    def __len__(self) -> int:
        return len(self._tags)


def survey(twin: Twin) -> Surroundings:
    """Look at a twin and all below it."""
    start = len(twin.path) + 1
    below = list(twin.walk())
    tags = {tag.path[start:]: tag for one in below for tag in one.telemetry if is_numeric(tag)}
    return Surroundings(
        {name: tag.row for name, tag in tags.items()},
        _About(tags),
        tuple(Part(one.path[start:], one.scope, one.type_name) for one in below[1:]),
        {tag.path[start:]: tag.row for one in below for tag in one.analytics},
    )


class Surveyor:
    """Surveys twins when asked, and remembers the latest ones."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Surroundings] = OrderedDict()

    def of(self, twin: Twin) -> Surroundings:
        """The surroundings of a twin."""
        known = self._known.get(twin.path)
        if known is None:
            known = self._known[twin.path] = survey(twin)
        self._known.move_to_end(twin.path)
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return known

    def forget(self) -> None:
        """The plant has changed."""
        self._known.clear()
