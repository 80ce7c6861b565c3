"""Which analytics functions each twin has, from what it has to compute with."""

from __future__ import annotations

from typing import Final

from analytics.arguments import Context
from analytics.catalog import CATALOG
from analytics.function import Access, Function
from server.analysis.surroundings import survey
from server.config.diagnostics import SCENARIOS
from server.config.plant import Twin

Offer = tuple[Function, ...]
_OF_THE_PLANT: Final = frozenset(
    {"DetectAnomalies", "ExplainAnomaly", "CheckDrift", "PredictRemainingUsefulLife", "CheckDataQuality"}
)
"""Functions that rest on what a copy has not: a model which was trained on the twin itself, limits of alarms, devices
that are read."""


class Offers:
    """Answers from memory: it is asked for every twin again and again."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Twin, Offer]] = {}
        self._shared: dict[Offer, Offer] = {}

    def forget(self, path: str) -> None:
        """The twin with that path and all below it have gone."""
        self._known = {one: known for one, known in self._known.items() if not f"{one}/".startswith(f"{path}/")}

    def of(self, twin: Twin) -> Offer:
        """The functions of a twin, in the order of the catalog; the same tuple for twins that have the same."""
        known = self._known.get(twin.path)
        if known is not None and known[0] is twin:
            return known[1]
        around = survey(twin)
        context = Context(
            tuple(around.rows),
            0,
            around.about,
            twin.path,
            twin.scope,
            around.parts,
            stations=around.stations,
            machines=around.machines,
        )
        offer = tuple(function for function in CATALOG.values() if function.needs(context) and _fits(function, twin))
        offer = self._shared.setdefault(offer, offer)
        self._known[twin.path] = twin, offer
        return offer


def _fits(function: Function, twin: Twin) -> bool:
    """The copy of a twin in a scenario lives for hours: nothing is learned from it, and nothing kept about it."""
    if not twin.path.startswith(f"{SCENARIOS}/"):
        return True
    return function.plan is not None and function.access is not Access.engineer and function.name not in _OF_THE_PLANT
