"""Topics and topic filters (MQTT 5, 4.7): what is valid, and which filters a topic matches."""

from __future__ import annotations

from typing import Final, Generic, TypeVar

T = TypeVar("T")

_LONGEST: Final = 65_535
_SHARE: Final = "$share/"


def filter_problem(topic_filter: str) -> str:
    """What is wrong with a topic filter, "" where nothing is."""
    if topic_filter.startswith(_SHARE):
        return _share_problem(topic_filter)
    levels = topic_filter.split("/")
    for index, level in enumerate(levels):
        if "#" in level and (level != "#" or index != len(levels) - 1):
            return f'"{topic_filter}": # stands for all that follows; it is the last level and alone in it'
        if "+" in level and level != "+":
            return f'"{topic_filter}": + stands for one whole level; it is alone in its level'
    return _name_problem(topic_filter)


def unshared(topic_filter: str) -> str:
    """The filter that topics are matched against: that of a shared subscription without $share/group/."""
    return topic_filter.split("/", 2)[2] if topic_filter.startswith(_SHARE) else topic_filter


def _share_problem(topic_filter: str) -> str:
    """MQTT 5, 4.8.2."""
    levels = topic_filter.split("/", 2)
    if len(levels) < 3 or not levels[1] or has_wildcard(levels[1]):
        return f'"{topic_filter}" is no shared subscription; those are like $share/group/topic'
    return filter_problem(levels[2])


def topic_problem(topic: str) -> str:
    """What is wrong with a topic to publish to, "" where nothing is."""
    if has_wildcard(topic):
        return f'"{topic}": a topic to publish to has no wildcards (+, #)'
    return _name_problem(topic)


def has_wildcard(topic_filter: str) -> bool:
    """Whether a filter may match more than one topic."""
    return "+" in topic_filter or "#" in topic_filter


def _name_problem(name: str) -> str:
    if not name:
        return "a topic is empty; it needs at least one character"
    if "\0" in name:
        return f"{name!r} has a null character in it"
    if len(name.encode()) > _LONGEST:
        return f'"{name[:40]}..." is longer than {_LONGEST} bytes'
    return ""


def covers(wide: str, narrow: str) -> bool:
    """Whether every topic that matches the filter `narrow` matches `wide` too. Neither is shared."""
    if narrow.startswith("$") and wide[:1] in "+#":
        return False
    wanted, levels = wide.split("/"), narrow.split("/")
    for index, level in enumerate(wanted):
        if level == "#":
            return True
        if index >= len(levels) or levels[index] == "#" or level not in ("+", levels[index]):
            return False
    return len(wanted) == len(levels)


class _Level(Generic[T]):
    __slots__ = ("children", "here", "rest")

    def __init__(self) -> None:
        self.children: dict[str, _Level[T]] = {}
        self.here: list[T] = []
        """Items whose filter ends at this level."""
        self.rest: list[T] = []
        """Items whose filter ends in # at this level."""


class TopicTable(Generic[T]):
    """Items by topic filter. Filters without wildcards cost one dictionary look-up, the others a walk down a trie."""

    def __init__(self) -> None:
        self._exact: dict[str, list[T]] = {}
        self._root: _Level[T] = _Level()

    def add(self, topic_filter: str, item: T) -> None:
        """Put an item behind a valid filter."""
        if not has_wildcard(topic_filter):
            self._exact.setdefault(topic_filter, []).append(item)
            return
        *levels, last = topic_filter.split("/")
        node = self._root
        for level in levels:
            node = node.children.setdefault(level, _Level())
        if last == "#":
            node.rest.append(item)
        else:
            node.children.setdefault(last, _Level()).here.append(item)

    def match(self, topic: str) -> list[T]:
        """All items whose filter matches. A wildcard in the first level matches no topic that begins with $."""
        found = list(self._exact.get(topic, ()))
        if self._root.children or self._root.rest:
            self._walk(self._root, topic.split("/"), 0, found)
        return found

    def _walk(self, node: _Level[T], levels: list[str], depth: int, found: list[T]) -> None:
        reserved = depth == 0 and levels[0].startswith("$")
        if not reserved:
            found.extend(node.rest)  # a/# matches a itself too
        if depth == len(levels):
            found.extend(node.here)
            return
        for name in (levels[depth],) if reserved else (levels[depth], "+"):
            child = node.children.get(name)
            if child is not None:
                self._walk(child, levels, depth + 1, found)
