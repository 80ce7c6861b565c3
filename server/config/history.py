"""Section `history`: where values are kept, for how long, and of which tags."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class HistorySettings:
    """What the section says, worked out.

    path: the file of the embedded store; None: one in the user's data folder, named after the plant. postgres: a
    connection string instead of it, "" for the embedded store. age_s: values older than that are forgotten, 0: never.
    size_bytes: how much the store may take, 0: no bound. paths: of the tags whose values are kept.
    """

    path: Path | None
    postgres: str
    age_s: float
    size_bytes: int
    paths: frozenset[str]
