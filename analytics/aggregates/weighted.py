"""The aggregates weighted by time (Part 13, 5.4.3.6 to 9, 22, 23, 31 to 34)."""

from __future__ import annotations

import numpy as np

from analytics.aggregates import bounds, status
from analytics.aggregates.regions import nodes_of, percent_time, regions_of
from analytics.aggregates.request import Outcome, Request, reduced
from analytics.series import TICKS_PER_SECOND

_TICKS_PER_MS = TICKS_PER_SECOND // 1000


def time_average(request: Request, *, total: bool) -> Outcome:
    """The area under the lines between non-Bad values and interpolated bounds, over its time; total: the area.

    Before the first non-Bad value there is no area, after the last one it is extrapolated to the end of the interval.
    """
    edge = bounds.interpolated(request, request.intervals.edges, stepped=False)
    nodes = nodes_of(request, edge, request.severity)
    used = nodes.severity < 2
    place = np.flatnonzero(used)
    position = np.concatenate(([0], np.cumsum(used)))[nodes.edges]
    seconds = np.diff(nodes.ticks[place]) / TICKS_PER_SECOND
    heights = nodes.values[place]
    areas = seconds * (heights[1:] + heights[:-1]) / 2
    area, covered = (np.nan_to_num(reduced(np.add, column, position)) for column in (areas, seconds))
    doubtful = nodes.severity > 0
    doubts = np.concatenate(([0], np.cumsum(doubtful)))
    some_doubt = doubts[nodes.edges[1:] + 1] - doubts[nodes.edges[:-1]] > 0
    codes = np.where(some_doubt, np.uint32(status.UNCERTAIN), np.uint32(status.GOOD))
    codes = np.where(covered > 0, codes, np.uint32(status.BAD_NO_DATA))
    return request.finish(area if total else area / np.where(covered > 0, covered, 1.0), codes)


def time_average2(request: Request, *, total: bool) -> Outcome:
    """The mean over the regions with a value, between simple bounds, stepped or sloped; total: its area."""
    regions = regions_of(request)
    nodes = regions.nodes
    begin, finish = nodes.values[:-1], nodes.values[1:]
    held = (nodes.severity[1:] == 2) | request.stepped
    heights = np.where(held, begin, (begin + finish) / 2)
    seconds = np.where(nodes.severity[:-1] < 2, regions.ticks, 0) / TICKS_PER_SECOND
    area = np.add.reduceat(np.where(seconds > 0, heights, 0.0) * seconds, regions.first)
    covered = np.add.reduceat(seconds, regions.first)
    values = area if total else area / np.where(covered > 0, covered, 1.0)
    return request.finish(values, percent_time(request, regions))


def duration_in_state(request: Request, *, zero: bool) -> Outcome:
    """Milliseconds with a Good value that is zero (False), or is not."""
    regions = regions_of(request)
    begin = regions.nodes
    matches = (begin.severity[:-1] == 0) & ((begin.values[:-1] == 0) == zero)
    return request.finish(regions.lasting(matches) / _TICKS_PER_MS, percent_time(request, regions))


def duration(request: Request, *, bad: bool, percent: bool) -> Outcome:
    """Milliseconds, or the percentage of the time up to the last value, that begin with a Good or a Bad value."""
    regions = regions_of(request)
    begin = regions.nodes.severity[:-1]
    worst = 1 if request.config.treat_uncertain_as_bad else 2
    lasting = regions.lasting(begin >= worst if bad else begin == 0)
    whole = np.maximum(regions.total(regions.ticks), 1)
    values = lasting * 100 / whole if percent else lasting / _TICKS_PER_MS
    return request.finish(values, np.zeros(len(values), np.uint32))
