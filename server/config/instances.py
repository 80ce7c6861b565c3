"""Many twins from one entry: a list of parameter sets, a range of numbers, or the rows of a CSV file."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from server.config.checking import Checker, describe
from server.config.errors import Place, Problems, did_you_mean
from server.config.pieces import Names, Piece
from server.config.spec import Scalar
from server.config.templates import Scope
from server.config.yaml_source import Map, Seq

VALUES: Final[Checker[dict[str, Scalar]]] = Checker(dict[str, Scalar])
"""Parameters by name."""
MOST: Final = 100_000
"""Twins that one range may make."""

_RANGE: Final = re.compile(r"\s*(-?\d{1,15})\s*\.\.\s*(-?\d{1,15})\s*")
_WHOLE: Final = re.compile(r"-?(0|[1-9]\d{0,17})")


@dataclass(frozen=True, slots=True)
class Row:
    """The parameters of one instance and where they stand; value_at: the place of each, where it has one of its own."""

    values: Mapping[str, Scalar]
    place: Place
    value_at: Mapping[str, Place] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Instances:
    """names: the parameters they give, with the place where each is first named; rows(scope, twin): one per instance.
    open: whether names that nobody uses are all right, as in a CSV file with more columns; lost: an error hid some."""

    names: Mapping[str, Place]
    rows: Callable[[Scope, str], Iterator[Row]]
    open: bool = False
    lost: bool = False


def one(place: Place) -> Instances:
    """What an entry without `instances` is: one twin."""
    return Instances({}, lambda scope, twin: iter([Row({}, place)]))


def read_instances(raw: Any, place: Place, names: Names, problems: Problems) -> Instances:
    """What stands behind `instances:`. What is wrong is reported, and makes no twins."""
    if isinstance(raw, Seq):
        return _listed(raw, names, problems)
    if isinstance(raw, Map) and "csv" in raw:
        return _from_csv(raw, problems)
    if isinstance(raw, Map):
        return _ranged(raw, names, problems)
    cure = "a list of parameter sets, a range {n: 1..5}, or {csv: file.csv}"
    problems.add(place, f"instances is {describe(raw)}; it must be {cure}")
    return _none()


def _none() -> Instances:
    return Instances({}, lambda scope, twin: iter(()), open=True, lost=True)


def _listed(raw: Seq, names: Names, problems: Problems) -> Instances:
    if not raw:
        problems.add(raw.place, "instances is an empty list and makes no twins; leave the entry out")
    pieces = []
    found: dict[str, Place] = {}
    for item, place in zip(raw, raw.value_at, strict=True):
        if not isinstance(item, Map):
            problems.add(place, f"an instance is {describe(item)}; it must be a set of parameters like {{n: 1}}")
            continue
        piece = Piece(item, place, names, problems)
        piece.define(VALUES)
        pieces.append(piece)
        found = {**item.key_at, **found}

    def rows(scope: Scope, twin: str) -> Iterator[Row]:
        for piece in pieces:
            values = piece.make(VALUES, scope, twin)
            if values is not None:
                yield Row(values, piece.raw.place, piece.raw.value_at)

    return Instances(found, rows, lost=not pieces)


def _ranged(raw: Map, names: Names, problems: Problems) -> Instances:
    counters = [key for key, value in raw.items() if isinstance(value, str) and ".." in value]
    if len(counters) != 1:
        what = "two ranges" if counters else "no range"
        problems.add(raw.place, f"instances has {what}; it needs one, like n: 1..5 (others may be {{n * 10}})")
        return _none()
    counter = counters[0]
    span = Map(raw.place)
    span.put(counter, raw[counter], raw.key_at[counter], raw.value_at[counter])
    bounds = Piece(span, raw.place, names, problems)
    others = Piece(
        raw.without(frozenset([counter])), raw.place, names.more(frozenset([counter]), names.owner), problems
    )
    others.define(VALUES)
    if bounds.plain:
        _numbers(str(raw[counter]), raw.value_at[counter], "", problems)

    def rows(scope: Scope, twin: str) -> Iterator[Row]:
        made = bounds.make(VALUES, scope, twin)
        for number in _numbers(str(made[counter]), raw.value_at[counter], twin, problems) if made else ():
            values = others.make(VALUES, {**scope, counter: number}, twin)
            if values is not None:
                yield Row({counter: number, **values}, raw.place, raw.value_at)

    return Instances(raw.key_at, rows)


def _numbers(text: str, place: Place, twin: str, problems: Problems) -> range:
    match = _RANGE.fullmatch(text)
    first, last = (int(match[1]), int(match[2])) if match else (1, 0)
    if not match:
        problems.add(place, f'"{text}" is not a range; write whole numbers, like 1..500', twin, "range")
    elif last < first:
        problems.add(place, f"the range {text} is upside down; the lower number comes first", twin, "range")
    elif last - first >= MOST:
        problems.add(
            place, f"the range {text} has {last - first + 1} numbers; at most {MOST} are possible", twin, "range"
        )
        last = first
    return range(first, last + 1)


def _from_csv(raw: Map, problems: Problems) -> Instances:
    for key in raw:
        if key != "csv":
            problems.add(
                raw.key_at[key], f"unknown key {key}{did_you_mean(key, ['csv'])}; give further values in with:"
            )
    place = raw.value_at["csv"]
    if not isinstance(raw["csv"], str) or not raw["csv"]:
        problems.add(place, f"csv is {describe(raw['csv'])}; it must be the path of a CSV file")
        return _none()
    path = problems.path_of(place).parent / raw["csv"]
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        problems.add(place, f"the CSV file {path} cannot be read ({error.strerror}); paths are relative to this file")
        return _none()
    except UnicodeDecodeError as error:
        problems.add(place, f"the CSV file {path} is not UTF-8 (byte {error.start}); save it as UTF-8")
        return _none()
    return _Table(path, text, problems).instances()


class _Table:
    """The rows of one CSV file, with the line of each."""

    def __init__(self, path: Path, text: str, problems: Problems) -> None:
        self._file = problems.file(path)
        self._problems = problems
        head = text.partition("\n")[0]
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if head.count(";") > head.count(",") else ",")
        lines = []
        try:
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    lines.append((reader.line_num - sum(cell.count("\n") for cell in cells), cells))
        except csv.Error as error:
            self._add(reader.line_num, 1, f"cannot be read as CSV: {error}")
        self._columns = [cell.strip() for cell in lines[0][1]] if lines else []
        self._lines = lines[1:]
        self._check_head()

    def instances(self) -> Instances:
        """One instance per row."""
        rows = [row for number, cells in self._lines if (row := self._row(number, cells))]
        names = {name: self._place(1, index) for index, name in enumerate(self._columns, 1) if name}
        return Instances(names, lambda scope, twin: iter(rows), open=True, lost=not names)

    def _check_head(self) -> None:
        if not self._columns:
            self._add(1, 1, "is empty; the first line names the columns, each further one is an instance")
        for index, name in enumerate(self._columns, 1):
            if not name:
                self._add(1, index, f"column {index} has no name; the first line names the columns")
            elif name in self._columns[: index - 1]:
                self._add(1, index, f"the column {name} is there twice; rename or remove one")
        if self._columns and not self._lines:
            self._add(1, 1, "has no rows; each line below the first is an instance")

    def _row(self, number: int, cells: list[str]) -> Row | None:
        if len(cells) != len(self._columns):
            side = "too few" if len(cells) < len(self._columns) else "too many"
            message = f"the row has {len(cells)} fields, {side} for the {len(self._columns)} columns of the first line"
            self._add(number, min(len(cells), len(self._columns)) + 1, message)
            return None
        values = {name: scalar(text.strip()) for name, text in zip(self._columns, cells, strict=True) if text.strip()}
        value_at = {name: self._place(number, index) for index, name in enumerate(self._columns, 1)}
        return Row(values, self._place(number, 1), value_at)

    def _place(self, line: int, column: int) -> Place:
        return self._problems.place(self._file, line, column)

    def _add(self, line: int, column: int, message: str) -> None:
        self._problems.add(self._place(line, column), message)


def scalar(text: str) -> Scalar:
    """A number where that loses nothing of how it is written: 007 and 1.10 stay text."""
    if _WHOLE.fullmatch(text) and text != "-0":
        return int(text)
    if text in ("true", "false"):
        return text == "true"
    try:
        number = float(text)
    except ValueError:
        return text
    return number if repr(number) == text and math.isfinite(number) else text
