"""Decodes CreateMonitoredItemsRequests without an object per tag, and encodes their results by the record."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from asyncua import ua
from asyncua.common.utils import NotEnoughData, ServiceError
from asyncua.ua.ua_binary import struct_from_binary
from asyncua.ua.uaprotocol_auto import DataChangeFilter

from server.services.read_request import ReadDecoder
from server.services.registered_nodes import RegisteredNodes
from server.services.wire import RequestBuffer

_HEAD: Final = struct.Struct("<Iii")
_NO_FILTER: Final = b"\x00\x00\x00"
_DATA_CHANGE: Final = b"\x01\x00" + struct.pack("<HBi", ua.ObjectIds.DataChangeFilter_Encoding_DefaultBinary, 1, 16)
_INTERVAL_END: Final = 16
"""After the ReadValueId: mode int32, client handle uint32, sampling interval double; then the filter:"""
_QUEUE: Final = 5
_WITHOUT_FILTER: Final = _INTERVAL_END + len(_NO_FILTER) + _QUEUE
_WITH_FILTER: Final = _INTERVAL_END + len(_DATA_CHANGE) + 16 + _QUEUE
_PLAIN: Final = struct.Struct("<iId3xI?")
_FILTERED: Final = struct.Struct(f"<iId{len(_DATA_CHANGE)}xiIdI?")
_HANDLE: Final = slice(4, 8)
_RESULT: Final = struct.Struct("<IIdI3x")
"""MonitoredItemCreateResult with a null FilterResult (Part 4, 5.12.2.2)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What items are asked to do, apart from their client handle; a filter is (trigger, deadband type and value)."""

    mode: int
    interval_ms: float
    filter: tuple[int, int, float] | None
    queue_size: int
    discard_oldest: bool

    def request(self, node: ua.NodeId, handle: int) -> ua.MonitoredItemCreateRequest:
        """The same as asyncua's object, for tags that are no plain columns."""
        wanted = ua.MonitoringParameters(handle, self.interval_ms, None, self.queue_size, self.discard_oldest)
        if self.filter is not None:
            trigger, kind, value = self.filter
            wanted.Filter = DataChangeFilter(trigger, kind, value)
        item = ua.ReadValueId(node, ua.AttributeIds.Value)
        return ua.MonitoredItemCreateRequest(item, self.mode, wanted)


Wanted = tuple[int, int, Asked] | ua.MonitoredItemCreateRequest
"""The row, client handle and settings of an item on the whole value of a tag; any other item as it was decoded."""


@dataclass(slots=True)
class CreateRequest:
    """items: decoded while they are taken; raises ServiceError(BadDecodingError) on the way."""

    subscription_id: int
    stamps: int
    count: int
    items: Iterator[Wanted]


def decode(body: bytes, reads: ReadDecoder, registered: RegisteredNodes | None) -> CreateRequest:
    """The request. Raises ServiceError(BadDecodingError)."""
    if len(body) < _HEAD.size:
        raise ServiceError(ua.StatusCodes.BadDecodingError)
    subscription_id, stamps, count = _HEAD.unpack_from(body)
    return CreateRequest(subscription_id, stamps, max(count, 0), _items(body, count, reads, registered))


def _items(body: bytes, count: int, reads: ReadDecoder, registered: RegisteredNodes | None) -> Iterator[Wanted]:
    known: dict[tuple[bytes, bytes], Asked] = {}
    position = _HEAD.size
    try:
        for _ in range(count):
            row, end = reads.tag_at(body, position, registered)
            size = _size(body, end) if row >= 0 else 0
            if not size:
                buffer = RequestBuffer(body, position)
                yield struct_from_binary(ua.MonitoredItemCreateRequest, buffer)
                position = buffer.cur_pos
                continue
            position = end + size
            key = body[end : end + 4], body[end + 8 : position]
            asked = known.get(key)
            if asked is None:
                asked = known[key] = _asked(body[end:position])
            yield row, int.from_bytes(body[end + 4 : end + 8], "little"), asked
    except (NotEnoughData, ua.UaError, ValueError, TypeError, struct.error, IndexError, RecursionError) as error:
        raise ServiceError(ua.StatusCodes.BadDecodingError) from error


def _size(body: bytes, start: int) -> int:
    """How long mode and parameters are when the filter is a DataChangeFilter or none; 0 for any other."""
    at = start + _INTERVAL_END
    if body.startswith(_NO_FILTER, at):
        return _WITHOUT_FILTER
    return _WITH_FILTER if body.startswith(_DATA_CHANGE, at) else 0


def _asked(encoded: bytes) -> Asked:
    if len(encoded) == _WITHOUT_FILTER:
        mode, _, interval_ms, queue_size, discard_oldest = _PLAIN.unpack(encoded)
        return Asked(mode, interval_ms, None, queue_size, discard_oldest)
    mode, _, interval_ms, trigger, kind, value, queue_size, discard_oldest = _FILTERED.unpack(encoded)
    return Asked(mode, interval_ms, (trigger, kind, value), queue_size, discard_oldest)


def created(item_id: int, interval_s: float, queue_size: int) -> bytes:
    """The encoded result of an item that was made."""
    return _RESULT.pack(0, item_id, interval_s * 1000, queue_size)


def refused(status: int) -> bytes:
    """The encoded result of an item that was not."""
    return _RESULT.pack(status, 0, 0.0, 0)
