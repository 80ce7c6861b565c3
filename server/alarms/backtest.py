"""What an alarm would have done: the comparisons and delays of the engine, over the past of its tags at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from analytics.series import Series
from drivers.readings import TICKS_PER_SECOND
from server.alarms.definitions import AlarmDefinition, Kind
from server.alarms.groups import channels_of
from server.alarms.measures import NEVER, Floats, Ticks, bucket, is_usable, rate_per_s, window_ticks
from server.alarms.timers import Bools, Settings, crossed
from server.config.expressions import Expression

_DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class BackTest:
    """What an alarm would have done. alarms: how often it would have become active; readings: looked at."""

    alarms: int
    days: float
    active_s: float
    longest_s: float
    readings: int

    @property
    def alarms_per_day(self) -> float:
        """On the average of the time that was looked at."""
        return self.alarms / self.days if self.days else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _Course:
    """What is compared, n times: ticks int64[n], x float64[n], usable bool[n]."""

    ticks: Ticks
    x: Floats
    usable: Bools


def back_test(definition: AlarmDefinition, past: Mapping[str, Series], start: int, end: int) -> BackTest:
    """Let an alarm run over the past from start to end (ticks). past: the course of each of its tags, by path.

    Raises ValueError for alarms that cannot be tested on the past.
    """
    active = intervals(definition, past, end)
    lengths = (active[:, 1] - active[:, 0]) / TICKS_PER_SECOND
    return BackTest(
        alarms=len(active),
        days=max(0.0, (end - start) / TICKS_PER_SECOND / _DAY_S),
        active_s=float(lengths.sum()),
        longest_s=float(lengths.max(initial=0.0)),
        readings=sum(len(past[path]) for path in definition.tags),
    )


def intervals(definition: AlarmDefinition, past: Mapping[str, Series], end: int) -> Ticks:
    """When it would have been active: int64[k, 2], source ticks of begin and end; what lasts on ends at `end`."""
    if definition.kind is Kind.quality:
        raise ValueError("data quality is judged as values come; it cannot be tested on the past")
    course, settings = _course(definition, past, end), channels_of([(0, definition)])
    changes = [_changes(course, settings, channel, end) for channel in range(len(settings))]
    ticks = np.concatenate([one[0] for one in changes])
    steps = np.concatenate([one[1] for one in changes])
    order = np.lexsort((-steps, ticks))
    ticks, count = ticks[order], np.cumsum(steps[order])
    last = np.r_[ticks[1:] != ticks[:-1], True][: len(ticks)]
    ticks, active = ticks[last], count[last] > 0
    turns = active != np.r_[False, active[:-1]][: len(active)]
    edges = ticks[turns]
    edges = np.r_[edges, end] if len(edges) % 2 else edges
    return np.asarray(edges, np.int64).reshape(-1, 2)


def _changes(course: _Course, settings: Settings, channel: int, end: int) -> tuple[Ticks, Ticks]:
    """When one limit becomes active (1) and inactive (-1), in turns: delays are over where a run of passed, or not
    passed, lasts for as long; what lies between two of a kind has been too short."""
    on_delay, off_delay = int(settings.on[channel]), int(settings.off[channel])
    sign, limit, deadband = (getattr(settings, name)[channel] for name in ("sign", "limit", "deadband"))
    ticks: list[Ticks] = []
    steps: list[Ticks] = []
    active = False
    for part in _parts(course, bool(settings.resets[channel])):
        counted = _counted(part)
        on, off = crossed(part.x * sign, limit, deadband)
        on, off = on & part.usable, off & part.usable
        runs, passed = _runs(on, off, active)
        if len(runs) and passed[0] == active:
            runs, passed = runs[1:], passed[1:]
        until = np.r_[counted[runs[1:]], counted[-1]] if len(runs) else np.empty(0, np.int64)
        delay = np.where(passed, on_delay, off_delay)
        lasting = until - counted[runs] >= delay
        times, passed = counted[runs][lasting] + delay[lasting], passed[lasting]
        new = passed != np.r_[active, passed[:-1]][: len(passed)]
        at = np.maximum(np.searchsorted(counted, times[new], "left"), runs[lasting][new])
        ticks.append(part.ticks[at] - (counted[at] - times[new]))
        steps.append(np.where(passed[new], 1, -1))
        active = bool(passed[-1]) if len(passed) else active
    return np.concatenate([*ticks, np.empty(0, np.int64)]), np.concatenate([*steps, np.empty(0, np.int64)])


def _runs(on: Bools, off: Bools, passed: bool) -> tuple[Ticks, Bools]:
    """Where runs of passed and not passed begin, and which they are; between the two it stays as it was."""
    said = np.where(on, 1, np.where(off, 0, -1))
    known = np.maximum.accumulate(np.where(said >= 0, np.arange(len(said)), -1))
    state = np.where(known >= 0, said[np.maximum(known, 0)] == 1, passed)
    begins = np.flatnonzero(np.r_[True, state[1:] != state[:-1]][: len(state)])
    return begins, state[begins]


def _counted(course: _Course) -> Ticks:
    """How much time has counted before each entry: that in which the last value was usable."""
    passed = np.where(course.usable[:-1], np.diff(course.ticks), 0)
    return np.concatenate([np.zeros(min(1, len(course.ticks)), np.int64), np.cumsum(passed)])


def _parts(course: _Course, resets: bool) -> list[_Course]:
    """All of it, or where delays begin anew after every loss, what lies between losses, each with its end."""
    if not resets or course.usable.all():
        return [course] if len(course.ticks) else []
    begins = np.flatnonzero(course.usable & ~np.r_[False, course.usable[:-1]])
    ends = np.flatnonzero(~course.usable & np.r_[False, course.usable[:-1]])
    ends = np.r_[ends, len(course.ticks) - 1] if len(ends) < len(begins) else ends
    return [
        _Course(course.ticks[first : last + 1], course.x[first : last + 1], course.usable[first : last + 1])
        for first, last in zip(begins.tolist(), ends.tolist(), strict=True)
    ]


def _course(definition: AlarmDefinition, past: Mapping[str, Series], end: int) -> _Course:
    """What the alarm compares with its limits, up to `end`, where the last value is looked at once more."""
    if definition.kind is Kind.no_signal:
        course = _silence(past[definition.input_path], round(definition.no_signal_s * TICKS_PER_SECOND), end)
    elif definition.kind is Kind.rate_of_change:
        course = _rate(_single(past[definition.input_path]), definition.window_s)
    else:
        course = _combined(definition, past)
    if not len(course.ticks) or course.ticks[-1] >= end:
        return course
    return _Course(np.r_[course.ticks, end], np.r_[course.x, course.x[-1]], np.r_[course.usable, course.usable[-1]])


def _single(series: Series) -> _Course:
    return _Course(series.ticks, series.values, is_usable(series.status, series.values))


def _combined(definition: AlarmDefinition, past: Mapping[str, Series]) -> _Course:
    """At each time at which one of the inputs speaks, the newest of all of them."""
    inputs = [_single(past[path]) for path in (*definition.inputs.values(), definition.input_path) if path]
    if definition.setpoint_path:
        inputs.append(_single(past[definition.setpoint_path]))
    ticks = np.unique(np.concatenate([one.ticks for one in inputs]))
    columns, usable = [], np.ones(len(ticks), np.bool_)
    for one in inputs:
        newest = np.searchsorted(one.ticks, ticks, "right") - 1
        there = newest >= 0
        held = np.full(len(ticks), np.nan)
        held[there] = one.x[newest[there]]
        usable[there] &= one.usable[newest[there]]
        usable &= there
        columns.append(held)
    x = _measured(definition, columns)
    return _Course(ticks, x, usable & ~np.isnan(x))


def _measured(definition: AlarmDefinition, columns: list[Floats]) -> Floats:
    if definition.kind is Kind.expression:
        expression = Expression(definition.expression)
        named = dict(zip(definition.inputs, columns, strict=True))
        return np.asarray(expression.evaluate({name: named[name] for name in expression.names}), np.float64)
    if definition.kind is Kind.deviation:
        return np.asarray(columns[0] - columns[1])
    if definition.kind is Kind.state:
        is_it = columns[0] == (definition.normal if definition.abnormal is None else definition.abnormal)
        return np.asarray(is_it if definition.abnormal is not None else ~is_it, np.float64)
    return columns[0]


def _rate(course: _Course, window_s: float) -> _Course:
    """The rate of change at each usable value, against the first value of the newest part of a window that is a whole
    window old."""
    window = int(window_ticks(window_s))
    good = np.flatnonzero(course.usable)
    ticks, values = course.ticks[good], course.x[good]
    numbers = bucket(ticks, window)
    kept = np.flatnonzero(np.r_[True, numbers[1:] != numbers[:-1]][: len(numbers)])
    best = np.searchsorted(ticks[kept], ticks - window, "right") - 1
    x = np.full(len(course.ticks), np.nan)
    if len(kept):
        base = kept[np.maximum(best, 0)]
        then = np.where(best >= 0, ticks[base], NEVER)
        x[good] = rate_per_s(values, ticks, values[base], then, window)
    return _Course(course.ticks, x, course.usable & ~np.isnan(x))


def _silence(series: Series, longest: int, end: int) -> _Course:
    """1 from the moment on at which the last usable value is too old, 0 from the next one on."""
    usable = is_usable(series.status, series.values)
    spoke = series.ticks[usable]
    silent = np.r_[np.diff(spoke) > longest, end - spoke[-1:] >= longest]
    ticks = np.concatenate([spoke, spoke[silent] + longest])
    x = np.concatenate([np.zeros(len(spoke)), np.ones(int(silent.sum()))])
    order = np.lexsort((x, ticks))
    return _Course(ticks[order], x[order], np.ones(len(ticks), np.bool_))


def merged(tests: list[BackTest]) -> BackTest:
    """Several alarms of one rule as one."""
    if not tests:
        return BackTest(0, 0.0, 0.0, 0.0, 0)
    return replace(
        tests[0],
        alarms=sum(one.alarms for one in tests),
        active_s=sum(one.active_s for one in tests),
        longest_s=max(one.longest_s for one in tests),
        readings=sum(one.readings for one in tests),
    )
