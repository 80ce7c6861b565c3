"""When a poll group is due: a fixed grid without drift, shifted so that many devices do not answer in one moment."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

STEPS: Final = 10
LONGEST_STEP_S: Final = 0.1
_GOLDEN: Final = (math.sqrt(5) - 1) / 2


def phase_s(index: int, rate_s: float) -> float:
    """Where in its period the poll group of that index has its slots. Any number of groups is spread evenly over the
    period, in steps of at most LONGEST_STEP_S: what is due in the same moment goes through one round of the event loop,
    which with many devices costs a third of the CPU of a round for each."""
    step_s = min(rate_s / STEPS, LONGEST_STEP_S)
    return math.floor(math.fmod(index * _GOLDEN, 1.0) * rate_s / step_s) * step_s


@dataclass(frozen=True, slots=True)
class Grid:
    """The slots start_s + k * rate_s on the event loop's clock, k = 0, 1, ..."""

    start_s: float
    rate_s: float

    def due_s(self, slot: int) -> float:
        """When a slot is due."""
        return self.start_s + slot * self.rate_s

    def first_slot(self, now_s: float) -> int:
        """The first slot after a poll out of turn (a new connection): at least half a period away."""
        return math.ceil((now_s - self.start_s) / self.rate_s + 0.5)

    def next_slot(self, done: int, now_s: float) -> tuple[int, int]:
        """The slot to wait for after slot `done` was served, and how many were missed because serving it took so long.
        A slot that is due just now is not missed."""
        following = max(done + 1, math.ceil((now_s - self.start_s) / self.rate_s))
        return following, following - done - 1
