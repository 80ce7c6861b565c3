"""ReadRaw (Part 11, 6.5.3.2): the values as they were stored, forward or backward, with or without bounds."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Final

import numpy as np
from asyncua import ua

from server.history.store import Samples
from server.services.history_domain import FIRST, LAST, Domain
from server.services.history_encoding import LONGEST, cut, data_values, history_data, join, missing
from server.services.history_pages import Page
from server.services.ports import History

_BAD: Final = np.uint32(0x8000_0000)
EXTRA_DATA: Final = 0x0408
"""InfoType DataValue and HistorianInfo ExtraData (Part 4, 7.39.1)."""
_MOST_MODIFIED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Target:
    """The tag a read is about and what of its values the client wants. page_limit: values of a page at most."""

    history: History
    row: int
    data_type: int
    stamps: int
    index_range: str | None
    page_limit: int


@dataclass(frozen=True, slots=True)
class Position:
    """How far a read has got. at: from that time on; skip: values at that very time that were given out already; led:
    whether the bound at the origin has been; given: values so far; last: the time of the last of them."""

    at: int
    skip: int = 0
    led: bool = False
    given: int = 0
    last: int = 0

    def behind(self, taken: Samples, led: bool) -> Position:
        """After these values of the time domain; bounds are counted by `given` only."""
        if not len(taken):
            return dataclasses.replace(self, led=led)
        at = int(taken.source_ticks[-1])
        skip = int((taken.source_ticks == at).sum()) + (self.skip if at == self.at else 0)
        return Position(at, skip, led, self.given, at)


@dataclass(frozen=True, slots=True)
class RawReading:
    """A read under way; bounds: whether the values at its ends are wanted too."""

    target: Target
    domain: Domain
    bounds: bool
    position: Position

    async def page(self, room: int) -> Page:
        """As many values as the client wants, the server gives and the response holds."""
        wanted = self._wanted(room)
        body = await self._body(wanted + 1)
        lead = await self._lead(body)
        values = join((*lead, body), self.target.data_type)
        if self.bounds and len(body) <= wanted:
            values = join((values, await self._tail(values)), self.target.data_type)
        shown = cut(values, 0, wanted)
        encoded, count = data_values(await self._marked(shown), self.target.stamps, room, self.target.index_range)
        more = self._rest(body, len(lead), count) if count < len(values) else None
        status = ua.StatusCodes.Good if count else ua.StatusCodes.GoodNoData
        return Page(int(status), history_data(encoded, count), more)

    def _wanted(self, room: int) -> int:
        most = self.domain.most - self.position.given if self.domain.open else self.domain.most
        limit = min(self.target.page_limit, max(1, room // LONGEST))
        return min(limit, most) if most else limit

    async def _body(self, limit: int) -> Samples:
        """The values inside that have not been given out, at most so many."""
        domain, position = self.domain, self.position
        start, end = (position.at, domain.last) if domain.forward else (domain.first, position.at)
        skip = position.skip
        found = await self.target.history.read(self.target.row, start, end, limit + skip, forward=domain.forward)
        return cut(found, skip, len(found))

    async def _lead(self, body: Samples) -> list[Samples]:
        """The bound at the origin: a value at that time, or the nearest before it."""
        origin, target = self.domain.origin, self.target
        if not self.bounds or self.position.led or (len(body) and int(body.source_ticks[0]) == origin):
            return []
        ask = target.history.before if self.domain.forward else target.history.after
        found = await ask(target.row, origin)
        return [found if len(found) else _no_bound(target, origin)]

    async def _tail(self, values: Samples) -> Samples:
        """The bound at the end: a value at that time, or the nearest behind it."""
        domain, target = self.domain, self.target
        if domain.open:
            before = int(values.source_ticks[-1]) if len(values) else self.position.last or domain.origin
            return _no_bound(target, domain.beyond(before))
        if domain.forward:
            start = domain.end + (domain.origin == domain.end)
            found = await target.history.read(target.row, start, LAST, 1)
        else:
            found = await target.history.read(target.row, FIRST, domain.end, 1, forward=False)
        return found if len(found) else _no_bound(target, domain.end)

    def _rest(self, body: Samples, led: int, count: int) -> RawReading | None:
        given = self.position.given + count
        if self.domain.open and given >= self.domain.most:
            return None
        taken = cut(body, 0, max(0, count - led))
        behind = self.position.behind(taken, led=True)
        return dataclasses.replace(self, position=dataclasses.replace(behind, given=given))

    async def _marked(self, values: Samples) -> Samples:
        """Values beside which there are superseded ones, to be had by ReadModified, say so."""
        if not len(values):
            return values
        first, last = int(values.source_ticks.min()), int(values.source_ticks.max())
        modified = await self.target.history.modified(self.target.row, first, last, _MOST_MODIFIED)
        if not len(modified.samples):
            return values
        beside = np.isin(values.source_ticks, modified.samples.source_ticks) & (values.status < _BAD)
        status = np.where(beside, values.status | np.uint32(EXTRA_DATA), values.status)
        return dataclasses.replace(values, status=status.astype(np.uint32))


def _no_bound(target: Target, ticks: int) -> Samples:
    return missing(target.data_type, ticks, ua.StatusCodes.BadBoundNotFound)
