"""What rules look at, by column: the inputs of many alarms at once, and the numbers compared with their limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from drivers.readings import TICKS_PER_SECOND
from drivers.status import Status
from server.config.expressions import Expression
from server.tags.table import TagTable

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]
Ticks = npt.NDArray[np.int64]
_BAD: Final = np.uint32(0x80000000)
_SUBCODE: Final = np.uint32(0xFFFF0000)
_LAST: Final = np.uint32(Status.UncertainLastUsableValue)
_LAST_OF_LOST: Final = np.uint32(Status.UncertainNoCommunicationLastUsableValue)
SLOTS: Final = 64
"""Places that a rate of change keeps values in, one for each part of its window in turn; half of them span it."""
NEVER: Final = np.iinfo(np.int64).min
"""The time of what is not there."""


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """News of n alarms. x: the number compared with limits; shown: the value told to operators. usable: whether there
    is a measurement behind it. source, server: ticks of the newest input."""

    alarm: Indices
    x: Floats
    shown: Floats
    status: npt.NDArray[np.uint32]
    usable: npt.NDArray[np.bool_]
    source: Ticks
    server: Ticks

    def __len__(self) -> int:
        return len(self.alarm)

    @staticmethod
    def concat(parts: Sequence[Heard]) -> Heard:
        """All of them as one."""
        columns = (np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Heard))
        return Heard(*columns)


class Qualities(Protocol):
    """Data-quality problems by row: flags uint8, and the version of each row's flags."""

    flags: npt.NDArray[np.uint8]
    version: npt.NDArray[np.int64]


class Group:
    """Alarms that are measured in one way. alarms: intp[n]; rows: int32[n, k] of their inputs."""

    def __init__(self, alarms: Indices, rows: npt.NDArray[np.int32]) -> None:
        self.alarms = alarms
        self.rows = rows

    def heard(self, table: TagTable, seen: Ticks, enabled: npt.NDArray[np.bool_], now: int) -> Heard:
        """News of those whose inputs have another version than `seen`, which it brings up to date."""
        version = self.version(table)
        which = np.flatnonzero((version != seen[self.alarms]) & enabled[self.alarms])
        seen[self.alarms[which]] = version[which]
        rows = self.rows[which]
        values = table.as_float(rows)
        every = table.status[rows]
        usable = np.logical_and.reduce(is_usable(every, values), axis=1)
        source = table.source_ticks[rows].max(axis=1)
        x, shown = self.measure(which, values, source, usable)
        server = table.server_ticks[rows].max(axis=1)
        return Heard(self.alarms[which], x, shown, every.max(axis=1), usable & ~np.isnan(x), source, server)

    def version(self, table: TagTable) -> Ticks:
        """int64[n]: changes whenever an input does."""
        return table.version[self.rows[:, 0]] if self.rows.shape[1] == 1 else table.version[self.rows].max(axis=1)

    def measure(
        self, which: Indices, values: Floats, source: Ticks, usable: npt.NDArray[np.bool_]
    ) -> tuple[Floats, Floats]:
        """x and shown of the alarms `which` of the group; values: float64[m, k]."""
        return values[:, 0], values[:, 0]

    def take_over(self, old: Group) -> None:
        """Remember what another group of this kind remembered of the same alarms."""

    def forget(self, alarm: int) -> None:
        """That alarm begins anew."""


class Deviations(Group):
    """The difference of two inputs."""

    def measure(
        self, which: Indices, values: Floats, source: Ticks, usable: npt.NDArray[np.bool_]
    ) -> tuple[Floats, Floats]:
        difference = values[:, 0] - values[:, 1]
        return difference, difference


class States(Group):
    """1 while a value is the one (or, inverted, is not the one) of each alarm, else 0."""

    def __init__(self, alarms: Indices, rows: npt.NDArray[np.int32], values: Floats, inverted: npt.ArrayLike) -> None:
        super().__init__(alarms, rows)
        self._values = values
        self._inverted = np.asarray(inverted, np.bool_)

    def measure(
        self, which: Indices, values: Floats, source: Ticks, usable: npt.NDArray[np.bool_]
    ) -> tuple[Floats, Floats]:
        is_it = (values[:, 0] == self._values[which]) ^ self._inverted[which]
        return np.where(np.isnan(values[:, 0]), np.nan, is_it), values[:, 0]


class Expressions(Group):
    """1 while one expression, the same for all alarms of the group, holds over their inputs, else 0."""

    def __init__(self, alarms: Indices, rows: npt.NDArray[np.int32], expression: Expression) -> None:
        super().__init__(alarms, rows)
        self._expression = expression

    def measure(
        self, which: Indices, values: Floats, source: Ticks, usable: npt.NDArray[np.bool_]
    ) -> tuple[Floats, Floats]:
        if not len(which):
            return np.empty(0), np.empty(0)
        columns = {name: values[:, index] for index, name in enumerate(self._expression.names)}
        return self._expression.evaluate(columns).astype(np.float64), np.full(len(which), np.nan)


class QualityFlags(Group):
    """1 while the data of a tag has one of the problems of each alarm, else 0; whatever its status is."""

    def __init__(
        self, alarms: Indices, rows: npt.NDArray[np.int32], masks: npt.ArrayLike, qualities: Qualities
    ) -> None:
        super().__init__(alarms, rows)
        self._masks = np.asarray(masks, np.uint8)
        self._qualities = qualities

    def version(self, table: TagTable) -> Ticks:
        return self._qualities.version[self.rows[:, 0]]

    def heard(self, table: TagTable, seen: Ticks, enabled: npt.NDArray[np.bool_], now: int) -> Heard:
        version = self.version(table)
        which = np.flatnonzero((version != seen[self.alarms]) & enabled[self.alarms])
        seen[self.alarms[which]] = version[which]
        row = self.rows[which, 0]
        x = ((self._qualities.flags[row] & self._masks[which]) != 0).astype(np.float64)
        nothing, always = np.full(len(which), np.nan), np.ones(len(which), np.bool_)
        source, server = table.source_ticks[row], table.server_ticks[row]
        return Heard(self.alarms[which], x, nothing, table.status[row], always, source, server)


class Silences(Group):
    """1 once there was no usable value for longer than each alarm allows, by the server's clock, else 0.

    What never spoke is silent from the first look on.
    """

    def __init__(self, alarms: Indices, rows: npt.NDArray[np.int32], longest_s: Floats) -> None:
        super().__init__(alarms, rows)
        self._longest = np.round(longest_s * TICKS_PER_SECOND).astype(np.int64)
        self._source = np.zeros(len(alarms), np.int64)
        self._server = np.zeros(len(alarms), np.int64)
        self._silent = np.full(len(alarms), -1, np.int8)

    def heard(self, table: TagTable, seen: Ticks, enabled: npt.NDArray[np.bool_], now: int) -> Heard:
        row = self.rows[:, 0]
        self._server[self._server == 0] = now
        self._source[self._source == 0] = now
        version = self.version(table)
        spoke = (version != seen[self.alarms]) & is_usable(table.status[row], table.as_float(row))
        seen[self.alarms] = version
        self._source[spoke], self._server[spoke] = table.source_ticks[row][spoke], table.server_ticks[row][spoke]
        silent = (now - self._server >= self._longest).astype(np.int8)
        which = np.flatnonzero((silent != self._silent) & enabled[self.alarms])
        self._silent[which] = silent[which]
        x, later = silent[which].astype(np.float64), self._longest[which] * silent[which]
        nothing, always = np.full(len(which), np.nan), np.ones(len(which), np.bool_)
        source, server = self._source[which] + later, self._server[which] + later
        return Heard(self.alarms[which], x, nothing, table.status[row[which]], always, source, server)

    def take_over(self, old: Group) -> None:
        if isinstance(old, Silences):
            _, mine, theirs = np.intersect1d(self.alarms, old.alarms, return_indices=True)
            for name in ("_source", "_server", "_silent"):
                getattr(self, name)[mine] = getattr(old, name)[theirs]

    def forget(self, alarm: int) -> None:
        self._silent[self.alarms == alarm] = -1


class Rates(Group):
    """The change per second of a value over a window by source timestamps: against the last value that is at least a
    window old; one that is older than two windows counts as held until the window began.

    Of each 32nd part of the window the first value is kept.
    """

    def __init__(self, alarms: Indices, rows: npt.NDArray[np.int32], windows_s: Floats) -> None:
        super().__init__(alarms, rows)
        self._window = window_ticks(windows_s)
        self._ticks = np.full((len(alarms), SLOTS + 1), NEVER)  # the last one: the newest that had to make room
        self._values = np.full((len(alarms), SLOTS + 1), np.nan)

    def measure(
        self, which: Indices, values: Floats, source: Ticks, usable: npt.NDArray[np.bool_]
    ) -> tuple[Floats, Floats]:
        rates = np.full(len(which), np.nan)
        good = np.flatnonzero(usable)
        alarm, ticks, value = which[good], source[good], values[good, 0]
        back = ticks < self._ticks[alarm].max(axis=1)
        self._ticks[alarm[back]] = NEVER  # the clock was set back: what is kept says nothing now
        slot = bucket(ticks, self._window[alarm]) % SLOTS
        first = bucket(self._ticks[alarm, slot], self._window[alarm]) != bucket(ticks, self._window[alarm])
        at, slot = alarm[first], slot[first]
        newer = self._ticks[at, slot] > self._ticks[at, SLOTS]
        for column, new in ((self._ticks, ticks), (self._values, value)):
            column[at[newer], SLOTS] = column[at[newer], slot[newer]]
            column[at, slot] = new[first]
        kept = self._ticks[alarm]
        old = np.where(kept <= (ticks - self._window[alarm])[:, None], kept, NEVER)
        best = old.argmax(axis=1)
        then, before = old[np.arange(len(alarm)), best], self._values[alarm, best]
        rates[good] = rate_per_s(value, ticks, before, then, self._window[alarm])
        return rates, rates

    def take_over(self, old: Group) -> None:
        if isinstance(old, Rates):
            _, mine, theirs = np.intersect1d(self.alarms, old.alarms, return_indices=True)
            self._ticks[mine], self._values[mine] = old._ticks[theirs], old._values[theirs]


def window_ticks(windows_s: npt.ArrayLike) -> Ticks:
    """Windows of rates of change in ticks, a multiple of half the slots."""
    part = np.maximum(np.round(np.asarray(windows_s) * TICKS_PER_SECOND / (SLOTS // 2)), 1)
    return np.asarray(part * (SLOTS // 2), np.int64)


def bucket(ticks: Ticks, window: Any) -> Ticks:
    """The number of the part of a window that a time is in."""
    return np.asarray(ticks // (window // (SLOTS // 2)), np.int64)


def rate_per_s(value: Floats, ticks: Ticks, before: Floats, then: Ticks, window: Any) -> Floats:
    """The change per second from `before` at `then`; NaN where there is none (then is NEVER)."""
    there = then != NEVER
    age = np.where(there, ticks - np.where(there, then, ticks), 1)
    age = np.where(age > 2 * window, window, age)
    return np.where(there, (value - before) * TICKS_PER_SECOND / age, np.nan)


def is_usable(status: npt.NDArray[np.uint32], values: Floats) -> npt.NDArray[np.bool_]:
    """Where there is a measurement: not Bad, not the last value of something that fell silent, and a number."""
    kind = status & _SUBCODE
    usable: npt.NDArray[np.bool_] = (status < _BAD) & (kind != _LAST) & (kind != _LAST_OF_LOST) & ~np.isnan(values)
    return usable
