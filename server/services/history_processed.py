"""ReadProcessed (Part 11, 6.5.4): aggregates of Part 13 over intervals, worked out beside the loop."""

from __future__ import annotations

import asyncio
import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from asyncua import ua
from asyncua.common.utils import ServiceError

from analytics.aggregates import Aggregate, AggregateConfiguration, Processed, ResultType, find, interval_count, reach
from analytics.aggregates import processed as compute
from drivers.data_types import DataType, to_cells
from drivers.readings import now_ticks
from server.history.store import Samples
from server.services.data_values import STATUS_CODE
from server.services.history_encoding import LONGEST, columns, data_values, history_data, join, pick
from server.services.history_pages import Page
from server.services.history_raw import Target
from server.services.history_request import ProcessedDetails
from server.services.history_values import NUMERIC, cells_of, series_of

if TYPE_CHECKING:
    from server.services.ua_server import UaServer

_MOST_RAW: Final = 2_000_000
"""Values that one page is worked out of (64 MB), unless a single interval holds more."""
_TICKS_PER_MS: Final = 10_000
_RESULT_TYPES: Final = {
    ResultType.double: int(DataType.Double),
    ResultType.duration: int(DataType.Double),
    ResultType.int32: int(DataType.Int32),
    ResultType.status_code: STATUS_CODE,
}


@dataclass(frozen=True, slots=True)
class ProcessedReading:
    """A read under way. interval: ticks, 0 for one interval; done: intervals given out so far."""

    target: Target
    aggregate: Aggregate
    start: int
    end: int
    interval: int
    configuration: AggregateConfiguration
    stepped: bool
    done: int = 0

    async def page(self, room: int) -> Page:
        """As many intervals as the server gives, the response holds and can be worked out at once."""
        total = interval_count(self.start, self.end, self.interval)
        count = min(total - self.done, self.target.page_limit, max(1, room // LONGEST))
        samples, count = await self._samples(count)
        start, end = self._edge(self.done), self._edge(self.done + count)
        encoded, given = await asyncio.to_thread(self._encode, samples, start, end, room)
        done = self.done + given
        more = dataclasses.replace(self, done=done) if done < total else None
        return Page(int(ua.StatusCodes.Good), history_data(encoded, given), more)

    def _edge(self, index: int) -> int:
        """Where the interval of that number begins; the end behind the last."""
        if not self.interval:
            return self.end if index else self.start
        step = self.interval * index
        return min(self.start + step, self.end) if self.end > self.start else max(self.start - step, self.end)

    async def _samples(self, count: int) -> tuple[Samples, int]:
        """The values that so many intervals, or fewer where there are very many, are worked out of, with one more on
        either side."""
        history, row = self.target.history, self.target.row
        while True:
            low, high = reach(self.aggregate, self._edge(self.done), self._edge(self.done + count), self.interval)
            found = await history.read(row, low, high, _MOST_RAW if count > 1 else 0)
            if count == 1 or len(found) < _MOST_RAW:
                break
            share = (int(found.source_ticks[-1]) - low) / (high - low)
            count = max(1, int(count * share * 0.8))
        before, after = await history.before(row, low), await history.after(row, high)
        return join((before, found, after), self.target.data_type), count

    def _encode(self, samples: Samples, start: int, end: int, room: int) -> tuple[bytes, int]:
        found = compute(
            self.aggregate.name,
            series_of(samples),
            start,
            end,
            self.interval,
            self.configuration,
            stepped=self.stepped,
        )
        results = self._results(found, samples)
        if results.data_type == STATUS_CODE:
            return columns(results, self.target.stamps).encode(keep_order=True), len(results)
        return data_values(results, self.target.stamps, room)

    def _results(self, found: Processed, samples: Samples) -> Samples:
        """The results as values of their type; those picked from the history are just what they were."""
        count = len(found)
        server = np.full(count, now_ticks(), np.int64)
        status = found.status
        if self.aggregate.result is not ResultType.source:
            data_type = _RESULT_TYPES[self.aggregate.result]
            return Samples(data_type, found.ticks, server, _cells(found.values, data_type), status)
        taken = found.picked >= 0
        places = np.where(taken, found.picked, 0).astype(np.intp)
        picked = pick(samples, places) if len(samples) else None
        data_type = self.target.data_type
        if data_type not in NUMERIC:
            assert picked is not None or not taken.any()
            cells, side = (picked.cells, picked.side) if picked is not None else (np.zeros(count, np.uint64), {})
            return Samples(data_type, found.ticks, server, cells, status, side)
        try:
            cells = cells_of(np.where(taken, np.nan, found.values), DataType(data_type))
        except OverflowError:  # a difference of unsigned values may be negative
            return Samples(int(DataType.Double), found.ticks, server, to_cells(found.values, DataType.Double), status)
        if picked is not None:
            cells = np.where(taken, picked.cells, cells)
        return Samples(data_type, found.ticks, server, cells, status)


def _cells(values: npt.NDArray[np.float64], data_type: int) -> npt.NDArray[np.uint64]:
    if data_type == STATUS_CODE:
        return np.where(np.isnan(values), 0.0, values).astype(np.uint64)
    return cells_of(values, DataType(data_type))


def check_aggregates(details: ProcessedDetails, stamps: int, nodes: int) -> None:
    """What is wrong with the request as a whole. A result has a SourceTimestamp and was never received by this server,
    so that ServerTimestamps alone cannot be had (Part 13, 5.4.3.1)."""
    if len(details.aggregates) != nodes:
        raise ServiceError(ua.StatusCodes.BadAggregateListMismatch)
    if stamps == ua.TimestampsToReturn.Server:
        raise ServiceError(ua.StatusCodes.BadTimestampsToReturnInvalid)


def processed_reading(server: UaServer, of: Target, details: ProcessedDetails, place: int) -> ProcessedReading:
    """Raises ServiceError: BadAggregateNotSupported, BadAggregateInvalidInputs, BadInvalidTimestampArgument,
    BadInvalidArgument; an IndexRange has nothing to cut."""
    if of.index_range is not None:
        raise ServiceError(ua.StatusCodes.BadIndexRangeNoData)
    aggregate = _aggregate(details.aggregates[place])
    if min(details.start, details.end) <= 0:
        raise ServiceError(ua.StatusCodes.BadInvalidTimestampArgument)
    if details.start == details.end:
        raise ServiceError(ua.StatusCodes.BadInvalidArgument)
    is_array = bool(server.table.array_length[of.row])
    if aggregate.numeric and (of.data_type not in NUMERIC or is_array):
        raise ServiceError(ua.StatusCodes.BadAggregateInvalidInputs)
    configuration = _configuration(details.configuration)
    interval = _interval(details.interval_ms)
    stepped = server.stepped(of.row)
    return ProcessedReading(of, aggregate, details.start, details.end, interval, configuration, stepped)


def _aggregate(node: ua.NodeId) -> Aggregate:
    standard = node.NamespaceIndex == 0 and isinstance(node.Identifier, int)
    found = find(node.Identifier) if standard else None  # type: ignore[arg-type]
    if found is None:
        raise ServiceError(ua.StatusCodes.BadAggregateNotSupported)
    return found


def _interval(milliseconds: float) -> int:
    if not 0 <= milliseconds < math.inf:
        raise ServiceError(ua.StatusCodes.BadAggregateInvalidInputs)
    return max(1, round(milliseconds * _TICKS_PER_MS)) if milliseconds else 0


def _configuration(asked: ua.AggregateConfiguration) -> AggregateConfiguration:
    if asked.UseServerCapabilitiesDefaults:
        return AggregateConfiguration()
    found = AggregateConfiguration(
        bool(asked.TreatUncertainAsBad),
        int(asked.PercentDataBad),
        int(asked.PercentDataGood),
        bool(asked.UseSlopedExtrapolation),
    )
    if not found.valid:
        raise ServiceError(ua.StatusCodes.BadAggregateInvalidInputs)
    return found
