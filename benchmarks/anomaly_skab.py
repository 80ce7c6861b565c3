"""The anomaly detector on SKAB's valve experiments by the public board's protocol, with what gaming it would score."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics import anomaly_train
from analytics.anomaly_data import KIND
from analytics.anomaly_detect import course
from analytics.anomaly_events import alarms
from analytics.models import Model, ModelRecord, ModelState, Trained
from benchmarks.processes import Result
from benchmarks.public_data import absent, folder, series, table

TRAINING_ROWS: Final = 400
SIGNALS: Final = ("Accelerometer1RMS", "Accelerometer2RMS", "Current", "Pressure", "Volume Flow RateRMS")
"""What the pump does. Left out: Voltage (the mains), Temperature and Thermocouple (how warm it has become), which say
how it is run and drift within every experiment."""
RIGHT: Final = "Volume Flow RateRMS"
"""In all 20 experiments a valve before (valve1) or behind (valve2) the pump is closed: what changes is the flow."""
DEVELOPMENT: Final = frozenset(f"valve1/{number}.csv" for number in range(1, 16, 2))
"""The files that settings were chosen on; the others were scored once these were fixed."""
LEAST_F1, MOST_FAR = 0.86, 10.0
Bits = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """The test rows of one file. label, alarm: bool[n]. top: index of the signal with the largest share, int[n].
    seconds: float64[n]."""

    name: str
    label: Bits
    alarm: Bits
    top: npt.NDArray[np.intp]
    seconds: npt.NDArray[np.float64]

    @property
    def delay_s(self) -> float:
        """From the begin of the anomaly to the first alarm in it; NaN where there is none."""
        begin = int(np.argmax(self.label))
        hits = np.flatnonzero(self.alarm & self.label)
        return float(self.seconds[hits[0]] - self.seconds[begin]) if len(hits) else float("nan")


def model_of(trained: Trained) -> Model:
    """A model as the server would keep it."""
    record = ModelRecord(
        f"{KIND}-1", KIND, "", 1, ModelState.active, 0, 0, 0, trained.signals, trained.context_signals,
        trained.settings, trained.figures, "",
    )  # fmt: skip
    return Model(record, trained.arrays)


def judge(file: Path, name: str) -> Outcome:
    """Train on the first 400 rows, without their labels, and judge the others as they would have come."""
    ticks, columns = table(file, ";")
    signals = {signal: series(ticks, columns[signal]) for signal in SIGNALS}
    trained = anomaly_train.run(signals, (), int(ticks[0]), int(ticks[TRAINING_ROWS - 1]))
    model = model_of(trained)
    run = course(signals, model, int(ticks[0]), int(ticks[-1]))
    rows = np.searchsorted(run.ticks, ticks)[TRAINING_ROWS:]
    settings = trained.settings
    alarm = alarms(run.scores.score, int(settings["needed"] or 0), int(settings["of"] or 0))
    top = np.argmax(np.nan_to_num(run.scores.shares), axis=1)
    label = columns["anomaly"][TRAINING_ROWS:] > 0
    return Outcome(name, label, alarm[rows], top[rows], (ticks[TRAINING_ROWS:] - ticks[0]) / 1e7)


def figures(label: Bits, alarm: Bits) -> dict[str, float]:
    """F1, and false and missed alarms in percent, of pooled rows."""
    hit, false, missed = (label & alarm).sum(), (~label & alarm).sum(), (label & ~alarm).sum()
    return {
        "f1": round(float(2 * hit / (2 * hit + false + missed)), 3),
        "far": round(float(100 * false / (~label).sum()), 1),
        "mar": round(float(100 * missed / label.sum()), 1),
    }


def pooled(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """All test rows of some files together."""
    return figures(np.concatenate([one.label for one in outcomes]), np.concatenate([one.alarm for one in outcomes]))


async def run(files: int | None = None) -> AsyncIterator[Result]:
    """One line: all 20 files pooled; held_out_...: those no setting was chosen on. Controls: everything an alarm, and
    an alarm by the clock, at which the anomalies of the development files begin and end."""
    place = folder("skab")
    if place is None:
        yield {"skipped": absent("skab")}
        return
    paths = sorted((place / "data").glob("valve*/*.csv"))[:files]
    outcomes = [judge(path, f"{path.parent.name}/{path.name}") for path in paths]
    held_out = [one for one in outcomes if one.name not in DEVELOPMENT]
    label = np.concatenate([one.label for one in outcomes])
    true = np.concatenate([one.alarm & one.label for one in outcomes])
    top = np.concatenate([one.top for one in outcomes])
    result = pooled(outcomes)
    delays = np.array([one.delay_s for one in outcomes])
    yield {
        **result,
        "delay_s": round(float(np.nanmedian(delays)), 1),
        "worst_delay_s": round(float(np.nanmax(delays)), 1),
        "explained": round(float((top[true] == SIGNALS.index(RIGHT)).mean()), 3),
        "found": int((~np.isnan(delays)).sum()),
        "files": len(outcomes),
        **{f"held_out_{key}": value for key, value in pooled(held_out).items()},
        **{f"always_{key}": value for key, value in figures(label, np.ones_like(label)).items()},
        **{f"schedule_{key}": value for key, value in _schedule(outcomes).items()},
        "good": result["f1"] >= LEAST_F1 and result["far"] <= MOST_FAR,
    }


def _schedule(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """What an alarm by the clock gets, that never looks at a sensor: the benchmark's experiments run by a plan."""
    known = [one for one in outcomes if one.name in DEVELOPMENT]
    begins = np.median([one.seconds[one.label][0] for one in known])
    ends = np.median([one.seconds[one.label][-1] for one in known])
    alarm = [(one.seconds >= begins) & (one.seconds <= ends) for one in outcomes]
    return figures(np.concatenate([one.label for one in outcomes]), np.concatenate(alarm))
