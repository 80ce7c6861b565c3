"""Models with the parameters that calibrations have found, instead of those of the plant file.

A calibration is a model in the Library, of kind `KIND`: its settings hold the parameters, by "<path of the twin in the
plant>:<name of the ModelUse>.<parameter>"; of its arrays `PARAMETERS` has the same keys as text, in the order of the
rows and columns of `COVARIANCE`, float64[n, n].
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from analytics.models import ModelRecord, ModelState
from analytics.simulation.wiring import ModelUse

KIND: Final = "Calibration"
PARAMETERS: Final = "parameters"
COVARIANCE: Final = "covariance"


def key_of(use: ModelUse, parameter: str) -> str:
    """What a parameter is called in a record."""
    return f"{use.twin}:{use.name}.{parameter}"


def calibrated(uses: Sequence[ModelUse], records: Iterable[ModelRecord]) -> tuple[ModelUse, ...]:
    """The models with the parameters of the calibrations that are Active, whichever twin they belong to, over those
    they have; later ones over earlier ones. Each names the calibrations that it rests on."""
    found: dict[str, tuple[float, ModelRecord]] = {}
    active = [one for one in records if one.kind == KIND and one.state is ModelState.active]
    for record in sorted(active, key=lambda one: one.created_ticks):
        for key, value in record.settings.items():
            if isinstance(value, float | int):
                found[key] = float(value), record
    if not found:
        return tuple(uses)
    by_model: defaultdict[str, dict[str, tuple[float, ModelRecord]]] = defaultdict(dict)
    for key, one in found.items():
        model, _, parameter = key.rpartition(".")
        by_model[model][parameter] = one
    return tuple(_with(use, by_model.get(f"{use.twin}:{use.name}", {})) for use in uses)


def _told(record: ModelRecord) -> str:
    doubt = " from before a maintenance" if record.invalid_since_ticks else ""
    return f"{record.twin}/{record.id}{doubt}"


def _with(use: ModelUse, found: dict[str, tuple[float, ModelRecord]]) -> ModelUse:
    if not found:
        return use
    values = {name: value for name, (value, _) in found.items()}
    rests_on = tuple(dict.fromkeys(_told(record) for _, record in found.values()))
    return replace(use, parameters={**use.parameters, **values}, calibrations=rests_on)
