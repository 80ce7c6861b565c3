"""Calibrate: parameters of a twin's models from its past, with how sure they are and whether they are better."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from analytics.arguments import Answer, Context, Job, ticks_of
from analytics.errors import BAD_NO_MATCH, BAD_OUT_OF_RANGE, BAD_TYPE_MISMATCH, ArgumentError
from analytics.function import ONE_DIMENSION, Access, Argument, ArgumentType, Function
from analytics.reach import reach_ticks
from analytics.series import TICKS_PER_SECOND
from analytics.simulation.calibration_models import states_of, team_of
from analytics.simulation.kinds import KINDS
from analytics.simulation.naming import needed, shown
from analytics.simulation.parameters import tuned

NAME: Final = "Calibrate"
PARAMETERS, BOUNDS, START, END, MODE = range(5)
DEFAULT_S: Final = 86_400.0
SHORTEST_S: Final = 60.0
_READINGS: Final = 5_000_000
_LEAD_S: Final = 600.0


class Mode(StrEnum):
    """Once; again and again over a window that moves with time; or no longer."""

    batch = "Batch"
    continuous = "Continuous"
    stop = "Stop"


def with_parameters(context: Context) -> bool:
    """Every twin that has a model with parameters, or that has a twin below it with one."""
    return any(use.kind in KINDS and KINDS[use.kind].parameters for use in context.machines)


def mode_of(argument: object) -> Mode:
    """Empty: once. Raises ArgumentError."""
    if argument is not None and not isinstance(argument, str):
        raise ArgumentError(MODE, BAD_TYPE_MISMATCH, "Mode is text")
    wanted = (argument or Mode.batch).strip().lower()
    found = next((one for one in Mode if one.lower() == wanted), None)
    if found is None:
        raise ArgumentError(MODE, BAD_NO_MATCH, f'"{argument}" is no mode; there are {", ".join(Mode)}')
    return found


def plan(arguments: Sequence[object], context: Context) -> Job | Answer:
    """Stop is the server's to do. Raises ArgumentError."""
    mode = mode_of(arguments[MODE])
    if mode is Mode.stop:
        return Answer((*CALIBRATE.nothing(), True, ""))
    wanted = tuned(arguments[PARAMETERS], arguments[BOUNDS], context.machines, context.twin, PARAMETERS)
    team = team_of(wanted, context.machines)
    states = states_of(team, context.stations, context.twin)
    tags = dict.fromkeys((*(tag for use in team.uses for tag in needed(use)), *team.outputs))
    names = [name for tag in tags if (name := shown(tag, context.twin)) in context.about]
    signals = tuple(dict.fromkeys((*names, *(state for state in states if state in context.about))))
    start, end = _interval(arguments, signals, context)
    settings = {
        "wanted": wanted,
        "team": team,
        "twin": context.twin,
        "states": states,
        "begin_ticks": start,
        "mode": mode,
        "present": {
            tag: context.present[name] for tag in tags if (name := shown(tag, context.twin)) in context.present
        },
        "units": {tag: context.about[name].unit for tag in tags if (name := shown(tag, context.twin)) in context.about},
    }
    return Job(NAME, signals, start - round(_LEAD_S * TICKS_PER_SECOND), end, settings, long=True)


def _interval(arguments: Sequence[object], signals: Sequence[str], context: Context) -> tuple[int, int]:
    start, end = ticks_of(arguments[START], START), ticks_of(arguments[END], END)
    if start is not None and start >= context.now_ticks:
        raise ArgumentError(START, BAD_OUT_OF_RANGE, "Start lies in the future; null takes the last day")
    end = context.now_ticks if end is None else min(end, context.now_ticks)
    if start is None:
        reach = context.now_ticks - reach_ticks(context, signals, _READINGS)
        start = end - min(reach, round(DEFAULT_S * TICKS_PER_SECOND))
    if end - start < SHORTEST_S * TICKS_PER_SECOND:
        raise ArgumentError(END, BAD_OUT_OF_RANGE, f"End is to be {SHORTEST_S:g} s after Start at least")
    return start, end


_TEXTS: Final = (ArgumentType.String, ONE_DIMENSION)
_DOUBLES: Final = (ArgumentType.Double, ONE_DIMENSION)
_BOOLEANS: Final = (ArgumentType.Boolean, ONE_DIMENSION)
CALIBRATE: Final = Function(
    NAME,
    "Find parameters of the models of this twin and of those below it from the past, with bounds, standard errors and "
    "a test on data held out; better ones become active, those that the data cannot tell are refused",
    (
        Argument("Parameters", *_TEXTS, "resistance, Pump1:resistance, Chiller:steady.carnot_share"),
        Argument("Bounds", *_DOUBLES, "Low, high, low, high, ... of each; empty: those of the kind of model"),
        Argument("Start", ArgumentType.DateTime, description="Null: a day before End, or what there is of it"),
        Argument("End", ArgumentType.DateTime, description="Null: now"),
        Argument(
            "Mode",
            ArgumentType.String,
            description="Batch (or empty): once. Continuous: now, and again over an interval of that length that moves "
            "with time. Stop: no longer",
        ),
    ),
    (
        Argument("ParameterNames", *_TEXTS, "As they are called on this twin"),
        Argument("ParameterUnits", *_TEXTS, "UNECE common code of each; empty: none"),
        Argument("Before", *_DOUBLES, "Values in use when it began"),
        Argument("After", *_DOUBLES, "Values found"),
        Argument("StandardErrors", *_DOUBLES, "Of the values found, for residuals that hang together over time"),
        Argument("Low", *_DOUBLES, "Where the 95 % interval begins"),
        Argument("High", *_DOUBLES, "Where it ends"),
        Argument("Identifiable", *_BOOLEANS, "Whether the data can tell it"),
        Argument("AtBound", *_BOOLEANS, "Whether it came to a bound, where it means nothing"),
        Argument("SignalNames", *_TEXTS, "What was compared"),
        Argument("SignalUnits", *_TEXTS, "UNECE common code of each; empty: none"),
        Argument("RmseBefore", *_DOUBLES, "Root mean square error on the last quarter, which was not used for the fit"),
        Argument("RmseAfter", *_DOUBLES, "The same with the values found"),
        Argument("RmsePersistence", *_DOUBLES, "The same of the guess that nothing changes"),
        Argument("Activated", ArgumentType.Boolean, description="Whether the models use them from now on"),
    ),
    plan,
    needs=with_parameters,
    access=Access.engineer,
)
