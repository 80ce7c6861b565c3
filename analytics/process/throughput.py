"""GetThroughput: how much came out of a process in each interval, on average and at best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analytics.arguments import Context, Job, number_of
from analytics.errors import BAD_OUT_OF_RANGE, ArgumentError, NotAvailable
from analytics.function import Argument, ArgumentType, Function
from analytics.process.asking import Asked, job, span_of
from analytics.process.oee import SPAN, column
from analytics.process.stations import Station, shown
from analytics.process.timeline import Span
from analytics.process.units import PIECES, ratio
from analytics.series import TICKS_PER_SECOND, Series

_INTERVAL: Final = 2
_HOUR_S: Final = 3600.0
_KNOWN: Final = 0.9
"""Share of an interval that must be known before it counts as the best demonstrated."""
_MOST: Final = 100_000
Column = npt.NDArray[np.float64]


def plan(arguments: Sequence[object], context: Context) -> Job:
    """Raises ArgumentError."""
    start, end = span_of(arguments, context)
    interval_s = number_of(arguments[_INTERVAL], _INTERVAL, "Interval", 0, 366 * 86_400, 0.0) or _HOUR_S
    if start is not None:
        many = (end - start) / TICKS_PER_SECOND / interval_s
        if many < 1:
            raise ArgumentError(_INTERVAL, BAD_OUT_OF_RANGE, "Interval is longer than from Start to End")
        if many > _MOST:
            raise ArgumentError(
                _INTERVAL, BAD_OUT_OF_RANGE, f"that would be {many:.0f} intervals; at most {_MOST} are possible"
            )
    stations = [one for one in context.stations if one.counted]
    return job("GetThroughput", stations, (start, end), context, interval_s=interval_s)


def run(
    series: Mapping[str, Series], start_ticks: int | None, end_ticks: int, asked: Asked, interval_s: float
) -> tuple[Any, ...]:
    """The results of GetThroughput in their order. Raises NotAvailable."""
    edges = _edges(asked.span(series), interval_s, asked.start is None)
    made = [_made(asked, series, one, edges) for one in asked.stations]
    ends = last_ones(asked.stations)
    unit = asked.stations[ends[0]].unit
    left_out = [asked.stations[one] for one in ends if ratio(asked.stations[one].unit, unit) is None]
    ends = [one for one in ends if asked.stations[one] not in left_out]
    total, known = np.zeros(len(edges) - 1), np.full(len(edges) - 1, np.inf)
    for one in ends:
        total += made[one][0] * _pieces(asked.stations[one], unit)
        known = np.minimum(known, made[one][1])
    if not known.any():
        raise NotAvailable("nothing was counted in that time; see the quality of the counters")
    rates = [_rates(*figures, interval_s) for figures in made]
    mean, best = _rates(total, known, interval_s)
    said = [f"{shown(one.path)} counts in another unit and is left out of the sum" for one in left_out]
    if (share := float(known.sum()) / (len(known) * interval_s)) < _KNOWN:
        said.append(f"only {100 * share:.0f} % of the time is known; what was made in the rest is in, not when")
    return (
        edges[1:],
        total,
        100.0 * known / interval_s,
        mean,
        best,
        [shown(asked.stations[one].path) for one in ends],
        unit,
        [shown(one.path) for one in asked.stations],
        [one for one, _ in rates],
        [one for _, one in rates],
        bool(np.isfinite(mean)),
        "; ".join(said),
    )


def last_ones(stations: Sequence[Station]) -> list[int]:
    """Numbers of the stations from which things leave: the twin asked itself where it counts, else those that feed no
    other one that counts."""
    own = [number for number, one in enumerate(stations) if not one.path]
    paths = {one.path for one in stations}
    ends = [number for number, one in enumerate(stations) if paths.isdisjoint(one.feeds)]
    return own or ends or list(range(len(stations)))


def _edges(span: Span, interval_s: float, from_the_end: bool) -> npt.NDArray[np.int64]:
    """Of the complete intervals. from_the_end: no begin was asked for, hence the last interval is to be whole."""
    step = round(interval_s * TICKS_PER_SECOND)
    count = min((span[1] - span[0]) // step, _MOST)
    if count < 1:
        raise NotAvailable(f"there is no complete interval of {interval_s:g} s in that time; give a shorter one")
    first = span[1] - count * step if from_the_end else span[0]
    return first + step * np.arange(count + 1, dtype=np.int64)


def _made(
    asked: Asked, series: Mapping[str, Series], station: Station, edges: npt.NDArray[np.int64]
) -> tuple[Column, Column]:
    """What was right, and the seconds known, in each interval."""
    right = station.good or station.count
    assert right is not None  # a station that counts has one of them
    told = asked.course(series, right)
    made, known = told.between(edges), told.known_between(edges)
    if station.good is None and station.rejects is not None:
        wrong = asked.course(series, station.rejects)
        made, known = made - wrong.between(edges), np.minimum(known, wrong.known_between(edges))
    return made, known


def _pieces(station: Station, unit: str) -> float:
    """What one count is in the sum."""
    return (ratio(station.unit, unit) or 1.0) * (station.items if unit in PIECES else 1.0)


def _rates(made: Column, known: Column, interval_s: float) -> tuple[float, float]:
    """An hour's worth, on average and in the best of the intervals that are known."""
    mean = float(made.sum() / known.sum()) * _HOUR_S if known.any() else float("nan")
    whole = made[known >= _KNOWN * interval_s] / interval_s * _HOUR_S
    return mean, float(whole.max()) if len(whole) else float("nan")


def with_counts(context: Context) -> bool:
    """Every twin where something is counted."""
    return any(one.counted for one in context.stations)


GET_THROUGHPUT: Final = Function(
    "GetThroughput",
    "How much good came out in each interval, the mean and the best that was demonstrated",
    (
        *SPAN,
        Argument("Interval", ArgumentType.Double, description="0: an hour", unit="SEC"),
    ),
    (
        column("Times", "Ends of the intervals", kind=ArgumentType.DateTime),
        column("Throughput", "Good amount of each interval, in Unit"),
        column("Known", "Share of each interval in which the counters are known", "P1"),
        Argument("Mean", ArgumentType.Double, description="In an hour, in Unit"),
        Argument("Best", ArgumentType.Double, description="In an hour, of the best interval that is known"),
        column("Outlets", "Twins from which it came: those that feed no other", kind=ArgumentType.String),
        Argument("Unit", ArgumentType.String, description="UNECE common code"),
        column("Units", "Work units: all twins that count; . is this twin", kind=ArgumentType.String),
        column("UnitMean", "In an hour, in counts of its own"),
        column("UnitBest", "In an hour, of the best interval, in counts of its own"),
    ),
    plan,
    needs=with_counts,
)
