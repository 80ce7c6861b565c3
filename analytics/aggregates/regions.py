"""Divides the intervals into regions between one value or bound and the next (Part 13, 5.4.3.2), for all that is
weighted by time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analytics.aggregates import bounds, status
from analytics.aggregates.bounds import Bounds
from analytics.aggregates.intervals import Ticks
from analytics.aggregates.request import RESOLUTION_TICKS, Places, Request, Severities, Values
from analytics.aggregates.status import Codes


@dataclass(frozen=True, slots=True, eq=False)
class Nodes:
    """The bounds at the m + 1 edges and the values strictly between, k in all, in order of time.

    edges: intp[m + 1], which of them are the bounds. index: intp[k] places in the series, -1 where interpolated.
    """

    ticks: Ticks
    values: Values
    severity: Severities
    index: Places
    edges: Places


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """The k - 1 regions between k nodes.

    ticks: int64[k - 1] durations; nothing lasts beyond the last value and its one unit of time. severity:
    uint8[k - 1], Uncertain where a sloped line ends in a value that is not Good. first: intp[m], where intervals begin.
    """

    nodes: Nodes
    ticks: Ticks
    severity: Severities
    first: Places

    def total(self, ticks: Ticks) -> npt.NDArray[np.int64]:
        """The sum of each interval. ticks: int64[k - 1]."""
        return np.add.reduceat(ticks, self.first)

    def lasting(self, where: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """How long the regions marked so last in each interval, in ticks."""
        return self.total(np.where(where, self.ticks, 0))


def nodes_of(request: Request, edge: Bounds, severity: Severities) -> Nodes:
    """The nodes of a request with these bounds and these severities of its values (uint8[n]); Bad ones included."""
    inner = np.ones(len(request.ticks), np.bool_)
    inner &= (request.ticks > edge.ticks[0]) & (request.ticks < edge.ticks[-1])
    inner[_on(request.ticks, edge.ticks)] = False
    index = np.flatnonzero(inner)
    edges = np.searchsorted(request.ticks[index], edge.ticks) + np.arange(len(edge.ticks))
    between = np.ones(len(index) + len(edges), np.bool_)
    between[edges] = False
    nodes = Nodes(
        np.empty(len(between), np.int64),
        np.empty(len(between)),
        np.empty(len(between), np.uint8),
        np.empty(len(between), np.intp),
        edges,
    )
    nodes.ticks[edges], nodes.ticks[between] = edge.ticks, request.ticks[index]
    nodes.values[edges], nodes.values[between] = edge.values, request.values[index]
    nodes.severity[edges], nodes.severity[between] = edge.severity, severity[index]
    nodes.index[edges], nodes.index[between] = edge.raw, index
    return nodes


def _on(ticks: Ticks, edges: Ticks) -> Places:
    """The places of the values that lie on an edge."""
    at = np.minimum(np.searchsorted(edges, ticks), len(edges) - 1)
    return np.flatnonzero(edges[at] == ticks)


def regions_of(request: Request) -> Regions:
    """The regions between simple bounds."""
    nodes = nodes_of(request, bounds.simple(request, request.intervals.edges), request.severity)
    stop = request.ticks[-1] + RESOLUTION_TICKS
    ticks = np.maximum(np.minimum(nodes.ticks[1:], stop) - nodes.ticks[:-1], 0)
    begin, finish = nodes.severity[:-1], nodes.severity[1:]
    doubtful = (begin == 0) & (finish > 0) & (not request.stepped)
    return Regions(nodes, ticks, np.where(doubtful, np.uint8(1), begin), nodes.edges[:-1])


def percent_time(request: Request, regions: Regions) -> Codes:
    """The StatusCode by the durations of Good and Bad regions (5.4.3.2); Bad_NoData where no region has a value."""
    uncertain_as = 2 if request.config.treat_uncertain_as_bad else 0
    severity = np.where(regions.severity == 1, np.uint8(uncertain_as), regions.severity)
    good, bad = regions.lasting(severity == 0), regions.lasting(severity == 2)
    codes = status.by_percent(good, bad, regions.total(regions.ticks), request.config)
    valued = regions.lasting(regions.severity < 2) > 0
    return np.where(valued, codes, np.uint32(status.BAD_NO_DATA))
