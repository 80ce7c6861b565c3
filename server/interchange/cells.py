"""What the cells of a tag list say, in words and numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from nodesets.units import known, nearest, unit

_TRUE: Final = frozenset({"1", "true", "yes", "y", "on", "x"})
_FALSE: Final = frozenset({"0", "false", "no", "n", "off", ""})
_LIST_UNITS: Final = {"C": "CEL", "F": "FAH", "deg": "DD"}
"""Symbols that stand for other units in a dictionary than in a tag list."""


class Unclear(ValueError):
    """A cell that is not understood; the message says what would be right."""


class Access(Enum):
    """What a client may do."""

    read = "read"
    both = "both"
    write = "write"


_ACCESS: Final = {
    **dict.fromkeys(("ro", "r", "read", "readonly", "input", "in"), Access.read),
    **dict.fromkeys(("rw", "readwrite", "both", "inout"), Access.both),
    **dict.fromkeys(("wo", "w", "write", "writeonly", "output", "out"), Access.write),
}
_LINEAR: Final = frozenset({"linear", "1", "yes", "true", "on"})
_NO_SCALING: Final = frozenset({"", "none", "off", "0", "no", "false"})
_ENDS: Final = ("raw_low", "raw_high", "scaled_low", "scaled_high")


@dataclass(frozen=True, slots=True)
class Scaling:
    """value = raw * scale + offset. span: lowest and highest value, where the list gives them."""

    scale: float
    offset: float
    span: tuple[float, float] | None = None


def number(cells: Mapping[str, str], field: str) -> float | None:
    """A number, with a decimal point or comma; None where the cell is empty. Raises Unclear."""
    text = cells.get(field, "")
    if not text:
        return None
    plain = text.replace(",", ".") if text.count(",") == 1 and "." not in text else text.replace(",", "")
    try:
        value = float(plain)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Unclear(f'{field.replace("_", " ")} is "{text}"; it must be a number')
    return value


def flag(cells: Mapping[str, str], field: str, otherwise: bool = False) -> bool:
    """Yes or no; raises Unclear."""
    if field not in cells:
        return otherwise
    word = cells[field].lower()
    if word not in _TRUE | _FALSE:
        raise Unclear(f'{field.replace("_", " ")} is "{cells[field]}"; it must be 1 or 0')
    return word in _TRUE


def access(cells: Mapping[str, str]) -> Access:
    """Read only where nothing is said. Raises Unclear."""
    if "read_only" in cells:
        return Access.read if flag(cells, "read_only") else Access.both
    text = cells.get("access", "RO")
    word = "".join(filter(str.isalpha, text.lower()))
    if word not in _ACCESS:
        raise Unclear(f'access is "{text}"; it must be RO, RW or WO')
    return _ACCESS[word]


def scaling(cells: Mapping[str, str]) -> Scaling | None:
    """By factor and offset, or by a linear mapping of raw to scaled ends; None for raw values. Raises Unclear."""
    word = cells.get("scaling", "").lower()
    if word not in _LINEAR | _NO_SCALING:
        raise Unclear(f"scaling {cells['scaling']} is not available; linear is")
    negative = -1.0 if flag(cells, "negate") else 1.0
    given = [number(cells, field) for field in _ENDS]
    ends = [value for value in given if value is not None]
    if word in _LINEAR and len(ends) < len(_ENDS):
        raise Unclear("scaling needs raw low, raw high, scaled low and scaled high")
    if (word in _LINEAR or "scaling" not in cells) and len(ends) == len(_ENDS):
        return _linear(ends, negative)
    factor, offset = number(cells, "scale"), number(cells, "offset")
    if factor == 0:
        raise Unclear("a scale of 0 makes every value the same; write 1 for none")
    scale, shift = negative * (1.0 if factor is None else factor), negative * (offset or 0.0)
    return Scaling(scale, shift) if scale != 1 or shift else None


def _linear(ends: list[float], negative: float) -> Scaling:
    raw_low, raw_high, low, high = ends
    if raw_low == raw_high or low == high:
        raise Unclear(f"scaling from {raw_low:g}..{raw_high:g} to {low:g}..{high:g} has no slope; the ends must differ")
    scale = (high - low) / (raw_high - raw_low)
    span = sorted((negative * low, negative * high))
    return Scaling(negative * scale, negative * (low - raw_low * scale), (span[0], span[1]))


def unit_code(text: str) -> tuple[str | None, str]:
    """The common code of a unit, and what to tell where there is none."""
    code = _LIST_UNITS.get(text) or known(text)
    if code is not None:
        return code, ""
    near = [f"{found} ({unit(found).symbol})" for found in nearest(text)]
    return None, f'the unit "{text}" is not known' + (f"; it may be {' or '.join(near)}" if near else "")


def states(text: str) -> tuple[str, ...]:
    """Names of states: "Off|On", or a JSON list. Raises Unclear."""
    if text.startswith("["):
        try:
            names = json.loads(text)
        except ValueError as error:
            raise Unclear(f"states are no JSON list ({error}); they are like Off|On") from error
        return tuple(map(str, names))
    return tuple(name.strip() for name in text.split("|"))
