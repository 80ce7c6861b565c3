"""Whether the plant is in a state that allows a command. No I/O; a state that is not known allows nothing."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from drivers.data_types import DataType
from drivers.status import is_good
from server.config.plant import Condition, Interlock
from server.tags.table import TagTable

_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "above": operator.gt,
    "below": operator.lt,
    "at_least": operator.ge,
    "at_most": operator.le,
    "equals": operator.eq,
    "not_equals": operator.ne,
}


def first_broken(interlocks: Sequence[Interlock], table: TagTable) -> Interlock | None:
    """The first interlock of which a condition does not hold; None when the command is allowed."""
    for interlock in interlocks:
        if not all(holds(condition, table) for condition in interlock.conditions):
            return interlock
    return None


def holds(condition: Condition, table: TagTable) -> bool:
    """Whether a condition is known to hold: its tag is Good and its value compares so. A Bad or Uncertain tag, NaN and
    a comparison of text with a number fail safe."""
    if not is_good(int(table.status[condition.row])):
        return False
    value, wanted = table.python_value(condition.row), condition.value
    if isinstance(value, str) or isinstance(wanted, str):
        comparable = isinstance(value, str) and isinstance(wanted, str) and condition.operator.endswith("equals")
        return comparable and _COMPARE[condition.operator](value, wanted)
    if not isinstance(value, int | float) or math.isnan(value):
        return False
    if table.data_type[condition.row] == DataType.Float:  # the value is of single precision, so compare with the same
        wanted = float(np.float32(wanted))
    return _COMPARE[condition.operator](value, wanted)
