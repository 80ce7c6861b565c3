"""Milliseconds for the quick features of 100 sensors of 300 samples, against tsfresh's Minimal set in the same run."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import numpy as np

from analytics.edge_stream import overlapping
from analytics.features import EDGE, edge_features
from analytics.series import TICKS_PER_SECOND, Series
from analytics.windows import Cuts, cut, window_ends
from analytics.worker import ENVIRONMENT
from benchmarks.processes import Result

LEAST_RATIO: Final = 20.0
SHARED: Final = (
    "length", "mean", "standard_deviation", "variance", "minimum", "maximum", "median", "root_mean_square",
    "absolute_maximum",
)  # fmt: skip
"""All of Minimal but the sum, which Edge leaves to the mean."""
_ROUNDS: Final = 15
_EDGE_OF_A_ROUND: Final = 5
_WINDOWS: Final = 600


async def run(sensors: int = 100, samples: int = 300) -> AsyncIterator[Result]:
    """Both in one process that is like a worker's, by turns; the quickest of several rounds counts for each. Checked:
    what both have is equal."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.features", str(sensors), str(samples)]
    environment = {**os.environ, **ENVIRONMENT}
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=environment)
    said, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"the measuring process ended with {process.returncode}")
    yield json.loads(said)


def _measure(sensors: int, samples: int) -> Result:
    from analytics import tsfresh_features  # leaves a thread behind

    cuts, series = _data(sensors, samples)
    minimal: list[float] = []
    edge: list[float] = []
    for _ in range(_ROUNDS):
        names, theirs = _timed(lambda: tsfresh_features.standard(cuts, "Minimal"), minimal)
        for _ in range(_EDGE_OF_A_ROUND):
            ours = _timed(lambda: np.concatenate([edge_features(one) for one in cuts.matrices()]), edge)
    equal = all(
        np.allclose(ours[:, list(EDGE).index(name)], theirs[:, names.index(name)], rtol=1e-9) for name in SHARED
    )
    anew, once, same = _overlapping(series, samples)
    ratio = min(minimal) / min(edge)
    return {
        "sensors": sensors,
        "samples": samples,
        "edge_features": len(EDGE),
        "minimal_features": len(names),
        "edge_ms": round(min(edge), 2),
        "minimal_ms": round(min(minimal), 1),
        "ratio": round(ratio, 1),
        "overlap_ms": round(once, 2),
        "overlap_anew_ms": round(anew, 2),
        "agree": equal and same,
        "good": equal and same and ratio >= LEAST_RATIO,
    }


def _overlapping(series: list[Series], samples: int) -> tuple[float, float, bool]:
    """Milliseconds for 600 windows that move on by a sample each, worked out anew and by what they share."""
    end = int(series[0].ticks[-1])
    window_s = float(samples)
    ends = window_ends(end - (samples + _WINDOWS) * TICKS_PER_SECOND, end, window_s, 1.0)[1:]
    start = int(ends[0]) - samples * TICKS_PER_SECOND
    anew: list[float] = []
    once: list[float] = []
    for _ in range(2):
        cuts = cut(series, ends, samples * TICKS_PER_SECOND)
        table = _timed(lambda: np.concatenate([edge_features(one) for one in cuts.matrices()]), anew)  # noqa: B023
        shared = _timed(lambda: overlapping(series, start, ends, window_s, 1.0, tuple(EDGE), _untold), once)
    wanted = table.reshape(len(series), len(ends), len(EDGE)).transpose(1, 0, 2)
    return min(anew), min(once), np.allclose(shared, wanted, rtol=1e-6, atol=1e-6, equal_nan=True)


def _untold(_fraction: float) -> None:
    """Nobody waits."""


def _data(sensors: int, samples: int) -> tuple[Cuts, list[Series]]:
    """The last so many samples of each sensor, one a second, and a longer course of the same."""
    random = np.random.default_rng(1)
    ticks = np.arange(1, samples + _WINDOWS + 10, dtype=np.int64) * TICKS_PER_SECOND
    status = np.zeros(len(ticks), np.uint32)
    series = [Series(ticks, 20.0 + random.normal(size=len(ticks)).cumsum() / 10, status) for _ in range(sensors)]
    return cut(series, ticks[-1:], samples * TICKS_PER_SECOND), series


def _timed(work: Callable[[], Any], took: list[float]) -> Any:
    began = time.perf_counter()
    result = work()
    took.append((time.perf_counter() - began) * 1000)
    return result


if __name__ == "__main__":
    print(json.dumps(_measure(int(sys.argv[1]), int(sys.argv[2]))))
