"""The engine by column tells what an alarm evaluated item by item tells."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.data_types import DataType
from drivers.readings import Readings
from server.alarms.definitions import AlarmDefinition, AlarmType, Level, OnBad
from server.alarms.engine import AlarmEngine
from server.tags.table import TagTable
from tests.simulators.slow_alarms import TICKS, SlowAlarm

START = 130_000_000_000 * TICKS // 1000
SECOND = st.integers(0, 40).map(lambda half: half * TICKS // 2)


@st.composite
def definitions(draw: Any) -> list[AlarmDefinition]:
    made = []
    for row in range(draw(st.integers(1, 4))):
        levels = draw(st.sets(st.sampled_from([Level.low_low, Level.low, Level.high, Level.high_high]), min_size=1))
        at = {Level.low_low: -20.0, Level.low: -10.0, Level.high: 10.0, Level.high_high: 20.0}
        made.append(
            AlarmDefinition(
                f"A/{row}",
                str(row),
                "A",
                draw(st.sampled_from([AlarmType.exclusive_level, AlarmType.non_exclusive_level])),
                f"A/T{row}",
                dict.fromkeys(levels, 500),
                {level: at[level] for level in sorted(levels)},
                deadband=draw(st.sampled_from([0.0, 3.0, 8.0])),
                on_delay_s=draw(st.sampled_from([0.0, 1.0, 5.0, 12.5])),
                off_delay_s=draw(st.sampled_from([0.0, 2.0, 6.0])),
                on_bad=draw(st.sampled_from(list(OnBad))),
            )
        )
    return made


STEP = st.tuples(
    SECOND,  # time since the step before, by the server's clock
    st.lists(
        st.tuples(
            st.integers(0, 3),  # row
            st.sampled_from([0, 0, -1, -3, -12, 4]).map(lambda half: half * TICKS // 2),  # how much its clock is ahead
            st.one_of(st.none(), st.sampled_from([-25.0, -20.0, -13.0, -10.0, -9.0, 0.0, 8.0, 10.0, 11.0, 18.0, 25.0])),
        ),
        max_size=4,
        unique_by=lambda one: one[0],
    ),
)


@settings(max_examples=400, deadline=None)
@given(definitions(), st.lists(STEP, max_size=40))
def test_the_columns_tell_what_one_alarm_at_a_time_tells(some: list[AlarmDefinition], steps: list[Any]) -> None:
    clock = [START]
    table = TagTable([DataType.Double] * len(some), clock=lambda: clock[0])
    engine = AlarmEngine(some, table, {f"A/T{row}": row for row in range(len(some))}.__getitem__)
    slow = [SlowAlarm(one) for one in some]
    told: list[list[tuple[int, int]]] = [[] for _ in some]
    level = [0] * len(some)
    for waited, readings in steps:
        clock[0] += waited
        for row, late, value in readings:
            if row < len(some):
                _commit(table, row, value, clock[0] + late)
                slow[row].reading(clock[0] + late, clock[0], value)
        for one in slow:
            one.look(clock[0])
        transitions = engine.evaluate(clock[0])
        for alarm, now, ticks in zip(
            transitions.alarm.tolist(), transitions.level.tolist(), transitions.source_ticks.tolist(), strict=True
        ):
            if now != level[alarm]:
                told[alarm].append((now, ticks))
            level[alarm] = now
    assert told == [one.told for one in slow]


def _commit(table: TagTable, row: int, value: float | None, ticks: int) -> None:
    status = 0x80310000 if value is None else 0
    cell = np.array([0.0 if value is None else value]).view(np.uint64)
    table.commit(Readings(np.array([row], np.int32), cell, np.array([status], np.uint32), np.array([ticks])))
