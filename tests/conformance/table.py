"""Writes docs/conformance.md from the tests that cite the standard: `python -m tests.conformance.table`.

A test belongs into the table when its docstring cites "Part N, x.y"; its name says what holds. Of a behaviour that is
left out on purpose the docstring says "X is not offered: BadY".
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
FILE: Final = ROOT / "docs" / "conformance.md"
FOLDERS: Final = (
    "tests/services",
    "tests/interop",
    "tests/conformance",
    "tests/alarms",
    "tests/analysis",
    "tests/scenarios",
)
PARTS: Final = {
    2: "Security Model",
    3: "Address Space Model",
    4: "Services",
    5: "Information Model",
    6: "Mappings",
    7: "Profiles",
    8: "Data Access",
    9: "Alarms and Conditions",
    10: "Programs",
    11: "Historical Access",
    13: "Aggregates",
    14: "PubSub",
}
_CLAUSE: Final = r"[0-9]+(?:\.[0-9]+)*"
_CITED: Final = re.compile(rf"Part ([0-9]+), ({_CLAUSE}(?:(?:, | and | to ){_CLAUSE})*)")
_LEFT_OUT: Final = re.compile(r"([^.:;]*) (?:is|are) not offered: (Bad\w+)")
_HEAD: Final = """# Conformance

What the server does, clause by clause, and the test that shows it. Written by `python -m tests.conformance.table` from
the tests themselves, and a test fails when it is out of date; so nothing stands here that no test shows. Clauses are
those of OPC UA 1.05. `interop` tests have node-opcua at the other end, a codec and a client that are not ours;
the others send and check message by message.
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """What one test shows of one Part. clauses: as cited; test: path and name; left_out: what is not offered and
    the StatusCode that says so."""

    part: int
    clauses: tuple[str, ...]
    behaviour: str
    test: str
    left_out: tuple[str, str] | None

    @property
    def order(self) -> tuple[list[int], str]:
        first = self.clauses[0].partition(" ")[0]
        return [int(number) for number in first.split(".")], self.test


def rows() -> list[Shown]:
    """Everything that is cited, in the order of the standard."""
    found = [row for folder in FOLDERS for file in sorted((ROOT / folder).glob("test_*.py")) for row in _of_file(file)]
    return sorted(found, key=lambda row: (row.part, *row.order))


def _of_file(file: Path) -> Iterator[Shown]:
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            text = " ".join((ast.get_docstring(node) or "").split())
            left_out = _LEFT_OUT.search(text)
            for part, clauses in _CITED.findall(text):
                what, left_out = (left_out[1].strip(), left_out[2]) if left_out else None, None
                cited = tuple(re.split(", | and ", clauses))
                behaviour = node.name.removeprefix("test_").replace("_", " ")
                yield Shown(int(part), cited, behaviour, f"{file.relative_to(ROOT)}::{node.name}", what)


def document() -> str:
    """The whole page."""
    every = rows()
    out = [_HEAD, "## Not offered", "", "| Part | Clause | What | Answer | Test |", "|---|---|---|---|---|"]
    for row in every:
        if row.left_out:
            what, answer = row.left_out
            out.append(f"| {row.part} | {', '.join(row.clauses)} | {what} | {answer} | {_link(row.test)} |")
    for part, title in PARTS.items():
        out += ["", f"## Part {part}, {title}", "", "| Clause | Behaviour | Test |", "|---|---|---|"]
        out += [
            f"| {', '.join(row.clauses)} | {row.behaviour} | {_link(row.test)} |" for row in every if row.part == part
        ]
    return "\n".join(out) + "\n"


def _link(test: str) -> str:
    file, _, _ = test.partition("::")
    return f"[{Path(file).parent.name}/{Path(file).stem.removeprefix('test_')}](../{file})"


if __name__ == "__main__":
    FILE.write_text(document(), "utf-8")
