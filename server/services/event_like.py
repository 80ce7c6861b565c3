"""The Like operator of event filters (Part 4, 7.7.3), in time that no pattern can blow up."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

_TOKEN: Final = re.compile(r"\\(.)|(%)|(_)|(\[\^?[^\]]+\])|(.)", re.DOTALL)
_RANGE: Final = re.compile(r".-.|.", re.DOTALL)
Token = Callable[[str], object] | None
"""Whether one character fits; None stands for any text."""


def matches(text: str, pattern: str) -> bool:
    """% any text, _ one character, [abc] and [a-c] one of a set, [^abc] one that is not, a backslash takes the next
    character as it is. At most len(text) * len(pattern) steps."""
    tokens = _tokens(pattern)
    at = token = 0
    anything, resume = -1, 0
    while at < len(text):
        test = tokens[token] if token < len(tokens) else _nothing
        if test is None:
            anything, resume = token, at
            token += 1
        elif test(text[at]):
            at += 1
            token += 1
        elif anything >= 0:  # the last % takes one character more
            resume += 1
            at, token = resume, anything + 1
        else:
            return False
    return all(rest is None for rest in tokens[token:])


def _nothing(_character: str) -> bool:
    return False


@lru_cache(256)
def _tokens(pattern: str) -> Sequence[Token]:
    tokens: list[Token] = []
    for escaped, anything, one, charset, plain in _TOKEN.findall(pattern):
        if anything:
            tokens.append(None)
        elif one:
            tokens.append(bool)
        else:
            tokens.append(_charset(charset) if charset else (escaped or plain).__eq__)
    return tuple(tokens)


def _charset(text: str) -> Token:
    other, body = text[1] == "^", text[2:-1] if text[1] == "^" else text[1:-1]
    ranges = [(part[0], part[-1]) for part in _RANGE.findall(body)]
    return lambda character: any(low <= character <= high for low, high in ranges) is not other
