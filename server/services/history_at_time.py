"""ReadAtTime (Part 11, 6.5.5): the value at given times, stored or in between."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from asyncua import ua
from asyncua.common.utils import ServiceError

from analytics.aggregates import AggregateConfiguration
from analytics.aggregates.bounds import Bounds, interpolated, simple
from analytics.aggregates.intervals import divide
from analytics.aggregates.request import request_of
from drivers.data_types import DataType
from drivers.readings import now_ticks
from server.history.store import Samples
from server.services.history_domain import FIRST, LAST
from server.services.history_encoding import LONGEST, data_values, history_data, join, pick
from server.services.history_pages import Page
from server.services.history_raw import Target
from server.services.history_request import AtTimeDetails
from server.services.history_values import cells_of, series_of

if TYPE_CHECKING:
    from server.services.ua_server import UaServer

_BAD: Final = np.uint32(0x8000_0000)
_RAW: Final = np.uint32(0x0400)
_INTERPOLATED: Final = np.uint32(0x0402)
"""InfoType DataValue with the HistorianInfo Raw and Interpolated (Part 4, 7.39.1)."""
_DENSE: Final = 200_000
"""Values between the first and the last time that are read at once rather than those around each time."""
_SPARSE: Final = 500
"""Times of a page at most where those around each have to be read apart."""
_AROUND: Final = 16
"""Values on each side that are looked at for one that is not Bad."""
Ticks = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class AtTimeReading:
    """A read under way; times: those still to come, in the order asked for."""

    target: Target
    times: Sequence[int]
    simple_bounds: bool
    stepped: bool

    async def page(self, room: int) -> Page:
        """As many as the server gives and the response holds."""
        count = min(len(self.times), self.target.page_limit, max(1, room // LONGEST))
        times = np.array(self.times[:count], np.int64)
        around = await self._around(times)
        if around is None:
            times = times[:_SPARSE]
            around = await self._around_each(times)
        values = self._values(around, times)
        encoded, given = data_values(values, self.target.stamps, room, self.target.index_range)
        more = dataclasses.replace(self, times=self.times[given:]) if given < len(self.times) else None
        return Page(int(ua.StatusCodes.Good), history_data(encoded, given), more)

    async def _around(self, times: Ticks) -> Samples | None:
        """All values from a few before the first time to a few after the last; None where those are very many."""
        history, row, data_type = self.target.history, self.target.row, self.target.data_type
        first, last = int(times.min()), int(times.max())
        found = await history.read(row, first, last, _DENSE)
        if len(found) == _DENSE:
            return None
        before = await history.read(row, FIRST, first - 1, _AROUND, forward=False)
        after = await history.read(row, last + 1, LAST, _AROUND)
        return join((pick(before, np.arange(len(before))[::-1]), found, after), data_type)

    async def _around_each(self, times: Ticks) -> Samples:
        """A few values before, at and after each time, in the order of time."""
        history, row, data_type = self.target.history, self.target.row, self.target.data_type
        parts: list[Samples] = []
        for time in sorted(set(times.tolist())):
            before = await history.read(row, FIRST, time, _AROUND, forward=False)
            parts += pick(before, np.arange(len(before))[::-1]), await history.read(row, time + 1, LAST, _AROUND)
        every = join(parts, data_type)
        _, places = np.unique(every.source_ticks, return_index=True)
        return pick(every, places)

    def _values(self, around: Samples, times: Ticks) -> Samples:
        """Stored values as they are, and marked Raw; the others worked out of their neighbours, and marked so."""
        server = np.full(len(times), now_ticks(), np.int64)
        bounds = self._bounds(around, times)
        before = np.searchsorted(around.source_ticks, times, "right") - 1
        exact = (before >= 0) & (around.source_ticks[before] == times) if len(around) else np.zeros(len(times), bool)
        held = exact | self.stepped
        places = np.where(exact, before, self._held(around, before))
        taken = pick(around, places) if len(around) else None
        stored = around.status[before] if len(around) else bounds.codes
        status = np.where(exact, stored | np.where(stored < _BAD, _RAW, np.uint32(0)), bounds.codes)
        between = ~exact & (bounds.codes < _BAD)
        status = np.where(between, status | _INTERPOLATED, status).astype(np.uint32)
        if taken is None:
            return Samples(self.target.data_type, times, server, np.zeros(len(times), np.uint64), status)
        side = {index: value for index, value in taken.side.items() if status[index] < _BAD}
        cells = taken.cells
        if not held.all():
            worked_out = cells_of(np.where(held, np.nan, bounds.values), DataType(self.target.data_type))
            cells = np.where(held, taken.cells, worked_out)
        return Samples(self.target.data_type, times, server, cells, status, side)

    def _bounds(self, around: Samples, times: Ticks) -> Bounds:
        series, span = series_of(around), divide(FIRST, LAST, 0)
        request = request_of(series, span, AggregateConfiguration(False), stepped=self.stepped, numeric=False)
        if self.simple_bounds:
            return simple(request, times)
        return interpolated(request, times, stepped=self.stepped)

    def _held(self, around: Samples, before: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        """Of each time the value that a stepped one still has: the last, or the last that is not Bad."""
        if self.simple_bounds or not len(around):
            return np.maximum(before, 0)
        usable = np.where(around.status < _BAD, np.arange(len(around)), 0)
        return np.maximum.accumulate(usable)[np.maximum(before, 0)]


def at_time_reading(server: UaServer, of: Target, details: AtTimeDetails) -> AtTimeReading:
    """Raises ServiceError: BadNothingToDo without times, BadInvalidTimestampArgument for one that is none."""
    if not details.times:
        raise ServiceError(ua.StatusCodes.BadNothingToDo)
    if min(details.times) <= 0:
        raise ServiceError(ua.StatusCodes.BadInvalidTimestampArgument)
    return AtTimeReading(of, details.times, details.simple_bounds, server.stepped(of.row))
