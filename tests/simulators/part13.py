"""The worked examples of Part 13, Annex A, read from tests/analytics/aggregates."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analytics.aggregates import AggregateConfiguration
from analytics.series import TICKS_PER_SECOND, Series

FOLDER = Path(__file__).parents[1] / "analytics" / "aggregates"
CODES = {"g": 0x0000_0000, "U": 0x4000_0000, "u": 0x40A4_0000, "B": 0x8000_0000, "N": 0x809B_0000}
BITS = {"c": 0x01, "i": 0x02, "p": 0x04, "m": 0x10}


def status_of(text: str) -> int:
    """A StatusCode by its letters, as in the file of the examples."""
    bits = sum(BITS[letter] for letter in text[1:])
    return CODES[text[0]] | (0x400 | bits if bits else 0)


@dataclass(frozen=True)
class Row:
    """What an aggregate of one interval must be."""

    second: float
    value: float
    status: int


@dataclass(frozen=True)
class Example:
    """One table: an aggregate of a historian's data from second 0 to 100."""

    aggregate: str
    historian: str
    interval_s: int
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Historian:
    """What a historian holds and how it is configured."""

    series: Series
    config: AggregateConfiguration
    stepped: bool


def row_of(text: str, start: float) -> Row:
    """A result as written in the file, of the interval that starts there."""
    what, status = text.split(":")
    value, _, second = what.partition("@")
    number = float("nan") if value == "-" else float(CODES.get(value, value))
    return Row(float(second) if second else start, number, status_of(status))


def _series(text: str) -> Series:
    entries = [entry.split(":") for entry in text.split()]
    ticks = [int(second) * TICKS_PER_SECOND for second, _, _ in entries]
    values = [float("nan") if value == "-" else float(value) for _, value, _ in entries]
    codes = [status_of(status) for _, _, status in entries]
    return Series(np.array(ticks, np.int64), np.array(values), np.array(codes, np.uint32))


def read_corrections() -> dict[tuple[str, str, int], Row]:
    """The rows that the text of the standard decides otherwise, by aggregate, historian and second."""
    parts = [line.split() for line in _lines("part13_corrections.txt")]
    return {
        (aggregate, historian, int(second)): row_of(text, float(second)) for aggregate, historian, second, text in parts
    }


def _lines(name: str) -> list[str]:
    return [line for line in (FOLDER / name).read_text().splitlines() if line and not line.startswith("#")]


def read_examples() -> tuple[dict[str, Historian], list[Example]]:
    """The historians by name, and the tables."""
    historians: dict[str, Historian] = {}
    examples: list[Example] = []
    head: list[str] = []
    for line in _lines("part13_examples.txt"):
        if not line.startswith(" "):
            head = line.split()
        elif head[0] == "data":
            _, name, stepped, uncertain, bad, good, sloped = head
            config = AggregateConfiguration(uncertain == "true", int(bad), int(good), sloped == "true")
            historians[name] = Historian(_series(line), config, stepped == "true")
        else:
            historian, *results = line.split()
            step = int(head[1])
            rows = tuple(row_of(text, index * step) for index, text in enumerate(results))
            examples.append(Example(head[0], historian, step, rows))
    return historians, examples
