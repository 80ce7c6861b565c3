"""What a broker's messages tell about the devices behind it: types, instances and fields. No I/O."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from drivers.json_path import compile_path
from drivers.mqtt.topic import unshared
from drivers.payload import DecodeError, PayloadFormat, parse
from drivers.payload_fields import TimeUnit, Unusable, to_ticks
from drivers.readings import ticks_from_unix
from drivers.senml import Record

_NAMED: Final = re.compile(r"\{(\w+)\}")
_WORDS: Final = frozenset({"on", "off", "true", "false"})
_TIMES: Final = frozenset({"ts", "time", "timestamp", "datetime", "last_seen", "t"})
_QUALITIES: Final = frozenset({"quality", "q", "status_code"})
_SINCE: Final = ticks_from_unix(946_684_800)
"""2000-01-01: what counts from earlier is no time of a measurement."""
_MOST_FIELDS: Final = 500
_NICE_S: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)


@dataclass(frozen=True, slots=True)
class Template:
    """A topic filter whose + have names: "plant/{area}/pump/{n}/#". names: of its parameters, in order."""

    levels: tuple[str, ...]
    names: tuple[str, ...]

    @staticmethod
    def of(topic: str) -> Template:
        """From a filter; a + is named after the level before it, a {name} has its name already."""
        levels: list[str] = []
        names: list[str] = []
        for level in unshared(topic).split("/"):
            named = _NAMED.fullmatch(level)
            if named or level == "+":
                names.append(named[1] if named else _fresh(levels, names))
                level = f"{{{names[-1]}}}"
            levels.append(level)
        return Template(tuple(levels), tuple(names))

    @property
    def filter(self) -> str:
        """As a broker takes it."""
        return "/".join("+" if _NAMED.fullmatch(level) else level for level in self.levels)

    def split(self, topic: str) -> tuple[tuple[str, ...], str] | None:
        """The values of the parameters in a topic, and the topic with their names in their place; None where the
        template does not match."""
        levels = topic.split("/")
        own = self.levels[:-1] if self.levels[-1] == "#" else self.levels
        if len(levels) < len(own) or (len(levels) > len(own) and own is self.levels):
            return None
        values: list[str] = []
        for want, level in zip(own, levels, strict=False):
            if _NAMED.fullmatch(want):
                values.append(level)
            elif want != level:
                return None
        return tuple(values), "/".join([*own, *(_braced(level) for level in levels[len(own) :])])


def _fresh(levels: list[str], names: list[str]) -> str:
    before = next((level for level in reversed(levels) if not _NAMED.fullmatch(level)), "")
    name = re.sub(r"\W", "_", before).strip("_") or "name"
    name = f"n{name}" if name[0].isdigit() else name
    return name if name not in names else next(f"{name}{n}" for n in range(2, 99) if f"{name}{n}" not in names)


@dataclass(frozen=True, slots=True)
class Field:
    """A tag that a message could feed. name: made of what tells it from the others; point: its settings."""

    name: str
    type: str
    point: Mapping[str, Any]
    array_length: int = 0


@dataclass(slots=True)
class Heard:
    """One topic: its latest payload, and when messages that were not retained came (seconds)."""

    payload: bytes = b""
    times: list[float] = field(default_factory=list)

    def rate_s(self) -> float | None:
        """A usual interval in seconds, rounded up; None where too few messages came."""
        if len(self.times) < 3:
            return None
        gap = (self.times[-1] - self.times[0]) / (len(self.times) - 1)
        return next((nice for nice in _NICE_S if gap <= 1.1 * nice), float(_NICE_S[-1]))


@dataclass(slots=True)
class Kind:
    """Twins that look alike. instances: values of the parameters; tags: by field, at how many instances it was seen and
    the interval."""

    names: tuple[str, ...]
    instances: list[tuple[str, ...]] = field(default_factory=list)
    tags: dict[str, tuple[Field, int, float | None]] = field(default_factory=dict)


def survey(template: Template, heard: Mapping[str, Heard]) -> tuple[Kind, list[str]]:
    """The twins that a template's topics speak of, and what was left out, for people."""
    kind, skipped = Kind(template.names), []
    for topic, messages in sorted(heard.items()):
        found = template.split(topic)
        if found is None or topic.startswith(("$", "spBv1.0/")):
            skipped.append(f"{topic}: {'Sparkplug B, use sparkplug:' if topic.startswith('sp') else 'not looked for'}")
            continue
        values, general = found
        fields = list(fields_of(general, messages.payload, *_stem(template, general)))
        if not fields:
            skipped.append(f"{topic}: nothing that a tag could take in {messages.payload[:40]!r}")
        if fields and values not in kind.instances:
            kind.instances.append(values)
        for one in fields:
            _, count, rate_s = kind.tags.get(one.name, (one, 0, None))
            kind.tags[one.name] = one, count + 1, messages.rate_s() or rate_s
    return kind, skipped


def _stem(template: Template, general: str) -> tuple[list[str], str]:
    """The levels of a topic by which its tags are told from those of others, and what to call its only value."""
    own = len(template.levels) - (template.levels[-1] == "#")
    rest = general.split("/")[own:]
    last = general.split("/")[-1]
    return rest, "Value" if _NAMED.fullmatch(last) else last


def fields_of(topic: str, payload: bytes, stem: list[str], only: str) -> Iterator[Field]:
    """All fields of a message that tags could take. stem: what their names begin with; only: the name of a message that
    is one value."""
    form, document = _parsed(payload)
    point: dict[str, Any] = {"topic": topic} | ({} if form is PayloadFormat.auto else {"format": str(form)})
    if form in (PayloadFormat.senml_json, PayloadFormat.senml_cbor) and isinstance(document, dict):
        for name, record in document.items():
            yield _field([*stem, name], _value(record), {**point, "name": _braced(name)})
        return
    if isinstance(document, (dict, list)):
        common = {key: _braced(path) for key, path in _marks(document)}
        leaves = list(_leaves(document, "$", stem))[:_MOST_FIELDS]
        for path, names, value in leaves:
            if _braced(path) not in common.values():
                yield _field(names or [only], value, {**point, "value": _braced(path), **common})
    elif document is not None:
        yield _field(stem or [only], document, point)


def _braced(text: str) -> str:
    """As it stands in a plant file, where single braces are parameters."""
    return text.replace("{", "{{").replace("}", "}}")


def _value(record: object) -> object:
    return record.value if isinstance(record, Record) else None


def _parsed(payload: bytes) -> tuple[PayloadFormat, object]:
    """In which format a payload can be read, and what it says."""
    forms = [PayloadFormat.auto, PayloadFormat.senml_cbor, PayloadFormat.cbor]
    if payload.lstrip()[:1] == b"[":
        forms.insert(0, PayloadFormat.senml_json)
    for form in forms if payload else ():
        try:
            return form, parse(form, payload)
        except DecodeError:
            continue
    return PayloadFormat.raw, payload or None


def _marks(document: object) -> Iterator[tuple[str, str]]:
    """Paths of the message's own timestamp and quality."""
    if not isinstance(document, dict):
        return
    for name, value in document.items():
        if str(name).lower() in _TIMES and _is_time(value):
            yield "timestamp", _member("$", name)
        elif str(name).lower() in _QUALITIES and isinstance(value, (str, int)):
            yield "quality", _member("$", name)


def _is_time(value: object) -> bool:
    try:
        return isinstance(value, (str, int, float)) and to_ticks(value, TimeUnit.auto) >= _SINCE
    except Unusable:
        return False


def _leaves(node: object, path: str, names: list[str]) -> Iterator[tuple[str, list[str], object]]:
    if isinstance(node, dict):
        for name, value in node.items():
            if isinstance(name, str):
                yield from _leaves(value, _member(path, name), [*names, name])
    elif isinstance(node, list) and not (node and all(isinstance(item, (int, float)) for item in node)):
        for index, value in enumerate(node):
            yield from _leaves(value, f"{path}[{index}]", [*names, str(index)])
    elif node is not None:
        yield path, names, node


def _member(path: str, name: str) -> str:
    plain = f"{path}.{name}"
    try:
        if compile_path(plain)[-1] == name and compile_path(plain)[:-1] == compile_path(path):
            return plain
    except ValueError:
        pass
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'{path}["{quoted}"]'


def _field(names: list[str], value: object, point: dict[str, Any]) -> Field:
    name = "_".join(re.sub(r"[^\w-]+", "_", part).strip("_") for part in names).strip("_") or "Value"
    if isinstance(value, list):
        return Field(name, "Double", point, len(value))
    return Field(name, _type_of(value), point)


def _type_of(value: object) -> str:
    if isinstance(value, bool) or (isinstance(value, str) and value.strip().lower() in _WORDS):
        return "Boolean"
    if isinstance(value, (int, float)):
        return "Double"  # whether it is never broken, a few messages cannot tell
    if isinstance(value, bytes):
        return "ByteString"
    try:
        float(str(value))
    except ValueError:
        return "String"
    return "Double"


def free_name(name: str, taken: Collection[str]) -> str:
    """The name, or the first one with a number behind it that is not taken."""
    return name if name not in taken else next(f"{name}{n}" for n in range(2, 10_000) if f"{name}{n}" not in taken)
