"""Results on the terminal: lists of single values, tables, courses over time; long ones shortened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from server.call_command.tables import Grouped, Matrix, Result, group
from server.call_command.values import NOTHING, clock, is_empty, shown

_MOST_ROWS: Final = 12
_MOST_TEXT: Final = 44
_MOST_MOMENTS: Final = 7
_GAP: Final = 2
_FEW_ROWS: Final = 4


class Showing:
    """everything: shorten nothing."""

    def __init__(self, console: Console, everything: bool) -> None:
        self._console = console
        self._everything = everything
        self._shortened = False

    def results(self, results: Sequence[Result]) -> None:
        """What a method gave, without the results that all methods have."""
        grouped = group(results)
        self._scalars(grouped)
        for table in grouped.tables:
            self._columns(table)
        for matrix in grouped.matrices:
            self._matrix(matrix)
        if self._shortened:
            self._console.print("Shortened: --all shows everything.", style="dim")

    # -- single values ------------------------------------------------------------------------------------------------

    def _scalars(self, grouped: Grouped) -> None:
        if not grouped.scalars:
            return
        grid = _grid()
        for one in grouped.scalars:
            value = Text(shown(one.value), style="bold", overflow="fold")
            long = len(value) > _MOST_TEXT
            if long:  # a sentence explains itself
                grid.add_row(one.name, value, "")
                continue
            value.append(f" {one.about.unit}" if one.about.unit and not is_empty(one.value) else "", style="not bold")
            grid.add_row(one.name, value, Text(one.about.description, style="dim"))
        self._print(grid)

    # -- tables -------------------------------------------------------------------------------------------------------

    def _columns(self, table: Sequence[Result]) -> None:
        """Arrays of one length, side by side; few rows of many columns stand on end."""
        count = len(table[0].value)
        if count == 0:
            for one in table:
                self._console.print(
                    Text.assemble((one.name, "bold"), (": none", ""), (f"  {one.about.description}", "dim"))
                )
            self._console.print()
            return
        full = [one for one in table if self._everything or not all(map(is_empty, one.value))] or list(table)
        self._shortened |= len(full) < len(table)
        if len(full) == 1:
            self._list(full[0])
        elif count <= _FEW_ROWS and len(full) > _FEW_ROWS and self._width(full, count) > self._console.width:
            self._on_end(full, count)
        else:
            self._side_by_side(full, count)

    def _list(self, one: Result) -> None:
        """An array by itself."""
        texts = [shown(each) for each in self._cut(one.value)]
        line = Text.assemble((one.name, "bold"), (f"  {one.about.description}", "dim"))
        self._console.print(line)
        for text in texts:
            self._console.print(Text(f"  {text}", overflow="fold"))
        self._left(len(one.value), len(texts))

    def _on_end(self, table: Sequence[Result], count: int) -> None:
        """Each result a line, each element a column."""
        first = table[0]
        made = _table()
        made.add_column(first.name)
        for at in range(count):
            made.add_column(self._clipped(first.value[at], first), justify="right")
        made.add_column("")
        for one in table[1:]:
            name = Text.assemble(one.name, (f" {one.about.unit}" if one.about.unit else "", "dim"))
            cells = [self._clipped(value, one) for value in one.value]
            made.add_row(name, *cells, Text(one.about.description, style="dim"))
        self._print(made)

    def _side_by_side(self, table: Sequence[Result], count: int) -> None:
        """Below one another as often as the terminal is too narrow, the first column each time."""
        rows = min(count, count if self._everything else _MOST_ROWS)
        columns = [self._column(one, rows) for one in table]
        for part in self._packed(columns):
            made = _table()
            for header, cells in part:
                numeric = bool(cells) and all(_looks_numeric(cell) for cell in cells)
                made.add_column(header, justify="right" if numeric else "left", no_wrap=True)
            for at in range(rows):
                made.add_row(*(cells[at] for _, cells in part))
            self._print(made)
        self._left(count, rows)

    def _column(self, one: Result, rows: int) -> tuple[Text, list[str]]:
        header = Text(one.name)
        header.append(f"\n{one.about.unit}" if one.about.unit else "", style="dim")
        if one.value and all(isinstance(each, datetime) for each in one.value):
            return header, _moments(one.value[:rows])
        return header, [self._clipped(value, one) for value in one.value[:rows]]

    def _packed(self, columns: Sequence[tuple[Text, list[str]]]) -> list[list[tuple[Text, list[str]]]]:
        first, *others = columns
        parts, part, used = [], [first], _wide(first)
        for column in others:
            if used + _wide(column) > self._console.width and len(part) > 1:
                parts.append(part)
                part, used = [first], _wide(first)
            part.append(column)
            used += _wide(column)
        return [*parts, part]

    def _width(self, table: Sequence[Result], count: int) -> int:
        return sum(_wide(self._column(one, count)) for one in table)

    # -- courses ------------------------------------------------------------------------------------------------------

    def _matrix(self, one: Matrix) -> None:
        """Rows over time where the columns fit, else a line for each column and some moments of it."""
        heading = Text.assemble((one.name, "bold"), (f"  {one.description}", "dim"))
        self._console.print(heading)
        labels = _moments(one.rows.value) if one.rows.value and isinstance(one.rows.value[0], datetime) else None
        labels = labels or [shown(each) for each in one.rows.value]
        heads = [f"{name} {unit}".strip() for name, unit in zip(one.columns, one.units, strict=True)]
        width = len(labels[0]) + sum(max(len(head), 8) + _GAP for head in heads)
        if self._everything or width <= self._console.width:
            self._over_time(one, labels, heads)
        else:
            self._by_output(one, labels)

    def _over_time(self, one: Matrix, labels: Sequence[str], heads: Sequence[str]) -> None:
        rows = list(range(len(labels))) if self._everything else _spread(len(labels), _MOST_ROWS)
        self._shortened |= len(rows) < len(labels)
        made = _table()
        made.add_column(one.rows.name)
        for head in heads:
            made.add_column(head, justify="right")
        for at in rows:
            made.add_row(labels[at], *(shown(value) for value in one.values[at]))
        self._print(made)

    def _by_output(self, one: Matrix, labels: Sequence[str]) -> None:
        """What stays 0 all the time is left out, as is what is not known."""
        moments = _spread(len(labels), _MOST_MOMENTS)
        courses = [[one.values[at][column] for at in moments] for column in range(len(one.columns))]
        telling = [column for column, course in enumerate(courses) if not all(map(_is_still_nothing, course))]
        rows = telling[:_MOST_ROWS]
        made = _table()
        made.add_column("")
        made.add_column("", style="dim")
        for at in moments:
            made.add_column(labels[at], justify="right", no_wrap=True)
        for column in rows:
            made.add_row(one.columns[column], one.units[column], *(shown(value) for value in courses[column]))
        self._shortened = True
        if rows:
            self._print(made)
        silent = len(courses) - len(telling)
        told = [f"{len(telling) - len(rows)} more"] if len(rows) < len(telling) else []
        told += [f"{silent} stay 0 or are not known"] if silent else []
        if told:
            self._console.print(f"  {', '.join(told)}\n", style="dim")

    # -- parts --------------------------------------------------------------------------------------------------------

    def _cut(self, values: Sequence[Any]) -> Sequence[Any]:
        return values if self._everything else values[:_MOST_ROWS]

    def _left(self, count: int, rows: int) -> None:
        if rows < count:
            self._shortened = True
            self._console.print(f"  {count - rows} more", style="dim")
        self._console.print()

    def _clipped(self, value: Any, one: Result) -> str:
        text = shown(value).replace("\n", " ")
        if self._everything or len(text) <= _MOST_TEXT:
            return text
        self._shortened = True
        return f"{text[: _MOST_TEXT - 1]}…"

    def _print(self, table: Table) -> None:
        self._console.print(table)
        if table.box is None:
            self._console.print()


def _moments(values: Sequence[datetime]) -> list[str]:
    """Times; without the day where all are of one."""
    days = {clock(value, True)[:10] for value in values if not is_empty(value)}
    return [NOTHING if is_empty(value) else clock(value, len(days) > 1) for value in values]


def _spread(count: int, most: int) -> list[int]:
    """Indices from first to last, evenly, at most so many."""
    if count <= most:
        return list(range(count))
    return [round(at * (count - 1) / (most - 1)) for at in range(most)]


def _is_still_nothing(value: Any) -> bool:
    return is_empty(value) or value == 0


def _looks_numeric(cell: str) -> bool:
    return cell == NOTHING or cell.replace(",", "").lstrip("-").replace(".", "", 1).replace("e", "", 1)[:1].isdigit()


def _wide(column: tuple[Text, list[str]]) -> int:
    header, cells = column
    return max(max(map(len, header.plain.split("\n"))), *map(len, cells), 1) + _GAP


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, show_edge=False, padding=(0, _GAP, 0, 0))


def _grid() -> Table:
    return Table.grid(padding=(0, _GAP, 0, 0))
