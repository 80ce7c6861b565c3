"""Which results belong together: arrays of one length are the columns of a table, the product of two is a matrix.

Nothing is known here of any method. What the descriptions of results say is taken from them: the shape of a matrix
("Row by row: Values[t * length(Outputs) + o]"), and what refers to what stands before it ("of each").
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any, Final

from asyncua import ua

from nodesets.units import unit
from server.call_command.arguments import Declared

_MATRIX: Final = re.compile(r"\[\w+ \* length\((\w+)\) \+ \w+\]")
_REFERS: Final = re.compile(r"\b(each|it|its|them|these|their values)\b", re.IGNORECASE)
_HEADS_ALL: Final = re.compile(r"\bresults\b.*\bone of each\b")
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*|[a-z0-9]+")
_NAMES: Final = (ua.VariantType.String, ua.VariantType.NodeId)
COMMON: Final = ("Valid", "Reason", "ModelId", "DataQuality", "JobId")


@dataclass(frozen=True, slots=True)
class Result:
    """One output argument with its value."""

    about: Declared
    value: Any

    @property
    def name(self) -> str:
        """Of the argument."""
        return self.about.name


@dataclass(frozen=True, slots=True)
class Matrix:
    """rows: what each row is of, such as times; columns: what each column is of, with units where they are told."""

    name: str
    description: str
    rows: Result
    columns: Sequence[str]
    units: Sequence[str]
    values: Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Grouped:
    """The results of a call by how they are shown."""

    scalars: Sequence[Result]
    tables: Sequence[Sequence[Result]]
    matrices: Sequence[Matrix]


def group(results: Sequence[Result]) -> Grouped:
    """Find what belongs together. The results that all methods have are left out."""
    own = [_with_symbols(one) for one in results if one.name not in COMMON]
    by_name = {one.name: one for one in own}
    matrices, of_matrices = [], set[str]()
    for one in own:
        found = _matrix(one, own, by_name)
        if found is not None:
            matrices.append(found)
            of_matrices |= {one.name}
    arrays = [one for one in own if one.about.is_array and one.name not in of_matrices]
    labels = {name for one in matrices for name in _labels(one, by_name)}
    tables = [table for table in _tables(arrays) if not {one.name for one in table} <= labels]
    return Grouped([one for one in own if not one.about.is_array], tables, matrices)


def _with_symbols(one: Result) -> Result:
    """UNECE common codes as the symbols that people know."""
    if "UNECE" not in one.about.description:
        return one
    return Result(one.about, [_symbol(code) for code in one.value] if one.about.is_array else _symbol(one.value))


def _symbol(code: str) -> str:
    try:
        return unit(code).symbol
    except KeyError:
        return code


# -- matrices ---------------------------------------------------------------------------------------------------------


def _matrix(one: Result, own: Sequence[Result], by_name: Mapping[str, Result]) -> Matrix | None:
    columns = _columns_of(one, by_name)
    if columns is None or not columns.value:
        return None
    width = len(columns.value)
    height, left = divmod(len(one.value), width)
    rows = [each for each in own if each.about.is_array and len(each.value) == height and each.name != columns.name]
    if left or not height or not rows:
        return None
    rows.sort(key=lambda each: each.about.kind is not ua.VariantType.DateTime)
    units = next((each.value for each in own if _units_of(each, columns, own)), [""] * width)
    values = [one.value[at : at + width] for at in range(0, len(one.value), width)]
    return Matrix(one.name, one.about.description.partition(":")[0], rows[0], list(columns.value), units, values)


def _columns_of(one: Result, by_name: Mapping[str, Result]) -> Result | None:
    """The array that names the columns of a matrix, as its own description says or that of a matrix as long."""
    if not one.about.is_array:
        return None
    said = _MATRIX.search(one.about.description)
    if said is None and one.about.kind is ua.VariantType.Double and one.value:
        for other in by_name.values():
            alike = other.about.is_array and len(other.value) == len(one.value) and other.name != one.name
            said = said or (_MATRIX.search(other.about.description) if alike else None)
    return by_name.get(said[1]) if said else None


def _units_of(one: Result, columns: Result, own: Sequence[Result]) -> bool:
    """Whether these are the units of the columns: the array behind theirs, of their length."""
    names = [each.name for each in own]
    return (
        "UNECE" in one.about.description
        and len(one.value) == len(columns.value)
        and names.index(one.name) == names.index(columns.name) + 1
    )


def _labels(one: Matrix, by_name: Mapping[str, Result]) -> set[str]:
    """Arrays that do nothing but name the rows, the columns and their units."""
    columns = [name for name, each in by_name.items() if each.about.is_array and each.value == one.columns]
    units = [name for name, each in by_name.items() if each.about.is_array and each.value == one.units]
    return {one.rows.name, *columns, *units}


# -- tables -----------------------------------------------------------------------------------------------------------


def _tables(arrays: Sequence[Result]) -> list[list[Result]]:
    """Neighbours of one length; where two tables happen to be as long, names and descriptions tell them apart."""
    tables: list[list[Result]] = []
    for _, run in groupby(arrays, lambda one: len(one.value)):
        members = list(run)
        followers = [*(after for _, after in pairwise(members)), None]
        table: list[Result] = []
        for one, after in zip(members, followers, strict=True):
            if table and _begins(one, after, table):
                tables.append(table)
                table = []
            table.append(one)
        tables.append(table)
    return [part for table in tables for part in _apart(table)]


def _begins(one: Result, after: Result | None, table: Sequence[Result]) -> bool:
    first, before = _first_word(one), _first_word(table[-1])
    if _HEADS_ALL.search(table[0].about.description):
        return False
    if first == before:
        return False
    if after is not None and first == _first_word(after) and _is_text(one):
        return True
    numbers = any(each.about.kind not in _NAMES for each in table)
    return numbers and _is_text(one) and not _refers(one, table)


def _apart(table: list[Result]) -> list[list[Result]]:
    """Lists of text that say nothing of each other are lists of their own."""
    texts_only = len(table) > 1 and all(map(_is_text, table))
    if (
        texts_only
        and not any(_refers(one, table) for one in table)
        and not _HEADS_ALL.search(table[0].about.description)
    ):
        return [[one] for one in table]
    return [table]


def _refers(one: Result, table: Sequence[Result]) -> bool:
    text = one.about.description
    return bool(_REFERS.search(text)) or any(each.name in text for each in table if each.name != one.name)


def _is_text(one: Result) -> bool:
    return one.about.kind is ua.VariantType.String


def _first_word(one: Result) -> str:
    words = _WORD.findall(one.name)
    return words[0].rstrip("s") if words else one.name
