"""`process` of types and twins in the text: taken apart once, filled in for any number of twins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from server.config.checking import Checker, position, walk
from server.config.errors import Place, Problems
from server.config.pieces import Names, Piece, mapping_piece
from server.config.process_spec import ProcessSpec, process_rules
from server.config.yaml_source import Map

PROCESS: Final[Checker[ProcessSpec]] = Checker(ProcessSpec, process_rules, salvage=True)
PROCESS_KEY: Final = "process"
_EXAMPLE: Final = "{state: State, running: [Running], ...}"


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
    return mapping_piece(raw, PROCESS_KEY, PROCESS, _EXAMPLE, names, problems)
