"""Figures of periods: mean, minimum, maximum, last and count of the readings of each row in each period."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from drivers.data_types import floats
from drivers.readings import Readings
from drivers.status import Status
from server.publish.reduced import Aspect, Reduced

Rows = npt.NDArray[np.intp]
_UNCERTAIN: Final = np.uint32(0x40000000)
_BAD: Final = np.uint32(0x80000000)


class Windows:
    """Periods begin at multiples of their length since 1601. A row has figures of a period once a reading of a later
    one came, or the period has been over for a tenth of its length. Bad readings count for nothing but the status: Good
    when all were Good, UncertainDataSubNormal when some were not, Bad_NoData when none had a value."""

    def __init__(self, period_ticks: npt.NDArray[np.int64], data_type: npt.NDArray[np.uint8]) -> None:
        rows = len(period_ticks)
        self._length = np.maximum(period_ticks, 1)
        self._data_type = data_type
        self._period = np.full(rows, -1, np.int64)
        self._total = np.zeros(rows)
        self._lowest = np.full(rows, np.inf)
        self._highest = np.full(rows, -np.inf)
        self._last = np.full(rows, np.nan)
        self._count = np.zeros(rows, np.int64)
        self._poor = np.zeros(rows, np.bool_)

    def take(self, batch: Readings, index: Rows) -> Reduced:
        """Add readings, one of each row at most; returns the figures of periods that they end."""
        row = batch.row[index].astype(np.intp)
        period = batch.source_ticks[index] // self._length[row]
        ended = (self._period[row] >= 0) & (period > self._period[row])
        figures = self._end(row[ended])
        self._period[row] = np.maximum(self._period[row], period)
        usable = batch.status[index] < _BAD
        value = floats(batch.value[index], self._data_type[row])
        usable &= np.isfinite(value)
        self._poor[row] |= ~usable | (batch.status[index] >= _UNCERTAIN)
        row, value = row[usable], value[usable]
        self._total[row] += value
        self._lowest[row] = np.minimum(self._lowest[row], value)
        self._highest[row] = np.maximum(self._highest[row], value)
        self._last[row] = value
        self._count[row] += 1
        return figures

    def over(self, now_ticks: int) -> Reduced:
        """Figures of the periods that are over by the clock."""
        end = (self._period + 1) * self._length + self._length // 10
        return self._end(np.flatnonzero((self._period >= 0) & (end <= now_ticks)))

    def _end(self, row: Rows) -> Reduced:
        count = self._count[row]
        status = np.where(self._poor[row], np.uint32(Status.UncertainDataSubNormal), np.uint32(Status.Good))
        status = np.where(count > 0, status, np.uint32(Status.BadNoData)).astype(np.uint32)
        mean = self._total[row] / np.maximum(count, 1)
        columns = {
            Aspect.mean: mean,
            Aspect.minimum: self._lowest[row],
            Aspect.maximum: self._highest[row],
            Aspect.last: self._last[row],
            Aspect.count: count.astype(np.float64),
        }
        begun = self._period[row] * self._length[row]
        self._reset(row)
        return Reduced.concat([_aspect(aspect, row, values, status, begun) for aspect, values in columns.items()])

    def _reset(self, row: Rows) -> None:
        self._period[row] = -1
        self._total[row], self._count[row] = 0.0, 0
        self._lowest[row], self._highest[row] = np.inf, -np.inf
        self._last[row], self._poor[row] = np.nan, False


def _aspect(
    aspect: Aspect,
    row: Rows,
    values: npt.NDArray[np.float64],
    status: npt.NDArray[np.uint32],
    ticks: npt.NDArray[np.int64],
) -> Reduced:
    cells = np.ascontiguousarray(values, "<f8").view("<u8")
    if aspect is Aspect.count:  # no value is a count too
        status = np.where(status == Status.BadNoData, np.uint32(Status.Good), status)
    return Reduced(Readings(row.astype(np.int32), cells, status, ticks), np.full(len(row), aspect, np.uint8))
