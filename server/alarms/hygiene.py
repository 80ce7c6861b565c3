"""How well the alarms serve the operator, in the words of ANSI/ISA-18.2: rates, floods, chattering, fleeting and stale
alarms."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from drivers.readings import TICKS_PER_SECOND
from server.alarms.definitions import AlarmDefinition, Transitions

HOUR: Final = 3600 * TICKS_PER_SECOND
CHATTERING_TIMES: Final = 3
CHATTERING_WITHIN: Final = 60 * TICKS_PER_SECOND
"""An alarm that becomes active so often in a minute chatters."""
FLEETING: Final = 10 * TICKS_PER_SECOND
"""One that is over sooner than anybody could act is fleeting."""
STALE: Final = 24 * HOUR
"""One that has been active for a day is stale."""
FLOOD_WITHIN: Final = 600 * TICKS_PER_SECOND
FLOOD_BEGINS: Final = 10
FLOOD_ENDS: Final = 5
"""More than ten alarms in ten minutes are a flood, which lasts until there are fewer than five."""
MOST_KEPT: Final = 100_000
"""Activations kept of the last hour."""


@dataclass(frozen=True, slots=True)
class AlarmFigures:
    """How one alarm behaves. per_hour: activations within the last hour; total, fleeting: since the start."""

    path: str
    per_hour: int
    total: int
    fleeting: int
    active: bool
    chattering: bool
    stale: bool


class Hygiene:
    """Counts activations: an alarm that goes from not active to active. Times are the server's, in ticks."""

    def __init__(self) -> None:
        self._level = np.zeros(0, np.uint8)
        self._since = np.zeros(0, np.int64)
        self._total = np.zeros(0, np.int64)
        self._fleeting = np.zeros(0, np.int64)
        self._latest = np.zeros((0, CHATTERING_TIMES), np.int64)
        self._recent: deque[tuple[int, int]] = deque(maxlen=MOST_KEPT)
        self.total = 0
        self.floods = 0
        self.flooding = False

    def note(self, transitions: Transitions, alarms: int, now: int) -> None:
        """Take in what was told now; alarms: how many there are."""
        self._grow(alarms)
        for alarm, level in zip(transitions.alarm.tolist(), transitions.level.tolist(), strict=True):
            if bool(level) != bool(self._level[alarm]):
                self._turn(alarm, bool(level), now)
            self._level[alarm] = level
        self._watch_floods(now)

    @property
    def active(self) -> int:
        """How many alarms are active."""
        return int(np.count_nonzero(self._level))

    @property
    def fleeting(self) -> int:
        """How many alarms since the start were over at once."""
        return int(self._fleeting.sum())

    def per_hour(self, now: int) -> int:
        """Activations within the last hour."""
        self._forget(now)
        return len(self._recent)

    def chattering(self, now: int) -> npt.NDArray[np.bool_]:
        """Which alarms have become active too often within the last minute."""
        oldest: npt.NDArray[np.int64] = self._latest.min(axis=1, initial=now)
        chatters: npt.NDArray[np.bool_] = (oldest > 0) & (now - oldest <= CHATTERING_WITHIN)
        return chatters

    def stale(self, now: int) -> npt.NDArray[np.bool_]:
        """Which alarms have been active for a day."""
        is_stale: npt.NDArray[np.bool_] = (self._level != 0) & (now - self._since >= STALE)
        return is_stale

    def worst(self, definitions: Sequence[AlarmDefinition | None], now: int, count: int) -> list[AlarmFigures]:
        """The alarms with the most activations of the last hour, then since the start."""
        self._grow(len(definitions))
        self._forget(now)
        hourly = np.zeros(len(definitions), np.int64)
        np.add.at(hourly, np.fromiter((alarm for _, alarm in self._recent), np.intp), 1)
        order = np.lexsort((-self._total, -hourly))[:count]
        chattering, stale = self.chattering(now), self.stale(now)
        return [
            AlarmFigures(
                one.path,
                int(hourly[index]),
                int(self._total[index]),
                int(self._fleeting[index]),
                bool(self._level[index]),
                bool(chattering[index]),
                bool(stale[index]),
            )
            for index in order.tolist()
            if (one := definitions[index]) is not None and self._total[index]
        ]

    def _turn(self, alarm: int, active: bool, now: int) -> None:
        if active:
            self._total[alarm] += 1
            self._latest[alarm] = [*self._latest[alarm][1:].tolist(), now]
            self.total += 1
            self._recent.append((now, alarm))
        elif now - self._since[alarm] < FLEETING:
            self._fleeting[alarm] += 1
        self._since[alarm] = now

    def _watch_floods(self, now: int) -> None:
        self._forget(now)
        latest = takewhile(lambda one: now - one[0] <= FLOOD_WITHIN, reversed(self._recent))
        count = sum(1 for _ in islice(latest, FLOOD_BEGINS + 1))
        if count > FLOOD_BEGINS and not self.flooding:
            self.floods += 1
        self.flooding = count > FLOOD_BEGINS or (self.flooding and count >= FLOOD_ENDS)

    def _forget(self, now: int) -> None:
        while self._recent and now - self._recent[0][0] > HOUR:
            self._recent.popleft()

    def _grow(self, alarms: int) -> None:
        more = alarms - len(self._level)
        if more > 0:
            for name in ("_level", "_since", "_total", "_fleeting", "_latest"):
                column: npt.NDArray[Any] = getattr(self, name)
                setattr(self, name, np.concatenate([column, np.zeros((more, *column.shape[1:]), column.dtype)]))
