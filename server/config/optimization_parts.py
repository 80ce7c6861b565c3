"""`optimization` of types and twins in the text: taken apart once, filled in for any number of twins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from server.config.checking import Checker, key_position, position, walk
from server.config.errors import Place, Problems
from server.config.optimization_spec import OptimizationSpec, optimization_rules
from server.config.pieces import Names, Piece, mapping_piece
from server.config.yaml_source import Map

OPTIMIZATION: Final[Checker[OptimizationSpec]] = Checker(OptimizationSpec, optimization_rules, salvage=True)
OPTIMIZATION_KEY: Final = "optimization"
_EXAMPLE: Final = "{mode: supervised, limits: {...}}"


@dataclass(frozen=True, slots=True)
class OptimizationDraft:
    """What one text says of a twin, before its commands are looked up."""

    raw: Map
    spec: OptimizationSpec

    def place(self, *loc: str | int) -> Place:
        """Where something stands, as near as can be told."""
        return position(self.raw, walk(self.raw, loc)[0])

    def key_place(self, *loc: str | int) -> Place:
        """The same of a key."""
        known = walk(self.raw, loc)[0]
        return key_position(self.raw, known) if known else self.raw.place


def optimization_part(raw: Map, names: Names, problems: Problems) -> Piece | None:
    """What stands under `optimization`; None where nothing does."""
    return mapping_piece(raw, OPTIMIZATION_KEY, OPTIMIZATION, _EXAMPLE, names, problems)
