"""The anomaly detector on NAB's two series of industrial temperatures: windows found, delay, false alarms a month."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics import anomaly_train
from analytics.anomaly_detect import course, found
from analytics.errors import NotAvailable
from analytics.models import Model
from analytics.series import TICKS_PER_SECOND, Series
from benchmarks.anomaly_skab import model_of
from benchmarks.processes import Result
from benchmarks.public_data import absent, folder, series, table, ticks_of

FILES: Final = ("machine_temperature_system_failure", "ambient_temperature_system_failure")
PROBATION_ROWS: Final = 750
"""What NAB lets a detector learn from before it is judged: 15 %, at most of 5,000 rows."""
MONTH_S: Final = 30 * 86_400.0
Spans = list[tuple[int, int]]


@dataclass(eq=False, slots=True)
class Judgement:
    """What models said of the time after the probation: events, rows, and how many of these had a score."""

    events: Spans = field(default_factory=list)
    rows: int = 0
    scored: int = 0

    def add(self, signal: dict[str, Series], model: Model, begin: int, end: int) -> None:
        """The time from begin to end, by a model."""
        seen = course(signal, model, begin, end)
        self.events += [(int(seen.ticks[one.first]), int(seen.ticks[one.last])) for one in found(model, seen.scores)]
        self.rows += len(seen.ticks)
        self.scored += int(np.isfinite(seen.scores.score).sum())


async def run(files: Sequence[str] = FILES) -> AsyncIterator[Result]:
    """A line for each series and way: `fixed`, one model from the first 750 rows, as NAB has it; `rebaselined`, trained
    anew each week on the month before, less what was in alarm, as CheckDrift asks for. Both are causal, with the
    settings of the product. good: nearly every row had a score."""
    place = folder("nab")
    if place is None:
        yield {"skipped": absent("nab")}
        return
    windows = json.loads((place / "combined_windows.json").read_text("utf-8"))
    for name in files:
        spans = [(ticks_of(begin), ticks_of(end)) for begin, end in windows[f"realKnownCause/{name}.csv"]]
        ticks, columns = _read(place / f"{name}.csv")
        signal = {"Temperature": series(ticks, columns)}
        yield {"series": name, "mode": "fixed"} | _result(_fixed(signal, ticks), spans, ticks)
        yield {"series": name, "mode": "rebaselined"} | _result(_rebaselined(signal, ticks), spans, ticks)


def _read(file: Path) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    ticks, columns = table(file, ",")
    order = np.argsort(ticks, kind="stable")
    return ticks[order], columns["value"][order]


def _fixed(signal: dict[str, Series], ticks: npt.NDArray[np.int64]) -> Judgement:
    """The events after the probation, by one model."""
    model = model_of(anomaly_train.run(signal, (), int(ticks[0]), int(ticks[PROBATION_ROWS - 1])))
    judgement = Judgement()
    judgement.add(signal, model, int(ticks[PROBATION_ROWS]), int(ticks[-1]))
    return judgement


def _rebaselined(signal: dict[str, Series], ticks: npt.NDArray[np.int64]) -> Judgement:
    """The same by models that follow each other; a week without enough normal data keeps the last."""
    week, month = round(7 * 86_400 * TICKS_PER_SECOND), round(MONTH_S * TICKS_PER_SECOND)
    begin, judgement = int(ticks[PROBATION_ROWS]), Judgement()
    model = model_of(anomaly_train.run(signal, (), int(ticks[0]), begin - 1))
    while begin < ticks[-1]:
        end = min(begin + week - 1, int(ticks[-1]))
        judgement.add(signal, model, begin, end)
        begin = end + 1
        try:
            since = max(int(ticks[0]), begin - month)
            model = model_of(anomaly_train.run(signal, (), since, end, exclude=tuple(judgement.events)))
        except NotAvailable:
            continue
    return judgement


def _result(judgement: Judgement, spans: Spans, ticks: npt.NDArray[np.int64]) -> Result:
    """A window is found where an event begins in it or goes on into it. An event that touches none is a false alarm."""
    judged, events = [span for span in spans if span[1] > ticks[PROBATION_ROWS]], judgement.events
    hits = [[max(one[0], span[0]) for one in events if one[0] <= span[1] and one[1] >= span[0]] for span in judged]
    delays = [(min(hit) - span[0]) / TICKS_PER_SECOND for hit, span in zip(hits, judged, strict=True) if hit]
    false = [one for one in events if not any(one[0] <= end and one[1] >= begin for begin, end in judged)]
    normal_s = (ticks[-1] - ticks[PROBATION_ROWS] - sum(end - begin for begin, end in judged)) / TICKS_PER_SECOND
    alarm_s = sum(end - begin for begin, end in false) / TICKS_PER_SECOND
    return {
        "windows": len(judged),
        "found": len(delays),
        "delay_h": round(float(np.median(delays)) / 3600, 1) if delays else None,
        "false_alarms_per_month": round(len(false) / (normal_s / MONTH_S), 1),
        "false_alarm_share": round(alarm_s / normal_s, 3),
        "good": judgement.scored > 0.9 * judgement.rows > 0,
    }
