"""Which readings of a setpoint are worth keeping: what is new, and now and then that it has not changed."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from drivers.readings import TICKS_PER_SECOND, Readings

LONGEST_S: Final = 300.0
"""One reading in each stretch of that length is kept though nothing has changed: so a setpoint that stayed is told from
a bridge that was off."""
_STRETCH: Final = round(LONGEST_S * TICKS_PER_SECOND)
_BAD: Final = np.uint32(0x80000000)
_NEVER: Final = -1
Flags = npt.NDArray[np.bool_]


class OnChange:
    """rows: bool by row of the table, those of which only changes are kept."""

    def __init__(self, rows: Flags) -> None:
        self.any = bool(rows.any())
        self._rows = rows
        self._cells = np.zeros(len(rows), np.uint64)
        self._status = np.zeros(len(rows), np.uint32)
        self._stretch = np.full(len(rows), _NEVER, np.int64)

    def forget(self) -> None:
        """Keep the next reading of each row, whatever it is."""
        self._stretch[:] = _NEVER

    def thinned(self, keep: Flags, batch: Readings, server_ticks: npt.NDArray[np.int64]) -> Flags:
        """What of a batch is to be kept, without readings that have the value and the status of the one before. keep:
        bool[n]; server_ticks: int64[n], when each came."""
        places = np.flatnonzero(keep & self._rows[batch.row])
        if not len(places):
            return keep
        places = places[np.argsort(batch.row[places], kind="stable")]
        row, status = batch.row[places], batch.status[places]
        cells = np.where(status >= _BAD, np.uint64(0), batch.value[places])  # what is Bad has no value
        stretch = server_ticks[places] // _STRETCH
        first = np.ones(len(row), np.bool_)
        first[1:] = row[1:] != row[:-1]
        new = np.zeros(len(row), np.bool_)
        for now, known in ((cells, self._cells), (status, self._status), (stretch, self._stretch)):
            before = np.roll(now, 1)
            before[first] = known[row[first]]
            new |= now != before
            known[row] = now  # of several the last one stays
        thinned = keep.copy()
        thinned[places[~new]] = False
        return thinned
