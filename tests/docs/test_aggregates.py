"""The page on aggregates names every one of them, and its program says what is shown."""

from __future__ import annotations

import re
import subprocess
import sys

from analytics.aggregates import AGGREGATES
from tests.simulators.documents import ROOT, blocks

PAGE = ROOT / "docs/aggregates.md"


def test_the_page_names_every_aggregate_once_in_its_table() -> None:
    rows = [row.split("|")[2] for row in PAGE.read_text("utf-8").splitlines() if row.startswith("|")]
    named = re.findall(r"\b[A-Z]\w+", " ".join(rows[2:11]))
    assert sorted(named) == sorted(aggregate.name for aggregate in AGGREGATES)


def test_the_program_shown_prints_what_is_shown() -> None:
    (program,) = blocks(PAGE, "python")
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert program.splitlines()[-1] == f"# {said.strip()}"
