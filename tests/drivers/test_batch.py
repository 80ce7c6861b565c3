"""Single readings to one batch of columns."""

from __future__ import annotations

import numpy as np

from drivers.batch import Batch
from drivers.data_types import WIRE, DataType, from_cells, value_range
from drivers.status import Status


def test_every_type_keeps_its_values_exactly() -> None:
    batch = Batch()
    given: dict[int, object] = {}
    for row, kind in enumerate(WIRE):
        limits = value_range(kind)
        given[row] = limits[1] if limits else 1
        batch.column(kind, 0).add(row, given[row], Status.Good, 5)
    readings = batch.take()
    assert readings is not None
    for index, row in enumerate(readings.row.tolist()):
        kind = list(WIRE)[row]
        assert from_cells(readings.value[index : index + 1], kind)[0] == WIRE[kind].type(given[row])  # type: ignore[arg-type]


def test_text_and_arrays_go_aside_at_their_place_and_a_bad_reading_brings_none() -> None:
    batch = Batch()
    batch.column(DataType.Double, 0).add(0, 1.5, Status.Good, 1)
    batch.column(DataType.String, 0).add(1, "a", Status.Good, 2)
    batch.column(DataType.String, 0).add(2, None, Status.BadNoData, 3)
    batch.column(DataType.Float, 3).add(3, np.ones(3, np.float32), Status.Uncertain, 4)
    readings = batch.take()
    assert readings is not None
    assert readings.row.tolist() == [0, 1, 2, 3]
    assert readings.status.tolist() == [Status.Good, Status.Good, Status.BadNoData, Status.Uncertain]
    assert readings.source_ticks.tolist() == [1, 2, 3, 4]
    assert sorted(readings.side) == [1, 3]
    assert readings.side[1] == "a"


def test_the_readings_of_a_row_keep_their_order_and_are_given_once() -> None:
    batch = Batch()
    column = batch.column(DataType.Int32, 0)
    for value in range(5):
        column.add(7, value, Status.Good, value)
    readings = batch.take()
    assert readings is not None
    assert readings.value.tolist() == [0, 1, 2, 3, 4]
    assert batch.take() is None
