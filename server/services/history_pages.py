"""Reading history a page at a time: what one page is, and the continuation points of a session (Part 4, 7.9)."""

from __future__ import annotations

import secrets
import struct
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Protocol

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.ua.ua_binary import nodeid_to_binary

from server.security.roles import User

NO_DATA: Final = b"\x00\x00\x00"
"""An ExtensionObject without content."""
NO_POINT: Final = struct.pack("<i", -1)
_HEAD: Final = struct.Struct("<BBHBi")


@dataclass(frozen=True, slots=True)
class Page:
    """A part of one node's history. status: the StatusCode of the operation; data: an encoded ExtensionObject; more:
    how to read on, None at the end."""

    status: int
    data: bytes = NO_DATA
    more: Reading | None = None

    def encode(self, point: bytes | None) -> bytes:
        """The HistoryReadResult."""
        encoded_point = NO_POINT if point is None else struct.pack("<i", len(point)) + point
        return struct.pack("<I", self.status) + encoded_point + self.data


class Reading(Protocol):
    """A read of one node under way."""

    async def page(self, room: int) -> Page:
        """The next part in about so many bytes, and never nothing. Raises ServiceError, StoreError."""
        ...


def extension_object(type_id: int, body: bytes) -> bytes:
    """An encoded ExtensionObject of a standard type."""
    return _HEAD.pack(1, 0, type_id, 1, len(body)) + body


class HistoryPoints:
    """The continuation points of one session, at most `limit` at a time; each is good for one use.

    A new one takes the place of the oldest of earlier requests, never of one made in the same request.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._readings: OrderedDict[bytes, tuple[bytes, User, Reading]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._readings)

    def put(self, node: ua.NodeId, user: User, reading: Reading, made: set[bytes]) -> bytes | None:
        """The point where this user is to read this node on; it is added to `made`, those of this request. None when
        all that there may be were made in this request."""
        while len(self._readings) >= self._limit:
            earlier = next((point for point in self._readings if point not in made), None)
            if earlier is None:
                return None
            del self._readings[earlier]
        point = secrets.token_bytes(16)
        self._readings[point] = nodeid_to_binary(node), user, reading
        made.add(point)
        return point

    def take(self, node: ua.NodeId, user: User, point: bytes) -> Reading:
        """Where to read on. Raises ServiceError(BadContinuationPointInvalid) when there is no such point of that node,
        or it was somebody else's before the session changed hands."""
        found = self._readings.pop(point, None)
        if found is None or found[:2] != (nodeid_to_binary(node), user):
            raise ServiceError(ua.StatusCodes.BadContinuationPointInvalid)
        return found[2]

    def clear(self) -> None:
        """Forget them all; the session has ended."""
        self._readings.clear()
