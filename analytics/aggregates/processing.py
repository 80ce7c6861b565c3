"""Computes one aggregate of one signal over the intervals of a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.aggregates import raw
from analytics.aggregates.catalog import Aggregate, find
from analytics.aggregates.intervals import Intervals, divide
from analytics.aggregates.request import Outcome, request_of
from analytics.aggregates.status import BAD_NO_DATA, AggregateConfiguration
from analytics.series import Series

_DEFAULTS: Final = AggregateConfiguration()


@dataclass(frozen=True, slots=True, eq=False)
class Processed:
    """One aggregate of m intervals, in the order of time that was asked for.

    ticks: int64[m]. values: float64[m], NaN where null. status: uint32[m] with HistorianInfo bits. picked: int64[m],
    the place in the series of the value that was taken as it is, -1 where the result was computed.
    """

    ticks: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    status: npt.NDArray[np.uint32]
    picked: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ticks)


def processed(
    name_or_id: str | int,
    series: Series,
    start_ticks: int,
    end_ticks: int,
    interval_ticks: int,
    config: AggregateConfiguration = _DEFAULTS,
    *,
    stepped: bool = False,
) -> Processed:
    """An aggregate over [start, end) in steps of interval_ticks (0: one interval); start > end: over (end, start],
    the latest interval first.

    series: all values in the range and those around it that bounds may need (see `reach`), oldest first; it may reach
    further. Whatever it does not hold does not exist: its first value is taken for the start of the data and its last
    one for the end. stepped: the Variable's Stepped Property; always True for Booleans and for what is no number.

    ValueError: no such aggregate (Bad_AggregateNotSupported), start and end are the same (Bad_InvalidArgument), or
    percentages that do not fit each other (Bad_AggregateInvalidInputs).
    """
    aggregate = find(name_or_id)
    if aggregate is None:
        raise ValueError(f"no aggregate is called {name_or_id!r} (Bad_AggregateNotSupported)")
    if not config.valid:
        raise ValueError(
            f"PercentDataGood must be 100 - PercentDataBad at least: {config} (Bad_AggregateInvalidInputs)"
        )
    intervals = divide(start_ticks, end_ticks, interval_ticks)
    skipped = _marks(series)
    known = Series(series.ticks[skipped:], series.values[skipped:], series.status[skipped:])
    request = request_of(known, intervals, config, stepped=stepped, numeric=aggregate.numeric)
    with np.errstate(over="ignore", invalid="ignore"):
        outcome = aggregate.compute(request) if len(known) else raw.nothing(request)
    return _in_order(outcome, intervals, skipped)


def reach(aggregate: Aggregate, start_ticks: int, end_ticks: int, interval_ticks: int) -> tuple[int, int]:
    """(low, high): from when to when to read at least. Add the last value before low and the first one after high, so
    that bounds have neighbours and the data does not seem to begin or end there.

    An aggregate that searches values that are not Bad may want one ProcessingInterval more on either side (Part 13,
    3.1.8).
    """
    low, high = min(start_ticks, end_ticks), max(start_ticks, end_ticks)
    if not aggregate.searches:
        return low, high
    around = min(interval_ticks, high - low) if interval_ticks > 0 else high - low
    return low - around, high + around


def _marks(series: Series) -> int:
    """How many entries at the start only mark, by Bad_NoData, that the archive begins."""
    marks = (series.status & np.uint32(0xFFFF_0000)) == BAD_NO_DATA
    return len(marks) if marks.all() else int(np.argmin(marks))


def _in_order(outcome: Outcome, intervals: Intervals, skipped: int) -> Processed:
    order = slice(None, None, -1 if intervals.backward else 1)
    picked = np.where(outcome.picked >= 0, outcome.picked + skipped, -1).astype(np.int64)
    return Processed(outcome.ticks[order], outcome.values[order], outcome.codes[order].astype(np.uint32), picked[order])
