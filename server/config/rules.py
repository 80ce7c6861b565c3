"""What the keys of a tag or command say together: units, ranges, states and limits that fit its type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from drivers.data_types import DataType, value_range
from nodesets.identification import identification_value
from server.config.checking import Loc
from server.config.models import CommandSpec, InterlockSpec, TagSpec, TwinSpec, TypeSpec
from server.config.plant import Interlock

OPERATORS: Final = ("above", "below", "at_least", "at_most", "equals", "not_equals")
_FLOATS: Final = (DataType.Float, DataType.Double)
Broken = Iterator[tuple[Loc, str]]


def tag_rules(spec: TagSpec) -> Broken:
    """Where a tag contradicts itself."""
    numeric = value_range(spec.data_type) is not None
    if spec.unit and not numeric:
        yield ("unit",), f"a {spec.type} has no unit; leave it out, or use a numeric type"
    if spec.range:
        yield from _span(spec, "range", spec.range)
    if spec.states:
        yield from _states(spec, spec.states)
    yield from rate_rules(spec)


def rate_rules(spec: TagSpec | TypeSpec | TwinSpec) -> Broken:
    """Where a rate and a staleness given together contradict each other."""
    if spec.rate_s and spec.stale_s and spec.stale_s < spec.rate_s:
        yield ("stale_s",), too_short(spec.stale_s, spec.rate_s)


def twin_rules(spec: TypeSpec | TwinSpec) -> Broken:
    """Where a twin contradicts itself, or the standard's data types of its identification."""
    yield from rate_rules(spec)
    for name, text in spec.identification.items():
        try:
            identification_value(name, text)
        except ValueError as error:
            yield ("identification", name), str(error)


def too_short(stale_s: float, rate_s: float) -> str:
    """What is wrong with a stale_s below the rate_s."""
    why = f"stale_s {stale_s:g} is shorter than rate_s {rate_s:g}: the tag would never stay Good"
    return f"{why}; give at least {rate_s:g}"


def command_rules(spec: CommandSpec) -> Broken:
    """Where a command contradicts itself."""
    yield from tag_rules(spec)
    if spec.limits:
        yield from _span(spec, "limits", spec.limits)
    if spec.clamp and not spec.limits and not spec.range:
        yield ("clamp",), "clamp needs limits to pull a value to; give limits or range"
    if spec.tolerance and spec.confirm != "read_back":
        yield ("tolerance",), "tolerance has a meaning with confirm: read_back only; add that, or leave tolerance out"
    elif spec.tolerance and value_range(spec.data_type) is None:
        yield ("tolerance",), f"a {spec.type} is read back equal or not; leave tolerance out"


def interlock_rules(spec: InterlockSpec) -> Broken:
    """Where an interlock says nothing."""
    if not comparisons(spec):
        yield (), f"the interlock compares with nothing; give one of {', '.join(OPERATORS)}"


def comparisons(interlock: InterlockSpec) -> list[tuple[str, float | bool | str]]:
    """The conditions of an interlock: operator and value."""
    given = ((operator, getattr(interlock, operator)) for operator in OPERATORS)
    return [(operator, value) for operator, value in given if value is not None]


def value_problem(value: object, data_type: DataType, states: tuple[str, ...]) -> str:
    """Why a constant cannot be a value of a type, "" when it can. A tag with states also takes their names."""
    if isinstance(value, str) and states:
        return "" if value in states else f'"{value}" is none of its states ({", ".join(states)})'
    if data_type is DataType.Boolean:
        return "" if isinstance(value, bool) else f"{value!r} is not true or false"
    if data_type in (DataType.String, DataType.ByteString, DataType.DateTime):
        fits = isinstance(value, str) and data_type is not DataType.ByteString
        return "" if fits else f"{value!r} is no {data_type.name}"
    if isinstance(value, (bool, str)) or not isinstance(value, (int, float)):
        return f"{value!r} is not a number"
    if data_type not in _FLOATS and int(value) != value:
        return f"{value} is not a whole number"
    span = value_range(data_type)
    return "" if span and span[0] <= value <= span[1] else f"{value} is outside what {data_type.name} can hold"


def as_value(value: float | bool | str, states: tuple[str, ...], data_type: DataType) -> float | bool | str:
    """A constant with the name of a state replaced by its number, or by a bool."""
    if isinstance(value, str) and value in states:
        number = states.index(value)
        return bool(number) if data_type is DataType.Boolean else number
    return value


def default_message(interlock: Interlock) -> str:
    """What a refused command says when the plant file gives no message."""
    words = {"at_least": "at least", "at_most": "at most", "equals": "", "not_equals": "other than"}
    said = [f"{c.path} must be {words.get(c.operator, c.operator)} {c.value}" for c in interlock.conditions]
    return " and ".join(said).replace("  ", " ")


def _span(spec: TagSpec, key: str, span: tuple[float, float]) -> Broken:
    possible = value_range(spec.data_type)
    if possible is None:
        yield (key,), f"a {spec.type} has no {key}; leave it out, or use a numeric type"
    elif span[0] < possible[0] or span[1] > possible[1]:
        given, can = f"[{span[0]:g}, {span[1]:g}]", f"{possible[0]:g} to {possible[1]:g}"
        yield (key,), f"{key} {given} reaches beyond what {spec.type} can hold ({can}); narrow it or take a larger type"


def _states(spec: TagSpec, states: tuple[str, ...]) -> Broken:
    possible = value_range(spec.data_type)
    if spec.data_type is DataType.Boolean:
        if len(states) != 2:
            yield ("states",), f"a Boolean has two states, not {len(states)}: the name of false, then that of true"
    elif possible is None or spec.data_type in _FLOATS:
        yield ("states",), f"a {spec.type} has no states; use Boolean or an integer type"
    elif len(states) > possible[1] + 1:
        yield ("states",), f"{len(states)} states do not fit {spec.type}, whose highest value is {possible[1]}"
    for key in ("unit", "range"):
        if getattr(spec, key):
            yield (key,), f"a tag with states has no {key}; leave {key} or states out"
    if spec.array_length:
        yield ("array_length",), "an array has no states; leave states or array_length out"
