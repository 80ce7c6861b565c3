"""Milliseconds of a pass over 10,000 rules on 50,000 tags that all change before each pass."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks.processes import Result
from drivers.data_types import DataType
from drivers.readings import TICKS_PER_SECOND, Readings, now_ticks
from server.alarms.definitions import AlarmDefinition, AlarmType, Kind, Level
from server.alarms.engine import AlarmEngine
from server.tags.table import TagTable

HIGH: Final = 80.0
HIGH_HIGH: Final = 95.0
_MIX: Final = (*[Kind.limits] * 5, Kind.deviation, Kind.rate_of_change, Kind.state, Kind.no_signal, Kind.expression)
"""Kinds of ten rules in a row."""


async def run(rules: int = 10_000, tags: int = 50_000, passes: int = 100) -> AsyncIterator[Result]:
    """quiet_ms: a pass before which nothing changed. The alarms on limits (with a delay of three passes) are counted
    against what the values say."""
    clock = [now_ticks()]
    table = TagTable([DataType.Double] * tags, clock=lambda: clock[0])
    definitions = [_rule(number, tags // rules) for number in range(rules)]
    engine = AlarmEngine(definitions, table, lambda path: int(path.removeprefix("Bench/Tag")))
    limits = np.array([number for number, one in enumerate(definitions) if one.kind is Kind.limits])
    generator, levels = np.random.default_rng(1), np.zeros(rules, np.uint8)
    values, above, expected = np.full(tags, 50.0), np.zeros(len(limits), np.int64), np.zeros(len(limits), np.uint8)
    busy_s, quiet_s, told, good = [], [], 0, True
    for _ in range(passes):
        clock[0] += TICKS_PER_SECOND
        values = np.clip(values + generator.normal(0, 5, tags), 0, 100)
        table.commit(_batch(values, clock[0]))
        began = time.perf_counter()
        transitions = engine.evaluate(clock[0])
        busy_s.append(time.perf_counter() - began)
        levels[transitions.alarm] = transitions.level
        told += len(transitions)
        began = time.perf_counter()
        again = engine.evaluate(clock[0])
        quiet_s.append(time.perf_counter() - began)
        watched = values[limits * (tags // rules)]
        above = np.where(watched > HIGH, above + 1, 0)
        expected = np.where(watched <= HIGH, 0, np.where(above > 3, Level.high, expected)).astype(np.uint8)
        good &= np.array_equal(levels[limits] != 0, expected != 0) and not len(again)
    yield {
        "rules": rules,
        "tags": tags,
        "ms": round(float(np.median(busy_s)) * 1000, 3),
        "best_ms": round(min(busy_s) * 1000, 3),
        "worst_ms": round(max(busy_s[1:]) * 1000, 3),
        "quiet_ms": round(float(np.median(quiet_s)) * 1000, 3),
        "transitions": told,
        "good": good and told > 0,
    }


def _rule(number: int, step: int) -> AlarmDefinition:
    kind, tag = _MIX[number % len(_MIX)], f"Bench/Tag{number * step}"
    other = f"Bench/Tag{number * step + 1}"
    measured = kind in (Kind.limits, Kind.deviation, Kind.rate_of_change)
    severities = {Level.high: 500, Level.high_high: 700} if measured else {Level.active: 500}
    return AlarmDefinition(
        path=f"Bench/Rule{number}",
        name=f"Rule{number}",
        owner="Bench",
        type=AlarmType.exclusive_level if measured else AlarmType.off_normal,
        input_path="" if kind is Kind.expression else tag,
        severities=severities,
        limits={Level.high: HIGH, Level.high_high: HIGH_HIGH} if measured else {},
        setpoint_path=other if kind is Kind.deviation else "",
        on_delay_s=3.0,
        kind=kind,
        expression="A > 80.0 and B < 20.0" if kind is Kind.expression else "",
        inputs={"A": tag, "B": other} if kind is Kind.expression else {},
        abnormal=100.0 if kind is Kind.state else None,
        window_s=10.0,
        no_signal_s=30.0,
    )


def _batch(values: npt.NDArray[np.float64], ticks: int) -> Readings:
    rows = np.arange(len(values), dtype=np.int32)
    return Readings(rows, values.view(np.uint64), np.zeros(len(rows), np.uint32), np.full(len(rows), ticks))
