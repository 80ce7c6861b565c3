"""Whether a value may be written at all: its type, what the type can hold, the states, the limits. No I/O."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from drivers.data_types import WIRE, DataType, value_range
from drivers.status import Status
from server.config.plant import CommandRules, Tag

_PYTHON_TYPES: Final[dict[DataType, tuple[type, ...]]] = {
    DataType.Boolean: (bool,),
    DataType.Float: (int, float),
    DataType.Double: (int, float),
    DataType.String: (str,),
    DataType.ByteString: (bytes,),
}
_WHOLE: Final = (int,)
_TICKS_RANGE: Final = (0, 2**63 - 1)


class CommandRefused(Exception):
    """A value or a state of the plant that does not allow a write; nothing was sent. status: what the client gets."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def accept(tag: Tag, rules: CommandRules, value: object) -> tuple[object, Status]:
    """The value as it goes to the driver, and Good, or GoodClamped where the limits pulled it in. Whole numbers are
    taken for Float and Double; a Float is rounded to single precision. Raises CommandRefused: BadTypeMismatch or
    BadOutOfRange."""
    if not tag.array_length:
        return _accept_one(tag, rules, value)
    if not isinstance(value, Sequence | np.ndarray) or isinstance(value, str | bytes):
        raise CommandRefused(Status.BadTypeMismatch, f"it takes an array of {tag.array_length}, not {value!r}")
    if len(value) != tag.array_length:
        raise CommandRefused(Status.BadOutOfRange, f"it takes {tag.array_length} elements, not {len(value)}")
    ones = [_accept_one(tag, rules, one) for one in value]
    elements = [one for one, _ in ones]
    wire = WIRE.get(tag.data_type)
    return elements if wire is None else np.array(elements, wire), max(status for _, status in ones)


def _accept_one(tag: Tag, rules: CommandRules, value: object) -> tuple[object, Status]:
    plain = value.item() if isinstance(value, np.generic) else value
    if not isinstance(plain, _PYTHON_TYPES.get(tag.data_type, _WHOLE)) or (
        isinstance(plain, bool) and tag.data_type is not DataType.Boolean
    ):
        raise CommandRefused(Status.BadTypeMismatch, f"it takes a {tag.data_type.name}, not {value!r}")
    if isinstance(plain, bool) or not isinstance(plain, int | float):
        return plain, Status.Good
    return _within_limits(tag, rules, _held(tag, plain))


def _held(tag: Tag, value: float) -> float:
    """A number that the tag's type can hold, exactly as it holds it."""
    if not math.isfinite(value):
        raise CommandRefused(Status.BadOutOfRange, f"{value} is no value to write")
    lowest, highest = value_range(tag.data_type) or _TICKS_RANGE
    if not lowest <= value <= highest:
        raise CommandRefused(Status.BadOutOfRange, f"{value} does not fit {tag.data_type.name}")
    if tag.states and not 0 <= value < len(tag.states):
        states = ", ".join(f"{number} {name}" for number, name in enumerate(tag.states))
        raise CommandRefused(Status.BadOutOfRange, f"{value} is none of the states {states}")
    return _rounded(tag.data_type, value)


def _within_limits(tag: Tag, rules: CommandRules, value: float) -> tuple[float, Status]:
    if rules.limits is None:
        return value, Status.Good
    lowest, highest = (_rounded(tag.data_type, limit) for limit in rules.limits)
    if lowest <= value <= highest:
        return value, Status.Good
    if not rules.clamp:
        raise CommandRefused(Status.BadOutOfRange, f"{value} is outside the limits {lowest:g} to {highest:g}")
    if tag.data_type not in (DataType.Float, DataType.Double):
        lowest, highest = math.ceil(lowest), math.floor(highest)
    return min(max(value, lowest), highest), Status.GoodClamped


def _rounded(data_type: DataType, value: float) -> float:
    """As the type holds it: 0.1 written as a Float is not above a limit of 0.1."""
    if data_type is DataType.Float:
        return float(np.float32(value))
    return float(value) if data_type is DataType.Double else value
