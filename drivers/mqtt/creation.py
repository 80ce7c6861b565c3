"""Topic templates: which machine speaks on a topic, and which of them are new. No I/O."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from drivers.creation import Creation, News
from drivers.mqtt.topic import filter_problem

_LOG: Final = logging.getLogger(__name__)
_NAMED: Final = re.compile(r"\{([A-Za-z_]\w*)\}")
_LIKE: Final = "plant/{line}/pump/{n}/#"


def _template(topic: str) -> str:
    """Refuses what is no template."""
    if topic.startswith("$share/"):
        raise ValueError("a shared subscription hears only a part of the machines; leave $share/group/ out")
    names = _NAMED.findall(topic)
    for level in topic.split("/"):
        if ("{" in level or "}" in level) and not _NAMED.fullmatch(level):
            raise ValueError(f'"{level}": a parameter is one whole level of the topic, like {_LIKE}')
    if problem := filter_problem(_NAMED.sub("+", topic)):
        raise ValueError(problem)
    if not names:
        raise ValueError(f"no level has a name, so that nothing tells machines apart; write it like {_LIKE}")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"the name {twice} is given to two levels; each has its own")
    return topic


class TopicCreation(Creation):
    """Twins by topic: levels in braces are parameters, + and # stand for what does not matter."""

    topic: Annotated[str, AfterValidator(_template)] = Field(
        description="Topic template; a level in braces is a parameter: plant/{line}/pump/{n}/#."
    )

    @property
    def source(self) -> str:
        return self.topic

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(_NAMED.findall(self.topic))

    @cached_property
    def filter(self) -> str:
        """As a broker takes it."""
        return _NAMED.sub("+", self.topic)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        levels = self.topic.split("/")
        text = "/".join(map(_of_level, levels[:-1] if levels[-1] == "#" else levels))
        return re.compile(rf"{text}(?:/.*)?" if levels[-1] == "#" else text, re.DOTALL)

    def match(self, topic: str) -> tuple[str, ...] | None:
        """The values of the parameters in a topic; None where it does not fit or a value is empty."""
        found = self._pattern.fullmatch(topic)
        return found.groups() if found else None


def _of_level(level: str) -> str:
    if _NAMED.fullmatch(level):
        return "([^/]+)"
    return "[^/]*" if level == "+" else re.escape(level)


class Announcer:
    """Tells each new machine once. topics: those of tags; whose machine has one is not new."""

    def __init__(self, creations: Sequence[TopicCreation], topics: Iterable[str]) -> None:
        self._creations = creations
        self._known: list[set[tuple[str, ...]]] = [set() for _ in creations]
        self._told = [0] * len(creations)
        self._full: set[str] = set()
        self._news: list[News] = []
        for topic in topics:
            for creation, known in zip(creations, self._known, strict=True):
                if (values := creation.match(topic)) is not None:
                    known.add(values)

    def heard(self, topic: str) -> None:
        """A message has come on this topic. The first entry that fits counts."""
        for index, creation in enumerate(self._creations):
            values = creation.match(topic)
            if values is None:
                continue
            if values not in self._known[index]:
                self._announce(index, creation, values)
            return

    def _announce(self, index: int, creation: TopicCreation, values: tuple[str, ...]) -> None:
        if self._told[index] < creation.at_most:
            self._told[index] += 1
            self._known[index].add(values)
            self._news.append(News(creation.source, dict(zip(creation.parameters, values, strict=True))))
        elif creation.source not in self._full:
            self._full.add(creation.source)
            _LOG.warning("%s: more than %d new machines; no more are looked at", creation.source, creation.at_most)

    def take(self) -> Sequence[News]:
        """What is new since the last call."""
        news, self._news = self._news, []
        return news
