"""The aggregates of OPC UA Part 13 over the past of one signal, by columns.

    processed("TimeAverage", series, start_ticks, end_ticks, interval_ticks, config, stepped=False) -> Processed

Two conventions the callers share:

Bounds. The caller passes more than the range: all values of `reach(aggregate, start, end, interval)`, and the one
before and the one after that. What the series does not hold does not exist, so its first value is the start of the data
and its last one the end; intervals wholly outside are Bad_NoData, those that it begins or ends in are Partial.

Values. Columns are float64, NaN where a value is Bad or null. `Processed.picked` names the value of the series that a
result is, so that a caller takes its own cell from there and loses no digit of an Int64; where it is -1 the result was
computed, and one whose type is that of the Variable (`ResultType.source`) is the caller's to round. A result of
WorstQuality is a StatusCode as a number.
"""

from __future__ import annotations

from analytics.aggregates.catalog import AGGREGATES, Aggregate, ResultType, find
from analytics.aggregates.intervals import interval_count
from analytics.aggregates.processing import Processed, processed, reach
from analytics.aggregates.status import AggregateConfiguration

__all__ = [
    "AGGREGATES",
    "Aggregate",
    "AggregateConfiguration",
    "Processed",
    "ResultType",
    "find",
    "interval_count",
    "processed",
    "reach",
]
