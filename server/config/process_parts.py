"""`process` of types and twins in the text: taken apart once, filled in for any number of twins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from server.config.checking import Checker, describe, position, walk
from server.config.errors import Place, Problems
from server.config.pieces import Names, Piece
from server.config.process_spec import ProcessSpec, process_rules
from server.config.yaml_source import Map

PROCESS: Final[Checker[ProcessSpec]] = Checker(ProcessSpec, process_rules, salvage=True)
PROCESS_KEY: Final = "process"


@dataclass(frozen=True, slots=True)
class ProcessDraft:
    """What one text says of a twin, before its tags are looked up."""

    raw: Map
    spec: ProcessSpec

    def place(self, *loc: str | int) -> Place:
        """Where something stands, as near as can be told."""
        return position(self.raw, walk(self.raw, loc)[0])


def process_part(raw: Map, names: Names, problems: Problems) -> Piece | None:
    """What stands under `process`; None where nothing does."""
    value = raw.get(PROCESS_KEY)
    if value is None:
        return None
    if not isinstance(value, Map):
        message = f"process is {describe(value)}; it must be a mapping like {{state: State, running: [Running], ...}}"
        problems.add(raw.value_at[PROCESS_KEY], message)
        return None
    piece = Piece(value, value.place, names, problems)
    piece.define(PROCESS)
    return piece
