"""YAML 1.2 to plain data that remembers where each key and value stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import yaml

from server.config.errors import Place, Problems

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WHOLE: Final = re.compile(r"[-+]?[0-9]{1,400}|0o[0-7]{1,400}|0x[0-9a-fA-F]{1,400}")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: Final[dict[str, Any]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_DEEPEST: Final = 200
_TAG: Final = "tag:yaml.org,2002:"


class Map(dict[str, Any]):
    """A mapping; place is where it starts, key_at and value_at where each key and value stands."""

    __slots__ = ("key_at", "place", "value_at")

    def __init__(self, place: Place) -> None:
        self.place = place
        self.key_at: dict[str, Place] = {}
        self.value_at: dict[str, Place] = {}

    def put(self, key: str, value: Any, key_at: Place, value_at: Place) -> None:
        """Set a key with its positions."""
        self[key] = value
        self.key_at[key] = key_at
        self.value_at[key] = value_at

    def without(self, keys: frozenset[str]) -> Map:
        """A copy that lacks some keys."""
        rest = Map(self.place)
        for key, value in self.items():
            if key not in keys:
                rest.put(key, value, self.key_at[key], self.value_at[key])
        return rest


class Seq(list[Any]):
    """A list; place is where it starts, value_at where each item stands."""

    __slots__ = ("place", "value_at")

    def __init__(self, place: Place) -> None:
        self.place = place
        self.value_at: list[Place] = []


def parse(path: Path, problems: Problems, content: bytes | None = None) -> Any:
    """The data of a YAML file: Map, Seq and scalars. Errors of reading and syntax are reported and give None. content:
    what to read instead of the file."""
    file = problems.file(path)
    try:
        text = (path.read_bytes() if content is None else content).decode("utf-8-sig")
    except OSError as error:
        problems.add(problems.place(file, 1, 1), f"cannot be read ({error.strerror}); give the path of a YAML file")
        return None
    except UnicodeDecodeError as error:
        problems.add(problems.place(file, 1, 1), f"is not UTF-8 (byte {error.start}); save it as UTF-8")
        return None
    try:
        return _Builder(file, problems).build(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = problems.place(file, mark.line + 1, mark.column + 1) if mark else problems.place(file, 1, 1)
        context = f" {error.context}" if error.context else ""
        problems.add(place, f"is not YAML: {error.problem}{context}")
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problems.add(problems.place(file, line, 1), f"is not YAML: it holds the character {error.character!r}")
    return None


def resolve_scalar(text: str) -> Any:
    """A plain scalar by the core schema of YAML 1.2 (10.3.2): on, off, yes, no and 1:30 are text."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in "0123456789+-.":
        if _WHOLE.fullmatch(text):
            return int(text, 0) if text[:2] in ("0x", "0o") else int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
    return text


class _Builder:
    """Builds the data from the parser's events: ten times faster than PyYAML's nodes, and with positions."""

    def __init__(self, file: int, problems: Problems) -> None:
        self._file = file
        self._problems = problems
        self._stack: list[Map | Seq] = []
        self._pending: list[tuple[str, Place] | None] = []
        self._merges: dict[int, list[tuple[Any, Place]]] = {}
        self._anchors: dict[str, Any] = {}
        self._root: Any = None

    def build(self, text: str) -> Any:
        """The data of the one document in a text."""
        loader = _LOADER(text)
        documents = 0
        try:
            while not isinstance(event := loader.get_event(), yaml.StreamEndEvent):
                documents += isinstance(event, yaml.DocumentStartEvent)
                if documents > 1:
                    self._report(event, "a second document starts here; put it into its own file and include: it")
                    break
                self._take(event)
        finally:
            loader.dispose()
        return self._root

    def _take(self, event: Any) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._put(self._scalar(event), event)
        elif isinstance(event, yaml.MappingStartEvent):
            self._open(Map(self._place(event)), event)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._open(Seq(self._place(event)), event)
        elif isinstance(event, yaml.AliasEvent):
            self._put(self._aliased(event), event)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._close()

    def _place(self, event: Any) -> Place:
        mark = event.start_mark
        return self._problems.place(self._file, mark.line + 1, mark.column + 1)

    def _report(self, event: Any, message: str) -> None:
        self._problems.add(self._place(event), message)

    def _scalar(self, event: Any) -> Any:
        text = event.value
        value = resolve_scalar(text) if event.implicit[0] else text
        if event.tag not in (None, "!"):
            value = self._tagged(event, text)
        if event.anchor:
            self._anchors[event.anchor] = value
        return text if self._wants_key() else value

    def _tagged(self, event: Any, text: str) -> Any:
        if event.tag == _TAG + "str":
            return text
        if event.tag in (_TAG + "int", _TAG + "float", _TAG + "bool", _TAG + "null"):
            return float(text) if event.tag == _TAG + "float" and _FLOAT.fullmatch(text) else resolve_scalar(text)
        self._report(event, f"the tag {event.tag} has no meaning in a plant file; leave it out")
        return text

    def _aliased(self, event: Any) -> Any:
        if event.anchor not in self._anchors:
            self._report(event, f"*{event.anchor} has no anchor &{event.anchor} before it")
            return None
        value = self._anchors[event.anchor]
        if any(value is unfinished for unfinished in self._stack):
            self._report(event, "an alias inside its own anchor has no end; write the value out")
            return None
        return value

    def _wants_key(self) -> bool:
        return bool(self._stack) and isinstance(self._stack[-1], Map) and self._pending[-1] is None

    def _open(self, container: Map | Seq, event: Any) -> None:
        if self._wants_key():
            self._report(event, "a key must be text, not a list or mapping; quote it if it starts with { or [")
        if len(self._stack) >= _DEEPEST:
            raise yaml.MarkedYAMLError(None, None, f"nested more than {_DEEPEST} deep", event.start_mark)
        self._put(container, event)
        if event.anchor:
            self._anchors[event.anchor] = container
        self._stack.append(container)
        self._pending.append(None)

    def _close(self) -> None:
        container = self._stack.pop()
        self._pending.pop()
        for source, place in self._merges.pop(id(container), ()):
            self._merge(container, source, place)

    def _put(self, value: Any, event: Any) -> None:
        if not self._stack:
            self._root = value
            return
        place = self._place(event)
        top = self._stack[-1]
        if isinstance(top, Seq):
            top.append(value)
            top.value_at.append(place)
        elif self._pending[-1] is None:
            self._pending[-1] = (value if isinstance(value, str) else f"key at {place}", place)
        else:
            self._put_pair(top, self._pending[-1], value, place)
            self._pending[-1] = None

    def _put_pair(self, top: Map, key: tuple[str, Place], value: Any, place: Place) -> None:
        name, key_at = key
        if name == "<<":
            self._merges.setdefault(id(top), []).append((value, place))
        elif name in top:
            first = self._problems.describe(top.key_at[name])
            self._problems.add(key_at, f"the key {name} is given twice (first at {first}); remove or rename one")
        else:
            top.put(name, value, key_at, place)

    def _merge(self, target: Map | Seq, source: Any, place: Place) -> None:
        for part in source if isinstance(source, Seq) else [source]:
            if part is None:  # an alias that was reported
                continue
            if not isinstance(part, Map) or not isinstance(target, Map):
                self._problems.add(place, "<<: takes a mapping or a list of mappings, by alias: <<: *name")
                continue
            for key, value in part.items():
                if key not in target:
                    target.put(key, value, part.key_at[key], part.value_at[key])
