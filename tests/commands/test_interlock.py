"""A command is allowed only by a state of the plant that is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from drivers.data_types import DataType, to_cells
from drivers.readings import Readings
from drivers.status import Status
from server.commands.interlock import first_broken, holds
from server.config.plant import Condition, Interlock
from server.tags.table import TagTable


def holding(data_type: DataType, value: object, status: int = Status.Good) -> TagTable:
    table = TagTable([data_type])
    side = {0: value} if data_type is DataType.String else {}
    cells = np.zeros(1, np.uint64) if side else to_cells([value], data_type)
    table.commit(
        Readings(np.zeros(1, np.int32), cells, np.array([Status.Good], np.uint32), np.zeros(1, np.int64), side)
    )
    if status != Status.Good:
        table.mark(np.zeros(1, np.int32), status, Status.BadNoCommunication)
    return table


def condition(operator: str, value: float | bool | str) -> Condition:
    return Condition(0, "Tank/Level", operator, value)


CASES = [
    ("above", 10.0, [(10.0, False), (10.5, True)]),
    ("below", 10.0, [(10.0, False), (9.5, True)]),
    ("at_least", 10.0, [(9.9, False), (10.0, True)]),
    ("at_most", 10.0, [(10.1, False), (10.0, True)]),
    ("equals", 10.0, [(10.5, False), (10.0, True)]),
    ("not_equals", 10.0, [(10.0, False), (10.5, True)]),
]


@pytest.mark.parametrize(("operator", "wanted", "cases"), CASES)
def test_each_comparison(operator, wanted, cases):
    for value, expected in cases:
        assert holds(condition(operator, wanted), holding(DataType.Double, value)) is expected


def test_text_booleans_and_states_compare_too():
    assert holds(condition("equals", "Auto"), holding(DataType.String, "Auto"))
    assert not holds(condition("equals", "Auto"), holding(DataType.String, "Manual"))
    assert holds(condition("not_equals", "Auto"), holding(DataType.String, "Manual"))
    assert holds(condition("equals", True), holding(DataType.Boolean, True))
    assert not holds(condition("equals", True), holding(DataType.Boolean, False))
    assert holds(condition("equals", 2), holding(DataType.UInt16, 2))
    assert holds(condition("equals", 0.1), holding(DataType.Float, 0.1))


@pytest.mark.parametrize("operator", [case[0] for case in CASES])
@pytest.mark.parametrize(
    "table",
    [
        TagTable([DataType.Double]),
        holding(DataType.Double, 10.0, Status.UncertainLastUsableValue),
        holding(DataType.Double, 10.0, Status.BadSensorFailure),
        holding(DataType.Double, math.nan),
        holding(DataType.String, "10"),
    ],
    ids=["never had a value", "Uncertain", "Bad", "NaN", "text"],
)
def test_what_is_not_known_fails_safe(operator, table):
    assert not any(holds(condition(operator, wanted), table) for wanted in (10.0, 9.0, 11.0))


def test_all_conditions_of_an_interlock_must_hold_and_the_first_broken_one_is_told():
    table = holding(DataType.Double, 50.0)
    allows = Interlock((condition("above", 10), condition("below", 90)), "Tank level is not between 10 and 90 %")
    broken = Interlock((condition("above", 10), condition("below", 40)), "Tank is too full")
    assert first_broken((), table) is None
    assert first_broken((allows,), table) is None
    assert first_broken((allows, broken, broken), table) is broken
