"""Patterns over paths: `**/Motor*/Load`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_MARKS: Final = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def is_pattern(text: str) -> bool:
    """Whether it may stand for several paths."""
    return "*" in text or "?" in text


def compiled(pattern: str) -> re.Pattern[str]:
    """The regular expression of a pattern: ** is any twins, * anything within a name, ? one character."""
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    return re.compile("".join(_MARKS.get(piece) or re.escape(piece) for piece in pieces))


def matching(patterns: Iterable[str], paths: Iterable[str]) -> list[str]:
    """The paths that one of the patterns fits, in their order."""
    fits = [compiled(pattern).fullmatch for pattern in patterns]
    return [path for path in paths if any(fit(path) for fit in fits)]
