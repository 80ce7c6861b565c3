"""The table of faults that a run fills."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.faults.table import PAGE, FaultTable


@pytest.fixture(scope="session")
def fault_table() -> Iterator[FaultTable]:
    """Filled by tests; in the end held against docs/faults.md, or written there with UATWIN_WRITE_FAULTS=1."""
    table = FaultTable()
    yield table
    if os.environ.get("UATWIN_WRITE_FAULTS"):
        table.write()
    else:
        wrong = table.differences()
        assert not wrong, f"{PAGE.name} is no longer true (UATWIN_WRITE_FAULTS=1 writes it anew): " + "; ".join(wrong)
