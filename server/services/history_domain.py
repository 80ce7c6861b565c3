"""The time domain of a read: which way it goes, and what its ends mean (Part 11, 4.6 and 6.5.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from asyncua import ua
from asyncua.common.utils import ServiceError

from drivers.readings import TICKS_PER_SECOND

FIRST: Final = 1
LAST: Final = 2_650_467_743_990_000_000
"""The end of the year 9999, the latest DateTime (Part 6, 5.2.2.5)."""


@dataclass(frozen=True, slots=True)
class Domain:
    """From origin on towards end. open: there is no end; then `most` values are all that is asked for. most: 0 for all;
    with an end it is the size of a page."""

    origin: int
    end: int
    forward: bool
    open: bool
    most: int

    @property
    def first(self) -> int:
        """The earliest time inside; the end itself is outside (Part 11, 3.1.9)."""
        return self.origin if self.forward or self.origin == self.end else self.end + (not self.open)

    @property
    def last(self) -> int:
        """The latest time inside."""
        return self.origin if not self.forward or self.origin == self.end else self.end - (not self.open)

    def beyond(self, ticks: int) -> int:
        """The time of a bound that there is not, behind the value at that time, where no end was given: a second on."""
        return ticks + TICKS_PER_SECOND if self.forward else ticks - TICKS_PER_SECOND


def domain(start: int, end: int, most: int) -> Domain:
    """Of a request; times of 0 or less are not given. Raises ServiceError(BadHistoryOperationInvalid) unless two of the
    three are given (Part 11, 6.5.3.2)."""
    if (start > 0) + (end > 0) + (most > 0) < 2:
        raise ServiceError(ua.StatusCodes.BadHistoryOperationInvalid)
    start, end = min(start, LAST), min(end, LAST)
    if start > 0 and end > 0:
        return Domain(start, end, start <= end, False, most)
    return Domain(start, LAST, True, True, most) if start > 0 else Domain(end, FIRST, False, True, most)
