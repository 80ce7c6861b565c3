"""The course of a machine's states over an interval, with what nobody knows as a state of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analytics.process.stations import State, Station
from analytics.series import TICKS_PER_SECOND, Series

Ticks = npt.NDArray[np.int64]
Span = tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """n stretches that follow one another. edges: int64[n + 1] ticks; states: int8[n], neighbours differ."""

    edges: Ticks
    states: npt.NDArray[np.int8]

    def seconds(self) -> npt.NDArray[np.float64]:
        """float64[8]: how long each State was."""
        return np.bincount(self.states, self.lengths_s(), len(State)).astype(np.float64)

    def lengths_s(self) -> npt.NDArray[np.float64]:
        """float64[n]: of the stretches."""
        return np.diff(self.edges) / TICKS_PER_SECOND

    def where(self, *states: State) -> npt.NDArray[np.bool_]:
        """bool[n]: which stretches are in one of these."""
        return np.isin(self.states, [int(one) for one in states])

    def known(self) -> npt.NDArray[np.bool_]:
        """bool[n]: which stretches are planned busy time of which the state is known."""
        return ~self.where(State.planned, State.unknown)


def timeline(
    series: Series, station: Station, span: Span, longest_s: float, planned_stops: Sequence[Span] = ()
) -> Timeline:
    """What a machine did in a span. A reading holds until the next one, at most longest_s; Bad and no readings are
    State.unknown. planned_stops: known beforehand, whatever the machine says."""
    return _planned(_observed(series, station, span, longest_s), planned_stops)


def _observed(series: Series, station: Station, span: Span, longest_s: float) -> Timeline:
    longest = round(longest_s * TICKS_PER_SECOND)
    ticks, states = series.ticks, _named(series.values, station)
    late = np.flatnonzero(np.diff(ticks, append=np.iinfo(np.int64).max) > longest)
    ticks = np.concatenate([ticks, ticks[late] + longest])
    states = np.concatenate([states, np.full(len(late), State.unknown, np.int8)])
    order = np.argsort(ticks, kind="stable")
    return _cut(ticks[order], states[order], span)


def _named(values: npt.NDArray[np.float64], station: Station) -> npt.NDArray[np.int8]:
    named = np.full(len(values), State.stopped, np.int8)
    for value, state in station.states.items():
        named[values == value] = state
    named[~np.isfinite(values)] = State.unknown
    return named


def _cut(ticks: Ticks, states: npt.NDArray[np.int8], span: Span) -> Timeline:
    """Changes at ticks as a timeline of just the span."""
    start, end = span
    first = int(np.searchsorted(ticks, start, "right"))
    last = int(np.searchsorted(ticks, end, "left"))
    begin = states[first - 1] if first else np.int8(State.unknown)
    edges = np.concatenate([[start], ticks[first:last], [end]]).astype(np.int64)
    return _merged(edges, np.concatenate([[begin], states[first:last]]).astype(np.int8))


def _merged(edges: Ticks, states: npt.NDArray[np.int8]) -> Timeline:
    """Without stretches of no length, and equal neighbours as one."""
    real = np.diff(edges) > 0
    starts, states, end = edges[:-1][real], states[real], edges[-1:]
    fresh = np.ones(len(states), np.bool_)
    fresh[1:] = states[1:] != states[:-1]
    return Timeline(np.concatenate([starts[fresh], end]), states[fresh])


def _planned(line: Timeline, stops: Sequence[Span]) -> Timeline:
    if not stops or not len(line.states):
        return line
    inside = np.clip(np.array(stops, np.int64), line.edges[0], line.edges[-1])
    edges = np.union1d(line.edges, inside.reshape(-1))
    states = line.states[np.searchsorted(line.edges, edges[:-1], "right") - 1].copy()
    for begin, end in inside:
        states[(edges[:-1] >= begin) & (edges[1:] <= end)] = State.planned
    return _merged(edges, states)
