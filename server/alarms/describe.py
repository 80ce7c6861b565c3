"""Alarms in words, for lists."""

from __future__ import annotations

from server.alarms.definitions import AlarmDefinition, Kind, Level


def condition_text(one: AlarmDefinition) -> str:
    """When an alarm becomes active: "Temperature > 80 (high), > 90 (high_high) for 5 s"."""
    name = one.input_path.rpartition("/")[2]
    delay = f" for {one.on_delay_s:g} s" if one.on_delay_s else ""
    return f"{_what(one, name)}{delay}"


def _what(one: AlarmDefinition, name: str) -> str:
    if one.kind is Kind.expression:
        return one.expression
    if one.kind is Kind.state:
        return f"{name} != {one.normal:g}" if one.abnormal is None else f"{name} == {one.abnormal:g}"
    if one.kind is Kind.no_signal:
        return f"no {name} for {one.no_signal_s:g} s"
    if one.kind is Kind.quality:
        return f"{name}: {' or '.join(one.qualities)}"
    if one.kind is Kind.deviation:
        name = f"{name} - {one.setpoint_path.rpartition('/')[2]}"
    per = " a second" if one.kind is Kind.rate_of_change else ""
    limits = ", ".join(_limit(level, limit, per) for level, limit in one.limits.items())
    return f"{name} {limits}"


def _limit(level: Level, limit: float, per: str) -> str:
    sign = ">" if level in (Level.high, Level.high_high) else "<"
    return f"{sign} {limit:g}{per} ({level.name})"


def severity_text(one: AlarmDefinition) -> str:
    """Its severities: "high 500, high_high 900"."""
    if Level.active in one.severities:
        return str(one.severities[Level.active])
    return ", ".join(f"{level.name} {severity}" for level, severity in one.severities.items())
