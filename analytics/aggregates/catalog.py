"""The standard aggregates (Part 13, 4.2.2): name, NodeId, what type the result has, and what computes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Final

from analytics.aggregates import bounded, extremes, raw, weighted
from analytics.aggregates.request import Outcome, Request


class ResultType(Enum):
    """The data type of a result. duration: a Double of milliseconds. source: that of the Variable."""

    source = "source"
    double = "Double"
    int32 = "Int32"
    duration = "Duration"
    status_code = "StatusCode"


@dataclass(frozen=True, slots=True)
class Aggregate:
    """name: BrowseName. node_id: its number in namespace 0. numeric: False where values of any type will do (Part 13,
    5.4.2.3), because only their StatusCodes or the choice of one matter. searches: whether it looks beyond the next
    value for one that is not Bad."""

    name: str
    node_id: int
    result: ResultType
    description: str
    compute: Callable[[Request], Outcome]
    numeric: bool = True
    searches: bool = False


_SOURCE, _DOUBLE, _INT32 = ResultType.source, ResultType.double, ResultType.int32
_DURATION, _STATUS_CODE = ResultType.duration, ResultType.status_code
_minimum, _maximum = partial(extremes.extreme, largest=False), partial(extremes.extreme, largest=True)
_minimum2, _maximum2 = partial(extremes.extreme2, largest=False), partial(extremes.extreme2, largest=True)

AGGREGATES: Final = (
    Aggregate(
        "Interpolative",
        2341,
        _SOURCE,
        "The value at the start, interpolated between the nearest values that are not Bad.",
        bounded.interpolative,
        searches=True,
    ),
    Aggregate("Average", 2342, _DOUBLE, "The mean of the Good values.", raw.average),
    Aggregate(
        "TimeAverage",
        2343,
        _DOUBLE,
        "The time-weighted mean between interpolated bounds, on sloped lines.",
        partial(weighted.time_average, total=False),
        searches=True,
    ),
    Aggregate(
        "TimeAverage2",
        11285,
        _DOUBLE,
        "The time-weighted mean between simple bounds, stepped or sloped.",
        partial(weighted.time_average2, total=False),
    ),
    Aggregate(
        "Total",
        2344,
        _DOUBLE,
        "The time integral, per second, between interpolated bounds, on sloped lines.",
        partial(weighted.time_average, total=True),
        searches=True,
    ),
    Aggregate(
        "Total2",
        11304,
        _DOUBLE,
        "The time integral, per second, between simple bounds, stepped or sloped.",
        partial(weighted.time_average2, total=True),
    ),
    Aggregate("Minimum", 2346, _SOURCE, "The least Good value.", partial(_minimum, actual_time=False)),
    Aggregate("Maximum", 2347, _SOURCE, "The greatest Good value.", partial(_maximum, actual_time=False)),
    Aggregate(
        "MinimumActualTime", 2348, _SOURCE, "The least Good value, with its time.", partial(_minimum, actual_time=True)
    ),
    Aggregate(
        "MaximumActualTime",
        2349,
        _SOURCE,
        "The greatest Good value, with its time.",
        partial(_maximum, actual_time=True),
    ),
    Aggregate("Range", 2350, _SOURCE, "The greatest Good value less the least.", extremes.value_range),
    Aggregate(
        "Minimum2", 11286, _SOURCE, "The least value, simple bounds included.", partial(_minimum2, actual_time=False)
    ),
    Aggregate(
        "Maximum2", 11287, _SOURCE, "The greatest value, simple bounds included.", partial(_maximum2, actual_time=False)
    ),
    Aggregate(
        "MinimumActualTime2",
        11305,
        _SOURCE,
        "The least value, simple bounds included, with its time.",
        partial(_minimum2, actual_time=True),
    ),
    Aggregate(
        "MaximumActualTime2",
        11306,
        _SOURCE,
        "The greatest value, simple bounds included, with its time.",
        partial(_maximum2, actual_time=True),
    ),
    Aggregate(
        "Range2", 11288, _SOURCE, "The greatest value less the least, simple bounds included.", extremes.value_range2
    ),
    Aggregate("Count", 2352, _INT32, "How many values are Good.", raw.count, numeric=False),
    Aggregate(
        "DurationInStateZero",
        11307,
        _DURATION,
        "How long a Good value was zero or false.",
        partial(weighted.duration_in_state, zero=True),
    ),
    Aggregate(
        "DurationInStateNonZero",
        11308,
        _DURATION,
        "How long a Good value was not zero, or true.",
        partial(weighted.duration_in_state, zero=False),
    ),
    Aggregate(
        "NumberOfTransitions", 2355, _INT32, "How often the value changed.", raw.number_of_transitions, searches=True
    ),
    Aggregate("Start", 2357, _SOURCE, "The earliest value, as it is.", raw.start, numeric=False),
    Aggregate("End", 2358, _SOURCE, "The latest value, as it is.", raw.end, numeric=False),
    Aggregate("Delta", 2359, _SOURCE, "The latest Good value less the earliest.", raw.delta),
    Aggregate("StartBound", 11505, _SOURCE, "The simple bound at the start.", bounded.start_bound, numeric=False),
    Aggregate("EndBound", 11506, _SOURCE, "The simple bound at the end.", bounded.end_bound, numeric=False),
    Aggregate(
        "DeltaBounds", 11507, _SOURCE, "The simple bound at the end less the one at the start.", bounded.delta_bounds
    ),
    Aggregate(
        "DurationGood",
        2360,
        _DURATION,
        "How long the value was Good.",
        partial(weighted.duration, bad=False, percent=False),
        numeric=False,
    ),
    Aggregate(
        "DurationBad",
        2361,
        _DURATION,
        "How long the value was Bad.",
        partial(weighted.duration, bad=True, percent=False),
        numeric=False,
    ),
    Aggregate(
        "PercentGood",
        2362,
        _DOUBLE,
        "In what percentage of the time the value was Good.",
        partial(weighted.duration, bad=False, percent=True),
        numeric=False,
    ),
    Aggregate(
        "PercentBad",
        2363,
        _DOUBLE,
        "In what percentage of the time the value was Bad.",
        partial(weighted.duration, bad=True, percent=True),
        numeric=False,
    ),
    Aggregate("WorstQuality", 2364, _STATUS_CODE, "The worst StatusCode.", raw.worst_quality, numeric=False),
    Aggregate(
        "WorstQuality2",
        11292,
        _STATUS_CODE,
        "The worst StatusCode, simple bounds included.",
        bounded.worst_quality2,
        numeric=False,
    ),
    Aggregate(
        "StandardDeviationSample",
        11426,
        _DOUBLE,
        "The standard deviation of the Good values as a sample (n - 1).",
        partial(raw.deviation, sample=True, root=True),
    ),
    Aggregate(
        "StandardDeviationPopulation",
        11427,
        _DOUBLE,
        "The standard deviation of the Good values as a whole (n).",
        partial(raw.deviation, sample=False, root=True),
    ),
    Aggregate(
        "VarianceSample",
        11428,
        _DOUBLE,
        "The variance of the Good values as a sample (n - 1).",
        partial(raw.deviation, sample=True, root=False),
    ),
    Aggregate(
        "VariancePopulation",
        11429,
        _DOUBLE,
        "The variance of the Good values as a whole (n).",
        partial(raw.deviation, sample=False, root=False),
    ),
)
"""All that apply to scalars, in the order of the standard. AnnotationCount is left out: there are no annotations."""

_BY_NAME: Final = {aggregate.name: aggregate for aggregate in AGGREGATES}
_BY_NODE_ID: Final = {aggregate.node_id: aggregate for aggregate in AGGREGATES}


def find(name_or_id: str | int) -> Aggregate | None:
    """By BrowseName, or by number in namespace 0; None: Bad_AggregateNotSupported."""
    return _BY_NAME.get(name_or_id) if isinstance(name_or_id, str) else _BY_NODE_ID.get(name_or_id)
