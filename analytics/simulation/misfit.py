"""How far models are from what was measured, beside a guess that nothing changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from analytics.errors import NotAvailable
from analytics.series import TICKS_PER_SECOND, Series
from analytics.simulation.choosing import Wish, compose
from analytics.simulation.naming import shown
from analytics.simulation.segment_runs import replay, run_segments
from analytics.simulation.segments import Matrix, Segments, cut, with_present
from analytics.simulation.system import ModelError
from analytics.simulation.wiring import ModelUse

SEGMENT_S: Final = 3600.0
STEPS: Final = 60
"""Of a segment, where no step is given."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """Of one signal, in the unit of its tag. rmse and bias: of model - measured, where each segment begins from
    measurements. persistence: RMSE of the guess that the value stays as it was when the segment began. mean: of what
    was measured. count: of the values that were compared; 0: nothing is known, and all others are NaN."""

    rmse: float
    bias: float
    persistence: float
    mean: float
    count: int


def misfit_of(model: Matrix, measured: Matrix, known: Any) -> Misfit:
    """Of lines float64[s, n] where `known`, bool[s, n]; the first time of each segment, where a state is what was
    measured, does not count."""
    held = np.broadcast_to(measured[:, :1], measured.shape)
    use = known & np.isfinite(model) & np.isfinite(measured) & np.isfinite(held)
    use[:, 0] = False
    if not use.any():
        nan = float("nan")
        return Misfit(nan, nan, nan, nan, 0)
    wrong, moved = (model - measured)[use], (held - measured)[use]
    return Misfit(
        float(np.sqrt(np.mean(wrong**2))),
        float(wrong.mean()),
        float(np.sqrt(np.mean(moved**2))),
        float(measured[use].mean()),
        int(use.sum()),
    )


@dataclass(frozen=True, slots=True)
class Compared:
    """misfits: of each signal of the models of a twin that was measured, by its name on the twin. as_now: inputs
    without a past, by path, for which their present value was taken."""

    misfits: Mapping[str, Misfit]
    as_now: Sequence[str] = ()


def compared(
    uses: Sequence[ModelUse],
    twin: str,
    series: Mapping[str, Series],
    start_ticks: int,
    end_ticks: int,
    segment_s: float = SEGMENT_S,
    step_s: float = 0.0,
    present: Mapping[str, float] = MappingProxyType({}),
) -> Compared:
    """The models are put together as for a simulation, inputs are replayed, and each segment begins from what was
    measured.

    series: of the tags of the models, by their names on the twin. segment_s: of which the last one ends at the end;
    the whole interval where that is shorter. step_s: 0 for a sixtieth of a segment. present: values of tags, by path,
    for inputs that have none in the past. Raises NotAvailable.
    """
    paths = {shown(tag, twin): tag for use in uses for tag in use.tags}
    known = {paths[name]: one for name, one in series.items() if name in paths}
    segment = min(segment_s, (end_ticks - start_ticks) / TICKS_PER_SECOND)
    segments = cut(known, start_ticks, end_ticks, segment, step_s or segment / STEPS)
    system, _ = compose(uses, Wish(twin, "", (), {**present, **first_values(segments)}))
    segments, taken = with_present(segments, system.inputs, present)
    try:
        fed = replay(system, segments)
        told = run_segments(system, fed)
    except ModelError as error:
        raise NotAvailable(str(error)) from None
    found = {
        shown(name, twin): misfit_of(line, segments.lines[name], fed.known)
        for name, line in told.items()
        if name in segments.lines
    }
    return Compared(found, taken)


def first_values(segments: Segments) -> dict[str, float]:
    """The first measurement of each signal that has one."""
    found = {}
    for name, line in segments.lines.items():
        good = line[np.isfinite(line)]
        if len(good):
            found[name] = float(good[0])
    return found
