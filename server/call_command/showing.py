"""Results on the terminal: lists of single values, tables, courses over time; long ones shortened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from server.call_command.cells import (
    BETWEEN,
    Column,
    first_rows,
    is_still_nothing,
    looks_numeric,
    moments,
    new_grid,
    new_table,
    signed,
    spread,
    telling_rows,
    wide,
    without_noise,
)
from server.call_command.tables import Grouped, Matrix, Result, group
from server.call_command.values import is_empty, shown

_MOST_ROWS: Final = 12
_MOST_TEXT: Final = 60
_MOST_IN_LINE: Final = 64
_WIDE: Final = 40
_MOST_MOMENTS: Final = 7
_MOST_OUTPUTS: Final = 8
_FEW_ROWS: Final = 4
_SAME_FROM: Final = 3
"""From so many rows on it is worth a word that a column says the same of all."""
_MOST_PARTS: Final = 2


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
        for matrix in grouped.matrices:
            self._matrix(matrix)
        for table in grouped.tables:  # key figures stand where people look: at the end
            self._columns(table)
        if self._shortened:
            self._console.print("Shortened: --all shows everything.", style="dim")

    # -- single values ------------------------------------------------------------------------------------------------

    def _scalars(self, grouped: Grouped) -> None:
        if not grouped.scalars:
            return
        grid = new_grid()
        sentences = [one for one in grouped.scalars if len(shown(one.value)) > _MOST_TEXT]
        for one in (one for one in grouped.scalars if one not in sentences):
            value = Text(shown(one.value), style="bold", overflow="fold")
            value.append(f" {one.about.unit}" if one.about.unit and not is_empty(one.value) else "", style="not bold")
            grid.add_row(one.name, value, Text(one.about.description, style="dim"))
        if len(grouped.scalars) > len(sentences):
            self._console.print(grid)
        for one in sentences:  # they explain themselves
            self._console.print(Text.assemble(one.name, "  ", (shown(one.value), "bold")))
        self._console.print()

    # -- tables -------------------------------------------------------------------------------------------------------

    def _columns(self, table: Sequence[Result]) -> None:
        """Arrays of one length, side by side; few rows of many columns stand on end."""
        count = len(table[0].value)
        if count == 0 or len(table) == 1:
            self._list(table[0], also=[one.name for one in table[1:]])
            self._console.print()
            return
        shown_ones, same = (list(table), []) if self._everything else self._telling(table)
        rows = list(range(count)) if self._everything else telling_rows(table)
        if len(rows) <= _FEW_ROWS < len(shown_ones) and self._width(shown_ones, rows) > self._console.width:
            self._on_end(shown_ones, rows)
        else:
            self._side_by_side(shown_ones, rows if self._everything else first_rows(table, rows, _MOST_ROWS))
        self._left_out(count, len(rows), same)

    def _telling(self, table: Sequence[Result]) -> tuple[list[Result], list[Result]]:
        """The columns that say something of each row, and those that say the same of all."""
        first, *others = table
        if len(first.value) < _SAME_FROM:
            empty = [one for one in others if all(map(is_empty, one.value))]
            return [one for one in table if one not in empty], empty
        same = [one for one in others if len({shown(value) for value in one.value}) == 1]
        return [one for one in table if one not in same], same

    def _left_out(self, count: int, rows: int, same: Sequence[Result]) -> None:
        """What is not shown: rows, and columns with nothing but one value."""
        told = [
            f"{one.name} {shown(one.value[0])} {one.about.unit}".rstrip() for one in same if not is_empty(one.value[0])
        ]
        if told:
            self._console.print(f"  in all: {', '.join(told)}", style="dim")
        shown_rows = rows if self._everything else min(rows, _MOST_ROWS)
        if shown_rows < count:
            self._shortened = True
            self._console.print(f"  {count - shown_rows} more", style="dim")
        self._console.print()

    def _list(self, one: Result, also: Sequence[str]) -> None:
        """An array by itself: in a line where its elements are short. also: names of others that are empty as well."""
        values = self._cut(one.value)
        texts = [shown(each) for each in values]
        line = Text.assemble((", ".join([one.name, *also]), "bold"), "  ")
        more = f" and {len(one.value) - len(values)} more" if len(values) < len(one.value) else ""
        if not texts or all(len(text) <= _MOST_IN_LINE for text in texts):
            line.append((", ".join(texts) or "none") + more)
            line.append(f"  {one.about.description}", style="dim")
            self._console.print(line)
        else:
            self._console.print(line.append(one.about.description, style="dim"))
            for text in texts:
                self._console.print(Text(f"  {text}", overflow="fold"))
            if more:
                self._console.print(f" {more}", style="dim")
        self._shortened |= bool(more)

    def _on_end(self, table: Sequence[Result], rows: Sequence[int]) -> None:
        """Each result a line, each element a column."""
        first, *others = table
        made = new_table()
        made.add_column(first.name)
        for at in rows:
            made.add_column(self._clipped(first.value[at]), justify="right")
        made.add_column("")
        for one in others:
            name = Text.assemble(one.name, (f" {one.about.unit}" if one.about.unit else "", "dim"))
            cells = [self._clipped(one.value[at]) for at in rows]
            made.add_row(name, *cells, Text(one.about.description, style="dim"))
        self._console.print(made)

    def _side_by_side(self, table: Sequence[Result], rows: Sequence[int]) -> None:
        """Below one another as often as the terminal is too narrow, the first column each time."""
        parts = self._packed([self._column(one, rows) for one in table])
        most = len(parts) if self._everything else _MOST_PARTS
        for number, part in enumerate(parts[:most]):
            if number:
                self._console.print()
            made = new_table()
            for header, cells in part:
                numeric = bool(cells) and all(looks_numeric(cell) for cell in cells)
                made.add_column(header, justify="right" if numeric else "left", no_wrap=True)
            for at in range(len(rows)):
                made.add_row(*(cells[at] for _, cells in part))
            self._console.print(made)
        left = [header.plain.split("\n")[0] for part in parts[most:] for header, _ in part[1:]]
        if left:
            self._shortened = True
            self._console.print(f"  and {', '.join(left)}", style="dim")

    def _column(self, one: Result, rows: Sequence[int]) -> Column:
        header = Text(one.name)
        header.append(f"\n{one.about.unit}" if one.about.unit else "", style="dim")
        values = [one.value[at] for at in rows]
        if values and all(isinstance(each, datetime) for each in values):
            return header, moments(values)
        return header, [self._clipped(signed(value, one.name)) for value in values]

    def _packed(self, columns: Sequence[Column]) -> list[list[Column]]:
        first, *others = columns
        others.sort(key=lambda column: wide(column) > _WIDE)  # what is long comes last
        parts, part, used = [], [first], wide(first)
        for column in others:
            if used + wide(column) > self._console.width and len(part) > 1:
                parts.append(part)
                part, used = [first], wide(first)
            part.append(column)
            used += wide(column)
        return [*parts, part]

    def _width(self, table: Sequence[Result], rows: Sequence[int]) -> int:
        return sum(wide(self._column(one, rows)) for one in table)

    # -- courses ------------------------------------------------------------------------------------------------------

    def _matrix(self, one: Matrix) -> None:
        """Rows over time where the columns fit, else a line for each column and some moments of it."""
        about = f"over {one.rows.name}" if one.description.startswith("Row by row") else one.description
        heading = Text.assemble((one.name, "bold"), (f"  {about}", "dim"))
        self._console.print(heading)
        labels = moments(one.rows.value) if one.rows.value and isinstance(one.rows.value[0], datetime) else None
        labels = labels or [shown(each) for each in one.rows.value]
        heads = [f"{name} {unit}".strip() for name, unit in zip(one.columns, one.units, strict=True)]
        width = len(labels[0]) + sum(max(len(head), 8) + BETWEEN for head in heads)
        if self._everything or width <= self._console.width:
            self._over_time(one, labels, heads)
        else:
            self._by_output(one, labels)

    def _over_time(self, one: Matrix, labels: Sequence[str], heads: Sequence[str]) -> None:
        rows = list(range(len(labels))) if self._everything else spread(len(labels), _MOST_ROWS)
        self._shortened |= len(rows) < len(labels)
        made = new_table()
        made.add_column(one.rows.name)
        for head in heads:
            made.add_column(head, justify="right")
        for at in rows:
            made.add_row(labels[at], *(signed(value, one.name) for value in one.values[at]))
        self._console.print(made)
        self._console.print()

    def _by_output(self, one: Matrix, labels: Sequence[str]) -> None:
        """What stays 0 all the time is left out, as is what is not known."""
        courses = [without_noise([row[column] for row in one.values]) for column in range(len(one.columns))]
        telling = [column for column, course in enumerate(courses) if not all(map(is_still_nothing, course))]
        rows = telling[:_MOST_OUTPUTS]
        chosen = spread(len(labels), self._moments_that_fit(one, rows, labels))
        if all(len(set(map(shown, courses[column]))) == 1 for column in telling):
            chosen = chosen[-1:]  # steady: one moment says all
        made = new_table()
        made.add_column("", no_wrap=True)
        made.add_column("", style="dim", no_wrap=True)
        for at in chosen:
            made.add_column(labels[at], justify="right", no_wrap=True)
        for column in rows:
            cells = [signed(courses[column][at], one.name) for at in chosen]
            made.add_row(one.columns[column], one.units[column], *cells)
        self._shortened = True
        if rows:
            self._console.print(made)
        silent = len(courses) - len(telling)
        told = [f"{len(telling) - len(rows)} more"] if len(rows) < len(telling) else []
        told += [f"{silent} stay 0 or are not known"] if silent else []
        if told:
            self._console.print(f"  {', '.join(told)}", style="dim")
        self._console.print()

    def _moments_that_fit(self, one: Matrix, rows: Sequence[int], labels: Sequence[str]) -> int:
        names = max((len(one.columns[at]) for at in rows), default=0)
        units = max((len(one.units[at]) for at in rows), default=0)
        room = self._console.width - names - units - 2 * BETWEEN
        return min(_MOST_MOMENTS, max(2, room // (max(len(labels[0]), 8) + BETWEEN)))

    # -- parts --------------------------------------------------------------------------------------------------------

    def _cut(self, values: Sequence[Any]) -> Sequence[Any]:
        return values if self._everything else values[:_MOST_ROWS]

    def _clipped(self, value: Any) -> str:
        text = shown(value).replace("\n", " ")
        if self._everything or len(text) <= _MOST_TEXT:
            return text
        self._shortened = True
        return f"{text[: _MOST_TEXT - 1]}…"
