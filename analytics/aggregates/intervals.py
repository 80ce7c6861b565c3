"""Divides the time of a request into intervals (Part 13, 5.4.2.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ticks = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Intervals:
    """m intervals between m + 1 edges, the earliest first whichever way time flows.

    edges: int64[m + 1]. backward: each interval then excludes its earlier edge instead of its later one, and starts at
    the later one. short: which one is shorter than the ProcessingInterval, -1 if none.
    """

    edges: Ticks
    backward: bool
    short: int

    def __len__(self) -> int:
        return len(self.edges) - 1

    @property
    def low(self) -> Ticks:
        """The earlier edge of each."""
        return self.edges[:-1]

    @property
    def high(self) -> Ticks:
        """The later edge of each."""
        return self.edges[1:]

    @property
    def starts(self) -> Ticks:
        """The timestamp of each: where it starts in the direction of time."""
        return self.high if self.backward else self.low

    def positions(self, ticks: Ticks) -> npt.NDArray[np.intp]:
        """Where the intervals begin and end among sorted times: intp[m + 1], interval i holds [i] up to [i + 1]."""
        return np.searchsorted(ticks, self.edges, "right" if self.backward else "left")


def interval_count(start_ticks: int, end_ticks: int, interval_ticks: int) -> int:
    """How many intervals a request makes, so that too many can be refused or answered in parts."""
    span = abs(end_ticks - start_ticks)
    return 1 if interval_ticks <= 0 or interval_ticks >= span else -(-span // interval_ticks)


def divide(start_ticks: int, end_ticks: int, interval_ticks: int) -> Intervals:
    """The intervals of a request; start > end: backwards. interval_ticks 0: one interval. Start and end must differ."""
    if start_ticks == end_ticks:
        raise ValueError("start and end of an aggregate are the same time: there is no interval (Bad_InvalidArgument)")
    count = interval_count(start_ticks, end_ticks, interval_ticks)
    step = interval_ticks if end_ticks > start_ticks else -interval_ticks
    edges = start_ticks + step * np.arange(count + 1, dtype=np.int64)
    edges[-1] = end_ticks
    backward = end_ticks < start_ticks
    even = interval_ticks <= 0 or (end_ticks - start_ticks) % interval_ticks == 0
    short = -1 if even else 0 if backward else count - 1
    return Intervals(edges[::-1] if backward else edges, backward, short)
