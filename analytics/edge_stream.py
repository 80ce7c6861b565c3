"""Edge features of windows that overlap, from readings as they come: a reading is worked on once, not once a window.

Time is cut into panes at every begin and end of a window. Each pane is summed up when it is over, neighbours are put
together to stretches of 2, 4, 8, ... panes, and a window is a handful of those. Quantiles and crossings need the values
themselves, which are kept for the length of a window.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.arguments import Progress
from analytics.edge_moments import Moments, laid_end_to_end, merged, of_groups
from analytics.features import EDGE, MERGEABLE, ORDERED, edge_features, settled
from analytics.series import TICKS_PER_SECOND, Series
from analytics.windows import Cuts

Floats = npt.NDArray[np.float64]
Ticks = npt.NDArray[np.int64]
MOST_PANES: Final = 100_000
"""Of a window: each costs some 300 bytes and signal."""
_BLOCK: Final = 300_000
"""Panes times signals that are worked on at once, 100 MB."""


class EdgeFeatures:
    """The windows (end - window, end] that end window, window + step, window + 2 step, ... after start, of `signals`
    signals.

    names: features of `analytics.features.EDGE`. The last values of all signals are held for the length of a window.
    """

    def __init__(
        self, signals: int, start_ticks: int, window_s: float, step_s: float, names: Sequence[str] = tuple(EDGE)
    ) -> None:
        self.names = tuple(names)
        self._mergeable = [name for name in names if name in MERGEABLE]
        self._ordered = [name for name in names if name in ORDERED]
        self._signals = signals
        self._start = self._until = start_ticks
        self._window = max(1, round(window_s * TICKS_PER_SECOND))
        self._step = max(1, round(step_s * TICKS_PER_SECOND))
        self._split = self._window % self._step
        self._span = panes_in(self._window, self._step)
        self._panes = 0
        self._levels = _Levels(self._span, signals)
        self._signal: npt.NDArray[np.int32] = np.empty(0, np.int32)
        self._ticks: Ticks = np.empty(0, np.int64)
        self._values: Floats = np.empty(0)

    def push(
        self, signal: npt.NDArray[np.int32], ticks: Ticks, values: Floats, until_ticks: int
    ) -> tuple[Ticks, npt.NDArray[np.float64]]:
        """Take a batch of readings, a column each: of which signal, when, which value (NaN: Bad). Those of one signal
        are in time order; all that came up to until_ticks are in this batch or in one before, and what is older than
        the batch before is too late and left out.

        Returns the windows that end up to then and were not told yet: their ends (int64[w]) and features
        (float64[w, signals, names], NaN where one is not defined).
        """
        self._keep(signal, ticks, values)
        self._until = max(self._until, until_ticks)
        first, last = self._closed(self._panes), self._closed(self._pane_count())
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            totals = self._levels.push(self._sum_up(), self._ends_at(self._panes))
            self._panes = self._pane_count()
            ends = self._start + self._window + self._step * np.arange(first, last, dtype=np.int64)
            result = self._features(totals[len(totals) - len(ends) :], ends)
        self._forget()
        return ends, result

    # -- panes ------------------------------------------------------------------------------------------------------

    def _pane_count(self) -> int:
        """How many are over."""
        steps, rest = divmod(self._until - self._start, self._step)
        return int(2 * steps + (rest >= self._split)) if self._split else int(steps)

    def _closed(self, panes: int) -> int:
        """How many windows are over with so many panes."""
        stride = 2 if self._split else 1
        return max(0, (panes - self._span) // stride + 1)

    def _ends_at(self, panes: int) -> slice:
        """Which of the panes after so many end a window."""
        if not self._split:
            return slice(None)
        return slice((self._span - 1 - panes) % 2, None, 2)

    def _end_of(self, panes: int) -> int:
        """When the last of so many is over."""
        if not self._split:
            return self._start + panes * self._step
        return self._start + panes // 2 * self._step + panes % 2 * self._split

    def _pane_of(self, ticks: Ticks) -> Ticks:
        steps, rest = np.divmod(ticks - self._start - 1, self._step)
        panes: Ticks = 2 * steps + (rest >= self._split) if self._split else steps
        return panes

    def _sum_up(self) -> Moments:
        """The panes that are over now and were not before."""
        count = self._pane_count()
        fresh = Moments.nothing(count - self._panes, self._signals)
        over = (self._ticks > self._end_of(self._panes)) & (self._ticks <= self._end_of(count))
        if not over.any():
            return fresh
        ticks, signal, values = self._ticks[over], self._signal[over], self._values[over]
        seconds = (ticks - self._start) / TICKS_PER_SECOND
        pane = self._pane_of(ticks) - self._panes
        begins = np.flatnonzero(np.diff(pane, prepend=-1) | np.diff(signal, prepend=-1))
        for column, found in zip(
            fresh.columns(), of_groups(values, seconds, begins.astype(np.intp)).columns(), strict=True
        ):
            column[pane[begins], signal[begins]] = found
        return fresh

    # -- values -----------------------------------------------------------------------------------------------------

    def _keep(self, signal: npt.NDArray[np.int32], ticks: Ticks, values: Floats) -> None:
        """Held by signal, then by time."""
        there = ~np.isnan(values) & (ticks > self._until)
        self._signal = np.concatenate([self._signal, signal[there]])
        self._ticks = np.concatenate([self._ticks, ticks[there]])
        order = np.argsort(self._keys(self._signal, self._ticks), kind="stable")
        self._signal, self._ticks = self._signal[order], self._ticks[order]
        self._values = np.concatenate([self._values, values[there]])[order]

    def _keys(self, signal: npt.NDArray[np.int32], ticks: Ticks) -> Ticks:
        """Numbers in the order of signal and time, for what is held."""
        oldest = int(self._ticks.min(initial=self._until))
        length = int(self._ticks.max(initial=self._until)) - oldest + 2
        return signal * np.int64(length) + np.clip(ticks - oldest, -1, length - 2)

    def _forget(self) -> None:
        """What no window to come needs."""
        begin = self._start + self._step * self._closed(self._panes)
        needed = self._ticks > begin
        self._signal, self._ticks, self._values = self._signal[needed], self._ticks[needed], self._values[needed]

    # -- features ---------------------------------------------------------------------------------------------------

    def _features(self, totals: Moments, ends: Ticks) -> npt.NDArray[np.float64]:
        flat = totals.settled()
        own = [MERGEABLE[name](flat) for name in self._mergeable]
        both = dict(zip([*self._mergeable, *self._ordered], [*own, *self._compared(ends).T], strict=True))
        table = settled([both[name] for name in self.names], self.names, flat.count)
        return table.reshape(len(ends), self._signals, len(self.names))

    def _compared(self, ends: Ticks) -> npt.NDArray[np.float64]:
        """The features that need all values: float64[windows x signals, ordered]."""
        if not self._ordered or not len(ends):
            return np.empty((len(ends) * self._signals, len(self._ordered)))
        return np.concatenate([edge_features(one, self._ordered) for one in self._cuts(ends).matrices(timed=False)])

    def _cuts(self, ends: Ticks) -> Cuts:
        """The windows that end then; those of the first end, of all signals, come first."""
        held = self._keys(self._signal, self._ticks)
        signals = np.arange(self._signals, dtype=np.int32)
        low, high = (
            np.searchsorted(held, self._keys(signals, one[:, None]).reshape(-1), "right")
            for one in (ends - self._window, ends)
        )
        return Cuts(self._values, self._ticks, low, high)


def panes_in(window_ticks: int, step_ticks: int) -> int:
    """How many panes make a window."""
    whole, split = divmod(window_ticks, step_ticks)
    return 2 * whole + 1 if split else whole


def overlapping(
    series: Sequence[Series],
    start_ticks: int,
    ends: Ticks,
    window_s: float,
    step_s: float,
    names: Sequence[str],
    progress: Progress,
) -> npt.NDArray[np.float64]:
    """The same for courses that are there as a whole: float64[windows, signals, names] of the windows that end then."""
    span = panes_in(round(window_s * TICKS_PER_SECOND), round(step_s * TICKS_PER_SECOND))
    block = int(np.clip(_BLOCK // span, 1, 256))
    windows = max(span, _BLOCK // 10 // block)
    result = np.empty((len(ends), len(series), len(names)))
    for left in range(0, len(series), block):
        part = series[left : left + block]
        stream = EdgeFeatures(len(part), start_ticks, window_s, step_s, names)
        since = start_ticks
        for first in range(0, len(ends), windows):
            until = int(ends[first : first + windows][-1])
            columns = _between(part, since, until)
            result[first : first + windows, left : left + block] = stream.push(*columns, until)[1]
            since = until
            progress((left + len(part) * (first + windows) / len(ends)) / len(series))
    return result


def _between(series: Sequence[Series], since: int, until: int) -> tuple[npt.NDArray[np.int32], Ticks, Floats]:
    """The readings later than `since`, up to `until`."""
    parts = [one.between(since + 1, until) for one in series]
    signal = np.repeat(np.arange(len(parts), dtype=np.int32), [len(one) for one in parts])
    return signal, np.concatenate([one.ticks for one in parts]), np.concatenate([one.values for one in parts])


class _Levels:
    """Stretches of 1, 2, 4, ... panes that end at each pane, as far back as the next ones need them."""

    def __init__(self, span: int, signals: int) -> None:
        self._span = span
        self._count = span.bit_length()
        self._kept = [Moments.nothing(self._needed(level), signals) for level in range(self._count)]

    def push(self, panes: Moments, ends_at: slice) -> Moments:
        """The stretches of `span` panes that end with each of the new panes that ends_at chooses."""
        fresh, known = panes, list[Moments]()
        for level in range(self._count):
            if level:
                half = 1 << (level - 1)
                fresh = merged(_earlier(known[-1], half, len(panes)), fresh)
            known.append(laid_end_to_end([self._kept[level], fresh]))
            self._kept[level] = known[-1][len(known[-1]) - self._needed(level) :]
        return self._total(known, len(panes), ends_at)

    def _total(self, known: Sequence[Moments], count: int, ends_at: slice) -> Moments:
        total, offset = None, 0
        for level in range(self._count):
            if self._span >> level & 1:
                part = _earlier(known[level], offset, count)[ends_at]
                total = part if total is None else merged(part, total)
                offset += 1 << level
        assert total is not None
        return total

    def _needed(self, level: int) -> int:
        size = 1 << level
        above = size if level + 1 < self._count else 0
        return max(above, self._span & (size - 1) if self._span & size else 0)


def _earlier(known: Moments, stretches: int, count: int) -> Moments:
    end = len(known) - stretches
    return known[end - count : end]
