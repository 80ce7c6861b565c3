"""The cells of tables: what is worth showing, and how wide it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from asyncua import ua
from rich import box
from rich.table import Table
from rich.text import Text

from server.call_command.tables import Result
from server.call_command.values import NOTHING, clock, is_empty, shown

GAP: Final = 2
BETWEEN: Final = GAP + 1
_STILL: Final = 1e-4
"""What is less, compared with the largest value of its course, is shown as 0."""
Column = tuple[Text, list[str]]
"""Head and cells."""


def telling_rows(table: Sequence[Result]) -> list[int]:
    """Rows that differ, where the table tells differences, by more than a rounding of what stands before; else all."""
    every = list(range(len(table[0].value)))
    for before, one in pairwise(table):
        if "Difference" in one.name and one.about.kind is before.about.kind is ua.VariantType.Double:
            return [at for at in every if _differs(one.value[at], before.value[at])] or every
    return every


def _differs(difference: float, value: float) -> bool:
    return not is_still_nothing(difference) and not abs(difference) < _STILL * abs(value)


def first_rows(table: Sequence[Result], rows: Sequence[int], most: int) -> list[int]:
    """The first rows; of a course over time some from its begin to its end."""
    if all(isinstance(value, datetime) for value in table[0].value):
        return [rows[at] for at in spread(len(rows), most)]
    return list(rows[:most])


def moments(values: Sequence[datetime]) -> list[str]:
    """Times; without the day where all are of one."""
    days = {clock(value, True)[:10] for value in values if not is_empty(value)}
    return [NOTHING if is_empty(value) else clock(value, len(days) > 1) for value in values]


def spread(count: int, most: int) -> list[int]:
    """Indices from first to last, evenly, at most so many."""
    if count <= most:
        return list(range(count))
    return [round(at * (count - 1) / (most - 1)) for at in range(most)]


def signed(value: Any, name: str) -> str:
    """Differences have their sign."""
    text = shown(value)
    rises = "Difference" in name and isinstance(value, float) and value > 0 and text[:1].isdigit() and text != "0"
    return f"+{text}" if rises else text


def without_noise(course: Sequence[float]) -> list[float]:
    largest = max((abs(value) for value in course if not is_empty(value)), default=0.0)
    return [0.0 if abs(value) < _STILL * largest else value for value in course]


def is_still_nothing(value: Any) -> bool:
    return is_empty(value) or shown(value) == "0"


def looks_numeric(cell: str) -> bool:
    return cell == NOTHING or cell.replace(",", "").lstrip("+-").replace(".", "", 1).replace("e", "", 1)[:1].isdigit()


def wide(column: Column) -> int:
    header, cells = column
    return max(max(map(len, header.plain.split("\n"))), *map(len, cells), 1) + BETWEEN


def new_table() -> Table:
    return Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, show_edge=False, padding=(0, GAP, 0, 0))


def new_grid() -> Table:
    return Table.grid(padding=(0, GAP, 0, 0))
