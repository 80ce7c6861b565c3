"""Results for machines: JSON, and CSV files."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from server.call_command.asking import Outcome
from server.call_command.tables import Result, group
from server.call_command.values import plain


def as_json(path: str, outcome: Outcome) -> str:
    """One object: the method, its status, and its outputs by name, matrices as the method gives them."""
    outputs = {one.name: plain(one.value) for one in outcome.results}
    return json.dumps({"method": path, "status": outcome.status.name, "outputs": outputs}, ensure_ascii=False)


def lines_as_json(lines: Sequence[Mapping[str, Any]]) -> str:
    """An object a line."""
    return "\n".join(json.dumps(one, ensure_ascii=False) for one in lines)


def write_csv(file: Path, results: Sequence[Result]) -> list[Path]:
    """Write each table into a file of its own; the first into this one, the others beside it with the name of their
    first column. Raises OSError."""
    written = []
    for number, (name, rows) in enumerate(_sheets(results)):
        path = file if number == 0 else file.with_name(f"{file.stem}-{name}{file.suffix}")
        with path.open("w", encoding="utf-8", newline="") as opened:
            csv.writer(opened).writerows(rows)
        written.append(path)
    return written


def _sheets(results: Sequence[Result]) -> Iterator[tuple[str, list[list[Any]]]]:
    """Matrices first, then tables, then single values."""
    grouped = group(results)
    for one in grouped.matrices:
        heads = [f"{name} [{unit}]" if unit else name for name, unit in zip(one.columns, one.units, strict=True)]
        body = [[plain(label), *map(plain, row)] for label, row in zip(one.rows.value, one.values, strict=True)]
        yield one.name, [[one.rows.name, *heads], *body]
    for table in grouped.tables:
        if table[0].value:
            yield (
                table[0].name,
                [
                    [_head(one) for one in table],
                    *map(list, zip(*(map(plain, one.value) for one in table), strict=True)),
                ],
            )
    if grouped.scalars:
        yield "values", [[_head(one), plain(one.value)] for one in grouped.scalars]


def _head(one: Result) -> str:
    return f"{one.name} [{one.about.unit}]" if one.about.unit else one.name
