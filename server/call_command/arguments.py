"""Input arguments as people write them: Name=value, with lists, times, durations, states and paths."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from asyncua import ua
from asyncua.ua.uatypes import win_epoch_to_datetime

from server.config.errors import did_you_mean
from server.history_command.times import ticks_of

_UNIT: Final = re.compile(r"\s*\[([^\]*]+)\]$")
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d|w)")
_SECONDS: Final = {"s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_YES: Final = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_LIMITS: Final = {
    ua.VariantType.SByte: (-(2**7), 2**7 - 1),
    ua.VariantType.Byte: (0, 2**8 - 1),
    ua.VariantType.Int16: (-(2**15), 2**15 - 1),
    ua.VariantType.UInt16: (0, 2**16 - 1),
    ua.VariantType.Int32: (-(2**31), 2**31 - 1),
    ua.VariantType.UInt32: (0, 2**32 - 1),
    ua.VariantType.Int64: (-(2**63), 2**63 - 1),
    ua.VariantType.UInt64: (0, 2**64 - 1),
}
_EMPTY: Final = (ua.VariantType.Boolean, ua.VariantType.Float, ua.VariantType.Double, *_LIMITS)
_DEFAULT_IS_NAN: Final = re.compile(r"\bNaN: ")


class WrongArguments(Exception):
    """problems: everything that is wrong with what was given, for people."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Declared:
    """An argument as the bridge declares it. unit: its symbol. states: names of its values, counted from 0."""

    name: str
    kind: ua.VariantType
    is_array: bool
    unit: str
    description: str
    states: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        """Its type in words."""
        one = f"{self.kind.name}, {self.unit}" if self.unit else self.kind.name
        return f"list of {one}" if self.is_array else one


def declared(argument: ua.Argument) -> Declared:
    """From an Argument of InputArguments or OutputArguments. What the bridge adds to the description, it is taken from:
    the unit in brackets at the end, and the names of states after the last semicolon."""
    text = str(argument.Description.Text or "")
    unit = _UNIT.search(text)
    text = _UNIT.sub("", text)
    kind = ua.VariantType(int(argument.DataType.Identifier))
    told = [one.strip() for one in text.rpartition("; ")[2].split(",")]
    whole = kind in _LIMITS or kind is ua.VariantType.Boolean
    states = told if whole and len(told) > 1 and all(re.fullmatch(r"[\w -]+", one) for one in told) else []
    return Declared(str(argument.Name), kind, int(argument.ValueRank) > 0, unit[1] if unit else "", text, tuple(states))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What values are read by. node_id: of a path of the plant."""

    now: datetime
    node_id: Callable[[str], ua.NodeId]


def read(
    wanted: Sequence[Declared], given: Sequence[str], around: Surroundings, *, all_needed: bool
) -> list[ua.Variant]:
    """The arguments of a call. all_needed: none may be left open. Raises WrongArguments."""
    problems: list[str] = []
    texts = _by_name(wanted, given, problems)
    variants = []
    for one in wanted:
        if one.name in texts:
            try:
                variants.append(variant_of(one, texts[one.name], around))
            except ValueError as error:
                problems.append(f"{one.name}: {error}")
        else:
            if all_needed:
                problems.append(f"{one.name} is missing: {one.name}=... ({one.what}; {one.description})")
            variants.append(_left_open(one))
    if problems:
        raise WrongArguments(problems)
    return variants


def _by_name(wanted: Sequence[Declared], given: Sequence[str], problems: list[str]) -> Mapping[str, list[str]]:
    names = {one.name.lower(): one for one in wanted}
    texts: dict[str, list[str]] = {}
    for word in given:
        name, equals, text = word.partition("=")
        if not equals and len(wanted) == 1:
            name, text = wanted[0].name, word
        elif not equals:
            example = wanted[0].name if wanted else ""
            problems.append(f"{word}: write Name=value" + (f", such as {example}={word}" if example else ""))
            continue
        one = names.get(name.strip().lower())
        if one is None:
            known = did_you_mean(name, [each.name for each in wanted], "the method takes none")
            problems.append(f"{name}: there is no such argument{known}")
        elif one.name in texts and not one.is_array:
            problems.append(f"{one.name} is given twice")
        else:
            texts.setdefault(one.name, []).append(text)
    return texts


def variant_of(wanted: Declared, texts: Sequence[str], around: Surroundings) -> ua.Variant:
    """A value as it goes to the bridge. texts: more than one for an array only. Raises ValueError with what is wrong
    and what would be right."""
    if not wanted.is_array:
        return ua.Variant(_one(wanted, texts[0].strip(), around), wanted.kind)
    parts = [part for text in texts for row in csv.reader([text], skipinitialspace=True) for part in row]
    return ua.Variant([_one(wanted, part.strip(), around) for part in parts if part], wanted.kind, is_array=True)


def _one(wanted: Declared, text: str, around: Surroundings) -> Any:
    if wanted.states:
        return _state(wanted, text)
    if wanted.kind in _LIMITS:
        return _whole(wanted.kind, text)
    if wanted.kind in (ua.VariantType.Float, ua.VariantType.Double):
        return _number(text, wanted.unit)
    if wanted.kind is ua.VariantType.Boolean:
        if text.lower() not in _YES:
            raise ValueError(f"{text} is neither yes nor no; write true or false")
        return _YES[text.lower()]
    if wanted.kind is ua.VariantType.DateTime:
        return _moment(text, around.now)
    if wanted.kind is ua.VariantType.NodeId:
        return ua.NodeId.from_string(text) if re.match(r"(ns=\d+;)?[isgb]=", text) else around.node_id(text)
    if wanted.kind is ua.VariantType.ByteString:
        return _content(text)
    if wanted.kind is ua.VariantType.LocalizedText:
        return ua.LocalizedText(text)
    return text


def _state(wanted: Declared, text: str) -> Any:
    names = {name.lower(): number for number, name in enumerate(wanted.states)}
    is_boolean = wanted.kind is ua.VariantType.Boolean
    if is_boolean and text.lower() in _YES and text.lower() not in names:
        return _YES[text.lower()]
    number = names.get(text.lower(), int(text) if text.isdigit() else -1)
    if not 0 <= number < len(wanted.states):
        raise ValueError(f"{text} is none of its states{did_you_mean(text, wanted.states)}")
    return bool(number) if is_boolean else number


def _whole(kind: ua.VariantType, text: str) -> int:
    low, high = _LIMITS[kind]
    try:
        number = int(text)
    except ValueError:
        raise ValueError(f"{text} is no whole number") from None
    if not low <= number <= high:
        raise ValueError(f"{text} is beyond {low} to {high}")
    return number


def _number(text: str, unit: str) -> float:
    if unit == "s" and (found := _DURATION.fullmatch(text)):
        return float(found[1]) * _SECONDS[found[2]]
    try:
        return float(text)
    except ValueError:
        like = "; write 90, 90s, 15min, 2h or 1d" if unit == "s" else ""
        cure = f"; write {text.replace(',', '.')}" if re.fullmatch(r"-?\d+,\d+", text) else like
        raise ValueError(f"{text} is no number{cure}") from None


def _moment(text: str, now: datetime) -> datetime | None:
    if not text:
        return None
    ago = "0s" if text.lower() == "now" else re.sub(r"^-\s*(.*\d)\s*min$", r"\1m", text).removeprefix("-")
    try:
        return win_epoch_to_datetime(ticks_of(ago, now)).replace(tzinfo=UTC)
    except ValueError:
        ways = "now, -2h, 2026-11-22T10:00 (by this computer's clock) or 2026-11-22T09:00Z"
        raise ValueError(f"{text} is no time; write {ways}") from None


def _content(text: str) -> bytes:
    try:
        return Path(text).read_bytes()
    except OSError as error:
        raise ValueError(f"the file {text} cannot be read: {error.strerror}") from None


def _left_open(wanted: Declared) -> ua.Variant:
    """Null where the type has one, else 0; NaN where the description says that this stands for the default."""
    if wanted.is_array:
        return ua.Variant([], wanted.kind, is_array=True)
    if wanted.kind not in _EMPTY:
        return ua.Variant()
    if wanted.kind is ua.VariantType.Boolean:
        return ua.Variant(False, wanted.kind)
    nan = wanted.kind is ua.VariantType.Double and _DEFAULT_IS_NAN.search(wanted.description)
    return ua.Variant(float("nan") if nan else 0, wanted.kind)
