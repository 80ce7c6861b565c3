"""Milliseconds to score one second of data of many machines, each with an anomaly model of its own."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from analytics import anomaly_train
from analytics.anomaly import from_arrays, score
from analytics.anomaly_live import Now, Scorer
from analytics.models import Model
from analytics.rolling import rolling
from analytics.series import TICKS_PER_SECOND
from benchmarks.anomaly_skab import model_of
from benchmarks.processes import Result
from benchmarks.public_data import series

_KINDS = 3
_TRAINING_S = 1_800
MOST_MS = 50.0
Matrix = npt.NDArray[np.float64]


async def run(machines: int = 500, sensors: int = 100, seconds: int = 60) -> AsyncIterator[Result]:
    """All signals Good and every tenth machine faulty at the end; then one dead sensor on every machine. Checked:
    scores equal those of the code for whole intervals, the faulty machines and no others are in alarm, and the faulty
    sensor is named."""
    kinds = [_trained(sensors, seed) for seed in range(_KINDS)]
    models = {f"Machine{number}": _own(kinds[number % _KINDS]) for number in range(machines)}
    data = np.stack([_course(sensors, seconds + 20, at % _KINDS, 1_000 + at) for at in range(machines)], axis=1)
    faulty = np.arange(0, machines, 10)
    data[-15:, faulty, 3] += 15.0
    took, now = _timed(Scorer(models), data)
    wrong = max(abs(_again(models[f"Machine{at}"], data[:, at]) / now.score[at] - 1.0) for at in (0, 1, machines - 1))
    found = bool(now.alarm[faulty].all() and (now.top[faulty] == 3).all())
    others = float(np.delete(now.alarm, faulty).mean())
    data[:, :, 7] = np.nan
    dead, _ = _timed(Scorer(models), data)
    yield {
        "machines": machines,
        "sensors": sensors,
        "ms_per_s": round(float(np.median(took)), 2),
        "p99_ms": round(float(np.quantile(took, 0.99)), 2),
        "dead_sensor_ms_per_s": round(float(np.median(dead)), 2),
        "model_mb": round(sum(array.nbytes for array in models["Machine0"].arrays.values()) * machines / 1e6),
        "false_alarm_share": round(others, 4),
        "good": found and wrong < 1e-3 and others < 0.01 and float(np.median(took)) <= MOST_MS,
    }


def _timed(scorer: Scorer, data: Matrix) -> tuple[list[float], Now]:
    """Milliseconds of each push once windows are full, and what the last said."""
    took = []
    for second, row in enumerate(data.reshape(len(data), -1)):
        began = time.perf_counter()
        now = scorer.push(row, float(second))
        took.append((time.perf_counter() - began) * 1000)
    return took[20:], now


def _again(model: Model, data: Matrix) -> float:
    """The last score, by the code for intervals."""
    features = rolling(data, int(model.record.settings["width"] or 0))
    return float(score(from_arrays(model.arrays), features, features[:, :, :0]).score[-1])


def _trained(sensors: int, kind: int) -> Model:
    data = _course(sensors, _TRAINING_S, kind, kind)
    ticks = np.arange(1, _TRAINING_S + 1, dtype=np.int64) * TICKS_PER_SECOND
    columns = {f"S{number}": series(ticks, data[:, number]) for number in range(sensors)}
    return model_of(anomaly_train.run(columns, (), int(ticks[0]), int(ticks[-1])))


def _own(model: Model) -> Model:
    """The same with memory of its own, as models of different machines have."""
    return replace(model, arrays={name: array.copy() for name, array in model.arrays.items()})


def _course(sensors: int, seconds: int, kind: int, seed: int) -> Matrix:
    """float64[seconds, sensors]: a few slow causes that the sensors of a kind of machine share, and noise."""
    mixing = np.random.default_rng(kind).normal(size=(6, sensors))
    generator = np.random.default_rng(seed)
    causes = np.zeros((seconds, 6))
    causes[0] = generator.normal(size=6)
    for second in range(1, seconds):
        causes[second] = 0.9 * causes[second - 1] + 0.44 * generator.normal(size=6)
    return 100.0 + causes @ mixing + generator.normal(size=(seconds, sensors))
