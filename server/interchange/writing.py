"""A draft as the text of a plant file, for people to read and go on with."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from server.config.yaml_source import resolve_scalar
from server.interchange.drafts import PlantDraft, TagDraft

_WIDEST: Final = 118
_PLAIN: Final = re.compile(r"[^\W\d][\w /.%$°²³µ·+()'-]*|/[\w/.%-]*|\$[\w.]*|\d+\.\d+\.\d+\.\d+", re.UNICODE)

_AS_IS: Final = frozenset({"template", "write_template"})
"""Keys of a point whose text is full of braces of its own."""


@dataclass(slots=True)
class Written:
    """The text, and which tags stand behind each of its lines (from 1): one, or for a twin all below it."""

    lines: list[str] = field(default_factory=list)
    tags: dict[int, tuple[TagDraft, ...]] = field(default_factory=dict)

    def add(self, lines: Iterable[str], tags: Sequence[TagDraft] = ()) -> None:
        """More lines, and the tags that they are about."""
        for line in lines:
            self.lines.append(line)
            self.tags[len(self.lines)] = tuple(tags)

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(self.lines) + "\n"


@dataclass(slots=True)
class _Node:
    own: list[TagDraft] = field(default_factory=list)
    below: dict[str, _Node] = field(default_factory=dict)

    def all(self) -> Iterator[TagDraft]:
        yield from self.own
        for child in self.below.values():
            yield from child.all()


def write_plant(draft: PlantDraft, head: Sequence[str] = (), tail: Sequence[str] = ()) -> Written:
    """The plant file, with comments before and after."""
    written = Written()
    written.add(f"# {line}".rstrip() for line in head)
    plant = {"name": draft.name} | ({"description": draft.description} if draft.description else {})
    written.add([f"plant: {flow(plant)}", "", "connections:"])
    for name, settings in draft.connections.items():
        written.add(_entry("  ", name, settings))
    written.add(["", "twins:"])
    top = _Node()
    for tag in draft.tags:
        node = top
        for part in tag.twin:
            node = node.below.setdefault(part, _Node())
        node.own.append(tag)
    only = {"connection": next(iter(draft.connections))} if len(draft.connections) == 1 else {}
    usual: dict[str, Any] = only | {"rate_s": draft.usual_rate_s()}
    for name, node in top.below.items():
        _write_twin(written, draft, (name,), node, usual)
    if tail:
        written.add(["", *(f"# {line}".rstrip() for line in tail)])
    return written


def _write_twin(
    written: Written, draft: PlantDraft, path: tuple[str, ...], node: _Node, usual: Mapping[str, Any]
) -> None:
    """usual: keys that stand at the roots and not at the tags that have them so."""
    indent = "  " * (2 * len(path) - 1)
    everything = list(node.all())
    keys: dict[str, Any] = {"scope": "system" if node.below else "asset"}
    keys |= usual if len(path) == 1 else {}
    keys |= draft.of_twin.get(path, {})
    written.add([f"{indent}{scalar(path[-1])}:"], everything)
    for key, value in keys.items():
        written.add([f"{indent}  {key}: {flow(value)}"], everything)
    for part, is_command in (("telemetry", False), ("commands", True)):
        tags = [tag for tag in node.own if tag.command is is_command]
        if tags:
            written.add([f"{indent}  {part}:"])
        for tag in tags:
            spec = {key: value for key, value in tag.spec.items() if value != "" and usual.get(key) != value}
            written.add(_entry(indent + "    ", tag.name, spec, tag.remark), [tag])
    if node.below:
        written.add([f"{indent}  children:"])
    for name, child in node.below.items():
        _write_twin(written, draft, (*path, name), child, usual)


def _entry(indent: str, name: str, keys: Mapping[str, Any], remark: str = "") -> list[str]:
    """A key with a mapping: on one line, or where it is too long one line a key."""
    behind = f" # {' '.join(remark.split())}" if remark else ""
    line = f"{indent}{scalar(name)}: {flow(keys)}"
    if len(line) <= _WIDEST:
        return [line + behind]
    return [f"{indent}{scalar(name)}:{behind}", *(f"{indent}  {key}: {flow(value)}" for key, value in keys.items())]


def flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, Mapping):
        pairs = (f"{scalar(key)}: {_quoted(item) if key in _AS_IS else flow(item)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value)


def scalar(value: Any) -> str:
    """A scalar as the plant file reads it: text that looks like something else in quotes, its braces doubled, as single
    ones would be parameters."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if not isinstance(value, str):
        return str(value)
    return _quoted(value.replace("{", "{{").replace("}", "}}"))


def _quoted(text: str) -> str:
    plain = _PLAIN.fullmatch(text) and not text.endswith(" ") and resolve_scalar(text) == text
    return text if plain else json.dumps(text, ensure_ascii=False)
