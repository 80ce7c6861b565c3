"""ReadModified (Part 11, 6.5.3.3): what was there before somebody changed it, and who changed it when."""

from __future__ import annotations

import dataclasses
import struct
from dataclasses import dataclass

from asyncua import ua
from asyncua.ua.ua_binary import pack_uatype

from server.history.store import Modified, Samples
from server.services.history_domain import Domain
from server.services.history_encoding import LONGEST, cut, data_values
from server.services.history_pages import Page, extension_object
from server.services.history_raw import Position, Target

_INFO_SIZE = 16
"""Bytes of a ModificationInfo (Part 11, 6.6.5) apart from the user's name."""
_NAME_SIZE = 48


@dataclass(frozen=True, slots=True)
class ModifiedReading:
    """A read under way."""

    target: Target
    domain: Domain
    position: Position

    async def page(self, room: int) -> Page:
        """As many superseded values as the client wants, the server gives and the response holds."""
        wanted, skip = self._wanted(room), self.position.skip
        found = await self._found(wanted + 1 + skip)
        values = cut(found.samples, skip, len(found.samples))
        shown = cut(values, 0, wanted)
        values_room = max(LONGEST, room - len(shown) * (_INFO_SIZE + _NAME_SIZE))
        encoded, count = data_values(shown, self.target.stamps, values_room, self.target.index_range)
        infos = [_info(found, index) for index in range(skip, skip + count)]
        more = self._rest(cut(shown, 0, count)) if count < len(values) else None
        status = ua.StatusCodes.Good if count else ua.StatusCodes.GoodNoData
        return Page(int(status), _encoded(encoded, infos), more)

    def _wanted(self, room: int) -> int:
        most = self.domain.most - self.position.given if self.domain.open else self.domain.most
        limit = min(self.target.page_limit, max(1, room // (LONGEST + _INFO_SIZE + _NAME_SIZE)))
        return min(limit, most) if most else limit

    async def _found(self, limit: int) -> Modified:
        domain, at = self.domain, self.position.at
        start, end = (at, domain.last) if domain.forward else (domain.first, at)
        return await self.target.history.modified(self.target.row, start, end, limit, forward=domain.forward)

    def _rest(self, taken: Samples) -> ModifiedReading | None:
        given = self.position.given + len(taken)
        if self.domain.open and given >= self.domain.most:
            return None
        behind = self.position.behind(taken, led=True)
        return dataclasses.replace(self, position=dataclasses.replace(behind, given=given))


def _info(found: Modified, index: int) -> bytes:
    kind = ua.VariantType.String
    user = pack_uatype(kind, found.users[index])
    return struct.pack("<qi", int(found.modified_ticks[index]), int(found.kinds[index])) + user


def _encoded(values: bytes, infos: list[bytes]) -> bytes:
    count = struct.pack("<i", len(infos))
    body = b"".join((count, values, count, *infos))
    return extension_object(ua.ObjectIds.HistoryModifiedData_Encoding_DefaultBinary, body)
