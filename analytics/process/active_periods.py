"""The active period method: which machine is the bottleneck at each moment, from states alone.

C. Roser, M. Nakano, M. Tanaka: A practical bottleneck detection method, Winter Simulation Conference 2001; Shifting
bottleneck detection, 2002. A machine is active while it does not wait for others: it works, is set up or is down. At
any moment the machine with the longest uninterrupted active period is the bottleneck, and stays it to the end of that
period; where the periods of two that follow one another overlap, the bottleneck shifts.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analytics.process.stations import State
from analytics.process.timeline import Timeline
from analytics.series import TICKS_PER_SECOND

Periods = npt.NDArray[np.int64]
_ALWAYS = (State.running, State.setup, State.down)


@dataclass(frozen=True, slots=True, eq=False)
class Bottlenecks:
    """Of n machines. sole_s, shifting_s: float64[n], how long each was the only bottleneck, and one of several."""

    sole_s: npt.NDArray[np.float64]
    shifting_s: npt.NDArray[np.float64]


def active_periods(line: Timeline, waiting_is_told: bool) -> Periods:
    """int64[n, 2]: begin and end of each uninterrupted active period. waiting_is_told: the machine has states for
    waiting, so that a stop without a reason is its own; else such a stop is taken as waiting."""
    active = line.where(*_ALWAYS, *([State.stopped] if waiting_is_told else []))
    change = np.diff(np.concatenate([[False], active, [False]]).astype(np.int8))
    return np.column_stack([line.edges[np.flatnonzero(change == 1)], line.edges[np.flatnonzero(change == -1)]])


def bottlenecks(machines: Sequence[Periods]) -> Bottlenecks:
    """Who limited the flow, from the active periods of all machines of it."""
    limiting = _limiting(machines)
    begins = [(int(begin), 1, machine) for machine, begin, _ in limiting]
    ends = [(int(end), -1, machine) for machine, _, end in limiting]
    sole, shifting = np.zeros(len(machines)), np.zeros(len(machines))
    there: dict[int, int] = {}
    before = 0
    for ticks, step, machine in sorted([*begins, *ends]):
        for one in there:
            (sole if len(there) == 1 else shifting)[one] += ticks - before
        there[machine] = there.get(machine, 0) + step
        if not there[machine]:
            del there[machine]
        before = ticks
    return Bottlenecks(sole / TICKS_PER_SECOND, shifting / TICKS_PER_SECOND)


def _limiting(machines: Sequence[Periods]) -> list[tuple[int, int, int]]:
    """Machine, begin and end of the periods that were the longest at some moment of theirs."""
    periods = sorted(
        (int(begin), int(end), machine) for machine, of_one in enumerate(machines) for begin, end in of_one
    )
    found: set[int] = set()
    going_on: list[tuple[int, int, int]] = []  # the longest first: minus its length, its end, its number
    number = 0
    for now in sorted({ticks for begin, end, _ in periods for ticks in (begin, end)}):
        while number < len(periods) and periods[number][0] == now:
            begin, end, _ = periods[number]
            heapq.heappush(going_on, (begin - end, end, number))
            number += 1
        while going_on and going_on[0][1] <= now:
            heapq.heappop(going_on)
        if going_on:
            found.add(going_on[0][2])
    return [(periods[one][2], *periods[one][:2]) for one in sorted(found)]
