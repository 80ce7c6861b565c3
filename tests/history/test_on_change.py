"""Which readings of setpoints are kept."""

from __future__ import annotations

import numpy as np

from drivers.data_types import DataType, to_cells
from drivers.readings import TICKS_PER_SECOND, Readings
from drivers.status import Status
from server.history.intake import Intake
from server.history.on_change import LONGEST_S
from server.tags.table import TagTable

T0 = 134_000_000_000_000_000


def table_of(rows: int = 3) -> tuple[Intake, TagTable]:
    """Rows of which the first is telemetry, the others are setpoints."""
    table = TagTable([int(DataType.Double)] * rows)
    intake = Intake(table, 1_000_000)
    intake.want(np.ones(rows, np.bool_), np.arange(rows) > 0)
    return intake, table


def commit(table: TagTable, at_s: float, *readings: tuple[int, float, int]) -> None:
    """Row, value and status of each, all at one time."""
    rows, values, status = zip(*readings, strict=True)
    ticks = T0 + round(at_s * TICKS_PER_SECOND)
    table._clock = lambda: ticks
    cells = to_cells(values, DataType.Double)
    source = np.full(len(rows), ticks)
    table.commit(Readings(np.array(rows, np.int32), cells, np.array(status, np.uint32), source))


def drained(intake: Intake) -> list[tuple[int, float, int]]:
    found = []
    for piece in intake.drain():
        n = piece.count
        columns = piece.row[:n], piece.cells[:n].view(np.float64), piece.status[:n]
        found += list(zip(*(one.tolist() for one in columns), strict=True))
    return found


def test_of_setpoints_only_changes_of_value_or_quality_are_kept_and_one_reading_in_five_minutes() -> None:
    intake, table = table_of()
    begin = LONGEST_S - T0 / TICKS_PER_SECOND % LONGEST_S
    for second in range(10):
        commit(table, begin + second, (0, 1.0, 0), (1, 7.0, 0), (2, 8.0 if second < 5 else 9.0, 0))
    kept = drained(intake)
    assert [row for row, _, _ in kept].count(0) == 10, "every value of telemetry"
    assert [one for one in kept if one[0]] == [(1, 7.0, 0), (2, 8.0, 0), (2, 9.0, 0)]
    commit(table, begin + 20, (1, 7.0, 0), (1, 6.0, 0), (2, 9.0, 0), (1, 6.0, 0), (1, 7.0, 0))
    assert drained(intake) == [(1, 6.0, 0), (1, 7.0, 0)], "readings of one batch are in order"
    bad = int(Status.BadNoCommunication)
    for value in (0.0, 3.0):
        commit(table, begin + 21, (1, value, bad))
    commit(table, begin + 22, (1, 7.0, 0))
    assert [status for _, _, status in drained(intake)] == [bad, 0], "what is Bad has no value that could change"
    for after_s in (LONGEST_S - 1, LONGEST_S, LONGEST_S + 1, 2 * LONGEST_S + 1):
        commit(table, begin + after_s, (1, 7.0, 0), (2, 9.0, 0))
    assert drained(intake) == [(1, 7.0, 0), (2, 9.0, 0)] * 2
    intake.close()


def test_what_was_new_among_lost_values_is_kept_once_more() -> None:
    table = TagTable([int(DataType.Double)] * 2)
    intake = Intake(table, 1)
    intake.want(np.ones(2, np.bool_), np.array([False, True]))
    commit(table, 0.0, (1, 7.0, 0))
    for second in range(70_000 // 5_000 + 1):
        commit(table, 0.1 * second, *[(0, float(second), 0)] * 5_000)
    assert intake.lost
    commit(table, 10.0, (1, 7.0, 0))
    assert (1, 7.0, 0) in drained(intake)
    intake.close()
