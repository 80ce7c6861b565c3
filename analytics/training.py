"""TrainModel: which kinds of models there are; its arguments checked in the server, the training done in the worker."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

from analytics import anomaly_train, degradation, remaining_life_train
from analytics.arguments import Context, Job, Progress, signals_of, ticks_of
from analytics.errors import BAD_NO_MATCH, BAD_OUT_OF_RANGE, BAD_TYPE_MISMATCH, ArgumentError, NotAvailable
from analytics.models import Label, Setting, Trained
from analytics.series import Series
from analytics.trainer import CONTEXT_SIGNALS, END, EXCLUDE, KIND, OPTIONS, SIGNALS, START, Option, Trainer

_LIBRARIES: Final = ("numpy", "scikit-learn")


TRAINERS: Final[dict[str, Trainer]] = {
    one.kind: one for one in (anomaly_train.TRAINER, remaining_life_train.TRAINER, degradation.TRAINER)
}
"""By kind; each is added here."""
ACTIVATE: Final = "Activate"
_COMMON_OPTIONS: Final = {ACTIVATE: Option(False, "Make the model active as soon as it is trained")}


@dataclass(frozen=True, slots=True)
class Lesson:
    """What came of a training: the model, what it was trained on, and with what."""

    trained: Trained
    data_hash: str
    start_ticks: int
    end_ticks: int
    libraries: Mapping[str, str]


def plan(arguments: Sequence[object], context: Context) -> Job:
    """The training to be done. Start null: what suits the kind, so that a call with nothing else makes a new baseline.
    Raises ArgumentError, NotAvailable."""
    trainer = _trainer(arguments[KIND], context)
    signals = signals_of(arguments[SIGNALS], context, SIGNALS)
    asides = signals_of(arguments[CONTEXT_SIGNALS], context, CONTEXT_SIGNALS) if arguments[CONTEXT_SIGNALS] else ()
    start, end = ticks_of(arguments[START], START), ticks_of(arguments[END], END) or context.now_ticks
    if start is None:
        start = trainer.since(context.labels)
    if start is not None and start >= end:
        raise ArgumentError(END, BAD_OUT_OF_RANGE, "End is not later than Start")
    measured = tuple(signal for signal in signals if signal not in asides)
    if len(measured) < trainer.least_signals:
        raise ArgumentError(
            SIGNALS, BAD_OUT_OF_RANGE, f"{trainer.kind} needs {trainer.least_signals} signals beside ContextSignals"
        )
    options = options_of(arguments[OPTIONS], trainer)
    settings = {
        "kind": trainer.kind,
        "context_signals": asides,
        "exclude": _intervals(arguments[EXCLUDE]),
        "labels": tuple(context.labels),
        "options": options,
    }
    return Job("TrainModel", (*measured, *asides), start, end, settings, pieces=trainer.pieces)


def run(
    series: Mapping[str, Series],
    start_ticks: int | None,
    end_ticks: int,
    kind: str,
    context_signals: tuple[str, ...],
    exclude: tuple[tuple[int, int], ...],
    labels: tuple[Label, ...],
    options: Mapping[str, Setting],
    progress: Progress,
) -> Lesson:
    """Train in the worker. Raises NotAvailable, ArgumentError."""
    there = [one for one in series.values() if len(one)]
    if not there:
        raise NotAvailable("none of the signals has a value in that time")
    own = {name.lower(): value for name, value in options.items() if name != ACTIVATE}
    first = min(int(one.ticks[0]) for one in there) if start_ticks is None else start_ticks
    trained = TRAINERS[kind].run(
        series,
        context_signals=context_signals,
        start_ticks=first,
        end_ticks=end_ticks,
        exclude=exclude,
        labels=labels,
        progress=progress,
        **own,
    )
    return Lesson(trained, data_hash(series), first, end_ticks, _libraries())


def data_hash(series: Mapping[str, Series]) -> str:
    """SHA-256 over names, times, values and StatusCodes, in hexadecimal."""
    digest = hashlib.sha256()
    for name, one in series.items():
        digest.update(name.encode() + b"\0")
        for column in (one.ticks, one.values, one.status):
            digest.update(column.tobytes())
    return digest.hexdigest()


def options_of(argument: object, trainer: Trainer) -> dict[str, Setting]:
    """All options of a trainer, those not given as their defaults. Raises ArgumentError."""
    known = {**_COMMON_OPTIONS, **trainer.options}
    options: dict[str, Setting] = {name: option.default for name, option in known.items()}
    if argument is not None and (isinstance(argument, str) or not isinstance(argument, Sequence)):
        raise ArgumentError(OPTIONS, BAD_TYPE_MISMATCH, "Options is an array of text: name=value")
    for text in argument or ():
        name, _, value = str(text).partition("=")
        found = next((one for one in known if one.lower() == name.strip().lower()), None)
        if found is None:
            raise ArgumentError(
                OPTIONS, BAD_NO_MATCH, f'"{name.strip()}" is no option of {trainer.kind}; there are {", ".join(known)}'
            )
        options[found] = _value(found, known[found], value.strip())
    return options


def _value(name: str, option: Option, text: str) -> Setting:
    if isinstance(option.default, bool):
        if text.lower() not in ("true", "false"):
            raise ArgumentError(OPTIONS, BAD_OUT_OF_RANGE, f'{name}: "{text}" is neither true nor false')
        return text.lower() == "true"
    if isinstance(option.default, str):
        if option.choices and text not in option.choices:
            raise ArgumentError(OPTIONS, BAD_OUT_OF_RANGE, f'{name}: "{text}" is none of {", ".join(option.choices)}')
        return text
    try:
        number = type(option.default)(text)
    except ValueError:
        raise ArgumentError(OPTIONS, BAD_OUT_OF_RANGE, f'{name}: "{text}" is no number') from None
    if not option.lowest <= number <= option.highest:
        between = f"from {option.lowest:g} to {option.highest:g}"
        raise ArgumentError(OPTIONS, BAD_OUT_OF_RANGE, f"{name} is {number:g}; right is {between}")
    return number


def _trainer(argument: object, context: Context) -> Trainer:
    if not isinstance(argument, str):
        raise ArgumentError(KIND, BAD_TYPE_MISMATCH, "Kind is text")
    known = [kind for kind, one in TRAINERS.items() if one.needs(context)]
    if argument not in known:
        raise ArgumentError(KIND, BAD_NO_MATCH, f'"{argument}" cannot be trained here; there are {", ".join(known)}')
    return TRAINERS[argument]


def _intervals(argument: object) -> tuple[tuple[int, int], ...]:
    if argument is None:
        return ()
    if isinstance(argument, str) or not isinstance(argument, Sequence):
        raise ArgumentError(EXCLUDE, BAD_TYPE_MISMATCH, "Exclude is an array of DateTime")
    ticks = [ticks_of(one, EXCLUDE) or 0 for one in argument]
    pairs = tuple(zip(ticks[0::2], ticks[1::2], strict=False))
    if len(ticks) % 2 or any(begin >= end for begin, end in pairs):
        raise ArgumentError(EXCLUDE, BAD_OUT_OF_RANGE, "Exclude is pairs of a begin and a later end")
    return pairs


def _libraries() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}}
