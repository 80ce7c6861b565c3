"""Batches of one round become one commit, in order, and a wrong one costs only itself."""

from __future__ import annotations

import asyncio

import numpy as np

from drivers.data_types import DataType
from drivers.readings import Readings
from drivers.status import Status
from server.acquisition.intake import Intake
from server.tags.table import CommitError, TagTable


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
