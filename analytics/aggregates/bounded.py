"""The aggregates that return bounds, or look at them (Part 13, 5.4.3.4, 28 to 30 and 36)."""

from __future__ import annotations

import numpy as np

from analytics.aggregates import bounds, raw, status
from analytics.aggregates.bounds import Bounds
from analytics.aggregates.regions import nodes_of
from analytics.aggregates.request import Outcome, Request
from analytics.aggregates.status import Codes


def interpolative(request: Request) -> Outcome:
    """The interpolated bound at the start of each interval, extrapolated after the last value."""
    starts = request.intervals.starts
    found = bounds.interpolated(request, starts, stepped=request.stepped)
    codes = status.with_bits(found.codes, status.INTERPOLATED, found.interpolated)
    return Outcome(starts, found.values, codes, found.source)


def start_bound(request: Request) -> Outcome:
    """The simple bound at the start of each interval."""
    found = bounds.simple(request, request.intervals.starts)
    codes = status.with_bits(found.codes, status.INTERPOLATED, found.interpolated)
    return request.finish_at(found.ticks, found.values, codes, picked=found.source)


def end_bound(request: Request) -> Outcome:
    """The simple bound at the end of each interval, with the timestamp of its start."""
    found = _ends(request)
    codes = status.with_bits(found.codes, status.CALCULATED, found.severity < 2)
    return request.finish_at(request.intervals.starts, found.values, codes, picked=found.source)


def delta_bounds(request: Request) -> Outcome:
    """The bound at the end less the one at the start."""
    begin, finish = bounds.simple(request, request.intervals.starts), _ends(request)
    worst = np.maximum(begin.severity, finish.severity)
    return request.finish(finish.values - begin.values, raw.uncertain_if(worst == 1, worst < 2))


def _ends(request: Request) -> Bounds:
    intervals = request.intervals
    return bounds.simple(request, intervals.low if intervals.backward else intervals.high)


def worst_quality2(request: Request) -> Outcome:
    """The first worst StatusCode among the values and both simple bounds, as the value; Uncertain stays Uncertain."""
    edge = bounds.simple(request, request.intervals.edges, request.raw)
    nodes = nodes_of(request, edge, request.raw)
    codes = np.empty(len(nodes.ticks), np.uint32)
    between = np.ones(len(codes), np.bool_)
    between[nodes.edges] = False
    codes[between] = request.codes[nodes.index[between]]
    held, bound = _held(request, edge), edge.codes
    codes[nodes.edges] = bound if request.intervals.backward else held
    later = held[1:] if request.intervals.backward else bound[1:]
    codes = np.insert(codes[:-1], nodes.edges[1:], later)
    return raw.worst_of(request, codes, nodes.edges + np.arange(len(nodes.edges)))


def _held(request: Request, edge: Bounds) -> Codes:
    """The StatusCodes of the values on the edges as they are, of the bounds where there is no value."""
    at = np.searchsorted(request.ticks, edge.ticks, "right") - 1
    exact = (at >= 0) & (request.ticks[at] == edge.ticks)
    return np.where(exact, request.codes[at], edge.codes)
