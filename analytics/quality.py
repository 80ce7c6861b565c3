"""CheckDataQuality: what the past of signals is worth, before something is computed from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from analytics.arguments import Context, Job, Progress, Signal, readings_of, signals_of, ticks_of
from analytics.errors import BAD_OUT_OF_RANGE, ArgumentError, NotAvailable
from analytics.function import ONE_DIMENSION, Argument, ArgumentType, Function
from analytics.quality_figures import figures
from analytics.series import Series

_SIGNALS, _START, _END = range(3)
_LONG_READINGS: Final = 1_000_000.0


def plan(arguments: Sequence[object], context: Context) -> Job:
    """Raises ArgumentError."""
    signals = signals_of(arguments[_SIGNALS], context, _SIGNALS)
    start, end = ticks_of(arguments[_START], _START), ticks_of(arguments[_END], _END) or context.now_ticks
    if start is not None and start >= end:
        raise ArgumentError(_END, BAD_OUT_OF_RANGE, "End is not later than Start")
    long = start is not None and readings_of(signals, start, end, context) > _LONG_READINGS
    about = {signal: context.about[signal] for signal in signals if signal in context.about}
    return Job("CheckDataQuality", signals, start, end, {"about": about}, long=long)


def run(
    series: Mapping[str, Series],
    start_ticks: int | None,
    end_ticks: int,
    about: Mapping[str, Signal],
    progress: Progress = lambda fraction: None,
) -> tuple[Any, ...]:
    """The results of CheckDataQuality in their order. start_ticks None: each signal from its first reading on. Raises
    NotAvailable."""
    if not any(len(one) for one in series.values()):
        raise NotAvailable("none of the signals has a reading in that time")
    found = []
    for number, (name, one) in enumerate(series.items(), 1):
        first = int(one.ticks[0]) if len(one) else end_ticks
        begin = first if start_ticks is None else start_ticks
        found.append(figures(one, begin, end_ticks, about.get(name, Signal())))
        progress(number / len(series))
    usable = [not one.why_not for one in found]
    not_usable = len(usable) - sum(usable)
    return (
        list(series),
        usable,
        [one.why_not for one in found],
        [", ".join(one.problems) or "Good" for one in found],
        [one.readings for one in found],
        np.array([100.0 * one.good for one in found]),
        [one.gaps for one in found],
        np.array([one.longest_gap_s for one in found]),
        np.array([100.0 * one.gap_share for one in found]),
        np.array([one.flat_s for one in found]),
        [one.spikes for one in found],
        np.array([100.0 * one.outside for one in found]),
        np.array([one.interval_s for one in found]),
        np.array([one.jitter_s for one in found]),
        True,
        f"{not_usable} of {len(found)} signals cannot be used: WhyNot says why" if not_usable else "",
    )


_TEXTS: Final = (ArgumentType.String, ONE_DIMENSION)
_DOUBLES: Final = (ArgumentType.Double, ONE_DIMENSION)
_COUNTS: Final = (ArgumentType.UInt32, ONE_DIMENSION)
CHECK_DATA_QUALITY: Final = Function(
    "CheckDataQuality",
    "What the past of signals is worth: missing, flat, jumping and impossible values, and whether it can be used",
    (
        Argument("Signals", *_TEXTS, "Paths below this twin; empty: all its numeric telemetry"),
        Argument("Start", ArgumentType.DateTime, description="Null: of each signal the first reading there is"),
        Argument("End", ArgumentType.DateTime, description="Null: now"),
    ),
    (
        Argument("CheckedSignals", *_TEXTS, "The signals; all results below are one of each, in this order"),
        Argument("Usable", ArgumentType.Boolean, ONE_DIMENSION, "Whether models and features can be had from it"),
        Argument("WhyNot", *_TEXTS, "Why it cannot be used; empty: it can"),
        Argument("Problems", *_TEXTS, "FlatLine, Spike, OutOfRange, Gap with commas between them; Good: none"),
        Argument("Readings", *_COUNTS, "In that time, Good or not"),
        Argument("GoodFractions", *_DOUBLES, "Share of the readings that are Good", unit="P1"),
        Argument("GapCounts", *_COUNTS, "How often no Good reading came for longer than the signal may be silent"),
        Argument("LongestGaps", *_DOUBLES, "The longest of them; 0: none", unit="SEC"),
        Argument("GapShares", *_DOUBLES, "Share of the time in gaps", unit="P1"),
        Argument("FlatLines", *_DOUBLES, "Time in which it stood still though it usually moves", unit="SEC"),
        Argument("Spikes", *_COUNTS, "Single readings far off their neighbours"),
        Argument(
            "OutOfRange", *_DOUBLES, "Share of the Good readings outside of the EURange; NaN: it has none", unit="P1"
        ),
        Argument("Intervals", *_DOUBLES, "Median time from one reading to the next", unit="SEC"),
        Argument("Jitters", *_DOUBLES, "Half the range that holds 90 % of the intervals", unit="SEC"),
    ),
    plan,
)
