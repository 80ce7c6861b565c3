"""The aggregates of raw values, without bounds (Part 13, 5.4.3.5, 5.4.3.10 to 14, 21, 24 to 27, 35, 37 to 40)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analytics.aggregates import status
from analytics.aggregates.request import Outcome, Places, Request, Values, reduced
from analytics.aggregates.status import Codes, Flags


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """Some of the values, and where the intervals lie among them.

    index: intp[k] places in the series. at: intp[m + 1]. some: bool[m], which intervals hold any.
    """

    index: Places
    at: Places
    some: Flags
    values: Values

    @property
    def counts(self) -> Places:
        """How many each interval holds."""
        return np.diff(self.at)

    def reduced(self, function: np.ufunc, values: Values) -> Values:
        """One figure of each interval, null where it holds none. values: float64[k]."""
        return reduced(function, values, self.at)

    def spread(self, figures: Values) -> Values:
        """The figure of its interval for each of the k values from at[0] on: float64[at[-1] - at[0]]."""
        return np.repeat(figures, self.counts)

    def first(self) -> Places:
        """The place in the series of the first of each interval; any place where it holds none."""
        return self.index[np.minimum(self.at[:-1], len(self.index) - 1)]

    def last(self) -> Places:
        """The place in the series of the last of each interval; any place where it holds none."""
        return self.index[np.maximum(self.at[1:] - 1, 0)]


def choose(request: Request, where: Flags) -> Chosen:
    """The values marked so."""
    index = np.flatnonzero(where)
    at = request.intervals.positions(request.ticks[index])
    return Chosen(index, at, np.diff(at) > 0, request.values[index])


def good(request: Request) -> Chosen:
    """The Good values."""
    return choose(request, request.raw == 0)


def percent_values(request: Request) -> Codes:
    """The StatusCode by counting values: an Uncertain value is never Good, and Bad only where so configured (5.4.3.2
    with 4.2.1.2). Good where there is no value."""
    goods, bads = request.per_interval(request.raw == 0), request.per_interval(request.severity == 2)
    codes = status.by_percent(goods, bads, request.counts, request.config)
    return np.where(request.counts == 0, np.uint32(status.GOOD), codes)


def uncertain_if(doubtful: Flags, some: Flags) -> Codes:
    """Uncertain_DataSubNormal or Good where there are values, else Bad_NoData."""
    codes = np.where(doubtful, np.uint32(status.UNCERTAIN), np.uint32(status.GOOD))
    return np.where(some, codes, np.uint32(status.BAD_NO_DATA))


def average(request: Request) -> Outcome:
    """The mean of the Good values."""
    values = good(request)
    codes = np.where(values.some, percent_values(request), np.uint32(status.BAD_NO_DATA))
    means = values.reduced(np.add, values.values) / np.maximum(values.counts, 1)
    return request.finish(means, codes, partial=False)


def count(request: Request) -> Outcome:
    """How many values are Good."""
    return _counted(request, request.per_interval(request.raw == 0))


def number_of_transitions(request: Request) -> Outcome:
    """How many non-Bad values differ from the non-Bad one before them; the very first one does."""
    usable = np.flatnonzero(request.severity < 2)
    values = request.values[usable]
    changed = np.zeros(len(request.ticks), np.bool_)
    changed[usable] = np.concatenate((np.ones(min(len(values), 1), np.bool_), values[1:] != values[:-1]))
    return _counted(request, request.per_interval(changed))


def _counted(request: Request, counts: npt.NDArray[np.int64]) -> Outcome:
    codes = percent_values(request)
    codes = status.with_bits(codes, status.CALCULATED, codes < np.uint32(status.BAD))
    return request.finish_at(request.intervals.starts, counts.astype(np.float64), codes)


def start(request: Request) -> Outcome:
    """The earliest value of the interval as it is, with its time and StatusCode."""
    return _as_it_is(request, np.minimum(request.at[:-1], len(request.ticks) - 1))


def end(request: Request) -> Outcome:
    """The latest value of the interval as it is, with its time and StatusCode."""
    return _as_it_is(request, np.maximum(request.at[1:] - 1, 0))


def _as_it_is(request: Request, place: Places) -> Outcome:
    some = request.counts > 0
    codes = np.where(some, request.codes[place], np.uint32(status.BAD_NO_DATA))
    ticks = np.where(some, request.ticks[place], request.intervals.starts)
    return request.finish_at(ticks, request.values[place], codes, picked=place)


def nothing(request: Request) -> Outcome:
    """Bad_NoData for every interval."""
    codes = np.full(len(request.intervals), status.BAD_NO_DATA, np.uint32)
    return request.finish(np.full(len(codes), np.nan), codes, partial=False)


def delta(request: Request) -> Outcome:
    """The latest Good value less the earliest; Uncertain where a value outside of these two is not Good."""
    values = good(request)
    if not len(values.index):
        return nothing(request)
    first, last = values.first(), values.last()
    skipped = (first > request.at[:-1]) | (last < request.at[1:] - 1)
    return request.finish(request.values[last] - request.values[first], uncertain_if(skipped, values.some))


def worst_quality(request: Request) -> Outcome:
    """The first StatusCode of the worst severity, as the value. Uncertain stays Uncertain."""
    return worst_of(request, request.codes, request.at)


def worst_of(request: Request, codes: Codes, at: Places) -> Outcome:
    """The same of other StatusCodes: uint32[k], of which interval i has [at[i]] up to [at[i + 1]]."""
    ranks = status.severity(codes).astype(np.float64)
    worst = reduced(np.maximum, ranks, at)
    place, multiple = first_match(ranks, at, worst)
    result = uncertain_if(np.zeros(len(worst), np.bool_), np.diff(at) > 0)
    return request.finish(
        codes[place].astype(np.float64), status.with_bits(result, status.MULTIPLE_VALUES, multiple & (worst > 0))
    )


def first_match(values: Values, at: Places, wanted: Values) -> tuple[Places, Flags]:
    """Where each interval has its figure first (any place where it has none), and whether again. values: float64[k],
    of which interval i has [at[i]] up to [at[i + 1]]. wanted: float64[m]."""
    low = int(at[0])
    matches = np.flatnonzero(values[low : at[-1]] == np.repeat(wanted, np.diff(at))) + low
    if not len(matches):
        return np.zeros(len(wanted), np.intp), np.zeros(len(wanted), np.bool_)
    found = np.searchsorted(matches, at)
    return matches[np.minimum(found[:-1], len(matches) - 1)], np.diff(found) > 1


def deviation(request: Request, *, sample: bool, root: bool) -> Outcome:
    """Variance or, root, standard deviation of n Good values: as a sample (over n - 1; 0 for one value), or over n."""
    values = good(request)
    means = values.reduced(np.add, values.values) / np.maximum(values.counts, 1)
    low = int(values.at[0])
    away = np.zeros(len(values.values))
    away[low : values.at[-1]] = values.values[low : values.at[-1]] - values.spread(means)
    result = values.reduced(np.add, away * away) / np.maximum(values.counts - sample, 1)
    ignored = request.counts > values.counts
    return request.finish(np.sqrt(result) if root else result, uncertain_if(ignored, values.some))
