"""The part of JSONPath (RFC 9535) that names one value: $, .name, ["name"], [index], compiled to plain steps."""

from __future__ import annotations

import re
from typing import Final

Steps = tuple[str | int, ...]


class PathError(ValueError):
    """A path that cannot be read; the message says where it breaks and what would be right."""


class _Missing:
    """The one value that stands for "nothing there", as None is a value of JSON (null)."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()

_STEP: Final = re.compile(
    r"""\.(?P<name>[^\s.\[\]"'*$@?()]+)         # .name
      | \[(?P<index>-?\d+)\]                    # [0], [-1]
      | \["(?P<double>(?:[^"\\]|\\.)*)"\]       # ["c d"]
      | \['(?P<single>(?:[^'\\]|\\.)*)'\]       # ['c d']
    """,
    re.VERBOSE,
)


def compile_path(path: str) -> Steps:
    """The steps of a path: a str is a member's name, an int an element's index (negative from the end).

    "$" alone is the whole document: (). Raises PathError for everything that may name several values (*, .., slices,
    filters) or is not a path.
    """
    if not path.startswith("$"):
        raise PathError(f'"{path}" is not a path; it starts with $, for example $.{path.lstrip(".") or "value"}')
    steps: list[str | int] = []
    at = 1
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            raise PathError(f'"{path}" cannot be read from "{path[at:]}" on; right are .name, ["any name"] and [0]')
        steps.append(_step(match))
        at = match.end()
    return tuple(steps)


def _step(match: re.Match[str]) -> str | int:
    if match["index"] is not None:
        return int(match["index"])
    if match["name"] is not None:
        return match["name"]
    quoted = match["double"] if match["double"] is not None else match["single"]
    return re.sub(r"\\(.)", r"\1", quoted)


def resolve(steps: Steps, document: object) -> object:
    """The value at a path, or MISSING."""
    node: object = document
    try:
        for step in steps:
            if node.__class__ is not dict and isinstance(node, (str, bytes)):
                return MISSING
            node = node[step]  # type: ignore[index]  # whatever has no such member raises one of these
    except (KeyError, IndexError, TypeError):
        return MISSING
    return node
