"""Decodes HistoryRead and HistoryUpdate requests; their times stay ticks, for a datetime would round them to 1 us."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from asyncua import ua
from asyncua.common.utils import NotEnoughData, ServiceError
from asyncua.ua.ua_binary import nodeid_from_binary, struct_from_binary, variant_from_binary

from server.services.wire import RequestBuffer

_RAW: Final = struct.Struct("<?qqI?")
_PROCESSED: Final = struct.Struct("<qqd")
_EVENTS: Final = struct.Struct("<Iqq")
_DELETE: Final = struct.Struct("<?qq")
_LENGTH: Final = struct.Struct("<i")
_VALUE, _STATUS, _SOURCE, _SERVER, _SOURCE_PICO, _SERVER_PICO = 1, 2, 4, 8, 16, 32
"""Bits of a DataValue's encoding mask (Part 6, 5.2.2.17)."""
UNDECODABLE: Final = (
    NotEnoughData, ua.UaError, ValueError, TypeError, struct.error, IndexError, OverflowError, RecursionError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RawDetails:
    """ReadRawModifiedDetails (Part 11, 6.5.3). Times in ticks, 0 or less: not given. most: 0 for all."""

    modified: bool
    start: int
    end: int
    most: int
    bounds: bool


@dataclass(frozen=True, slots=True)
class ProcessedDetails:
    """ReadProcessedDetails (Part 11, 6.5.4)."""

    start: int
    end: int
    interval_ms: float
    aggregates: list[ua.NodeId]
    configuration: ua.AggregateConfiguration


@dataclass(frozen=True, slots=True)
class AtTimeDetails:
    """ReadAtTimeDetails (Part 11, 6.5.5)."""

    times: list[int]
    simple_bounds: bool


@dataclass(frozen=True, slots=True)
class EventDetails:
    """ReadEventDetails (Part 11, 6.5.2)."""

    most: int
    start: int
    end: int
    filter: ua.EventFilter


@dataclass(frozen=True, slots=True)
class Unsupported:
    """Details that the standard has and this server has not."""


ReadDetails = RawDetails | ProcessedDetails | AtTimeDetails | EventDetails | Unsupported


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A HistoryRead request (Part 4, 5.10.3)."""

    details: ReadDetails
    stamps: int
    release: bool
    nodes: list[ua.HistoryReadValueId]


@dataclass(frozen=True, slots=True)
class HistoricalValue:
    """A DataValue of an update. source, server: ticks, 0 where there is none."""

    value: ua.Variant = field(default_factory=ua.Variant)
    status: int = 0
    source: int = 0
    server: int = 0


@dataclass(frozen=True, slots=True)
class UpdateData:
    """UpdateDataDetails (Part 11, 6.9.2). perform: as it came; it may be none of PerformUpdateType."""

    node: ua.NodeId
    perform: int
    values: list[HistoricalValue]


@dataclass(frozen=True, slots=True)
class DeleteRange:
    """DeleteRawModifiedDetails (Part 11, 6.9.5)."""

    node: ua.NodeId
    modified: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class DeleteTimes:
    """DeleteAtTimeDetails (Part 11, 6.9.6)."""

    node: ua.NodeId
    times: list[int]


@dataclass(frozen=True, slots=True)
class OtherUpdate:
    """Updates of structures and events; known: whether the standard has such details."""

    node: ua.NodeId
    known: bool = True


UpdateDetails = UpdateData | DeleteRange | DeleteTimes | OtherUpdate


def read_request(body: bytes) -> ReadRequest:
    """Raises ServiceError: BadDecodingError, BadHistoryOperationInvalid for unknown details."""
    buffer = RequestBuffer(body)
    try:
        details = _extension(buffer, _READS)
        stamps, release = struct.unpack("<i?", buffer.read(5))
        nodes = [struct_from_binary(ua.HistoryReadValueId, buffer) for _ in range(_count(buffer))]
    except UNDECODABLE as error:
        raise ServiceError(ua.StatusCodes.BadDecodingError) from error
    if stamps not in (0, 1, 2, 3):
        raise ServiceError(ua.StatusCodes.BadTimestampsToReturnInvalid)
    if details is None:
        raise ServiceError(ua.StatusCodes.BadHistoryOperationInvalid)
    return ReadRequest(details, stamps, release, nodes)


def update_request(body: bytes) -> list[UpdateDetails]:
    """Raises ServiceError(BadDecodingError)."""
    buffer = RequestBuffer(body)
    try:
        found = [_extension(buffer, _UPDATES) for _ in range(_count(buffer))]
    except UNDECODABLE as error:
        raise ServiceError(ua.StatusCodes.BadDecodingError) from error
    return [OtherUpdate(ua.NodeId(), known=False) if one is None else one for one in found]


def _extension(buffer: RequestBuffer, known: dict[int, Callable[[RequestBuffer], Any]]) -> Any:
    """What an ExtensionObject holds; None where its type is none of these."""
    type_id = nodeid_from_binary(buffer)
    encoding = buffer.read(1)[0]
    if encoding == 0:
        return None
    (length,) = _LENGTH.unpack(buffer.read(4))
    inner = buffer.copy(length)
    buffer.skip(length)
    number = type_id.Identifier
    if type_id.NamespaceIndex != 0 or encoding != 1 or not isinstance(number, int) or number not in known:
        return None
    return known[number](inner)


def _count(buffer: RequestBuffer) -> int:
    return max(0, int(_LENGTH.unpack(buffer.read(4))[0]))


def _times(buffer: RequestBuffer) -> list[int]:
    count = _count(buffer)
    return list(struct.unpack(f"<{count}q", buffer.read(8 * count)))


def _raw(buffer: RequestBuffer) -> RawDetails:
    return RawDetails(*_RAW.unpack(buffer.read(_RAW.size)))


def _processed(buffer: RequestBuffer) -> ProcessedDetails:
    start, end, interval_ms = _PROCESSED.unpack(buffer.read(_PROCESSED.size))
    aggregates = [nodeid_from_binary(buffer) for _ in range(_count(buffer))]
    return ProcessedDetails(start, end, interval_ms, aggregates, struct_from_binary(ua.AggregateConfiguration, buffer))


def _at_time(buffer: RequestBuffer) -> AtTimeDetails:
    return AtTimeDetails(_times(buffer), buffer.read(1) != b"\x00")


def _events(buffer: RequestBuffer) -> EventDetails:
    most, start, end = _EVENTS.unpack(buffer.read(_EVENTS.size))
    return EventDetails(most, start, end, struct_from_binary(ua.EventFilter, buffer))


def _update_data(buffer: RequestBuffer) -> UpdateData:
    node = nodeid_from_binary(buffer)
    (perform,) = _LENGTH.unpack(buffer.read(4))
    return UpdateData(node, perform, [_data_value(buffer) for _ in range(_count(buffer))])


def _data_value(buffer: RequestBuffer) -> HistoricalValue:
    mask = buffer.read(1)[0]
    value = variant_from_binary(buffer) if mask & _VALUE else ua.Variant()
    status = int.from_bytes(buffer.read(4), "little") if mask & _STATUS else 0
    source = struct.unpack("<q", buffer.read(8))[0] if mask & _SOURCE else 0
    buffer.skip(2 if mask & _SOURCE_PICO else 0)
    server = struct.unpack("<q", buffer.read(8))[0] if mask & _SERVER else 0
    buffer.skip(2 if mask & _SERVER_PICO else 0)
    return HistoricalValue(value, status, source, server)


def _delete_range(buffer: RequestBuffer) -> DeleteRange:
    return DeleteRange(nodeid_from_binary(buffer), *_DELETE.unpack(buffer.read(_DELETE.size)))


def _delete_times(buffer: RequestBuffer) -> DeleteTimes:
    return DeleteTimes(nodeid_from_binary(buffer), _times(buffer))


def _other(buffer: RequestBuffer) -> OtherUpdate:
    return OtherUpdate(nodeid_from_binary(buffer))


def _none(_buffer: RequestBuffer) -> Unsupported:
    return Unsupported()


_I = ua.ObjectIds
_READS: Final[dict[int, Callable[[RequestBuffer], Any]]] = {
    _I.ReadRawModifiedDetails_Encoding_DefaultBinary: _raw,
    _I.ReadProcessedDetails_Encoding_DefaultBinary: _processed,
    _I.ReadAtTimeDetails_Encoding_DefaultBinary: _at_time,
    _I.ReadEventDetails_Encoding_DefaultBinary: _events,
    _I.ReadEventDetails2_Encoding_DefaultBinary: _none,
    _I.ReadAnnotationDataDetails_Encoding_DefaultBinary: _none,
}
_UPDATES: Final[dict[int, Callable[[RequestBuffer], Any]]] = {
    _I.UpdateDataDetails_Encoding_DefaultBinary: _update_data,
    _I.DeleteRawModifiedDetails_Encoding_DefaultBinary: _delete_range,
    _I.DeleteAtTimeDetails_Encoding_DefaultBinary: _delete_times,
    _I.UpdateStructureDataDetails_Encoding_DefaultBinary: _other,
    _I.UpdateEventDetails_Encoding_DefaultBinary: _other,
    _I.DeleteEventDetails_Encoding_DefaultBinary: _other,
}
