"""What is left of committed readings after reduction, and how each tag is to be reduced."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from drivers.data_types import DataType
from drivers.readings import Readings


class Keep(IntEnum):
    """How a tag is reduced."""

    every = 0
    """Every reading goes out."""
    change = 1
    """A reading that differs from the one last sent by more than the bound."""
    door = 2
    """Swinging door: the corners of a polyline that no reading is further from than the bound."""
    window = 3
    """Figures of each period instead of the readings in it."""


class Aspect(IntEnum):
    """What a reduced value says of its tag. All but `value` are Doubles about one period, stamped with its start."""

    value = 0
    mean = 1
    minimum = 2
    maximum = 3
    last = 4
    count = 5


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Columns by row of the tag table.

    keep: uint8[n]. bound: float64[n], in the unit of the tag. shortest_ticks: int64[n], two values are sent no closer
    than that (0: no limit; while it holds a value back the bound may be exceeded). longest_ticks: int64[n], after so
    long the next reading goes out whatever it says (0: never). period_ticks: int64[n], of a window.
    """

    keep: npt.NDArray[np.uint8]
    bound: npt.NDArray[np.float64]
    shortest_ticks: npt.NDArray[np.int64]
    longest_ticks: npt.NDArray[np.int64]
    period_ticks: npt.NDArray[np.int64]

    @staticmethod
    def uniform(rows: int, keep: Keep, bound: float = 0.0, period_ticks: int = 0) -> Plan:
        """The same for all rows, without shortest and longest interval."""
        return Plan(
            np.full(rows, keep, np.uint8),
            np.full(rows, bound, np.float64),
            np.zeros(rows, np.int64),
            np.zeros(rows, np.int64),
            np.full(rows, period_ticks, np.int64),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Reduced:
    """n readings to publish, and of each which Aspect it is: uint8[n]."""

    readings: Readings
    aspect: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.aspect)

    def kinds(self, data_type: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """The data type of what each says: that of the tag, Double for figures of a period. data_type: uint8 by row."""
        return np.where(self.aspect == Aspect.value, data_type[self.readings.row], np.uint8(DataType.Double))

    def take(self, index: npt.NDArray[np.intp]) -> Reduced:
        """Those at these places, in that order."""
        return Reduced(self.readings.take(index), self.aspect[index])

    @staticmethod
    def values(readings: Readings) -> Reduced:
        """Readings as they are."""
        return Reduced(readings, np.zeros(len(readings), np.uint8))

    @staticmethod
    def concat(parts: list[Reduced]) -> Reduced:
        """Several as one, in order."""
        if len(parts) == 1:
            return parts[0]
        aspects = [part.aspect for part in parts] or [np.empty(0, np.uint8)]
        return Reduced(Readings.concat([part.readings for part in parts]), np.concatenate(aspects))
