"""What an optimisation is to reach, as people write it: "min 0.25*Energy(Power) - 0.02*Mean(HeatFlow)"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from analytics.simulation.vocabulary import Vocabulary, longest, near

_NUMBER: Final = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_WORD: Final = re.compile(r"[^\s*+()-]+(?:\([^()]*\))?|\S")
_SENSE: Final = re.compile(r"\s*(min|max)\b", re.IGNORECASE)


class Unreadable(ValueError):
    """Something cannot be read; the message says what, where, and what would be right."""


class UnknownName(Unreadable):
    """A name that nothing has."""


@dataclass(frozen=True, slots=True)
class Part:
    """factor x a key figure."""

    factor: float
    figure: str


@dataclass(frozen=True, slots=True)
class Objective:
    """The least (sign 1) or the most (sign -1) of a sum. parts empty: all electric energy."""

    sign: float = 1.0
    parts: tuple[Part, ...] = ()


def parsed(text: str, words: Vocabulary) -> Objective:
    """An objective as people write it: min or max, then key figures and signals (of which the mean counts) with
    numbers as factors, added and subtracted. Raises Unreadable."""
    if not text.strip():
        return Objective()
    sense = _SENSE.match(text)
    if sense is None:
        raise Unreadable(f'an objective begins with min or max, as in "min Energy(Power)"; this is "{text.strip()}"')
    parts: list[Part] = []
    at = sense.end()
    while True:
        part, at = _part(text, at, words, first=not parts)
        parts.append(part)
        if not text[at:].strip():
            return Objective(1.0 if sense[1].lower() == "min" else -1.0, tuple(parts))


def _part(text: str, at: int, words: Vocabulary, *, first: bool) -> tuple[Part, int]:
    """The next part and the place behind it."""
    at = _behind_space(text, at)
    factor = 1.0
    if text[at : at + 1] in ("+", "-"):
        factor = -1.0 if text[at] == "-" else 1.0
        at = _behind_space(text, at + 1)
    elif not first:
        raise Unreadable(f"{_at(text, at)} + or - is needed between two parts, or * between a factor and a name")
    figure = ""
    while True:
        name = longest(text, at, words.everything)
        number = _NUMBER.match(text, at)
        if name:
            if figure:
                raise Unreadable(f"{_at(text, at)} {figure} and {name} are multiplied; only numbers can be factors")
            figure, at = _figure(text, at, name, words), at + len(name)
        elif number:
            factor, at = factor * float(number[0]), number.end()
        else:
            raise _wrong(text, at, words)
        at = _behind_space(text, at)
        if text[at : at + 1] != "*":
            break
        at = _behind_space(text, at + 1)
    if not figure:
        raise Unreadable(f"{_at(text, at)} a number alone changes nothing; write the factor before a name, 2*Name")
    return Part(factor, figure), at


def _figure(text: str, at: int, name: str, words: Vocabulary) -> str:
    if name in words.figures:
        return name
    if name in words.signals:
        return f"Mean({name})"
    raise Unreadable(f"{_at(text, at)} {name} is only taken by models, none gives it, so it cannot be made better")


def _wrong(text: str, at: int, words: Vocabulary) -> Unreadable:
    word = _WORD.match(text, at)
    if word is None:
        return Unreadable("the objective ends where a name is needed")
    if word[0] in ("(", ")", "/", "*", "+", "-"):
        return Unreadable(f'{_at(text, at)} "{word[0]}" has no place; there are names, numbers, +, - and *')
    return UnknownName(f'{_at(text, at)} nothing is called "{word[0]}"; {near(word[0], words.figures | words.signals)}')


def _behind_space(text: str, at: int) -> int:
    return len(text) - len(text[at:].lstrip())


def _at(text: str, at: int) -> str:
    return f"at character {at + 1} of the objective:" if at < len(text) else "at the end of the objective:"
