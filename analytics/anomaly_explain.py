"""ExplainAnomaly: which sensors made an event, what was expected of them, who moved first, what it resembles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analytics.anomaly import expected, from_arrays, residuals
from analytics.anomaly_data import frame, lead_ticks, sampling_of, usable_model
from analytics.anomaly_detect import Course, course, event_shares, why_not
from analytics.anomaly_events import EventName, event_name
from analytics.anomaly_words import MEAN, Finding, sentence
from analytics.arguments import Context, Job
from analytics.errors import BAD_OUT_OF_RANGE, BAD_TYPE_MISMATCH, ArgumentError, NotAvailable
from analytics.function import ONE_DIMENSION, Argument, ArgumentType, Function
from analytics.models import Label, Model, ModelRecord
from analytics.series import Series

_EVENT, _N = range(2)
_ALL: Final = 5
"""Signals that are told where N is 0."""
_LOOK_WINDOWS: Final = 8.0
"""How far before an event it is looked for who moved first."""
_LONGEST_WINDOWS: Final = 500.0
"""How much of a long event is looked at, from its begin on."""
_MOST_LABELLED: Final = 10
_LEAST_ALIKE: Final = 0.7
_PERSISTENT, _OF = 3, 5
"""A sensor has moved where it is out of its own range in so many of that many rows."""
_APART: Final = 15
"""Rows in its range after which a sensor has come back."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """An event that somebody has said something about."""

    name: EventName
    kind: str
    text: str


def plan(arguments: Sequence[object], context: Context) -> Job:
    """Raises ArgumentError, NotAvailable."""
    event_id = arguments[_EVENT]
    if not isinstance(event_id, str):
        raise ArgumentError(_EVENT, BAD_TYPE_MISMATCH, "EventId is text, as DetectAnomalies gives it")
    try:
        name = event_name(event_id)
    except ValueError as error:
        raise ArgumentError(_EVENT, BAD_OUT_OF_RANGE, str(error)) from None
    record = usable_model(name.model, context, _EVENT)
    if name.start_ticks > context.now_ticks:
        raise ArgumentError(_EVENT, BAD_OUT_OF_RANGE, f"{name} is in the future")
    labelled = _labelled(context.labels, name, record)
    start, end = _span(name, record)
    symbols = {one: about.symbol for one in (*record.signals, *record.context_signals)
               if (about := context.about.get(one))}  # fmt: skip
    return Job(
        "ExplainAnomaly",
        (*record.signals, *record.context_signals),
        start,
        end,
        {"event": name, "count": _count(arguments[_N]), "symbols": symbols, "labelled": labelled},
        model=record.id,
        others=tuple(_span(one.name, record) for one in labelled),
    )


def run(
    series: Mapping[str, Series],
    start_ticks: int,
    end_ticks: int,
    model: Model,
    event: EventName,
    count: int,
    symbols: Mapping[str, str],
    labelled: Sequence[Labelled] = (),
    others: Sequence[Mapping[str, Series]] = (),
) -> tuple[Any, ...]:
    """The results of ExplainAnomaly in their order. Raises NotAvailable where the event cannot be seen any more."""
    if not any(len(one) for one in series.values()):
        raise NotAvailable("the values of that time are not kept any more")
    seen = course(series, model, start_ticks + lead_ticks(model.record.settings), end_ticks)
    rows = _rows(seen, event)
    if rows is None:
        raise NotAvailable(why_not(model.record, seen))
    shares = event_shares(seen.scores, *rows)
    findings = _findings(series, model, seen, rows, shares, symbols)
    order = [int(at) for at in np.argsort(-shares)[: count or _ALL]]
    told = [findings[at] for at in order]
    alike = _alike(model, shares, labelled, others)
    return (
        sentence(
            findings, order, _state(series, model, seen, rows, symbols), [(one.kind, one.text) for one, _ in alike]
        ),
        [one.signal for one in told],
        np.array([one.share for one in told]),
        np.array([one.actual for one in told]),
        np.array([one.expected for one in told]),
        np.array([one.tolerance for one in told]),
        [one.feature for one in told],
        np.array([one.onset_ticks for one in told], np.int64),
        [str(one.name) for one, _ in alike],
        [one.kind for one, _ in alike],
        np.array([likeness for _, likeness in alike]),
        True,
        "",
    )


def _count(argument: object) -> int:
    if argument is None:
        return 0
    if isinstance(argument, bool) or not isinstance(argument, int):
        raise ArgumentError(_N, BAD_TYPE_MISMATCH, "N is a whole number")
    if not 0 <= argument <= 1000:
        raise ArgumentError(_N, BAD_OUT_OF_RANGE, f"N is {argument}; right is 0 (for {_ALL}) to 1000")
    return argument


def _span(name: EventName, record: ModelRecord) -> tuple[int, int]:
    """What has to be read for an event."""
    start = name.start_ticks - lead_ticks(record.settings, 1.0 + _LOOK_WINDOWS)
    return start, min(name.end_ticks, name.start_ticks + lead_ticks(record.settings, _LONGEST_WINDOWS))


def _labelled(labels: Sequence[Label], name: EventName, record: ModelRecord) -> tuple[Labelled, ...]:
    """The last labelled events of the same model, other than this one."""
    found: dict[EventName, Labelled] = {}
    for label in labels:
        if not label.event_id:
            continue
        try:
            other = event_name(label.event_id)
        except ValueError:
            continue  # it was about an event of another kind
        if other != name and other.model == record.id:
            found[other] = Labelled(other, str(label.kind), label.text)
    return tuple(found.values())[-_MOST_LABELLED:]


def _rows(seen: Course, event: EventName) -> tuple[int, int] | None:
    """First and last row of an event; None where nothing is known of it. An EventId is exact to the millisecond."""
    near = 10_000
    inside = (seen.ticks >= event.start_ticks - near) & (seen.ticks <= event.end_ticks + near)
    known = np.flatnonzero(inside & ~np.isnan(seen.scores.score))
    return (int(known[0]), int(known[-1])) if len(known) else None


def _findings(
    series: Mapping[str, Series],
    model: Model,
    seen: Course,
    rows: tuple[int, int],
    shares: npt.NDArray[np.float64],
    symbols: Mapping[str, str],
) -> list[Finding]:
    """What is to be said of each signal, in the model's order: at the peak of the event, by the feature that is
    furthest off; by the mean, which says most to people, where it is nearly as far off."""
    record, detector, sampling = model.record, from_arrays(model.arrays), sampling_of(model)
    peak = rows[0] + int(np.nanargmax(seen.scores.score[rows[0] : rows[1] + 1]))
    data = frame(series, record.signals, record.context_signals, int(seen.ticks[peak]), int(seen.ticks[peak]), sampling)
    actual, normal = data.features[0], expected(detector, data.context)[0]
    off = np.nan_to_num(np.abs(residuals(detector, data.features, data.context)[0].reshape(4, -1)))
    which = np.where(off[MEAN] >= 0.7 * off.max(axis=0), MEAN, off.argmax(axis=0))
    onset = _onsets(seen, rows)
    tolerance = 2.0 * detector.scale.reshape(4, -1)
    return [
        Finding(
            name,
            float(shares[at]),
            int(which[at]),
            float(actual[which[at], at]),
            float(normal[which[at], at]),
            float(tolerance[which[at], at]),
            int(onset[at]),
            symbols.get(name, ""),
        )
        for at, name in enumerate(record.signals)
    ]


def _onsets(seen: Course, rows: tuple[int, int]) -> npt.NDArray[np.int64]:
    """int64[p] ticks since when each signal by itself was out of its range, 0 where it never was."""
    moved = np.nan_to_num(seen.scores.own[: rows[1] + 1]) > 1.0
    ahead = np.zeros_like(moved, np.intp)
    for step in range(_OF):
        ahead[: len(moved) - step] += moved[step:]
    lasting = moved & (ahead >= _PERSISTENT)
    at = [_onset(np.flatnonzero(lasting[:, signal]), rows[0]) for signal in range(moved.shape[1])]
    return np.array([0 if row is None else seen.ticks[row] for row in at], np.int64)


def _onset(lasting: npt.NDArray[np.intp], begin: int) -> int | None:
    """Of the rows in which a signal was out of its range for a while: the first of those that lead into the event
    that begins there, or else the first within it."""
    before, within = lasting[lasting <= begin], lasting[lasting > begin]
    if len(before) and begin - before[-1] <= _APART:
        breaks = np.flatnonzero(np.diff(before) > _APART)
        return int(before[breaks[-1] + 1] if len(breaks) else before[0])
    return int(within[0]) if len(within) else None


def _state(
    series: Mapping[str, Series], model: Model, seen: Course, rows: tuple[int, int], symbols: Mapping[str, str]
) -> list[tuple[str, float, str]]:
    """The operating state at the peak: context signal, its mean, symbol of its unit."""
    record, sampling = model.record, sampling_of(model)
    if not record.context_signals:
        return []
    peak = int(seen.ticks[rows[0] + int(np.nanargmax(seen.scores.score[rows[0] : rows[1] + 1]))])
    data = frame(series, record.signals, record.context_signals, peak, peak, sampling)
    means = data.context[0, MEAN]
    return [(name, float(means[at]), symbols.get(name, "")) for at, name in enumerate(record.context_signals)]


def _alike(
    model: Model,
    shares: npt.NDArray[np.float64],
    labelled: Sequence[Labelled],
    others: Sequence[Mapping[str, Series]],
) -> list[tuple[Labelled, float]]:
    """Labelled events that the same sensors made, most alike first, with the cosine between their shares."""
    found: list[tuple[Labelled, float]] = []
    for one, series in zip(labelled, others, strict=False):
        if not any(len(course) for course in series.values()):
            continue
        seen = course(series, model, one.name.start_ticks, _span(one.name, model.record)[1])
        rows = _rows(seen, one.name)
        if rows is None:
            continue
        theirs = event_shares(seen.scores, *rows)
        likeness = float(shares @ theirs / (np.linalg.norm(shares) * np.linalg.norm(theirs)))
        if likeness >= _LEAST_ALIKE:
            found.append((one, likeness))
    return sorted(found, key=lambda pair: -pair[1])


_DOUBLES: Final = (ArgumentType.Double, ONE_DIMENSION)
_TEXTS: Final = (ArgumentType.String, ONE_DIMENSION)
EXPLAIN_ANOMALY: Final = Function(
    "ExplainAnomaly",
    "Which sensors made an event, what was expected of them, who moved first, and which labelled events were alike",
    (
        Argument("EventId", ArgumentType.String, description="One of DetectAnomalies"),
        Argument("N", ArgumentType.Int32, description="How many signals are told; 0: the first 5"),
    ),
    (
        Argument("Explanation", ArgumentType.String, description="What is wrong, for an operator"),
        Argument("Signals", *_TEXTS, "The signals that made the event, largest share first"),
        Argument("Shares", *_DOUBLES, "Of each in the event; 1 is all of it"),
        Argument("Actual", *_DOUBLES, "What each was over the window at the peak, in its own unit"),
        Argument("Expected", *_DOUBLES, "What it normally is in this operating state"),
        Argument("Tolerance", *_DOUBLES, "Two standard deviations of what is normal"),
        Argument("Features", *_TEXTS, "What Actual and Expected are of: mean, standard_deviation, maximum or minimum"),
        Argument(
            "Onsets",
            ArgumentType.DateTime,
            ONE_DIMENSION,
            "Since when each was out of its own range; null: never, only its relation to the others was unusual",
        ),
        Argument("SimilarEventIds", *_TEXTS, "Labelled events made by the same sensors, most alike first"),
        Argument("SimilarLabels", *_TEXTS, "What they were labelled"),
        Argument("Similarities", *_DOUBLES, "Of each: 1 made by the same sensors in the same proportion"),
    ),
    plan,
)
