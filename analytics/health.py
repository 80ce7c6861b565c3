"""GetHealth: one figure for how well a twin is, what takes health away, and how that changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analytics.anomaly_words import name_of
from analytics.arguments import Answer, Context, Job, Signal
from analytics.errors import NotAvailable
from analytics.function import ONE_DIMENSION, Argument, ArgumentType, Function
from analytics.health_index import HALF_AND_HALF, RULE, WHOLE, WORST_PART, Health, Layout, health
from analytics.latest import ANOMALY_SCORE, HEALTH_SCORE, REMAINING_LIFE
from analytics.reach import reach_ticks
from analytics.series import TICKS_PER_SECOND, Series

Floats = npt.NDArray[np.float64]
_MOST_SIGNALS: Final = 2_000
_READINGS: Final = 1e6
_LONGEST_S: Final = 86_400.0
_TIMES: Final = 24
"""Stretches that the trend goes over; the last one is now."""
_LEAST_FOR_TREND: Final = 12
_LEAST_TREND_S: Final = 600.0
_NOW_S: Final = 60.0
_TOLD: Final = 10
_WELL: Final = 99.5
_DAY_S: Final = 86_400.0


def plan(arguments: Sequence[object], context: Context) -> Job | Answer:
    """What of it and of the twins below counts, and how far back can be looked. Of very many signals nothing is read:
    what is known live answers. Raises NotAvailable where that is nothing."""
    twins = ("", *(part.path for part in context.parts))
    if len(context.signals) > _MOST_SIGNALS:
        return _by_latest(context, twins)
    at = {path: number for number, path in enumerate(twins)}
    owner = [at[name.rpartition("/")[0]] for name in context.signals]
    parents = [-1, *(at[path.rpartition("/")[0]] for path in twins[1:])]
    scopes = [context.scope, *(part.scope for part in context.parts)]
    about = [context.about.get(name, Signal()) for name in context.signals]
    latest = [_latest(context, name, twins) for name in (ANOMALY_SCORE, REMAINING_LIFE)]
    start = max(reach_ticks(context, context.signals, _READINGS), context.now_ticks - _ticks(_LONGEST_S))
    settings = {
        "layout": Layout.of(about, owner, parents, scopes),
        "twins": twins,
        "scores": latest[0],
        "hours": latest[1],
        "now_s": max([_NOW_S, *(3.0 * one.period_s for one in about)]),
    }
    return Job("GetHealth", tuple(context.signals), start, context.now_ticks, settings)


def run(
    series: Mapping[str, Series],
    start_ticks: int,
    end_ticks: int,
    layout: Layout,
    twins: tuple[str, ...],
    scores: Floats,
    hours: Floats,
    now_s: float,
) -> tuple[Any, ...]:
    """The results of GetHealth. Raises NotAvailable where no signal has a Good value."""
    names, columns = list(series), list(series.values())
    now = _means(columns, np.array([end_ticks - _ticks(now_s), end_ticks]))
    found = health(layout, now, scores[None], hours[None])
    index = float(found.whole[0, 0])
    if np.isnan(index):
        raise NotAvailable(f"none of its {len(names)} signals had a Good value in the last {now_s:g} s")
    trend = _trend(columns, layout, start_ticks, end_ticks)
    causes = _causes(found, names, twins, layout)
    parts = _worst(found.whole[0])
    return (
        index,
        trend,
        [what for what, _, _ in causes],
        np.array([share for _, share, _ in causes]),
        [why for _, _, why in causes],
        [twins[at] for at in parts],
        found.whole[0, parts],
        _rule(bool(layout.shared[0])),
        _sentence(index, trend, causes),
        True,
        "" if np.isfinite(trend) else "what is known goes too short a time back for a trend",
    )


def _by_latest(context: Context, twins: Sequence[str]) -> Answer:
    """From HealthScore of the twin and of those below it."""
    known = _latest(context, HEALTH_SCORE, twins)
    if np.isnan(known[0]):
        raise NotAvailable("its HealthScore is not known")
    parts = _worst(known)
    least = f"; worst: {twins[parts[0]]}" if parts else ""
    return Answer(
        (
            float(known[0]), float("nan"), [], np.empty(0), [], [twins[at] for at in parts], known[parts],
            _rule(context.scope in WHOLE), f"Health {known[0]:.0f} of 100{least}.", True,
            f"with {len(context.signals)} signals this is the live HealthScore; call the worst twins for causes",
        )
    )  # fmt: skip


def _worst(index: Floats) -> list[int]:
    """The least healthy of the twins below."""
    return [int(at) + 1 for at in np.argsort(index[1:], kind="stable")[:_TOLD] if np.isfinite(index[at + 1])]


def _rule(shared: bool) -> str:
    return RULE.format(parts=HALF_AND_HALF if shared else WORST_PART)


def _latest(context: Context, name: str, twins: Sequence[str]) -> Floats:
    """An Analytics Variable of each twin, NaN where it is not known."""
    paths = [f"{path}/{name}" if path else name for path in twins]
    return np.array([context.latest.get(path, np.nan) for path in paths])


def _means(columns: Sequence[Series], edges: npt.NDArray[np.int64]) -> Floats:
    """float64[m, n]: means of the Good readings between m + 1 edges, NaN where there are none."""
    result = np.full((len(edges) - 1, len(columns)), np.nan)
    for number, one in enumerate(columns):
        good = np.isfinite(one.values) & (one.ticks > edges[0]) & (one.ticks <= edges[-1])
        place = np.searchsorted(edges, one.ticks[good], "left") - 1
        many = np.bincount(place, minlength=len(result))
        sums = np.bincount(place, one.values[good], minlength=len(result))
        result[many > 0, number] = sums[many > 0] / many[many > 0]
    return result


def _trend(columns: Sequence[Series], layout: Layout, start_ticks: int, end_ticks: int) -> float:
    """Of what limits and data say, per day: the slope of the straight line; NaN where too little is known."""
    first = max(start_ticks, min((int(one.ticks[0]) for one in columns if len(one)), default=end_ticks))
    if (end_ticks - first) / TICKS_PER_SECOND < _LEAST_TREND_S:
        return float("nan")
    edges = np.linspace(first, end_ticks, _TIMES + 1).astype(np.int64)
    nothing = np.full((_TIMES, len(layout.parent)), np.nan)
    course = health(layout, _means(columns, edges), nothing, nothing).whole[:, 0]
    known = np.flatnonzero(np.isfinite(course))
    if len(known) < _LEAST_FOR_TREND:
        return float("nan")
    days = (edges[known + 1] - edges[0]) / TICKS_PER_SECOND / _DAY_S
    return float(np.polyfit(days, course[known], 1)[0])


def _causes(found: Health, names: Sequence[str], twins: Sequence[str], layout: Layout) -> list[tuple[str, float, str]]:
    """What takes health away: signal or Variable, the index it leaves, and why; the worst first."""
    causes = [
        (names[at], float(found.signals[0, at]), "near or beyond its limit")
        for at in np.flatnonzero(found.signals[0] < _WELL).tolist()
    ]
    for values, name, why in (
        (found.score, ANOMALY_SCORE, "not as in normal operation"),
        (found.life, REMAINING_LIFE, "little life is left"),
        (found.data, "", "signals without a Good value"),
    ):
        for at in np.flatnonzero(values[0] < _WELL).tolist():
            causes.append(("/".join(part for part in (twins[at], name) if part), float(values[0, at]), why))
    return sorted(causes, key=lambda one: one[1])[:_TOLD]


def _sentence(index: float, trend: float, causes: Sequence[tuple[str, float, str]]) -> str:
    text = f"Health {index:.0f} of 100"
    if np.isfinite(trend) and abs(trend) >= 0.5:
        text += f", {'rising' if trend > 0 else 'falling'} by {abs(trend):.0f} a day"
    if not causes:
        return f"{text}; nothing is near a limit."
    what, _, why = causes[0]
    return f"{text}; worst: {name_of(what) or 'the twin itself'} ({why})."


def _ticks(seconds: float) -> int:
    return round(seconds * TICKS_PER_SECOND)


_DOUBLE: Final = ArgumentType.Double
_DOUBLES: Final = (_DOUBLE, ONE_DIMENSION)
_TEXTS: Final = (ArgumentType.String, ONE_DIMENSION)
GET_HEALTH: Final = Function(
    "GetHealth",
    "How well this twin is, 0 to 100, with what takes health away; rolled up from the twins below it by the Rule that "
    "is told",
    (),
    (
        Argument("HealthIndex", _DOUBLE, description="100 well, 60 at a warning, 20 at an alarm, 0 beyond"),
        Argument("Trend", _DOUBLE, description="By limits and data, per day; NaN where too little is known"),
        Argument("WorstSignals", *_TEXTS, "Signals and Variables that take health away, the worst first"),
        Argument("WorstIndices", *_DOUBLES, "What each of them leaves"),
        Argument("WorstReasons", *_TEXTS, "Why, of each"),
        Argument("WorstTwins", *_TEXTS, "Twins below it, the least healthy first, at most 10"),
        Argument("TwinIndices", *_DOUBLES, "HealthIndex of each of them"),
        Argument("Rule", ArgumentType.String, description="How it comes about"),
        Argument("Explanation", ArgumentType.String, description="In a sentence"),
    ),
    plan,
)
