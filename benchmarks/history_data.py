"""What a plant of machines brings: 100 tags a machine, read together once a second, values as devices deliver them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from drivers.data_types import DataType
from drivers.readings import TICKS_PER_SECOND, Readings

PER_MACHINE: Final = 100
START: Final = 134_000_000_000_000_000 // (86_400 * TICKS_PER_SECOND) * (86_400 * TICKS_PER_SECOND)
"""Some midnight."""


@dataclass(frozen=True, slots=True)
class Kind:
    """share: of a machine's tags. step: of the device's numbers, 0 where it sends a float32 or float64 with noise to
    the last bit. noise: standard deviation from second to second, beside a slow course."""

    data_type: DataType
    share: int
    step: float
    noise: float


AS_DELIVERED: Final = (
    Kind(DataType.Double, 40, 0.1, 0.3),
    Kind(DataType.Float, 20, 0.01, 0.05),
    Kind(DataType.Float, 25, 0.0, 0.3),
    Kind(DataType.UInt16, 10, 1.0, 2.0),
    Kind(DataType.Boolean, 5, 1.0, 0.0),
)
"""Registers with a scale, decimals in JSON, float32 registers, counters and states."""
FLOAT32: Final = (Kind(DataType.Float, 100, 0.0, 0.3),)
DOUBLES: Final = (Kind(DataType.Double, 100, 0.0, 0.3),)


class Machines:
    """`tags` rows, a multiple of PER_MACHINE. own_times: each tag is read at a moment of its own."""

    def __init__(self, tags: int, kinds: tuple[Kind, ...] = AS_DELIVERED, *, own_times: bool = False) -> None:
        self.tags = tags
        of_machine = np.repeat(np.arange(len(kinds)), [kind.share for kind in kinds])
        kind = np.tile(of_machine, tags // PER_MACHINE)
        self.data_types = np.array([int(one.data_type) for one in kinds])[kind]
        self._rows = np.arange(tags, dtype=np.int32)
        self._parts = [(one, np.flatnonzero(kind == index)) for index, one in enumerate(kinds)]
        self._generator = np.random.Generator(np.random.SFC64(1))
        self._level = self._generator.uniform(20, 90, tags)
        self._per_moment = 1 if own_times else PER_MACHINE

    def seconds(self, count: int) -> Iterator[Readings]:
        """One batch for each second."""
        for number in range(count):
            yield Readings(self._rows, self._cells(number), np.zeros(self.tags, np.uint32), self._ticks(number))

    def _ticks(self, number: int) -> npt.NDArray[np.int64]:
        late = self._generator.integers(0, 200_000, self.tags // self._per_moment)  # up to 20 ms
        return START + number * TICKS_PER_SECOND + np.repeat(late, self._per_moment)

    def _cells(self, number: int) -> npt.NDArray[np.uint64]:
        cells = np.empty(self.tags, np.uint64)
        course = 5.0 * np.sin(number / 600.0 + self._level)
        for kind, rows in self._parts:
            noise = self._generator.standard_normal(len(rows), np.float32) * kind.noise
            values = self._level[rows] + course[rows] + noise
            cells[rows] = _cells_of(values, kind)
        return cells


def _cells_of(values: npt.NDArray[np.float64], kind: Kind) -> npt.NDArray[np.uint64]:
    if kind.data_type is DataType.Boolean:
        return (values > 50.0).astype(np.uint64)
    if kind.data_type is DataType.UInt16:
        return np.rint(values).astype(np.uint64)
    if kind.step:
        values = np.rint(values / kind.step) * kind.step
    return (values.astype(np.float32).astype(np.float64) if kind.data_type is DataType.Float else values).view(
        np.uint64
    )
