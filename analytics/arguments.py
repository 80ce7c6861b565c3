"""What an analytics function is given and what it asks for, and reading the arguments that most of them share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from analytics.cluster import Cluster
from analytics.errors import BAD_NO_MATCH, BAD_OUT_OF_RANGE, BAD_TYPE_MISMATCH, ArgumentError, NotAvailable
from analytics.models import Label, ModelRecord, ModelState
from analytics.process.stations import Station
from analytics.series import TICKS_PER_SECOND, Series
from analytics.simulation.aim import Aim
from analytics.simulation.wiring import ModelUse

_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
FULL: Final = 200_000
PIECE: Final = 180
Progress = Callable[[float], None]
"""Told now and then how far a function is, from 0 to 1."""


Limits = tuple[float, float, float, float]
"""LowLow, Low, High and HighHigh of a limit alarm (Part 9, 5.8.18), infinite where there is none."""
NO_LIMITS: Final[Limits] = (float("-inf"), float("-inf"), float("inf"), float("inf"))


@dataclass(frozen=True, slots=True)
class Signal:
    """What the plant says of a signal. unit: UNECE common code; symbol: what people write for it. range: EURange.
    period_s: from one reading to the next, as configured; stale_s: how long a reading counts. limits: those of its
    alarms, of several the tightest. analog: whether it is measured (Float, Double), not counted. command: whether it is
    one; its range then is what it takes."""

    unit: str | None = None
    range: tuple[float, float] | None = None
    period_s: float = 1.0
    description: str = ""
    symbol: str = ""
    limits: Limits = NO_LIMITS
    stale_s: float = 3.0
    analog: bool = True
    command: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A twin below the one a function was called on: its path from there, its scope (component, asset, system,
    process) and the name of its type in the plant file."""

    path: str
    scope: str
    type_name: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """What a function may know of its twin when a call arrives.

    signals: the paths, relative to the twin, of all numeric tags under Telemetry of the twin and of the twins below it;
    about: what the plant says of each. now_ticks: the time of the call. twin: its path. parts: the twins below it,
    parents first. models: of this twin, every state, oldest version first; below: those of the twins below it by
    their paths from here. labels: what people have said of stretches of time, oldest first. latest: the Analytics
    Variables of this twin and of those below it that have a Good value, by their paths from here ("HealthScore",
    "DriveEndBearing/AnomalyScore"). stations: what this twin ("") and those below it are in the flow of work.
    machines: the models that simulate this twin and those below it, parents first; present: the Good values of the tags
    that these are bound to, by their paths from here, "/Plant/..." for tags elsewhere. `about` and the signals of a Job
    may name such tags as well. aim: of this twin's optimisation, None where the plant file says nothing. cluster: where
    dear work may be done, None: here. modelled: its values are what its models say, as in a scenario.
    """

    signals: Sequence[str]
    now_ticks: int
    about: Mapping[str, Signal] = field(default_factory=dict)
    twin: str = ""
    scope: str = ""
    parts: Sequence[Part] = ()
    models: Sequence[ModelRecord] = ()
    below: Mapping[str, Sequence[ModelRecord]] = field(default_factory=dict)
    labels: Sequence[Label] = ()
    latest: Mapping[str, float] = field(default_factory=dict)
    stations: Sequence[Station] = ()
    machines: Sequence[ModelUse] = ()
    present: Mapping[str, float] = field(default_factory=dict)
    aim: Aim | None = None
    cluster: Cluster | None = None
    modelled: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """Work for a worker: `function` (its name in `analytics.jobs`) with the series of these signals from start (None:
    all there is) to end, and the settings by keyword.

    model: id of a model of the twin, given as keyword `model: Model` (its record and arrays). rests_on: id of one that
    has gone into the settings already, and is only told as the ModelId. models: ids of more of
    them, given as `models: tuple[Model, ...]`. others: more intervals (start, end) in ticks, the series of which are
    given as `others: tuple[Mapping[str, Series], ...]` where there are any. pieces: of a signal that has more than
    FULL readings so many pieces of PIECE readings, spread evenly over the time, are enough; 0: all are needed. least_s:
    where less than that has been measured in the interval, an interval of the same length that ends where measuring
    ended before is given as the only one of `others`. long: it
    takes over a second, so the caller gets a job at once; what was not said to be long and takes longer becomes a job
    after a second. A function with a parameter `progress: Progress` is given one.
    """

    function: str
    signals: tuple[str, ...]
    start_ticks: int | None
    end_ticks: int
    settings: Mapping[str, object] = field(default_factory=dict)
    model: str = ""
    models: tuple[str, ...] = ()
    long: bool = False
    others: tuple[tuple[int, int], ...] = ()
    pieces: int = 0
    least_s: float = 0.0
    rests_on: str = ""

    def keywords(self, series: Mapping[str, Series]) -> dict[str, object]:
        """What the function is called with, once the series of its signals (by their names here) have been read; the
        models are added by who has them."""
        return {"series": series, "start_ticks": self.start_ticks, "end_ticks": self.end_ticks, **self.settings}


@dataclass(frozen=True, slots=True)
class Answer:
    """Results without any work: those of `Function.own`, then valid and reason. model: id of the one they rest on."""

    results: tuple[object, ...]
    model: str = ""


@dataclass(frozen=True, slots=True)
class Fleet:
    """The same call on many twins below: a function, the paths of the twins, and its arguments."""

    function: str
    members: tuple[str, ...]
    arguments: tuple[object, ...]


def signals_of(argument: object, context: Context, index: int) -> tuple[str, ...]:
    """The signals an argument names; all of the twin when it names none. Raises ArgumentError."""
    if argument is None:
        return tuple(context.signals)
    if isinstance(argument, str) or not isinstance(argument, Sequence):
        raise ArgumentError(index, BAD_TYPE_MISMATCH, "Signals is an array of text")
    known = frozenset(context.signals)
    for name in argument:
        if name not in known:
            raise ArgumentError(index, BAD_NO_MATCH, _unknown(str(name), context.signals))
    return tuple(dict.fromkeys(argument)) or tuple(context.signals)


def _unknown(name: str, signals: Sequence[str]) -> str:
    same_end = [signal for signal in signals if signal.rsplit("/", 1)[-1] == name.rsplit("/", 1)[-1]]
    examples = ", ".join((same_end or list(signals))[:5])
    return f'the twin has no numeric signal "{name}"; it has {examples or "none at all"}'


def readings_of(signals: Sequence[str], start_ticks: int, end_ticks: int, context: Context) -> float:
    """Roughly how many readings these signals have from start to end."""
    seconds = (end_ticks - start_ticks) / TICKS_PER_SECOND
    return seconds * sum(
        1.0 / max(context.about[signal].period_s, 1e-3) for signal in signals if signal in context.about
    )


def ticks_of(argument: object, index: int) -> int | None:
    """A DateTime (a datetime, or ticks of 100 ns since 1601 UTC) as ticks; None for the null DateTime. Raises
    ArgumentError."""
    if argument is None:
        return None
    if isinstance(argument, datetime):
        aware = argument if argument.tzinfo else argument.replace(tzinfo=UTC)
        since = aware - _EPOCH
        argument = (since.days * 86_400 + since.seconds) * 10_000_000 + since.microseconds * 10
    if isinstance(argument, bool) or not isinstance(argument, int):
        raise ArgumentError(index, BAD_TYPE_MISMATCH, "a DateTime is needed")
    return argument if argument > 0 else None


def model_of(argument: object, context: Context, kind: str, index: int) -> ModelRecord:
    """The model an argument names, of whatever state but with something to compute with; the active one of that kind
    where it names none. Raises ArgumentError for one that the twin has not, NotAvailable where none is active."""
    if argument is not None and not isinstance(argument, str):
        raise ArgumentError(index, BAD_TYPE_MISMATCH, "ModelId is text")
    of_kind = [model for model in context.models if model.kind == kind]
    if not argument:
        return active_model(context, kind)
    found = next((model for model in of_kind if model.id == argument), None)
    if found is None:
        known = ", ".join(model.id for model in of_kind) or "none; TrainModel makes one"
        raise ArgumentError(index, BAD_NO_MATCH, f'the twin has no {kind} model "{argument}"; it has {known}')
    if found.state in (ModelState.draft, ModelState.training):
        raise NotAvailable(f"model {found.id} is {found.state}: {found.reason or 'it has not been trained yet'}")
    return found


def active_model(context: Context, kind: str) -> ModelRecord:
    """The active model of a kind. Raises NotAvailable, saying what would help."""
    of_kind = [model for model in context.models if model.kind == kind]
    for model in of_kind:
        if model.state is ModelState.active:
            return model
    waiting = [model.id for model in of_kind if model.state is ModelState.candidate]
    cure = f"ActivateModel({waiting[-1]}) makes the candidate active" if waiting else f"TrainModel({kind}) makes one"
    raise NotAvailable(f"the twin has no active {kind} model; {cure}")


def number_of(argument: object, index: int, name: str, low: float, high: float, default: float | None = None) -> float:
    """A number within [low, high]; the default for null, where there is one. Raises ArgumentError."""
    if argument is None and default is not None:
        return default
    if isinstance(argument, bool) or not isinstance(argument, (int, float)):
        raise ArgumentError(index, BAD_TYPE_MISMATCH, f"{name} is a number")
    if not low <= argument <= high:  # NaN is not within either
        raise ArgumentError(index, BAD_OUT_OF_RANGE, f"{name} is {argument:g}; right is from {low:g} to {high:g}")
    return float(argument)
