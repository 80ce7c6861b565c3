"""The arguments that the process functions share, and the work they ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from analytics.arguments import Context, Job, Signal, ticks_of
from analytics.errors import BAD_OUT_OF_RANGE, BAD_TYPE_MISMATCH, ArgumentError, NotAvailable
from analytics.process.amounts import Course, course
from analytics.process.stations import Meter, Station, signals_of_all
from analytics.process.timeline import Span
from analytics.series import TICKS_PER_SECOND, Series

START, END = 0, 1
_LEAST_S: Final = 3.0
_MARGIN_S: Final = 86_400.0
_STOPS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What a worker is told besides the series. start: None for the first reading there is. longest_s: by signal, how
    long a reading counts."""

    stations: tuple[Station, ...]
    start: int | None
    end: int
    longest_s: Mapping[str, float]

    def span(self, series: Mapping[str, Series]) -> Span:
        """From when to when. Raises NotAvailable."""
        there = [int(one.ticks[0]) for one in series.values() if len(one)]
        if not there:
            raise NotAvailable("there are no values in that time; see how far back the history reaches")
        start = min(there) if self.start is None else self.start
        if start >= self.end:
            raise NotAvailable("there are no values before End; see how far back the history reaches")
        return start, self.end

    def course(self, series: Mapping[str, Series], meter: Meter) -> Course:
        """What a meter has told."""
        return course(series[meter.signal], meter, self.longest_s[meter.signal])


def span_of(arguments: Sequence[object], context: Context) -> tuple[int | None, int]:
    """Start and End; None for as far back as the values reach. Raises ArgumentError."""
    start = ticks_of(arguments[START], START)
    end = min(ticks_of(arguments[END], END) or context.now_ticks, context.now_ticks)
    if start is not None and start >= end:
        raise ArgumentError(START, BAD_OUT_OF_RANGE, "Start must be before End, and before now")
    return start, end


def stops_of(argument: object, index: int) -> tuple[Span, ...]:
    """Planned stops: pairs of DateTime. Raises ArgumentError."""
    if argument is None:
        return ()
    if isinstance(argument, str) or not isinstance(argument, Sequence):
        raise ArgumentError(
            index, BAD_TYPE_MISMATCH, "PlannedStops is an array of DateTime: begin, end, begin, end, ..."
        )
    ticks = [ticks_of(one, index) or 0 for one in argument]
    pairs = tuple(zip(ticks[0::2], ticks[1::2], strict=False))
    if len(ticks) % 2 or any(begin >= end for begin, end in pairs):
        raise ArgumentError(index, BAD_OUT_OF_RANGE, "PlannedStops is pairs of a begin and a later end")
    if len(pairs) > _STOPS:
        raise ArgumentError(
            index, BAD_OUT_OF_RANGE, f"PlannedStops has {len(pairs)} pairs; at most {_STOPS} are possible"
        )
    return pairs


def job(
    function: str, stations: Sequence[Station], span: tuple[int | None, int], context: Context, **settings: object
) -> Job:
    """Work over what the stations name. A little more than the span is read, so that what was in force at its ends is
    known."""
    signals = signals_of_all(stations)
    longest = {name: _longest_s(context.about.get(name, Signal())) for name in signals}
    margin = round(min(max(longest.values(), default=0.0), _MARGIN_S) * TICKS_PER_SECOND)
    start, end = span
    asked = Asked(tuple(stations), start, end, longest)
    first = start - margin if start is not None else None
    return Job(function, signals, first, min(end + margin, context.now_ticks), {"asked": asked, **settings})


def _longest_s(about: Signal) -> float:
    return max(about.stale_s, 3.0 * about.period_s, _LEAST_S)
