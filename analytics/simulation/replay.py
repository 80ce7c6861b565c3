"""What feeds a run from outside: values held as they are, or the course of the past."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from analytics.series import TICKS_PER_SECOND, Series
from analytics.simulation.naming import shown


def replayed(
    series: Mapping[str, Series], start_ticks: int, times: npt.NDArray[np.float64]
) -> dict[str, npt.NDArray[np.float64]]:
    """Of each signal the last measurement at each time, float64[n]: what was before the first one is as the first. Left
    out: signals without any. times: seconds since start."""
    moments = start_ticks + np.round(times * TICKS_PER_SECOND).astype(np.int64)
    found = {}
    for name, one in series.items():
        good = np.isfinite(one.values)
        if good.any():
            ticks, values = one.ticks[good], one.values[good]
            found[name] = values[np.maximum(np.searchsorted(ticks, moments, "right") - 1, 0)]
    return found


def as_now(names: Iterable[str], present: Mapping[str, float], twin: str) -> str:
    """Says which inputs, by path, were taken as they are now, for they have no past; "" for none."""
    told = [f"{shown(name, twin)} is taken as it is now, {present[name]:.4g}" for name in names]
    return f"{', '.join(told[:8])}: there are no values of that time" if told else ""
