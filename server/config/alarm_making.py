"""Alarm definitions of single rules: from a checked rule and the tags it is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from drivers.data_types import DataType, has_cell
from nodesets.units import unit as unit_of
from server.config.alarm_definitions import AlarmDefinition, AlarmType, Kind, Level, OnBad
from server.config.diagnostics import CONNECTION_STATES, HISTORY, HISTORY_STATES
from server.config.expressions import Expression, ExpressionError
from server.config.plant import Tag
from server.config.rule_spec import LEVELS, PER_S, RuleSpec
from server.config.rules import as_value, value_problem
from server.config.yaml_source import Map

CONNECTION_LOST: Final = "ConnectionLost"
HISTORY_STOPPED: Final = "HistoryStopped"
"""The rule that every connection has by itself."""
_LOST_AFTER_S: Final = 10.0
_SEVERITY: Final = 500
_OUTER_SEVERITY: Final = 700
_WINDOW: Final = 10.0
"""How many times its rate_s a tag's rate of change is taken over."""
_TYPES: Final = {
    Kind.limits: AlarmType.exclusive_level,
    Kind.rate_of_change: AlarmType.exclusive_rate_of_change,
    Kind.deviation: AlarmType.exclusive_deviation,
    Kind.state: AlarmType.off_normal,
    Kind.no_signal: AlarmType.system_off_normal,
    Kind.expression: AlarmType.off_normal,
    Kind.quality: AlarmType.off_normal,
}
_OUTER: Final = (Level.low_low, Level.high_high)
Wrong = list[tuple[str, str]]
"""What is wrong with a rule: the key, and a message."""


@dataclass(frozen=True)
class RuleText:
    """A rule as it stands in the file. label: the twin that it shows in, where it was made from a type."""

    raw: Map
    spec: RuleSpec
    label: str = ""

    @cached_property
    def names(self) -> tuple[str, ...] | str:
        """Names of tags in its expression, or why it cannot be read."""
        try:
            return tuple(Expression(self.spec.expression or "").names.values())
        except ExpressionError as error:
            return f"the expression {error}"


def tag_alarm(path: str, owner: str, tag: Tag, setpoint: Tag | None, text: RuleText, wrong: Wrong) -> AlarmDefinition:
    """The alarm on one tag. Adds to wrong."""
    spec, kind = text.spec, text.spec.kind or Kind.limits
    if tag.array_length or not has_cell(tag.data_type):
        wrong.append(("input", f"{tag.name} is {_what(tag)}; a rule watches single numbers, booleans and states"))
    elif kind is Kind.state:
        return _state_alarm(_common(path, owner, tag.path, text), tag, spec, wrong)
    elif kind in (Kind.limits, Kind.deviation, Kind.rate_of_change):
        _check_measured(tag, setpoint, spec, wrong)
    definition = replace(
        _common(path, owner, tag.path, text),
        setpoint_path=setpoint.path if setpoint is not None else "",
        limits=spec.limits,
        deadband=spec.deadband,
        no_signal_s=spec.no_signal_s or 0.0,
        qualities=tuple(spec.quality or ()),
    )
    if kind is Kind.rate_of_change:
        per_s = PER_S[spec.rate_per or "second"]
        definition = replace(
            definition,
            limits={level: limit / per_s for level, limit in spec.limits.items()},
            deadband=spec.deadband / per_s,
            window_s=spec.window_s or _WINDOW * tag.rate_s,
        )
    return definition if spec.message else replace(definition, message=_message(definition, tag, setpoint))


def expression_alarm(path: str, owner: str, inputs: Mapping[str, Tag], text: RuleText, wrong: Wrong) -> AlarmDefinition:
    """The alarm on an expression. inputs: its tags by their names in it. Adds to wrong."""
    for name, tag in inputs.items():
        if tag.array_length or not has_cell(tag.data_type):
            wrong.append(("expression", f"{name} is {_what(tag)}; an expression is over numbers, booleans and states"))
    definition = _common(path, owner, "", text)
    try:
        expression = Expression(text.spec.expression or "", lambda name: inputs[name].states)
    except ExpressionError as error:
        wrong.append(("expression", f"the expression {error}"))
        return definition
    if not expression.answers(frozenset(name for name, tag in inputs.items() if tag.data_type is DataType.Boolean)):
        wrong.append(("expression", "the expression gives a number, not yes or no; compare it with something"))
    tags = {name: inputs[dotted].path for name, dotted in expression.names.items()}
    message = text.spec.message or str(text.spec.expression)
    return replace(definition, expression=expression.text, inputs=tags, message=message)


def connection_alarm(connection: str, name: str, text: RuleText) -> AlarmDefinition:
    """The alarm that a connection is not connected."""
    owner = f"Connections/{connection}"
    given = text.spec.model_fields_set
    definition = _common(f"{owner}/{name}", owner, f"{owner}/State", text)
    return replace(
        definition,
        type=AlarmType.system_off_normal,
        kind=Kind.state,
        normal=float(CONNECTION_STATES.index("Connected")),
        on_delay_s=text.spec.on_delay_s if "on_delay_s" in given else _LOST_AFTER_S,
        severities=definition.severities if text.spec.severity is not None else {Level.active: _OUTER_SEVERITY},
        message=text.spec.message or f"Connection {connection} is lost",
    )


def history_alarm(name: str) -> AlarmDefinition:
    """The alarm that values which are to be kept are not."""
    text = RuleText(Map(0), RuleSpec(severity=_OUTER_SEVERITY))
    definition = _common(f"{HISTORY}/{name}", HISTORY, f"{HISTORY}/State", text)
    return replace(
        definition,
        type=AlarmType.system_off_normal,
        kind=Kind.state,
        abnormal=float(HISTORY_STATES.index("Stopped")),
        message="No history is kept; LastError says why",
    )


def _common(path: str, owner: str, input_path: str, text: RuleText) -> AlarmDefinition:
    spec, kind = text.spec, text.spec.kind or Kind.state
    return AlarmDefinition(
        path=path,
        name=path.rpartition("/")[2],
        owner=owner,
        type=_TYPES[kind] if spec.exclusive else AlarmType.non_exclusive_level,
        input_path=input_path,
        severities={level: _severity(spec, level) for level in (spec.limits or (Level.active,))},
        on_delay_s=spec.on_delay_s,
        off_delay_s=spec.off_delay_s,
        message=spec.message,
        description=spec.description,
        needs_confirm=spec.needs_confirm,
        enabled=spec.enabled,
        longest_shelve_s=spec.longest_shelve_s,
        origin=path.rpartition("/")[2],
        kind=kind,
        on_bad=OnBad(spec.on_bad),
        cause=spec.cause,
        consequence=spec.consequence,
        response=spec.response,
    )


def _severity(spec: RuleSpec, level: Level) -> int:
    given = spec.severity
    if isinstance(given, Mapping):
        names = {level: name for name, level in LEVELS.items()}
        given = given.get(names[level]) if level in names else None  # type: ignore[call-overload]
    if given is None:
        return _OUTER_SEVERITY if level in _OUTER else _SEVERITY
    return int(given)


def _state_alarm(definition: AlarmDefinition, tag: Tag, spec: RuleSpec, wrong: Wrong) -> AlarmDefinition:
    key, given = ("normal", spec.normal) if spec.normal is not None else ("state", spec.state)
    problem = value_problem(given, tag.data_type, tag.states)
    if problem or given is None:
        wrong.append((key, f"{tag.name} is never that: {problem}"))
        return definition
    value = float(as_value(given, tag.states, tag.data_type))
    said = tag.states[int(value)] if tag.states and 0 <= value < len(tag.states) else given
    if key == "normal":
        return replace(definition, normal=value, message=spec.message or f"{tag.name} is not {said}")
    other = value == 0.0 if tag.data_type is DataType.Boolean else None
    normal = None if other is None else float(other)
    return replace(definition, normal=normal, abnormal=value, message=spec.message or f"{tag.name} is {said}")


def _check_measured(tag: Tag, setpoint: Tag | None, spec: RuleSpec, wrong: Wrong) -> None:
    if tag.data_type in (DataType.Boolean, DataType.DateTime) or tag.states:
        wrong.append(("input", f"{tag.name} is {_what(tag)}, which has no limits; use normal: or state:"))
    if spec.unit is not None and spec.unit not in _unit_texts(tag):
        told = " or ".join(_unit_texts(tag)) or "it has none"
        wrong.append(("unit", f"{spec.unit} is not the unit of {tag.name} ({told}); give the limits in that unit"))
    if setpoint is None:
        return
    if setpoint.array_length or not has_cell(setpoint.data_type) or setpoint.states:
        wrong.append(("setpoint", f"{setpoint.name} is {_what(setpoint)}; a setpoint is a single number"))
    elif tag.unit and setpoint.unit and tag.unit != setpoint.unit:
        units = f"{tag.name} is in {_unit_texts(tag)[1]}, {setpoint.name} in {_unit_texts(setpoint)[1]}"
        wrong.append(("setpoint", f"{units}; their difference says nothing"))


def _unit_texts(tag: Tag) -> tuple[str, ...]:
    """How a tag's unit may be written: its code, its symbol."""
    return (tag.unit, unit_of(tag.unit).symbol) if tag.unit else ()


def _what(tag: Tag) -> str:
    if tag.array_length:
        return "an array"
    return f"a {tag.data_type.name}" + (" with states" if tag.states else "")


def _message(definition: AlarmDefinition, tag: Tag, setpoint: Tag | None) -> str:
    if definition.kind is Kind.no_signal:
        return f"No signal of {tag.name} for {definition.no_signal_s:g} s"
    if definition.kind is Kind.quality:
        return f"The data of {tag.name} is doubtful: {' or '.join(definition.qualities)}"
    if definition.kind is Kind.rate_of_change:
        return f"{tag.name} changes by {{value}} {{unit}} a second, the limit is {{limit}}"
    if setpoint is not None:
        return f"{tag.name} is {{value}} {{unit}} off {setpoint.name}, the limit is {{limit}} {{unit}}"
    return f"{tag.name} is {{value}} {{unit}}, the limit is {{limit}} {{unit}}"
