"""What an analytics function is given and what it asks for, and reading the arguments that most of them share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from analytics.errors import BAD_NO_MATCH, BAD_TYPE_MISMATCH, ArgumentError
from analytics.series import Series

_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Context:
    """What a function may know of its twin when a call arrives.

    signals: the paths, relative to the twin, of all numeric tags under Telemetry of the twin and of the twins below it.
    now_ticks: the time of the call.
    """

    signals: Sequence[str]
    now_ticks: int


@dataclass(frozen=True, slots=True)
class Job:
    """Work for a worker: `function` with the series of these signals from start (None: all the memory has) to end, and
    the settings by keyword."""

    function: str
    signals: tuple[str, ...]
    start_ticks: int | None
    end_ticks: int
    settings: Mapping[str, object] = field(default_factory=dict)

    def keywords(self, series: Mapping[str, Series]) -> dict[str, object]:
        """What the function is called with, once the series of its signals (by their names here) have been read."""
        return {"series": series, "start_ticks": self.start_ticks, "end_ticks": self.end_ticks, **self.settings}


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
