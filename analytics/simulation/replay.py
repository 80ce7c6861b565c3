"""What feeds a run from outside: values held as they are, or the course of the past."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from analytics.series import TICKS_PER_SECOND, Series


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
