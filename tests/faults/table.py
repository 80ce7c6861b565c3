"""docs/faults.md: what each fault costs, measured by the tests of this folder.

A test adds a `Row` to the fixture `fault_table`. After the run the rows are held against the page: what a tag shows
must be the same, times and losses of the same size. With UATWIN_WRITE_FAULTS=1 in the environment the page is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
_HEAD = """# What a fault costs

Each row is measured by a test in `tests/faults` over real sockets and lines, and held against this page whenever the
tests run; `UATWIN_WRITE_FAULTS=1 pytest tests/faults` writes it anew. In no row a Good value was wrong; that is part of
its test.

*Until it shows*: from the fault to the first status that is not Good. *Until Good*: from the end of the fault (for one
that happens once: from its beginning) to the next Good value. *Lost*: readings that the rate would have
brought meanwhile.
"""
_COLUMNS = "| fault | the tag shows | until it shows | until Good | lost | the others |\n|---|---|---|---|---|---|\n"


@dataclass(frozen=True)
class Row:
    """One fault. shows: StatusCodes in order of appearance; seconds None where the tag stays Good; others: what happens
    to tags that the fault does not concern."""

    driver: str
    fault: str
    shows: tuple[str, ...]
    shown_s: float | None
    good_s: float | None
    lost: int
    others: str = ""

    def cells(self) -> list[str]:
        """Its columns."""
        return [
            self.fault,
            ", ".join(self.shows) or "Good",
            _seconds(self.shown_s),
            _seconds(self.good_s),
            str(self.lost),
            self.others,
        ]


@dataclass
class FaultTable:
    """The rows of a run. settings: per driver what the figures depend on."""

    rows: list[Row] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        """Note a measured fault."""
        self.rows.append(row)

    def write(self, page: Path = PAGE) -> None:
        """Put the rows into the page; sections of other drivers stay."""
        sections = _sections(page.read_text()) if page.exists() else {}
        for driver in sorted({row.driver for row in self.rows}):
            lines = "".join(f"| {' | '.join(row.cells())} |\n" for row in self.rows if row.driver == driver)
            sections[driver] = f"{self.settings.get(driver, '')}\n\n{_COLUMNS}{lines}"
        body = "".join(f"\n## {driver}\n\n{text.strip()}\n" for driver, text in sorted(sections.items()))
        page.write_text(_HEAD + body)

    def differences(self, page: Path = PAGE) -> list[str]:
        """What the page says otherwise; empty where it is true."""
        told = _told(_sections(page.read_text())) if page.exists() else {}
        return [text for row in self.rows for text in _compare(row, told.get((row.driver, row.fault)))]


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} s" if value >= 0.1 else "< 0.1 s"


def _sections(text: str) -> dict[str, str]:
    parts = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _told(sections: dict[str, str]) -> dict[tuple[str, str], list[str]]:
    rows: dict[tuple[str, str], list[str]] = {}
    for driver, text in sections.items():
        for line in re.findall(r"^\| (.+) \|$", text, re.MULTILINE):
            cells = [cell.strip() for cell in line.split("|")]
            rows[driver, cells[0]] = cells
    return rows


def _compare(row: Row, told: list[str] | None) -> Iterable[str]:
    if told is None:
        yield f"{row.driver}: {row.fault} is missing"
        return
    measured = row.cells()
    if measured[1] != told[1]:
        yield f"{row.driver}, {row.fault}: the tag shows {measured[1]}, and the page says {told[1]}"
    for index, name in ((2, "until it shows"), (3, "until Good"), (4, "lost")):
        now, then = _number(measured[index]), _number(told[index])
        if now > 3 * then + (10 if index == 4 else 1.5):
            yield f"{row.driver}, {row.fault}: {name} {measured[index]}, and the page says {told[index]}"


def _number(cell: str) -> float:
    found = re.search(r"[\d.]+", cell)
    return float(found[0]) if found else 0.0
