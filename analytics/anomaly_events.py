"""From scores to events: debounced, joined, named so that an EventId says by itself what and when it was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

_EPOCH: Final = datetime(1601, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = 10_000


@dataclass(frozen=True, slots=True)
class Event:
    """Rows [first, last] of the scores it was found in, the first above the limit to the last in alarm; peak: the
    highest of them."""

    first: int
    last: int
    peak: int


@dataclass(frozen=True, slots=True)
class EventName:
    """What an EventId says: which model found it, and from when to when it was."""

    model: str
    start_ticks: int
    end_ticks: int

    def __str__(self) -> str:
        return f"{self.model}@{_text(self.start_ticks)}/{_text(self.end_ticks)}"


def event_name(event_id: str) -> EventName:
    """The reverse of str(EventName), to the millisecond. Raises ValueError."""
    model, at, span = event_id.rpartition("@")
    start, slash, end = span.partition("/")
    if not (model and at and slash):
        raise ValueError(f'"{event_id}" is no EventId; it looks like Anomaly-1@2026-11-22T10:00:00.000Z/'
                         "2026-11-22T10:05:00.000Z")  # fmt: skip
    name = EventName(model, _ticks(start), _ticks(end))
    if name.end_ticks < name.start_ticks:
        raise ValueError(f'"{event_id}" ends before it starts')
    return name


def alarms(score: npt.NDArray[np.float64], needed: int, of: int) -> npt.NDArray[np.bool_]:
    """bool[n]: rows at which at least `needed` of the last `of` scores are above 1; causal. NaN is not above."""
    above = np.concatenate([np.zeros(of), np.cumsum(score > 1.0)])
    total = above[of:] - above[:-of] if len(score) else above[:0]
    result: npt.NDArray[np.bool_] = total >= needed
    return result


def events(score: npt.NDArray[np.float64], needed: int, of: int, join: int) -> list[Event]:
    """The events in float64[n] scores, oldest first. join: alarms with at most so many rows between them are one."""
    alarmed = np.flatnonzero(alarms(score, needed, of))
    if not len(alarmed):
        return []
    breaks = np.flatnonzero(np.diff(alarmed) > join + 1)
    firsts = alarmed[np.concatenate([[0], breaks + 1])]
    lasts = alarmed[np.concatenate([breaks, [len(alarmed) - 1]])]
    return [_event(score, int(first), int(last), of) for first, last in zip(firsts, lasts, strict=True)]


def _event(score: npt.NDArray[np.float64], first: int, last: int, of: int) -> Event:
    begin = max(0, first - of + 1)
    begin += int(np.argmax(score[begin : first + 1] > 1.0))
    return Event(begin, last, begin + int(np.nanargmax(score[begin : last + 1])))


def _text(ticks: int) -> str:
    moment = _EPOCH + timedelta(milliseconds=round(ticks / _MILLISECOND))
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _ticks(text: str) -> int:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f'"{text}" has no time zone')
    return (moment - _EPOCH) // timedelta(milliseconds=1) * _MILLISECOND
