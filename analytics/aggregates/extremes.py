"""Minimum, Maximum and Range and their relatives, with and without bounds (Part 13, 5.4.3.10 to 20)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.aggregates import raw, status
from analytics.aggregates.intervals import Ticks
from analytics.aggregates.regions import Nodes, percent_time, regions_of
from analytics.aggregates.request import RESOLUTION_TICKS, Outcome, Places, Request, Values
from analytics.aggregates.status import Flags


def extreme(request: Request, *, largest: bool, actual_time: bool) -> Outcome:
    """Minimum or Maximum of the Good values, at the start of the interval or at the time of the value."""
    chosen = raw.good(request)
    if not len(chosen.index):
        return raw.nothing(request)
    found = chosen.reduced(np.maximum if largest else np.minimum, chosen.values)
    place, multiple = raw.first_match(chosen.values, chosen.at, found)
    picked = chosen.index[place]
    codes = raw.uncertain_if(_doubtful(request, found, largest=largest), chosen.some)
    codes = status.with_bits(codes, status.MULTIPLE_VALUES, multiple)
    starts = request.intervals.starts
    if actual_time:
        ticks = np.where(chosen.some, request.ticks[picked], starts)
        return request.finish_at(ticks, found, codes, picked=picked)
    computed = ((request.ticks[picked] != starts) | (status.severity(codes) == 1)) & chosen.some
    codes = status.with_bits(codes, status.CALCULATED, computed)
    return request.finish_at(starts, found, codes, picked=picked)


def _doubtful(request: Request, found: Values, *, largest: bool) -> Flags:
    """Where a Bad value was passed over, or an Uncertain one goes beyond the extreme."""
    uncertain = raw.choose(request, request.severity == 1)
    edge = uncertain.reduced(np.maximum if largest else np.minimum, uncertain.values)
    beyond = edge > found if largest else edge < found
    return beyond | (request.per_interval(request.severity == 2) > 0)


def value_range(request: Request) -> Outcome:
    """Maximum less Minimum of the Good values."""
    return _span(request, *(extreme(request, largest=largest, actual_time=False) for largest in (False, True)))


def value_range2(request: Request) -> Outcome:
    """Maximum2 less Minimum2."""
    return _span(request, *(extreme2(request, largest=largest, actual_time=False) for largest in (False, True)))


def _span(request: Request, low: Outcome, high: Outcome) -> Outcome:
    worst = np.maximum(status.severity(low.codes), status.severity(high.codes))
    return request.finish(high.values - low.values, raw.uncertain_if(worst == 1, worst < 2))


def extreme2(request: Request, *, largest: bool, actual_time: bool) -> Outcome:
    """Minimum2 or Maximum2: with simple bounds too, and with Uncertain values where they count as Good.

    The later bound takes part only on sloped lines, and then at the effective end of the interval, unless it is a
    value of the interval.
    """
    regions = regions_of(request)
    winner = _winner(request, regions.nodes, largest=largest)
    codes = np.where(np.isfinite(winner.values), percent_time(request, regions), np.uint32(status.BAD_NO_DATA))
    usable = codes < np.uint32(status.BAD)
    codes = status.with_bits(codes, status.MULTIPLE_VALUES, winner.multiple & usable)
    starts = request.intervals.starts
    if actual_time:
        codes = status.with_bits(codes, status.INTERPOLATED, winner.bound & usable)
        return request.finish_at(np.where(usable, winner.ticks, starts), winner.values, codes, picked=winner.picked)
    interpolated = winner.picked < 0
    codes = status.with_bits(codes, status.INTERPOLATED, interpolated & usable)
    codes = status.with_bits(codes, status.CALCULATED, ~interpolated & (winner.ticks != starts) & usable)
    return request.finish_at(starts, winner.values, codes, picked=winner.picked)


@dataclass(frozen=True, slots=True, eq=False)
class _Winner:
    """The extreme of each interval, not finite where there is none. bound: it is no value that the interval holds.
    picked: its place in the series, -1 where interpolated. multiple: it is there more than once."""

    values: Values
    ticks: Ticks
    picked: Places
    bound: Flags
    multiple: Flags


def _winner(request: Request, nodes: Nodes, *, largest: bool) -> _Winner:
    """Of the earlier bound and the values between, unless the later bound goes beyond them."""
    worst = 0 if request.config.treat_uncertain_as_bad else 1
    values = np.where(nodes.severity <= worst, nodes.values, -np.inf if largest else np.inf)
    first, last = nodes.edges[:-1], nodes.edges[1:]
    function = np.maximum if largest else np.minimum
    found = function.reduceat(values[:-1], first)
    place, again = raw.first_match(values, nodes.edges, found)
    backward = request.intervals.backward
    ends = values[last]
    if request.stepped:
        ends = np.where(backward & (nodes.index[last] >= 0), ends, np.nan)
    later = ends > found if largest else ends < found
    place = np.where(later, last, place)
    held = nodes.index[place] >= 0
    at_edge, outer = (place == last, 1) if backward else (place == first, -1)
    bound = ((place == first) | (place == last)) & ~(at_edge & held)
    ticks = _inside(request, nodes.ticks[place], outer * RESOLUTION_TICKS)
    multiple = ~later & (again | (ends == found))
    return _Winner(np.where(later, ends, found), ticks, nodes.index[place], bound, multiple)


def _inside(request: Request, ticks: Ticks, step: int) -> Ticks:
    """Times on the edge that the intervals exclude move one unit of time into them."""
    excluded = request.intervals.low if request.intervals.backward else request.intervals.high
    inwards = np.clip(ticks + step, request.intervals.low, request.intervals.high)
    return np.where(ticks == excluded, inwards, ticks)
