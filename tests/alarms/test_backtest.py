"""A back-test over the past tells what the engine tells when the same values come one by one."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.series import Series
from drivers.data_types import DataType
from drivers.readings import TICKS_PER_SECOND, Readings, ticks_from_unix
from server.alarms.backtest import back_test, intervals
from server.alarms.definitions import AlarmDefinition, AlarmType, Kind, Level, OnBad
from server.alarms.engine import AlarmEngine
from server.tags.table import TagTable

START = ticks_from_unix(1.8e9)
BAD = 0x80310000
VALUES = st.one_of(st.none(), st.sampled_from([-25.0, -13.0, -10.0, 0.0, 0.0, 8.0, 10.0, 11.0, 18.0, 25.0, 40.0]))
SHAPES: list[dict[str, Any]] = [
    {"limits": {Level.low: -10.0, Level.high: 10.0, Level.high_high: 20.0}, "kind": Kind.limits},
    {"limits": {Level.high: 10.0}, "kind": Kind.limits, "type": AlarmType.non_exclusive_level, "deadband": 9.0},
    {"limits": {Level.low: -3.0, Level.high: 3.0}, "kind": Kind.rate_of_change, "window_s": 8.0},
    {"limits": {Level.low: -10.0, Level.high: 10.0}, "kind": Kind.deviation, "setpoint_path": "B", "deadband": 3.0},
    {"kind": Kind.state, "normal": 0.0},
    {"kind": Kind.state, "abnormal": 10.0},
    {"kind": Kind.no_signal, "no_signal_s": 7.0},
    {"kind": Kind.expression, "expression": "a > 5.0 and b < 5.0", "inputs": {"a": "A", "b": "B"}, "input_path": ""},
]


@st.composite
def alarms(draw: Any) -> AlarmDefinition:
    shape = draw(st.sampled_from(SHAPES))
    given: dict[str, Any] = {
        "path": "P/X",
        "name": "X",
        "owner": "P",
        "type": AlarmType.exclusive_level,
        "input_path": "A",
        "severities": dict.fromkeys(shape.get("limits", [Level.active]), 500),
        "on_delay_s": draw(st.sampled_from([0.0, 1.0, 5.0, 11.0])) if shape["kind"] is not Kind.no_signal else 0.0,
        "off_delay_s": draw(st.sampled_from([0.0, 2.0, 6.0])),
        "on_bad": draw(st.sampled_from(list(OnBad))),
    }
    return AlarmDefinition(**given | shape)


STEPS = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 1), VALUES), max_size=60)
"""Half seconds since the step before, which tag, and its value."""


@settings(max_examples=500, deadline=None)
@given(alarms(), STEPS, st.integers(0, 30))
def test_the_past_at_once_tells_what_value_after_value_tells(
    definition: AlarmDefinition, steps: list[tuple[int, int, float | None]], rest: int
) -> None:
    clock = [START]
    table = TagTable([DataType.Double] * 2, clock=lambda: clock[0])
    engine = AlarmEngine([definition], table, {"A": 0, "B": 1}.__getitem__)
    course: list[list[tuple[int, float | None]]] = [[], []]
    live: list[tuple[int, int]] = []
    if definition.kind is Kind.no_signal:
        steps = [(1, 0, 1.0), *steps]  # before the first value the engine counts from its start, which is no past
    looks = definition.kind is Kind.no_signal  # a silence shows only to who looks while it lasts
    for waited, row, value in [*steps, (rest, -1, None)]:
        for _ in range(waited - 1 if looks else 0):
            clock[0] += TICKS_PER_SECOND // 2
            live += _turns(engine, clock[0])
        clock[0] += (min(waited, 1) if looks else waited) * TICKS_PER_SECOND // 2
        if row < 0:
            break
        course[row].append((clock[0], value))
        _commit(table, row, value, clock[0])
        live += _turns(engine, clock[0])
    live += _turns(engine, clock[0])
    past = {"A": _series(course[0]), "B": _series(course[1])}
    assert intervals(definition, past, clock[0]).tolist() == _active(live, clock[0])


def _turns(engine: AlarmEngine, now: int) -> list[tuple[int, int]]:
    found = engine.evaluate(now)
    return list(zip(found.source_ticks.tolist(), found.level.tolist(), strict=True))


def _active(turns: list[tuple[int, int]], end: int) -> list[list[int]]:
    """From and until when any level was active; what took no time does not count."""
    spans: list[list[int]] = []
    for ticks, level in turns:
        if level and (not spans or len(spans[-1]) == 2):
            spans.append([ticks])
        elif not level and spans and len(spans[-1]) == 1:
            spans[-1].append(ticks)
    if spans and len(spans[-1]) == 1:
        spans[-1].append(end)
    merged: list[list[int]] = []
    for begin, over in spans:
        if over > begin or over == end:
            merged.append([begin, over])
    return merged


def _series(course: list[tuple[int, float | None]]) -> Series:
    values = np.array([np.nan if value is None else value for _, value in course], np.float64)
    status = np.array([BAD if value is None else 0 for _, value in course], np.uint32)
    return Series(np.array([ticks for ticks, _ in course], np.int64), values, status)


def _commit(table: TagTable, row: int, value: float | None, ticks: int) -> None:
    status = np.array([BAD if value is None else 0], np.uint32)
    cell = np.array([0.0 if value is None else value]).view(np.uint64)
    table.commit(Readings(np.array([row], np.int32), cell, status, np.array([ticks])))


def _limit(**more: Any) -> AlarmDefinition:
    given = {"limits": {Level.high: 80.0}, "on_delay_s": 300.0} | more
    return AlarmDefinition("P/X", "X", "P", AlarmType.exclusive_level, "A", {Level.high: 500}, **given)


def test_a_day_of_one_value_a_second_takes_less_than_a_second() -> None:
    ticks = START + np.arange(86_400) * TICKS_PER_SECOND
    values = 80 + 10 * np.sin(np.arange(86_400) / 3600 * 2 * np.pi) + np.random.default_rng(1).normal(0, 3, 86_400)
    past = {"A": Series(ticks, values, np.zeros(86_400, np.uint32))}
    began = time.process_time()
    result = back_test(_limit(on_delay_s=5.0, deadband=2.0), past, START, START + 86_400 * TICKS_PER_SECOND)
    assert time.process_time() - began < 1.0
    assert result.readings == 86_400
    assert result.days == pytest.approx(1.0)
    assert 24 <= result.alarms <= 3000
    assert result.longest_s <= result.active_s <= 60_000


def test_the_time_before_and_after_counts_by_what_was_asked_for() -> None:
    ticks = START + np.array([0, 1000, 2000]) * TICKS_PER_SECOND
    past = {"A": Series(ticks, np.array([70.0, 90.0, 70.0]), np.zeros(3, np.uint32))}
    result = back_test(_limit(), past, START, START + 4 * 86_400 * TICKS_PER_SECOND)
    assert (result.alarms, result.active_s, result.longest_s) == (1, 700.0, 700.0)
    assert result.alarms_per_day == 0.25


def test_what_is_on_at_the_end_lasts_until_then_and_no_past_is_no_alarm() -> None:
    past = {"A": Series(np.array([START]), np.array([90.0]), np.zeros(1, np.uint32))}
    end = START + 1000 * TICKS_PER_SECOND
    assert intervals(_limit(), past, end).tolist() == [[START + 300 * TICKS_PER_SECOND, end]]
    assert back_test(_limit(), {"A": Series.empty()}, START, end).alarms == 0


def test_data_quality_cannot_be_tested_on_the_past() -> None:
    with pytest.raises(ValueError, match="as values come"):
        intervals(_limit(kind=Kind.quality), {"A": Series.empty()}, START)
