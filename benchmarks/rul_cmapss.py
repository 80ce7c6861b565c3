"""The remaining life of turbofan engines (C-MAPSS FD001) by the official labels, and how early held-out ones are warned
of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics import remaining_life_train
from analytics.models import Label, LabelKind, Model, ModelRecord, ModelState, Trained
from analytics.remaining_life import estimate
from analytics.remaining_life_interval import Calibration, outlook
from analytics.remaining_life_runs import TICKS_PER_HOUR, Run
from analytics.series import Series
from benchmarks.processes import Result
from benchmarks.public_data import absent, folder

SENSORS: Final = tuple(f"Sensor{number}" for number in range(1, 22))
ENGINES: Final = 100
"""Of FD001, for training and for test each."""
FOLDS: Final = 5
WARN_BELOW: Final = 30.0
"""Cycles left by the estimate, three times in a row, that make a warning: twice what is needed, fixed beforehand."""
IN_A_ROW: Final = 3
NEEDED_CYCLES: Final = 14
PREMATURE: Final = 2 * WARN_BELOW
MOST_RMSE, MOST_SCORE, LEAST_WARNED = 13.5, 260.0, 0.97
_START: Final = 134_000_000_000_000_000
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Engine:
    """A life, or a part of it. values: float64[cycles, 21]."""

    values: Floats

    @property
    def run(self) -> Run:
        cycles = len(self.values)
        return Run(np.arange(1.0, cycles + 1.0), self.values, float(cycles))


def engines(file: Path) -> list[Engine]:
    """Those of a file, in order."""
    table = np.loadtxt(file)
    return [Engine(table[table[:, 0] == unit, 5:26]) for unit in np.unique(table[:, 0])]


def train(lives: Sequence[Engine]) -> Model:
    """A model as the server would make it: all on one machine one after the other, an hour a cycle, each labelled as a
    failure at its end."""
    ticks, labels, begin = [], [], _START
    for one in lives:
        ticks.append(begin + ((np.arange(len(one.values)) + 0.5) * TICKS_PER_HOUR).astype(np.int64))
        begin += len(one.values) * TICKS_PER_HOUR
        labels.append(Label("", LabelKind.failure, begin, begin))
    times, values = np.concatenate(ticks), np.concatenate([one.values for one in lives])
    good = np.zeros(len(times), np.uint32)
    series = {name: Series(times, values[:, column], good) for column, name in enumerate(SENSORS)}
    return model_of(remaining_life_train.run(series, (), _START, begin, labels=tuple(labels)))


def model_of(trained: Trained) -> Model:
    """A model as the server would keep it."""
    record = ModelRecord(
        "RemainingLife-1", trained.kind, "", 1, ModelState.active, 0, 0, 0, trained.signals, trained.context_signals,
        trained.settings, trained.figures, "",
    )  # fmt: skip
    return Model(record, trained.arrays)


def said(model: Model, engine: Engine) -> Floats:
    """What the model says at each cycle, float64[cycles]."""
    columns = [SENSORS.index(name) for name in model.record.signals]
    run = engine.run
    return estimate(model, Run(run.used, run.values[:, columns], run.total))


def score(error: Floats) -> float:
    """That of the data's challenge: a late estimate costs more than an early one (Saxena et al. 2008)."""
    return float(np.where(error < 0, np.expm1(-error / 13.0), np.expm1(error / 10.0)).sum())


def warned_at(course: Floats) -> float:
    """Cycles that were left at the warning, NaN without one."""
    below = course < WARN_BELOW
    together = np.convolve(below, np.ones(IN_A_ROW), mode="valid") >= IN_A_ROW
    if not together.any():
        return float("nan")
    return float(len(course) - (int(np.argmax(together)) + IN_A_ROW))


def warnings(lives: Sequence[Engine]) -> Floats:
    """Cycles left at the warning of each engine, by a model of the engines of the other folds."""
    fold = np.random.default_rng(1).permutation(len(lives)) % FOLDS
    left = np.full(len(lives), np.nan)
    for number in range(FOLDS):
        model = train([one for one, mine in zip(lives, fold == number, strict=True) if not mine])
        for at in np.flatnonzero(fold == number).tolist():
            left[at] = warned_at(said(model, lives[at]))
    return left


async def run() -> AsyncIterator[Result]:
    """One line. constant_...: always the mean of what the model is taught, which sees nothing."""
    place = folder("cmapss")
    if place is None:
        yield {"skipped": absent("cmapss")}
        return
    lives, tests = engines(place / "train_FD001.txt"), engines(place / "test_FD001.txt")
    truth = np.loadtxt(place / "RUL_FD001.txt")
    model = train(lives)
    found = np.array([float(said(model, one)[-1]) for one in tests])
    known = Calibration.of(model.arrays)
    ends = [outlook(known, float(one), 0.9) for one in found]
    inside = [one.lower <= left <= one.upper for one, left in zip(ends, truth, strict=True)]
    error = found - truth
    knee = float(model.record.settings["knee"] or 0.0)
    left = np.concatenate([np.arange(len(one.values)) for one in lives])
    constant = float(np.minimum(left, knee).mean()) - truth
    rmse = float(np.sqrt(np.mean(error**2)))
    result: Result = {
        "rmse": round(rmse, 2),
        "score": round(score(error)),
        "constant_rmse": round(float(np.sqrt(np.mean(constant**2))), 1),
        "constant_score": round(score(constant)),
        "interval_90_holds": round(float(np.mean(inside)), 2),
        "interval_90_width": round(float(np.median([one.upper - one.lower for one in ends])), 1),
        "engines": len(tests),
    }
    good = rmse <= MOST_RMSE and score(error) <= MOST_SCORE and len(lives) == len(tests) == len(truth) == ENGINES
    early = warnings(lives)
    warned, premature = float((early >= NEEDED_CYCLES).mean()), int((early > PREMATURE).sum())
    result |= {
        "warned": round(warned, 3),
        "premature": premature,
        "least_cycles": round(float(np.nanmin(early))),
        "median_cycles": round(float(np.nanmedian(early))),
        "most_cycles": round(float(np.nanmax(early))),
    }
    good = good and warned >= LEAST_WARNED and premature == 0
    yield {**result, "good": good}
