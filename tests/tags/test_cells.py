"""Every numeric type is exact in a cell, and batches are joined without losing anything."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.data_types import WIRE, DataType, from_cells, has_cell, to_cells, value_range
from drivers.readings import Readings, now_ticks, ticks_from_unix

WHOLE = [kind for kind, wire in WIRE.items() if wire.kind in "iu"]


@pytest.mark.parametrize("data_type", WHOLE)
@given(st.data())
def test_whole_numbers_are_exact_to_the_last_bit(data_type, data):
    lowest, highest = value_range(data_type) or ((0, 1) if data_type is DataType.Boolean else (0, 2**63 - 1))
    values = data.draw(st.lists(st.integers(int(lowest), int(highest)), min_size=1, max_size=20))
    assert from_cells(to_cells(values, data_type), data_type).tolist() == values


@pytest.mark.parametrize(
    ("data_type", "values"),
    [
        (DataType.Int64, [-(2**63), -1, 0, 2**53 + 1, 2**63 - 1]),
        (DataType.UInt64, [0, 2**53 + 1, 2**63, 2**64 - 1]),
        (DataType.UInt32, [0, 2**32 - 1]),
        (DataType.SByte, [-128, 127]),
        (DataType.Boolean, [True, False]),
    ],
)
def test_the_ends_of_each_range_survive(data_type, values):
    assert from_cells(to_cells(values, data_type), data_type).tolist() == values


@given(st.lists(st.floats(width=64, allow_nan=False), min_size=1))
def test_doubles_are_exact(values):
    assert from_cells(to_cells(values, DataType.Double), DataType.Double).tolist() == values


@given(st.lists(st.floats(width=32, allow_nan=False), min_size=1))
def test_floats_are_exact(values):
    assert from_cells(to_cells(values, DataType.Float), DataType.Float).tolist() == values


def test_a_float_is_rounded_to_what_a_client_will_see():
    assert to_cells([0.1], DataType.Float).view("<f8")[0] == np.float32(0.1)


def test_text_and_bytes_have_no_cell():
    assert [kind for kind in DataType if not has_cell(kind)] == [DataType.String, DataType.ByteString]


def test_readings_of_several_batches_keep_their_order_and_side_values():
    text = Readings(np.array([2], np.int32), *_zeros(1), side={0: "on"})
    joined = Readings.concat([Readings.uniform([0, 1], 5, 9), text, text])
    assert joined.row.tolist() == [0, 1, 2, 2]
    assert joined.status.tolist() == [5, 5, 0, 0]
    assert joined.source_ticks.tolist() == [9, 9, 0, 0]
    assert joined.side == {2: "on", 3: "on"}
    assert len(Readings.concat([])) == 0


def test_ticks_count_from_1601():
    assert ticks_from_unix(0) == 116_444_736_000_000_000
    assert ticks_from_unix(1.5) - ticks_from_unix(0) == 15_000_000
    assert now_ticks() > ticks_from_unix(1_700_000_000)


def _zeros(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.zeros(count, np.uint64), np.zeros(count, np.uint32), np.zeros(count, np.int64)
