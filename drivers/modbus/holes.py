"""Addresses that a device does not have, as it turned out when a block was refused, and the search for them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Span = tuple[int, int]
"""Start and end (exclusive) in one table of one unit."""
Refuses = Callable[[Span], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Holes:
    """values: spans of values that the device refuses to read. gaps: what no block may reach over, though both sides
    can be read; empty ones (5, 5) are borders between areas of the device."""

    values: tuple[Span, ...] = ()
    gaps: tuple[Span, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.values or self.gaps)

    def __or__(self, other: Holes) -> Holes:
        return Holes(tuple({*self.values, *other.values}), tuple({*self.gaps, *other.gaps}))

    def between(self, start: int, end: int) -> bool:
        """Whether a block from start to end would reach over one."""
        return any(start < high and end > low for low, high in self.values + self.gaps)

    def hit(self, start: npt.NDArray[np.int64], end: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Which of the values can for that reason not be read."""
        bad = np.zeros(len(start), np.bool_)
        for low, high in self.values:
            bad |= (start < high) & (end > low)
        return bad


def clusters(spans: Sequence[Span]) -> list[Span]:
    """Values that overlap taken together, in order."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


async def search(values: Sequence[Span], refuses: Refuses) -> Holes:
    """Why the block over these values (`clusters`, at least one) is refused, by asking for halves of it: about twice
    the logarithm of their number in requests for each hole."""
    if len(values) == 1:
        return Holes(values=(values[0],))
    middle = len(values) // 2
    found = Holes()
    for half in (values[:middle], values[middle:]):
        if await refuses((half[0][0], half[-1][1])):
            found |= await search(half, refuses)
    if found:
        return found
    return Holes(gaps=((values[middle - 1][1], values[middle][0]),))
