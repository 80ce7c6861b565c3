"""DetectAnomalies: the events that an anomaly model finds in an interval, and the course of its score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analytics.anomaly import Scores, from_arrays, score
from analytics.anomaly_data import frames, lead_ticks, sampling_of, usable_model
from analytics.anomaly_events import Event, EventName, events
from analytics.arguments import Context, Job, ticks_of
from analytics.errors import BAD_OUT_OF_RANGE, ArgumentError, NotAvailable
from analytics.function import ONE_DIMENSION, Argument, ArgumentType, Function
from analytics.models import Model, ModelRecord
from analytics.series import TICKS_PER_SECOND, Series

_START, _END, _MODEL = range(3)
_MOST_POINTS: Final = 2_000
_TOP: Final = 3
_LONG_S: Final = 6 * 3600.0
"""From there on a call becomes a job at once."""
_MOST_UNTOLD: Final = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """The scores of n rows at ticks (int64[n]); present: share of the values they rest on that were there and Good."""

    ticks: npt.NDArray[np.int64]
    scores: Scores
    present: float


def course(series: Mapping[str, Series], model: Model, start_ticks: int, end_ticks: int) -> Course:
    """The scores of a model from start to end; series reach back before start by a window."""
    detector, record = from_arrays(model.arrays), model.record
    parts: list[tuple[npt.NDArray[np.int64], Scores, float]] = []
    for data in frames(series, record.signals, record.context_signals, start_ticks, end_ticks, sampling_of(model)):
        parts.append((data.ticks, score(detector, data.features, data.context), data.present))
    if not parts:
        raise NotAvailable("the interval is shorter than a step of the model")
    return Course(
        np.concatenate([ticks for ticks, _, _ in parts]),
        _joined([scores for _, scores, _ in parts]),
        float(np.average([share for _, _, share in parts], weights=[len(ticks) for ticks, _, _ in parts])),
    )


def found(model: Model, scores: Scores) -> list[Event]:
    """The events in scores, by the settings of the model; alarms less than a window apart are one event."""
    settings = model.record.settings
    return events(
        scores.score, int(settings["needed"] or 1), int(settings["of"] or 1), join=int(settings["width"] or 1)
    )


def plan(arguments: Sequence[object], context: Context) -> Job:
    """Raises ArgumentError, NotAvailable."""
    record = usable_model(arguments[_MODEL], context, _MODEL)
    start = ticks_of(arguments[_START], _START)
    end = ticks_of(arguments[_END], _END) or context.now_ticks
    if start is not None and start >= end:
        raise ArgumentError(_END, BAD_OUT_OF_RANGE, "End is not later than Start")
    lead = lead_ticks(record.settings)
    return Job(
        "DetectAnomalies",
        (*record.signals, *record.context_signals),
        None if start is None else start - lead,
        end,
        {"lead_ticks": 0 if start is None else lead},
        model=record.id,
        long=start is None or (end - start) / TICKS_PER_SECOND > _LONG_S,
    )


def run(
    series: Mapping[str, Series], start_ticks: int | None, end_ticks: int, model: Model, lead_ticks: int
) -> tuple[Any, ...]:
    """The results of DetectAnomalies in their order. start_ticks None: from the first reading; else it is lead_ticks
    before the first row to be judged. Raises NotAvailable."""
    first = min((int(one.ticks[0]) for one in series.values() if len(one)), default=None)
    if first is None:
        raise NotAvailable("none of the model's signals has a value in that time")
    begin = first if start_ticks is None else start_ticks + lead_ticks
    run = course(series, model, begin, end_ticks)
    if np.isnan(run.scores.score).all():
        raise NotAvailable(why_not(model.record, run))
    rows = found(model, run.scores)
    tops = [top_signals(run.scores, event, model.record.signals) for event in rows]
    times, line = thinned(run.ticks, run.scores.score)
    peaks = np.array([run.scores.score[event.peak] for event in rows], np.float64)
    return (
        [str(EventName(model.record.id, int(run.ticks[one.first]), int(run.ticks[one.last]))) for one in rows],
        run.ticks[[event.first for event in rows]] if rows else np.empty(0, np.int64),
        run.ticks[[event.last for event in rows]] if rows else np.empty(0, np.int64),
        peaks,
        tops,
        times,
        line,
        True,
        untold(run),
    )


def event_shares(scores: Scores, first: int, last: int) -> npt.NDArray[np.float64]:
    """float64[p]: each signal's part of an event, over the rows above the limit; they add up to 1."""
    rows = slice(first, last + 1)
    above = scores.score[rows] > 1.0
    if not above.any():
        above = ~np.isnan(scores.score[rows])
    shares: npt.NDArray[np.float64] = scores.shares[rows][above].mean(axis=0)
    return shares


def top_signals(scores: Scores, event: Event, signals: Sequence[str]) -> str:
    """The signals that made an event, with their shares: "Flow 62 %, Pressure 20 %"."""
    shares = event_shares(scores, event.first, event.last)
    order = np.argsort(-shares)[:_TOP]
    return ", ".join(f"{signals[at]} {100 * shares[at]:.0f} %" for at in order if at == order[0] or shares[at] >= 0.05)


def thinned(
    ticks: npt.NDArray[np.int64], score: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """At most 2,000 points of a line: the highest of each stretch, with the time it ends at."""
    each = -(-len(score) // _MOST_POINTS)
    if each <= 1:
        return ticks, score
    firsts = np.arange(0, len(score), each)
    highest = np.fmax.reduceat(score, firsts)
    return ticks[np.minimum(firsts + each, len(score)) - 1], highest


def why_not(record: ModelRecord, run: Course) -> str:
    """Why there is no score at all."""
    if run.scores.unknown_state.mean() > 0.5:
        return (
            f"the machine ran as it never did when {record.id} was trained ({', '.join(record.context_signals)}): "
            "train a model that knows this operating state"
        )
    return f"too many of the model's signals are missing or Bad: {100 * run.present:.0f} % of the values are Good"


def untold(run: Course) -> str:
    """What must be kept in mind with the result; "" where nothing."""
    nothing = float(np.isnan(run.scores.score).mean())
    if nothing <= _MOST_UNTOLD:
        return ""
    states = float(run.scores.unknown_state.mean())
    why = f"{100 * states:.0f} % in operating states that training did not see" if states else "values are missing"
    return f"{100 * nothing:.0f} % of the time could not be judged: {why}"


def _joined(parts: Sequence[Scores]) -> Scores:
    return Scores(
        np.concatenate([one.score for one in parts]),
        np.concatenate([one.shares for one in parts]),
        np.concatenate([one.own for one in parts]),
        np.concatenate([one.unknown_state for one in parts]),
    )


_TIMES: Final = (ArgumentType.DateTime, ONE_DIMENSION)
DETECT_ANOMALIES: Final = Function(
    "DetectAnomalies",
    "When this twin was not as its anomaly model knows it from normal operation",
    (
        Argument("Start", ArgumentType.DateTime, description="Null: as far back as the memory reaches"),
        Argument("End", ArgumentType.DateTime, description="Null: now"),
        Argument("ModelId", ArgumentType.String, description="Of an Anomaly model; empty: the active one"),
    ),
    (
        Argument("EventIds", ArgumentType.String, ONE_DIMENSION, "For ExplainAnomaly and LabelEvent"),
        Argument("Starts", *_TIMES, "When the score of each event rose above 1"),
        Argument("Ends", *_TIMES, "When each was last in alarm"),
        Argument("Peaks", ArgumentType.Double, ONE_DIMENSION, "Highest score of each; 1 is the limit"),
        Argument("TopSignals", ArgumentType.String, ONE_DIMENSION, "The signals that made each, with their shares"),
        Argument("Times", *_TIMES, "Of the scores, at most 2000"),
        Argument("Scores", ArgumentType.Double, ONE_DIMENSION, "Distance from normal; 1 is the limit, NaN not known"),
    ),
    plan,
)
