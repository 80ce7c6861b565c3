"""The planner: every value in one block, whole, and no block beyond its limits."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from drivers.data_types import DataType, from_cells
from drivers.driver import Binding, PollGroup
from drivers.modbus import check, connection_model, point_model
from drivers.modbus.plan import plan_reads
from drivers.modbus.read_plan import Block
from drivers.modbus.settings import ModbusConnection
from drivers.modbus.targets import Targets

Tag = Callable[..., Binding]


def plan(bindings: list[Binding], **settings: object) -> list[PollGroup]:
    connection = connection_model(host="x", **settings)
    return plan_reads(connection, Targets.of(connection, bindings))


def blocks_of(bindings: list[Binding], **settings: object) -> list[Block]:
    return [block for group in plan(bindings, **settings) for block in group.plan.blocks]


def test_values_are_merged_over_gaps_up_to_the_limit(tag: Tag) -> None:
    tags = [tag(0, address=100), tag(1, address=106), tag(2, address=113)]
    assert blocks_of(tags, max_gap=4) == [Block(1, "holding", 100, 8), Block(1, "holding", 113, 2)]
    assert blocks_of(tags, max_gap=5) == [Block(1, "holding", 100, 15)]
    assert len(blocks_of(tags, max_gap=0)) == 3


def test_a_block_ends_before_a_value_that_would_be_split(tag: Tag) -> None:
    tags = [tag(index, DataType.Double, address=4 * index) for index in range(32)]
    assert blocks_of(tags) == [Block(1, "holding", 0, 124), Block(1, "holding", 124, 4)]


def test_a_gap_between_coils_costs_a_sixteenth(tag: Tag) -> None:
    tags = [tag(0, DataType.Boolean, table="coil", address=0), tag(1, DataType.Boolean, table="coil", address=33)]
    assert blocks_of(tags, max_gap=2) == [Block(1, "coil", 0, 34)]
    assert len(blocks_of(tags, max_gap=1)) == 2


def test_units_tables_and_rates_are_read_apart(tag: Tag) -> None:
    tags = [
        tag(0, address=0),
        tag(1, address=20, rate_s=5.0),
        tag(2, address=4, unit=2),
        tag(3, address=6, table="input"),
        tag(4, address=8),
    ]
    groups = plan(tags)
    assert [(group.key, group.unit, group.rows.tolist()) for group in groups] == [
        ("unit 1, input, 1 s", "unit 1", [3]),
        ("unit 1, holding, 1 s", "unit 1", [0, 4]),
        ("unit 1, holding, 5 s", "unit 1", [1]),
        ("unit 2, holding, 1 s", "unit 2", [2]),
    ]


def test_overlapping_views_of_the_same_registers_share_a_block(tag: Tag) -> None:
    tags = [
        tag(0, DataType.UInt16, address=10, bit=None),
        tag(1, DataType.Boolean, address=10, bit=3),
        tag(2, DataType.UInt32, address=10),
    ]
    (group,) = plan(tags)
    readings = group.plan.readings([bytes.fromhex("00 08 00 01")], [0], [0])
    assert dict(zip(readings.row.tolist(), readings.value.tolist(), strict=True)) == {0: 8, 1: 1, 2: 0x00080001}


def test_no_tags_need_no_plan() -> None:
    assert plan([]) == []


SIZES = {DataType.UInt16: 1, DataType.Float: 2, DataType.Double: 4}
POINTS = st.lists(
    st.tuples(
        st.sampled_from(sorted(SIZES)),
        st.integers(0, 400),
        st.sampled_from([1, 7]),
        st.sampled_from([1.0, 5.0]),
        st.sampled_from(["big", "little"]),
    ),
    min_size=1,
    max_size=60,
)


@given(POINTS, st.integers(0, 20), st.integers(4, 125), st.randoms())
def test_every_tag_gets_its_own_value_whatever_the_plan(points, gap, most, random) -> None:  # type: ignore[no-untyped-def]
    """Each register holds its own number, so a value read from elsewhere would show."""
    bindings = [
        Binding(
            row, f"t{row}", kind, 0, point_model(address=address, unit=unit, type=None, word_order=order), rate, False
        )
        for row, (kind, address, unit, rate, order) in enumerate(points)
    ]
    memory = np.random.default_rng(random.randint(0, 99)).integers(0, 0x7F00, 500).astype(">u2")
    groups = plan(bindings, max_gap=gap, max_registers=most)
    assert sorted(row for group in groups for row in group.rows.tolist()) == list(range(len(bindings)))
    for group in groups:
        blocks = group.plan.blocks
        assert all(0 < block.size <= most for block in blocks)
        assert all(len(blank) == block.payload_bytes for block, blank in zip(blocks, group.plan.blank, strict=True))
        answers = [memory[block.start : block.start + block.size].tobytes() for block in blocks]
        readings = group.plan.readings(answers, [0] * len(blocks), [0] * len(blocks))
        for index, row in enumerate(readings.row.tolist()):
            kind, address, unit, rate, order = points[row]
            words = memory[address : address + SIZES[kind]]
            wanted = (words if order == "big" else words[::-1]).tobytes()
            value = from_cells(readings.value[index : index + 1], kind)
            assert value.astype(value.dtype.newbyteorder(">")).tobytes() == wanted
            assert group.unit == f"unit {unit}"
            assert group.rate_s <= rate


def _fifty_thousand() -> tuple[ModbusConnection, list[Binding]]:
    return connection_model(host="x"), [
        Binding(
            row,
            f"t{row}",
            DataType.Float,
            0,
            point_model(address=2 * (row % 25_000), unit=1 + row // 25_000),
            1.0,
            False,
        )
        for row in range(50_000)
    ]


def test_fifty_thousand_tags_are_checked_and_planned_in_under_a_second_each() -> None:
    connection, bindings = _fifty_thousand()
    began = time.process_time()
    assert not check(connection, bindings)
    checked = time.process_time()
    groups = plan_reads(connection, Targets.of(connection, bindings))
    assert sum(len(group.rows) for group in groups) == 50_000
    assert max(checked - began, time.process_time() - checked) < 1.0
