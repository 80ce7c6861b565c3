"""Models with the parameters that calibrations have found, instead of those of the plant file.

A calibration is a model in the Library, of kind `KIND`: its settings hold the parameters, by "<path of the twin in the
plant>:<name of the ModelUse>.<parameter>"; of its arrays `PARAMETERS` has the same keys as text, in the order of the
rows and columns of `COVARIANCE`, float64[n, n].
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from analytics.arguments import Context
from analytics.models import ModelRecord, ModelState
from analytics.simulation.wiring import ModelUse

KIND: Final = "Calibration"
PARAMETERS: Final = "parameters"
COVARIANCE: Final = "covariance"
AFTER: Final = "MisfitAfter"
PERSISTENCE: Final = "MisfitPersistence"
AT_BOUND: Final = "ParametersAtBound"
"""Figures of a calibration: its misfit on what was held out, that of the guess that nothing changes, and how many of
its parameters came to a bound."""


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


def calibrations(context: Context) -> tuple[str, tuple[str, ...]]:
    """Ids of the Active calibrations: of the twin itself the latest, and all others of it and of those below."""
    own = [one.id for one in context.models if one.kind == KIND and one.state is ModelState.active]
    below = [
        f"{path}/{one.id}"
        for path, models in context.below.items()
        for one in models
        if one.kind == KIND and one.state is ModelState.active
    ]
    return (own[-1] if own else ""), (*own[:-1], *below)


def unfit(record: ModelRecord) -> str:
    """Why a calibration must never be in use, "" where it may be, as one that is merely no better than before."""
    if record.kind != KIND:
        return ""
    at_bound, after, idle = (record.figures.get(name, math.nan) for name in (AT_BOUND, AFTER, PERSISTENCE))
    whys = []
    if after >= idle:
        whys.append(
            f"on what was held out it is no better than the guess that nothing changes (misfit {after:.3g}, and "
            f"{idle:.3g} by the guess)"
        )
    if at_bound > 0.0:
        whys.append(
            f"{at_bound:.0f} of its parameters came to a bound, so that their values are those of the bounds, not "
            "of the plant"
        )
    return "; ".join(whys)


def _told(record: ModelRecord) -> str:
    doubt = " from before a maintenance" if record.invalid_since_ticks else ""
    return f"{record.twin}/{record.id}{doubt}"


def _with(use: ModelUse, found: dict[str, tuple[float, ModelRecord]]) -> ModelUse:
    if not found:
        return use
    values = {name: value for name, (value, _) in found.items()}
    rests_on = tuple(dict.fromkeys(_told(record) for _, record in found.values()))
    return replace(use, parameters={**use.parameters, **values}, calibrations=rests_on)
