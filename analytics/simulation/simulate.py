"""Simulate: what if - a run of the models of a twin with some inputs given, beside the same run without them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analytics.arguments import Context, Job, Progress, number_of, ticks_of
from analytics.errors import BAD_NO_MATCH, BAD_OUT_OF_RANGE, BAD_TYPE_MISMATCH, ArgumentError, NotAvailable
from analytics.function import ONE_DIMENSION, Argument, ArgumentType, Function
from analytics.series import TICKS_PER_SECOND, Series
from analytics.simulation.calibrated import calibrations
from analytics.simulation.choosing import Wish, compose, cost_s, load
from analytics.simulation.figures import Figure, called, figures
from analytics.simulation.integrate import Course
from analytics.simulation.integrate import run as run_system
from analytics.simulation.naming import fed_by, needed, overrides, shown, used_title
from analytics.simulation.replay import as_now, replayed
from analytics.simulation.system import ModelError, Signal, System
from analytics.simulation.wiring import ModelUse

NAMES, VALUES, START, DURATION, STEP, MODEL = range(6)
DEFAULT_S: Final = 3600.0
LONGEST_S: Final = 366 * 86_400.0
MOST_TIMES: Final = 20_000
MOST_VALUES: Final = 2_000_000
LEAD_S: Final = 600.0
"""How far before the start a last value is looked for."""
_POINTS, _LONG_S, _HOUR_S = 60, 1.0, 3600.0
Lines = dict[str, Any]


def with_machines(context: Context) -> bool:
    """Every twin that has a model of a machine, or that has a twin below it with one."""
    return bool(context.machines)


def plan(arguments: Sequence[object], context: Context) -> Job:
    """Raises ArgumentError, NotAvailable."""
    given = overrides(arguments[NAMES], arguments[VALUES], context.machines, context.twin, NAMES)
    duration, step = _time(arguments)
    start = ticks_of(arguments[START], START)
    if start is not None and start > context.now_ticks:
        raise ArgumentError(START, BAD_OUT_OF_RANGE, "Start lies in the future; null starts now")
    tags = dict.fromkeys(tag for use in context.machines for tag in use.tags)
    names = {tag: shown(tag, context.twin) for tag in tags}
    begin = context.now_ticks if start is None else start
    read = dict.fromkeys(tag for use in context.machines for tag in needed(use))
    wanted = tags if start is None else {tag for use in context.machines for tag in fed_by(use)}
    settings = {
        "uses": tuple(context.machines),
        "twin": context.twin,
        "model": model_name(arguments[MODEL], context, MODEL),
        "given": given,
        "begin_ticks": begin,
        "duration_s": duration,
        "step_s": step,
        "present": {tag: context.present[names[tag]] for tag in wanted if names[tag] in context.present},
        "units": {tag: context.about[name].unit for tag, name in names.items() if name in context.about},
    }
    end = context.now_ticks if start is None else min(context.now_ticks, start + round(duration * TICKS_PER_SECOND))
    signals = () if start is None else tuple(names[tag] for tag in read if names[tag] in context.about)
    return Job(
        "Simulate",
        signals,
        begin - round(LEAD_S * TICKS_PER_SECOND),
        end,
        settings,
        long=_expected_s(context.machines, duration) > _LONG_S,
        rests_on=calibrations(context)[0],
    )


def model_name(argument: object, context: Context, index: int) -> str:
    """The model that an argument names, "" for the default. Raises ArgumentError."""
    if argument is not None and not isinstance(argument, str):
        raise ArgumentError(index, BAD_TYPE_MISMATCH, "Model is text")
    own = [use.name for use in context.machines if use.twin == context.twin]
    if argument and argument not in own:
        raise ArgumentError(
            index, BAD_NO_MATCH, f'the twin has no model "{argument}"; it has {", ".join(own) or "none of its own"}'
        )
    return argument or ""


def _time(arguments: Sequence[object]) -> tuple[float, float]:
    duration = number_of(arguments[DURATION], DURATION, "Duration", 0.0, LONGEST_S, 0.0) or DEFAULT_S
    step = number_of(arguments[STEP], STEP, "Step", 0.0, LONGEST_S, 0.0) or duration / _POINTS
    if step > duration:
        raise ArgumentError(STEP, BAD_OUT_OF_RANGE, f"Step is {step:g} s, more than the Duration of {duration:g} s")
    if duration / step > MOST_TIMES:
        raise ArgumentError(
            STEP, BAD_OUT_OF_RANGE, f"{duration / step:.0f} steps are more than {MOST_TIMES}; a longer Step is right"
        )
    return duration, step


def _expected_s(uses: Sequence[ModelUse], duration_s: float) -> float:
    known = [cost_s(use) for use in uses]
    return 2.0 * sum(0.0 if math.isnan(cost) else cost for cost in known) * duration_s / _HOUR_S


@dataclass(frozen=True, slots=True)
class _Run:
    """One run of a system."""

    system: System
    course: Course
    figures: list[Figure]


def run(
    series: Mapping[str, Series],
    start_ticks: int | None,
    end_ticks: int,
    uses: tuple[ModelUse, ...],
    twin: str,
    model: str,
    given: Mapping[str, float],
    begin_ticks: int,
    duration_s: float,
    step_s: float,
    present: Mapping[str, float],
    units: Mapping[str, str | None],
    progress: Progress,
) -> tuple[Any, ...]:
    """The results of Simulate in their order. Raises NotAvailable."""
    times = times_of(duration_s, step_s)
    paths = {shown(tag, twin): tag for use in uses for tag in use.tags}
    past = {paths[name]: line for name, line in replayed(series, begin_ticks, times).items()}
    lines: Lines = {**present, **past}
    start = {name: _first(line) for name, line in lines.items()}
    wish = Wish(twin, model, tuple(given), {**start, **given})
    system, chosen = compose(uses, wish)
    check_used(given, system, chosen, twin)
    if len(times) * len(system.signals) > MOST_VALUES:
        count = len(times) * len(system.signals)
        raise NotAvailable(f"{count} values are more than {MOST_VALUES}; take a longer Step")
    try:
        what_if = _one(system, times, {**lines, **given}, {**start, **given}, twin, units, lambda at: progress(at / 2))
    except ModelError as error:
        raise NotAvailable(str(error)) from None
    before: _Run | None = what_if
    why = ""
    if given:
        before, why = _baseline(chosen, times, lines, start, twin, units, lambda at: progress(0.5 + at / 2))
    taken = [name for name in system.inputs if name not in past and name not in given] if series else []
    reasons = [_beyond(what_if, twin), why, _held(begin_ticks, end_ticks, duration_s, lines)]
    reasons.append(as_now(taken, present, twin))
    return (
        begin_ticks + np.round(times * TICKS_PER_SECOND).astype(np.int64),
        *_table(what_if, before, twin, units),
        *_key_figures(what_if, before),
        [shown(name, twin) for name in what_if.course.extrapolated],
        [used_title(use, twin) for use in chosen],
        [shown(name, twin) for name in system.inputs],
        np.array([float(np.mean({**lines, **given}[name])) for name in system.inputs]),
        True,
        "; ".join(one for one in reasons if one),
    )


def check_used(given: Mapping[str, float], system: System, chosen: Sequence[ModelUse], twin: str) -> None:
    """Raises ArgumentError for something given that no model in use takes."""
    idle = [name for name in given if name not in system.inputs and name not in system.states]
    if idle:
        names = ", ".join(shown(name, twin) for name in idle)
        models = ", ".join(used_title(use, twin) for use in chosen)
        raise ArgumentError(NAMES, BAD_NO_MATCH, f"none of the models in use takes {names}; these are {models}")


def times_of(duration_s: float, step_s: float) -> npt.NDArray[np.float64]:
    """Seconds from 0 to the duration, which is the last."""
    whole = np.arange(math.floor(duration_s / step_s + 1e-9) + 1) * step_s
    rest = [] if duration_s - whole[-1] < 1e-6 * step_s else [duration_s]
    return np.array([*whole, *rest])


def _first(line: Any) -> float:
    return float(np.ravel(line)[0])


def _one(
    system: System,
    times: npt.NDArray[np.float64],
    lines: Lines,
    start: Mapping[str, float],
    twin: str,
    units: Mapping[str, str | None],
    progress: Progress,
) -> _Run:
    states = {name: start[name] for name in system.states if name in start}
    course = run_system(system, times, {name: lines[name] for name in system.inputs}, states, progress)
    for name in system.forced & course.signals.keys():  # what others took was the given value
        course.signals[name][:] = lines[name]
    known = {one.name: unit_of(one, units) for one in system.signals}
    return _Run(system, course, figures(system, course, called(system, twin), known))


def unit_of(signal: Signal, units: Mapping[str, str | None]) -> str | None:
    """Of its tag, else of its port."""
    return units[signal.name] if units.get(signal.name) else signal.port.unit


def _baseline(
    chosen: Sequence[ModelUse],
    times: npt.NDArray[np.float64],
    lines: Lines,
    start: Mapping[str, float],
    twin: str,
    units: Mapping[str, str | None],
    progress: Progress,
) -> tuple[_Run | None, str]:
    """The same models without what is given; why there is none."""
    try:
        system = System([load(use) for use in chosen])
        missing = [shown(name, twin) for name in system.inputs if name not in lines]
        if missing:
            return None, f"there is no baseline, for {', '.join(missing[:5])} has no Good value"
        return _one(system, times, lines, start, twin, units, progress), ""
    except ModelError as error:
        return None, f"there is no baseline: {error}"


def _table(what_if: _Run, before: _Run | None, twin: str, units: Mapping[str, str | None]) -> tuple[Any, ...]:
    signals = what_if.system.signals
    values = np.stack([what_if.course.signals[one.name] for one in signals], axis=1)
    if before is None:
        differences = np.full_like(values, np.nan)
    else:
        differences = values - np.stack([before.course.signals[one.name] for one in signals], axis=1)
    names = [shown(one.name, twin) for one in signals]
    return names, [unit_of(one, units) or "" for one in signals], values.reshape(-1), differences.reshape(-1)


def _key_figures(what_if: _Run, before: _Run | None) -> tuple[Any, ...]:
    values = np.array([one.value for one in what_if.figures])
    plain = np.full_like(values, np.nan) if before is None else np.array([one.value for one in before.figures])
    names = [one.name for one in what_if.figures]
    return names, [one.unit or "" for one in what_if.figures], values, values - plain


def _beyond(what_if: _Run, twin: str) -> str:
    names = [shown(name, twin) for name in what_if.course.extrapolated]
    return f"extrapolated, for it left the validity of its model: {', '.join(names[:8])}" if names else ""


def _held(begin: int, end: int, duration_s: float, lines: Lines) -> str:
    """Says so where a replay goes beyond the present."""
    left = duration_s - (end - begin) / TICKS_PER_SECOND
    replays = any(np.ndim(line) for line in lines.values())
    return f"the last {left:.0f} s lie in the future: inputs are held there" if replays and left > 1.0 else ""


_TEXTS: Final = (ArgumentType.String, ONE_DIMENSION)
_DOUBLES: Final = (ArgumentType.Double, ONE_DIMENSION)
SIMULATE: Final = Function(
    "Simulate",
    "What if: run the models of this twin and of the twins below it with some inputs given, without touching the plant",
    (
        Argument(
            "Names",
            *_TEXTS,
            "Inputs that are given: tags (Speed, Pump1/Speed, /Plant/Outdoor/Temperature), commands (SpeedSetpoint), "
            "ports (Pump1:throttle); the tag of a state says where it begins. Empty: none",
        ),
        Argument("Values", *_DOUBLES, "Of each, in the unit of the tag or port, for the whole run"),
        Argument("Start", ArgumentType.DateTime, description="Null: now, other inputs held; else they are replayed"),
        Argument("Duration", ArgumentType.Double, description="0: an hour", unit="SEC"),
        Argument(
            "Step", ArgumentType.Double, description="Between the times of the results; 0: a sixtieth", unit="SEC"
        ),
        Argument("Model", ArgumentType.String, description="One of this twin's models; empty: the default"),
    ),
    (
        Argument("Times", ArgumentType.DateTime, ONE_DIMENSION, "Of the values"),
        Argument("Outputs", *_TEXTS, "What the models give, as tags and ports"),
        Argument("Units", *_TEXTS, "UNECE common code of each; empty: none"),
        Argument("Trajectories", *_DOUBLES, "Row by row: Trajectories[t * length(Outputs) + o]"),
        Argument("Differences", *_DOUBLES, "The same less the run without what was given; NaN where there is none"),
        Argument("KpiNames", *_TEXTS, "Mean(output), Energy(power) and ratios, such as cop(Chiller)"),
        Argument("KpiUnits", *_TEXTS, "UNECE common code of each; empty: none"),
        Argument("Kpis", *_DOUBLES, "Their values"),
        Argument("KpiDifferences", *_DOUBLES, "The same less those of the run without what was given"),
        Argument("Extrapolated", *_TEXTS, "Inputs that left the range in which their model holds"),
        Argument("Models", *_TEXTS, "The models that were used, with kind and fidelity"),
        Argument("InputNames", *_TEXTS, "What the run took from outside"),
        Argument("InputValues", *_DOUBLES, "Mean of each over the run"),
    ),
    plan,
    needs=with_machines,
)
