"""Whether the models of a twin follow the plant: what they would have said of the recent past, beside what was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from analytics.arguments import Context, Job, number_of
from analytics.errors import NotAvailable
from analytics.function import Argument, ArgumentType, Function
from analytics.series import TICKS_PER_SECOND, Series, begun_ticks
from analytics.simulation.misfit import Misfit, compared
from analytics.simulation.naming import shown
from analytics.simulation.replay import as_now
from analytics.simulation.simulate import with_machines
from analytics.simulation.wiring import ModelUse

RECENT_S: Final = 1800.0
"""The past that is looked at."""
SEGMENT_S: Final = 600.0
MOST_OFF: Final = 0.1
"""Of what is measured (at least of a tenth of its EURange): so much may a model be off on average. An error below it is
none even where it is worse than a guess: a signal that stands still is guessed without error."""
_FEWEST: Final = 20


def plan(arguments: Sequence[object], context: Context) -> Job:
    """Raises ArgumentError, NotAvailable."""
    recent = number_of(arguments[0], 0, "Recent", 0.0, 86_400.0, 0.0) or RECENT_S
    tags = dict.fromkeys(tag for use in context.machines for tag in use.tags)
    names = [shown(tag, context.twin) for tag in tags]
    ranges = {name: context.about[name].range for name in names if name in context.about}
    settings = {
        "uses": tuple(context.machines),
        "twin": context.twin,
        "spans": {name: span[1] - span[0] for name, span in ranges.items() if span is not None},
        "present": {
            tag: context.present[name] for tag, name in zip(tags, names, strict=True) if name in context.present
        },
    }
    start = context.now_ticks - round(recent * TICKS_PER_SECOND)
    signals = tuple(name for name in names if name in context.about)
    return Job("Following", signals, start, context.now_ticks, settings, long=True)


def run(
    series: Mapping[str, Series],
    start_ticks: int | None,
    end_ticks: int,
    uses: tuple[ModelUse, ...],
    twin: str,
    spans: Mapping[str, float],
    present: Mapping[str, float],
) -> tuple[Any, ...]:
    """Whether they follow, why not, then valid and reason. Raises NotAvailable where too little was measured."""
    assert start_ticks is not None
    start = begun_ticks(series.values(), start_ticks, end_ticks)
    if end_ticks - start < 60 * TICKS_PER_SECOND:
        raise NotAvailable("less than a minute of the past is known, too little to tell whether the models follow it")
    found = compared(uses, twin, series, start, end_ticks, SEGMENT_S, present=present)
    judged = {name: one for name, one in found.misfits.items() if one.count >= _FEWEST}
    if not judged:
        raise NotAvailable("what the models give was not measured of late, so that nobody knows whether they follow")
    wrong = [why for name, one in judged.items() if (why := drifted(name, one, spans.get(name)))]
    return not wrong, "; ".join(wrong[:3]), True, as_now(found.as_now, present, twin)


def drifted(name: str, one: Misfit, span: float | None) -> str:
    """Why a signal does not follow, "" where it does. span: of its EURange."""
    most = MOST_OFF * max(abs(one.mean), 0.1 * (span or 0.0))
    if abs(one.bias) > most:
        return f"the model of {name} is off by {one.bias:+.3g} on average, where {one.mean:.4g} is measured"
    if one.rmse > max(one.persistence, most):
        return (
            f"the model of {name} errs by {one.rmse:.3g}, and the guess that nothing changes by {one.persistence:.3g}"
        )
    return ""


FOLLOWING: Final = Function(
    "Following",
    "Whether the models of this twin follow what is measured",
    (Argument("Recent", ArgumentType.Double, description="How far back; 0: half an hour", unit="SEC"),),
    (
        Argument("Follows", ArgumentType.Boolean, description="Whether they do"),
        Argument("WhyNot", ArgumentType.String, description="What does not; empty: all does"),
    ),
    plan,
    needs=with_machines,
)
"""In no catalog: the server asks it before it acts by itself."""
