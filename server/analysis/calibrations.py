"""The parameters in use: those that active calibrations have found, over those of the plant file."""

from __future__ import annotations

from collections.abc import Sequence

from analytics.models import ModelRecord
from analytics.simulation.calibrated import KIND, calibrated
from analytics.simulation.wiring import ModelUse
from server.analysis.library import Library


class Calibrations:
    """Those of the whole plant; a model takes those that name it: of its twin, of one above, or of one below that."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._known: tuple[ModelRecord, ...] | None = None
        library.on_change(lambda _twin: self._forget())

    def applied(self, uses: Sequence[ModelUse]) -> Sequence[ModelUse]:
        """Models of the plant file with their parameters of now."""
        if self._known is None:
            self._known = tuple(self._library.in_use(KIND))
        return calibrated(uses, self._known) if uses and self._known else uses

    def _forget(self) -> None:
        self._known = None
