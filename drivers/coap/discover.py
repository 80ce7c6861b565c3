"""What a CoAP device says about itself, as tags: its links (RFC 6690) and one payload of each resource."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from drivers.coap.answer import Answer
from drivers.coap.codes import dotted, format_of, is_success
from drivers.coap.resources import refusal
from drivers.payload import SENML, DecodeError, PayloadFormat, parse
from drivers.senml import Record
from drivers.senml_units import UNECE

_LINK: Final = re.compile(r"<([^>]*)>((?:\s*;\s*[^,;=\s]+(?:=(?:\"(?:[^\"\\]|\\.)*\"|[^,;]*))?)*)")
_ATTRIBUTE: Final = re.compile(r";\s*([^,;=\s]+)(?:=(?:\"((?:[^\"\\]|\\.)*)\"|([^,;]*)))?")
_PLAIN_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORD: Final = re.compile(r"[A-Za-z0-9]+")
_BOOLEAN_WORDS: Final = frozenset({"true", "false", "on", "off"})
_DEEPEST: Final = 4
_MOST_OF_ONE: Final = 50
"""Tags of one resource; what has more is no reading but a document."""
_ACTUATORS: Final = frozenset({"core.a", "core.p"})
"""Interfaces that are written (CoRE Interfaces): actuators and parameters."""


@dataclass(frozen=True, slots=True)
class Link:
    """A resource that the device names. attributes: "rt", "if", "ct", "title", "obs"; "" where one has no value."""

    path: str
    attributes: Mapping[str, str]

    @property
    def observable(self) -> bool:
        """Whether the device says that it notifies."""
        return "obs" in self.attributes

    @property
    def written(self) -> bool:
        """Whether it is something to be written."""
        return bool(_ACTUATORS & set(self.attributes.get("if", "").split()))


@dataclass(frozen=True, slots=True)
class Guess:
    """A tag as it may be meant. point: the settings of a CoapPoint; unit: UNECE common code, None where unknown."""

    words: tuple[str, ...]
    type: str
    point: dict[str, Any]
    unit: str | None = None
    array_length: int = 0


@dataclass(slots=True)
class Discovery:
    """telemetry: the tags by name, as a plant file has them. remarks: what a person should know, by resource."""

    telemetry: dict[str, dict[str, Any]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def parse_links(text: str) -> list[Link]:
    """The links of a .well-known/core document on the device itself, each path once; others are left out."""
    links: dict[str, Link] = {}
    for target, rest in _LINK.findall(text):
        if target.startswith("/") and not target.startswith("/.well-known") and "?" not in target:
            pairs = {name: quoted or plain for name, quoted, plain in _ATTRIBUTE.findall(rest)}
            links.setdefault(target, Link(target, pairs))
    return list(links.values())


def describe(explored: Sequence[tuple[Link, Answer | str]]) -> Discovery:
    """Tags for what the resources answered. A str instead of an answer says why there is none."""
    found = Discovery()
    for link, answer in explored:
        if isinstance(answer, str):
            found.remarks.append(f"{link.path}: {answer}")
        elif not is_success(answer.code):
            found.remarks.append(f"{link.path}: {refusal(answer)}")
        else:
            _describe_one(link, answer, found)
    return found


def _describe_one(link: Link, answer: Answer, found: Discovery) -> None:
    form = format_of(answer.content_format)
    try:
        guesses = list(_guesses(link, form, parse(form, answer.payload)))
    except DecodeError as error:
        found.remarks.append(f"{link.path}: {error}")
        return
    if len(guesses) > _MOST_OF_ONE:
        found.remarks.append(f"{link.path}: {len(guesses)} values are too many to guess at; name those you want")
        return
    if not guesses:
        found.remarks.append(f"{link.path}: {dotted(answer.code)} with {len(answer.payload)} bytes and no value")
    for guess in guesses:
        found.telemetry[_free_name(guess.words, found.telemetry)] = _tag(link, guess)
    if link.written and guesses:
        found.remarks.append(
            f'{link.path}: may be written (if="{link.attributes["if"]}"); move it to commands to do so'
        )


def _tag(link: Link, guess: Guess) -> dict[str, Any]:
    tag: dict[str, Any] = {"type": guess.type}
    if guess.unit:
        tag["unit"] = guess.unit
    if guess.array_length:
        tag["array_length"] = guess.array_length
    if link.attributes.get("title"):
        tag["description"] = _unbraced(link.attributes["title"])
    tag["point"] = {"path": link.path, **guess.point} | ({} if link.observable else {"observe": False})
    return tag


def _guesses(link: Link, form: PayloadFormat, parsed: object) -> Iterator[Guess]:
    path = tuple(_WORD.findall(link.path))
    if form in SENML and isinstance(parsed, dict):
        single = len(parsed) == 1
        for key, record in parsed.items():
            yield _of_record(path, key, record, single)
    elif isinstance(parsed, (dict, list)):
        yield from _leaves(path, "$", parsed)
    elif (kind := _type_of(parsed, text=form in (PayloadFormat.text, PayloadFormat.auto))) is not None:
        yield Guess(path, kind, {})


def _of_record(path: tuple[str, ...], key: str, record: Record, single: bool) -> Guess:
    last = re.split(r"[/:]", key)[-1]
    words = path if single or not _WORD.search(last) else tuple(_WORD.findall(last))
    return Guess(words, _type_of(record.value) or "String", {"name": key}, UNECE.get(record.unit))


def _leaves(words: tuple[str, ...], path: str, node: object, depth: int = 0) -> Iterator[Guess]:
    if isinstance(node, dict) and depth < _DEEPEST:
        for key, child in node.items():
            if isinstance(key, str) and "{" not in key and "}" not in key:
                step = f".{key}" if _PLAIN_KEY.fullmatch(key) else '["{}"]'.format(key.replace('"', '\\"'))
                yield from _leaves((*words, *_WORD.findall(key)), path + step, child, depth + 1)
    elif isinstance(node, list) and node and all(_type_of(item) == "Double" for item in node):
        yield Guess(words, "Double", _value(path), array_length=len(node))
    elif isinstance(node, list) and depth < _DEEPEST:
        for index, child in enumerate(node):
            yield from _leaves((*words, str(index)), f"{path}[{index}]", child, depth + 1)
    elif (kind := _type_of(node)) is not None:
        yield Guess(words, kind, _value(path))


def _value(path: str) -> dict[str, str]:
    return {} if path == "$" else {"value": path}


def _type_of(value: object, *, text: bool = False) -> str | None:
    """The data type that holds such values; text: a number or boolean may be written out."""
    match value:
        case bool():
            return "Boolean"
        case int() | float():
            return "Double"
        case bytes():
            return "ByteString"
        case str() if text and value.strip().lower() in _BOOLEAN_WORDS:
            return "Boolean"
        case str() if text and _is_number(value):
            return "Double"
        case str():
            return "String"
        case _:
            return None


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", text) is not None


def _free_name(words: tuple[str, ...], taken: Mapping[str, object]) -> str:
    name = "".join(word[0].upper() + word[1:] for word in words) or "Value"
    number = 2
    free = name
    while free in taken:
        free, number = f"{name}{number}", number + 1
    return free


def _unbraced(text: str) -> str:
    return text.replace("{", "(").replace("}", ")")
