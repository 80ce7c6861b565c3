"""The recent past in memory."""

from __future__ import annotations

import asyncio
import time

import numpy as np
import pytest

from drivers.data_types import DataType, to_cells
from drivers.readings import Readings
from drivers.status import Status
from server.history.recent import Recent
from server.tags.table import TagTable

TYPES = [DataType.Double, DataType.Int16, DataType.Boolean, DataType.UInt64, DataType.String]


@pytest.fixture
def table() -> TagTable:
    return TagTable([int(kind) for kind in TYPES], clock=lambda: 0)


def say(table: TagTable, row: int, value: float, ticks: int, status: int = 0) -> None:
    cells = to_cells([value], TYPES[row])
    table.commit(Readings(np.array([row], np.int32), cells, np.array([status], np.uint32), np.array([ticks])))


def test_a_signal_comes_back_with_times_values_and_quality(table: TagTable) -> None:
    recent = Recent(table)
    say(table, 0, 1.5, 10)
    say(table, 0, 2.5, 20, Status.UncertainSensorNotAccurate)
    series = recent.series([0])[0]
    assert series.ticks.tolist() == [10, 20]
    assert series.values.tolist() == [1.5, 2.5]
    assert series.status.tolist() == [0, Status.UncertainSensorNotAccurate]


def test_each_type_becomes_a_float(table: TagTable) -> None:
    recent = Recent(table)
    say(table, 1, -7, 1)
    say(table, 2, True, 1)
    say(table, 3, 2**64 - 1, 1)
    series = recent.series([1, 2, 3])
    assert [one.values.tolist() for one in series.values()] == [[-7.0], [1.0], [float(2**64 - 1)]]


def test_a_bad_reading_is_nan_with_its_status(table: TagTable) -> None:
    recent = Recent(table)
    table.commit(Readings.uniform([0], Status.BadNoCommunication, 5))
    series = recent.series([0])[0]
    assert np.isnan(series.values).tolist() == [True]
    assert series.status.tolist() == [Status.BadNoCommunication]


def test_a_late_reading_stands_in_its_place(table: TagTable) -> None:
    recent = Recent(table)
    for ticks in (10, 30, 20):
        say(table, 0, ticks, ticks)
    assert recent.series([0])[0].values.tolist() == [10.0, 20.0, 30.0]


def test_the_last_usable_value_of_a_dead_device_is_no_measurement() -> None:
    table = TagTable([int(DataType.Double)], clock=lambda: 20)
    recent = Recent(table)
    say(table, 0, 4.0, 10)
    table.mark(np.array([0], np.int32), Status.UncertainLastUsableValue, Status.BadNoCommunication)
    series = recent.series([0])[0]
    np.testing.assert_array_equal(series.values, [4.0, np.nan])
    assert series.status.tolist() == [0, Status.UncertainLastUsableValue]


def test_a_reading_that_came_twice_is_there_once(table: TagTable) -> None:
    recent = Recent(table)
    say(table, 0, 4.0, 10)
    say(table, 0, 4.0, 10)
    assert recent.series([0])[0].values.tolist() == [4.0]


def test_a_time_span_takes_both_ends(table: TagTable) -> None:
    recent = Recent(table)
    for ticks in range(10):
        say(table, 0, ticks, ticks)
    assert recent.series([0], 3, 5)[0].ticks.tolist() == [3, 4, 5]


def test_a_signal_that_never_spoke_is_empty(table: TagTable) -> None:
    recent = Recent(table)
    say(table, 0, 1.0, 1)
    assert {row: len(series) for row, series in recent.series([1, 0]).items()} == {1: 0, 0: 1}
    assert len(Recent(table).series([0])[0]) == 0


def test_text_is_not_kept(table: TagTable) -> None:
    recent = Recent(table)
    batch = Readings(np.array([4], np.int32), np.zeros(1, np.uint64), np.zeros(1, np.uint32), np.array([1]), {0: "x"})
    table.commit(batch)
    assert np.isnan(recent.series([4])[4].values).all()


def test_the_oldest_make_room_and_small_batches_are_put_together() -> None:
    table = TagTable([int(DataType.Double)])
    recent = Recent(table, capacity=1000)
    for ticks in range(3000):
        table.commit(
            Readings(
                np.zeros(1, np.int32), to_cells([ticks], DataType.Double), np.zeros(1, np.uint32), np.array([ticks])
            )
        )
    values = recent.series([0])[0].values
    assert values[-1] == 2999.0
    assert 744 <= len(values) <= 1000
    assert len(recent) == len(values)


def test_after_close_nothing_is_kept(table: TagTable) -> None:
    recent = Recent(table)
    recent.close()
    say(table, 0, 1.0, 1)
    assert len(recent) == 0


async def test_fifty_thousand_readings_cost_the_committing_thread_under_a_millisecond() -> None:
    table = TagTable(np.full(50_000, int(DataType.Double), np.uint8))
    recent = Recent(table, capacity=500_000)
    rows = np.arange(50_000, dtype=np.int32)
    spent = []
    for ticks in range(20):
        batch = Readings(rows, np.zeros(50_000, np.uint64), np.zeros(50_000, np.uint32), np.full(50_000, ticks))
        begun = time.perf_counter()
        recent._push(batch)
        spent.append(time.perf_counter() - begun)
    assert sorted(spent)[10] < 0.001
    extraction = asyncio.create_task(asyncio.to_thread(recent.series, range(100)))
    table.commit(Readings(rows, batch.value, batch.status, batch.source_ticks + 1))
    assert len((await extraction)[0]) == 10
    assert len(recent) == 500_000
