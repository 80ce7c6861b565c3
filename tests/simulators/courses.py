"""The course of a pump's signals as analytics sees it: what is normal for bearing, flow and motor follows the speed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analytics.series import TICKS_PER_SECOND, Series

NOW = 134_000_000_000_000_000
MEASURED = ("DriveEndBearing/Vibration", "DriveEndBearing/Temperature", "Flow", "Motor/Current")
SPEED = "Speed"
Columns = dict[str, npt.NDArray[np.float64]]


def pump(seconds: int, seed: int = 0, speeds: tuple[float, float] = (1200.0, 1500.0)) -> Columns:
    """One value a second: a speed that changes every few minutes between two bounds, and what follows from it."""
    generator = np.random.default_rng(seed)
    levels = generator.uniform(*speeds, size=seconds // 120 + 1)
    speed = np.convolve(np.repeat(levels, 120)[:seconds], np.ones(20) / 20, mode="same")
    speed[:10], speed[-10:] = speed[10], speed[-11]
    share = speed / 1500.0
    noise = generator.normal(size=(4, seconds))
    return {
        "DriveEndBearing/Vibration": 3.0 * share**2 + 0.15 * noise[0],
        "DriveEndBearing/Temperature": 40.0 + 15.0 * share + 0.3 * noise[1],
        "Flow": 80.0 * share + 0.8 * noise[2],
        "Motor/Current": 20.0 * share**3 + 0.2 * noise[3],
        SPEED: speed + 2.0 * generator.normal(size=seconds),
    }


def as_series(columns: Columns, end_ticks: int = NOW) -> dict[str, Series]:
    """Columns as readings, one a second up to end_ticks; NaN is Bad."""
    result = {}
    for name, values in columns.items():
        ticks = end_ticks - np.arange(len(values) - 1, -1, -1, dtype=np.int64) * TICKS_PER_SECOND
        result[name] = Series(ticks, values, np.where(np.isnan(values), 0x80310000, 0).astype(np.uint32))
    return result
