"""The tag table takes a batch whole or not at all, and never loses a value with its quality."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.data_types import DataType, to_cells
from drivers.readings import Readings
from drivers.status import Status
from server.tags.table import CommitError, TagTable

KINDS = [DataType.Double, DataType.Int64, DataType.UInt64, DataType.Boolean, DataType.String, DataType.Float]
STATUSES = [Status.Good, Status.UncertainLastUsableValue, Status.BadSensorFailure]
TEXT_ROW = KINDS.index(DataType.String)
ARRAY_ROW = len(KINDS)
ROWS = len(KINDS) + 1


def mixed() -> TagTable:
    """One row of each kind, and an array of Float."""
    return TagTable([*KINDS, DataType.Float], [0] * len(KINDS) + [3], clock=lambda: 1000)


def batch(*readings: tuple[int, int, int], side: dict[int, object] | None = None) -> Readings:
    """(row, cell, status) each, at tick 7."""
    rows, cells, statuses = zip(*readings, strict=True)
    return Readings(
        np.array(rows, np.int32),
        np.array(cells, np.uint64),
        np.array(statuses, np.uint32),
        np.full(len(rows), 7, np.int64),
        side or {},
    )


def snapshot(table: TagTable) -> list[Any]:
    names = ("value", "status", "source_ticks", "server_ticks", "version", "has_value")
    return [getattr(table, name).tolist() for name in names] + [dict(table.side), table.commits, table.readings]


def test_a_new_table_waits_for_data():
    table = mixed()
    assert set(table.status.tolist()) == {Status.BadWaitingForInitialData}
    assert [table.python_value(row) for row in range(ROWS)] == [None] * ROWS
    assert len(table) == ROWS


def test_a_batch_brings_value_status_and_both_timestamps():
    table = mixed()
    assert table.commit(batch((0, 0, Status.Good), (3, 1, Status.UncertainInitialValue))) == 1
    assert table.status[[0, 3]].tolist() == [Status.Good, Status.UncertainInitialValue]
    assert table.source_ticks[[0, 3]].tolist() == [7, 7]
    assert table.server_ticks[[0, 3]].tolist() == [1000, 1000]
    assert table.version.tolist() == [1, 0, 0, 1, 0, 0, 0]
    assert table.python_value(3) is True


@pytest.mark.parametrize(
    ("data_type", "value"),
    [
        (DataType.Int64, -(2**63)),
        (DataType.Int64, 2**63 - 1),
        (DataType.UInt64, 2**64 - 1),
        (DataType.UInt64, 2**53 + 1),
    ],
)
def test_whole_numbers_of_64_bits_come_out_exactly(data_type, value):
    table = TagTable([data_type])
    table.commit(batch((0, int(to_cells([value], data_type)[0]), 0)))
    assert table.python_value(0) == value
    assert table.as_float(np.array([0], np.int32))[0] == float(value)


def test_a_bad_reading_keeps_the_last_value():
    table = mixed()
    table.commit(batch((0, 5, Status.Good)))
    table.commit(batch((0, 9, Status.BadSensorFailure)))
    assert table.value[0] == 5
    assert table.status[0] == Status.BadSensorFailure
    assert table.has_value[0]


def test_a_bad_reading_is_no_value():
    table = mixed()
    table.commit(batch((0, 9, Status.BadSensorFailure)))
    assert table.python_value(0) is None


def test_of_two_readings_of_a_row_the_later_wins_text_too():
    table = mixed()
    side = {3: "second", 2: "first"}
    table.commit(batch((0, 1, 0), (0, 2, 0), (TEXT_ROW, 0, 0), (TEXT_ROW, 0, 0), side=side))
    assert table.value[0] == 2
    assert table.python_value(TEXT_ROW) == "second"


def test_a_value_before_a_bad_reading_of_the_same_batch_is_kept():
    table = mixed()
    table.commit(batch((0, 1, Status.Good), (0, 2, Status.BadSensorFailure)))
    assert table.value[0] == 1
    assert table.status[0] == Status.BadSensorFailure


def test_text_and_arrays_lie_in_the_side_list():
    table = mixed()
    table.commit(batch((TEXT_ROW, 0, 0), (ARRAY_ROW, 0, 0), side={0: "on", 1: np.arange(3.0)}))
    assert table.python_value(TEXT_ROW) == "on"
    assert table.python_value(ARRAY_ROW).tolist() == [0, 1, 2]
    assert np.isnan(table.as_float(np.array([TEXT_ROW, ARRAY_ROW], np.int32))).all()


def test_an_empty_batch_changes_nothing():
    table = mixed()
    before = snapshot(table)
    assert table.commit(Readings.uniform([], 0, 0)) == 0
    assert snapshot(table) == before


GOOD_BATCH = batch((0, 1, 0), (1, 2, 0))
WRONG = {
    "a row beyond the end": batch((0, 1, 0), (ROWS, 1, 0)),
    "a negative row": batch((0, 1, 0), (-1, 1, 0)),
    "a column too short": replace(GOOD_BATCH, status=np.zeros(1, np.uint32)),
    "a column too long": replace(GOOD_BATCH, source_ticks=np.zeros(3, np.int64)),
    "a column with two dimensions": replace(GOOD_BATCH, value=np.zeros((2, 1), np.uint64)),
    "rows with two dimensions": replace(GOOD_BATCH, row=np.zeros((2, 1), np.int32)),
    "values that are no cells": replace(GOOD_BATCH, value=np.array([-1.5, 2.0])),
    "rows that are no numbers of rows": replace(GOOD_BATCH, row=np.array([0.0, 1.0])),
    "rows as a mask": replace(GOOD_BATCH, row=np.array([True, False])),
    "text without a side value": batch((0, 1, 0), (TEXT_ROW, 0, 0)),
    "a side value for a scalar": batch((0, 1, 0), side={0: "text"}),
    "a side value for no reading": batch((0, 1, 0), side={1: "text"}),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_batch_is_refused_whole(what):
    table = mixed()
    told: list[Readings] = []
    table.on_commit(told.append)
    before = snapshot(table)
    with pytest.raises(CommitError):
        table.commit(WRONG[what])
    assert snapshot(table) == before
    assert told == []


READING = st.tuples(st.integers(-2, ROWS + 1), st.integers(0, 2**64 - 1), st.sampled_from(STATUSES))


@given(st.lists(st.tuples(st.lists(READING, min_size=1, max_size=8), st.sets(st.integers(-1, 8))), max_size=8))
def test_whatever_comes_a_batch_is_taken_whole_or_not_at_all(batches):
    table = mixed()
    model: dict[int, tuple[int | str | None, int]] = {}
    for readings, with_side in batches:
        side: dict[int, object] = {index: f"text {index}" for index in sorted(with_side, reverse=True)}
        before = snapshot(table)
        try:
            table.commit(batch(*readings, side=side))
        except CommitError:
            assert snapshot(table) == before
            continue
        for index, (row, cell, status) in enumerate(readings):
            old = model.get(row, (None, 0))[0]
            value = side.get(index, cell)
            model[row] = (old if status == Status.BadSensorFailure else value, status)
    for row in range(ROWS):
        value, status = model.get(row, (None, Status.BadWaitingForInitialData))
        assert table.status[row] == status
        assert bool(table.has_value[row]) == (value is not None)
        if value is not None:
            assert (table.side[row] if row in (TEXT_ROW, ARRAY_ROW) else int(table.value[row])) == value


@given(st.lists(st.integers(0, ROWS - 1), unique=True), st.lists(st.integers(0, ROWS - 1), unique=True))
def test_marking_changes_the_quality_and_no_value(with_value, marked):
    table = mixed()
    for row in with_value:
        table.commit(batch((row, 3, 0), side={0: "text"} if row in (TEXT_ROW, ARRAY_ROW) else {}))
    values, side = table.value.tolist(), dict(table.side)
    rows = np.array(marked, np.int32)
    changed = table.mark(rows, Status.UncertainLastUsableValue, Status.BadNoCommunication)
    assert changed == len(marked)
    assert table.mark(rows, Status.UncertainLastUsableValue, Status.BadNoCommunication) == 0
    assert (table.value.tolist(), table.side) == (values, side)
    assert set(np.flatnonzero(table.has_value)) == set(with_value)
    for row in marked:
        expected = Status.UncertainLastUsableValue if row in with_value else Status.BadNoCommunication
        assert table.status[row] == expected
        assert table.source_ticks[row] == 1000  # when the quality changed: Part 4, 7.11.3


def test_a_row_without_a_value_cannot_be_marked_usable():
    table = mixed()
    with pytest.raises(CommitError, match="UncertainInitialValue"):
        table.mark(np.array([0], np.int32), Status.UncertainLastUsableValue, Status.UncertainInitialValue)
    assert not table.has_value.any()


def test_marking_tells_the_listeners_the_last_values():
    table = mixed()
    table.commit(batch((0, 5, 0), (TEXT_ROW, 0, 0), side={1: "on"}))
    told: list[Readings] = []
    table.on_commit(told.append)
    table.mark(np.array([TEXT_ROW, 0, 1], np.int32), Status.UncertainLastUsableValue, Status.BadNoCommunication)
    assert told[0].row.tolist() == [TEXT_ROW, 0, 1]
    assert told[0].value.tolist()[1] == 5
    assert told[0].side == {0: "on"}


def test_a_listener_may_end_its_subscription_while_it_is_called():
    table = mixed()
    heard: list[str] = []
    stops = [
        table.on_commit(lambda _: (heard.append("first"), stops[0]())),
        table.on_commit(lambda _: heard.append("2")),
    ]
    table.commit(batch((0, 1, 0)))
    table.commit(batch((0, 1, 0)))
    assert heard == ["first", "2", "2"]
    stops[0]()
    stops[1]()
    table.commit(batch((0, 1, 0)))
    assert heard == ["first", "2", "2"]


def test_values_as_floats_are_nan_where_there_is_none():
    table = mixed()
    table.commit(batch((0, int(np.float64(1.5).view(np.uint64)), 0), (1, 2**64 - 1, 0), (2, 2**64 - 1, 0), (3, 1, 0)))
    floats = table.as_float(np.arange(ROWS, dtype=np.int32))
    assert floats[:4].tolist() == [1.5, -1.0, float(2**64 - 1), 1.0]
    assert np.isnan(floats[4:]).all()


def test_fifty_thousand_rows_are_committed_in_two_milliseconds():
    table = TagTable(np.full(50_000, DataType.Double, np.uint8))
    rows = np.arange(50_000, dtype=np.int32)
    readings = Readings(
        rows, np.arange(50_000, dtype=np.uint64), np.zeros(50_000, np.uint32), np.zeros(50_000, np.int64)
    )
    best = min(_seconds(table, readings) for _ in range(20))
    assert best < 0.002


def _seconds(table: TagTable, readings: Readings) -> float:
    start = time.perf_counter()
    table.commit(readings)
    return time.perf_counter() - start


def test_a_table_that_grows_keeps_what_it_has():
    table = TagTable([DataType.Double, DataType.String])
    table.commit(batch((0, 15, Status.Good)))
    table.grow([DataType.Int64, DataType.Float], [0, 3])
    assert (len(table), int(table.value[0])) == (4, 15)
    assert table.in_side.tolist() == [False, True, False, True]
    cells = to_cells([-7], DataType.Int64)
    table.commit(Readings(np.array([2], np.int32), cells, np.zeros(1, np.uint32), np.ones(1, np.int64)))
    assert table.python_value(2) == -7
    assert table.status[3] == Status.BadWaitingForInitialData


def test_what_is_of_the_past_goes_to_who_keeps_every_value_and_changes_nothing_current():
    table = mixed()
    table.commit(batch((0, 5, Status.Good)))
    before, committed, kept = snapshot(table), [], []
    table.on_commit(committed.append)
    stop = table.on_backfill(kept.append)
    old = replace(batch((0, 3, Status.Good), (0, 4, Status.Good)), past=True)
    table.backfill(old)
    assert kept == [old]
    assert not committed
    assert str(snapshot(table)) == str(before)
    with pytest.raises(CommitError):
        table.backfill(batch((99, 3, Status.Good)))
    stop()
    table.backfill(old)
    assert len(kept) == 1
