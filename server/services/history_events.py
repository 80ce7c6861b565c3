"""ReadEvent (Part 11, 6.5.2): the events that a notifier heard, through an EventFilter."""

from __future__ import annotations

import dataclasses
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.ua.ua_binary import variant_to_binary

from server.security.roles import User
from server.services.event_filter import EventSelection
from server.services.events import SERVER
from server.services.history_access import check_notifier
from server.services.history_domain import Domain, domain
from server.services.history_pages import Page, extension_object
from server.services.history_request import EventDetails
from server.services.past_events import PastEvents, decode

if TYPE_CHECKING:
    from server.services.ua_server import UaServer

_AT_ONCE: Final = 100
"""Events looked at before others have their turn on the loop."""
_LOOKED_AT: Final = 5_000
"""Events looked at for one page; the client reads on from there."""
_NUMBERS: Final = 2**62


@dataclass(frozen=True, slots=True)
class EventReading:
    """A read under way. notifier: path of a twin, None for the Server object, which hears all; behind: time and number
    of the event after which to go on; audit: whether the user may see what users did."""

    events: PastEvents
    notifier: str | None
    selection: EventSelection
    domain: Domain
    audit: bool
    page_limit: int
    behind: tuple[int, int]
    given: int = 0

    async def page(self, room: int) -> Page:
        """As many events as the client wants, the server gives and the response holds."""
        found: list[bytes] = []
        behind, wanted, looked_at = self.behind, self._wanted(), 0
        while looked_at < _LOOKED_AT:
            past = await self.events.read(
                self.notifier, behind, self._end(), _AT_ONCE, forward=self.domain.forward, audit=self.audit
            )
            for one in past:
                encoded = self._encoded(one.body)
                if encoded is not None:
                    room -= len(encoded)
                    if len(found) == wanted or (room < 0 and found):
                        return self._page(found, behind)
                    found.append(encoded)
                behind = one.time_ticks, one.number
            looked_at += len(past)
            if len(past) < _AT_ONCE:
                return self._page(found, None)
        return self._page(found, behind)

    def _encoded(self, body: bytes) -> bytes | None:
        event = decode(body)
        if not self.selection.matches(event):
            return None
        fields = self.selection.fields(event)
        return struct.pack("<i", len(fields)) + b"".join(map(variant_to_binary, fields))

    def _wanted(self) -> int:
        most = self.domain.most - self.given if self.domain.open else self.domain.most
        return min(self.page_limit, most) if most else self.page_limit

    def _end(self) -> int:
        """The time that is no longer inside."""
        return self.domain.last + 1 if self.domain.forward else self.domain.first - 1

    def _page(self, found: list[bytes], behind: tuple[int, int] | None) -> Page:
        body = struct.pack("<i", len(found)) + b"".join(found)
        data = extension_object(ua.ObjectIds.HistoryEvent_Encoding_DefaultBinary, body)
        given = self.given + len(found)
        done = behind is None or (self.domain.open and given >= self.domain.most)
        more = None if done or behind is None else dataclasses.replace(self, behind=behind, given=given)
        status = ua.StatusCodes.Good if found or more is not None else ua.StatusCodes.GoodNoData
        return Page(int(status), data, more)


def event_reading(server: UaServer, user: User, item: ua.HistoryReadValueId, details: EventDetails) -> EventReading:
    """Raises ServiceError: BadNodeIdUnknown, BadUserAccessDenied, BadHistoryOperationUnsupported for what is no
    notifier, BadHistoryOperationInvalid, BadEventFilterInvalid."""
    check_notifier(server, user, item.NodeId)
    span = domain(details.start, details.end, details.most)
    selection = EventSelection(details.filter, server.events.types, server.limits.max_filter_clauses)
    if not selection.valid:
        raise ServiceError(ua.StatusCodes.BadEventFilterInvalid)
    notifier = None if item.NodeId == SERVER else str(item.NodeId.Identifier)
    behind = (span.origin, 0 if span.forward else _NUMBERS)
    limit = server.limits.max_history_events
    return EventReading(server.past_events, notifier, selection, span, user.may_administer, limit, behind)
