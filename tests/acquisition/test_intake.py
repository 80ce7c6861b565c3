"""Batches of one round become one commit, in order, and a wrong one costs only itself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from drivers.data_types import DataType
from drivers.packed import Packed
from drivers.readings import Readings
from drivers.status import Status
from server.acquisition.intake import PATIENCE_S, Intake
from server.history.intake import Intake as History
from server.history.recent import Recent
from server.tags.table import CommitError, TagTable
from tests.simulators.virtual_time import virtual_time


def one(row: int, value: float, status: int = 0) -> Readings:
    return Readings(
        np.array([row], np.int32),
        np.array([value]).view(np.uint64),
        np.array([status], np.uint32),
        np.array([5], np.int64),
    )


async def test_what_comes_in_one_round_is_one_commit():
    table = TagTable([DataType.Double] * 3)
    intake = Intake(table)
    wrong: list[CommitError] = []
    for row in range(3):
        intake.take(one(row, float(row)), wrong.append)
    assert table.commits == 0
    await asyncio.sleep(0)
    assert (table.commits, table.readings) == (1, 3)
    assert [table.python_value(row) for row in range(3)] == [0.0, 1.0, 2.0]
    assert not wrong


async def test_a_mark_comes_after_what_was_there_before_it():
    table = TagTable([DataType.Double])
    intake = Intake(table)
    intake.take(one(0, 1.0), lambda error: None)
    intake.mark(np.array([0], np.int32), Status.UncertainLastUsableValue, Status.BadNoCommunication)
    await asyncio.sleep(0)
    assert table.status[0] == Status.UncertainLastUsableValue
    assert table.python_value(0) == 1.0


async def test_a_batch_that_cannot_be_committed_costs_no_other():
    table = TagTable([DataType.Double] * 2)
    intake = Intake(table)
    wrong: list[CommitError] = []
    intake.take(one(0, 1.0), wrong.append)
    intake.take(one(9, 1.0), wrong.append)
    intake.take(one(1, 2.0), wrong.append)
    await asyncio.sleep(0)
    assert [table.python_value(row) for row in range(2)] == [1.0, 2.0]
    assert len(wrong) == 1


async def test_a_value_that_a_gateway_calls_away_stays_readable():
    """Nobody who follows the table sees it Bad in between."""
    table = TagTable([DataType.Double])
    intake = Intake(table)
    intake.commit(one(0, 1.0))
    seen: list[int] = []
    table.on_commit(lambda batch: seen.extend(batch.status.tolist()))
    intake.commit(one(0, 0.0, Status.BadNoCommunication))
    assert seen == [Status.UncertainNoCommunicationLastUsableValue]
    assert table.status[0] == Status.UncertainNoCommunicationLastUsableValue
    assert table.python_value(0) == 1.0


async def test_of_away_and_a_value_in_one_batch_the_later_counts():
    table = TagTable([DataType.Double, DataType.String])
    intake = Intake(table)
    text = Readings.uniform([1], 0, 5)
    words = Readings(text.row, text.value, text.status, text.source_ticks, {0: "on"})
    intake.commit(Readings.concat([one(0, 1.0, Status.BadNoCommunication), words, one(0, 2.0)]))
    assert (table.python_value(0), table.status[0], table.python_value(1)) == (2.0, Status.Good, "on")
    intake.commit(Readings.concat([one(0, 3.0), one(0, 0.0, Status.BadNoCommunication)]))
    assert (table.python_value(0), table.status[0]) == (3.0, Status.UncertainNoCommunicationLastUsableValue)


class Doubles:
    """A shape of one Double per poll; counts how often it decodes."""

    def __init__(self) -> None:
        self.decoded: list[int] = []

    def decode(self, polls: Sequence[Packed]) -> Readings:
        self.decoded.append(len(polls))
        return Readings.concat([one(int(poll.rows[0]), float(poll.data)) for poll in polls])


def packed(shape: Doubles, row: int, value: float) -> Packed:
    return Packed(shape, np.array([row], np.int32), str(value).encode(), 5)


@virtual_time
async def test_what_is_packed_waits_for_the_polls_under_way_but_not_for_long():
    table, shape = TagTable([DataType.Double] * 4), Doubles()
    intake = Intake(table)
    intake.under_way = 3
    for row in range(2):
        intake.under_way -= 1
        intake.take(packed(shape, row, row), print)
        await asyncio.sleep(0.001)
    assert table.commits == 0
    intake.under_way -= 1
    intake.take(packed(shape, 2, 2), print)
    await asyncio.sleep(0)
    assert (table.commits, shape.decoded) == (1, [3])
    intake.under_way = 1
    intake.take(packed(shape, 3, 3), print)
    await asyncio.sleep(PATIENCE_S / 2)
    assert table.commits == 1
    await asyncio.sleep(PATIENCE_S)
    assert [table.python_value(row) for row in range(4)] == [0.0, 1.0, 2.0, 3.0]


async def test_what_is_packed_and_what_is_not_keep_their_order():
    table, shape = TagTable([DataType.Double] * 2), Doubles()
    intake = Intake(table)
    seen: list[tuple[list[int], list[float]]] = []
    table.on_commit(lambda batch: seen.append((batch.row.tolist(), batch.value.view("<f8").tolist())))
    intake.take(packed(shape, 0, 1.0), print)
    intake.take(one(0, 2.0), print)
    intake.take(packed(shape, 1, 3.0), print)
    intake.take(packed(shape, 0, 4.0), print)
    intake.flush()
    assert seen == [([0, 0, 1, 0], [1.0, 2.0, 3.0, 4.0])]
    wrong: list[CommitError] = []
    intake.take(packed(shape, 9, 1.0), wrong.append)
    intake.take(packed(shape, 1, 5.0), wrong.append)
    intake.flush()
    assert len(wrong) == 1
    assert table.python_value(1) == 5.0


async def test_what_a_device_kept_while_it_was_away_stands_in_the_past_and_is_not_current():
    table = TagTable([DataType.Double])
    intake, recent, stored = Intake(table), Recent(table), History(table, 10)
    stored.want(np.ones(1, np.bool_))
    intake.commit(replace(one(0, 7.0), source_ticks=np.array([9], np.int64)))
    intake.commit(replace(one(0, 3.0), past=True))
    assert table.python_value(0) == 7.0
    assert recent.series([0])[0].values.tolist() == [3.0, 7.0]
    (piece,) = stored.drain()
    assert piece.cells[: piece.count].view("<f8").tolist() == [7.0, 3.0]
    assert piece.source_ticks[: piece.count].tolist() == [9, 5]
    recent.close()
    stored.close()
