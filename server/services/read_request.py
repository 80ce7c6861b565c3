"""Decodes a ReadRequest into rows of tags and, apart, whatever else was asked for, without an object per tag."""

from __future__ import annotations

import struct
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
from asyncua import ua
from asyncua.common.utils import NotEnoughData, ServiceError
from asyncua.ua.ua_binary import struct_from_binary

from server.services.registered_nodes import RegisteredNodes
from server.services.registered_nodes import row_of as handle_row
from server.services.wire import RequestBuffer

_HEAD: Final = struct.Struct("<dii")
_LENGTH: Final = struct.Struct("<i")
_EMPTY: Final = (b"\xff\xff\xff\xff", b"\x00\x00\x00\x00")
_VALUE_OF_NODE: Final = frozenset(
    struct.pack("<I", ua.AttributeIds.Value) + index_range + b"\x00\x00" + encoding
    for index_range in _EMPTY
    for encoding in _EMPTY
)
"""What follows the NodeId when the whole Value attribute in the default encoding is asked for."""
_TAIL: Final = 14
_STRING: Final = 3
_STRING_HEAD: Final = 7
"""A string NodeId: its kind, and the bytes before its text."""
_HANDLE: Final = np.dtype(
    [
        ("kind", "u1"),
        ("namespace", "<u2"),
        ("identifier", "<u4"),
        ("attribute", "<u4"),
        ("range", "<i4"),
        ("encoding_namespace", "<u2"),
        ("encoding", "<i4"),
    ]
)
_OTHER: Final = -1


@dataclass(slots=True)
class ReadRequest:
    """rows: int32 per item, the tag's row or -1; others: the items that are no plain tag reads, by place."""

    stamps: ua.TimestampsToReturn
    rows: npt.NDArray[np.int32]
    others: dict[int, ua.ReadValueId] = field(default_factory=dict)


class ReadDecoder:
    """Decodes ReadRequests; remembers which encoded items ask for tags.

    row_of answers a tag's row, or -1 for any other node.
    """

    def __init__(self, row_of: Callable[[ua.NodeId], int], limit: int) -> None:
        self._row_of = row_of
        self._limit = limit
        self._known: dict[bytes, int] = {}

    def decode(self, body: bytes, registered: RegisteredNodes | None) -> ReadRequest:
        """Raises ServiceError for what is wrong with the request as a whole."""
        if len(body) < _HEAD.size:
            raise ServiceError(ua.StatusCodes.BadDecodingError)
        max_age, stamps, count = _HEAD.unpack_from(body)
        if not max_age >= 0:
            raise ServiceError(ua.StatusCodes.BadMaxAgeInvalid)
        if stamps not in (0, 1, 2, 3):
            raise ServiceError(ua.StatusCodes.BadTimestampsToReturnInvalid)
        if count <= 0:
            raise ServiceError(ua.StatusCodes.BadNothingToDo)
        if count > self._limit:
            raise ServiceError(ua.StatusCodes.BadTooManyOperations)
        wanted = ua.TimestampsToReturn(stamps)
        rows = _handles(body, count, registered) if registered is not None else None
        if rows is not None:
            return ReadRequest(wanted, rows)
        try:
            return self._decode_each(body, count, wanted, registered)
        except (NotEnoughData, ua.UaError, ValueError, struct.error, IndexError) as error:
            raise ServiceError(ua.StatusCodes.BadDecodingError) from error

    def forget(self, rows: Container[int]) -> None:
        """What these rows stand for is about to change."""
        self._known = {item: row for item, row in self._known.items() if row not in rows}

    def tag_at(self, body: bytes, start: int, registered: RegisteredNodes | None) -> tuple[int, int]:
        """The row and the end of a ReadValueId that asks for the whole Value of a tag; the row is -1 for any other.
        Raises IndexError and struct.error beyond the end of the body."""
        if body[start] == _STRING:
            end = start + _STRING_HEAD + _LENGTH.unpack_from(body, start + 3)[0] + _TAIL
            row = self._known.get(body[start:end])
            if row is not None:
                return row, end
        return self._learn(body, start, registered)

    def _decode_each(
        self, body: bytes, count: int, stamps: ua.TimestampsToReturn, registered: RegisteredNodes | None
    ) -> ReadRequest:
        rows: list[int] = []
        others: dict[int, ua.ReadValueId] = {}
        known, length_at, position = self._known, _LENGTH.unpack_from, _HEAD.size
        for place in range(count):
            if body[position] == _STRING:
                end = position + _STRING_HEAD + length_at(body, position + 3)[0] + _TAIL
                row = known.get(body[position:end])
                if row is not None:
                    rows.append(row)
                    position = end
                    continue
            row, end = self._learn(body, position, registered)
            if row == _OTHER:
                buffer = RequestBuffer(body, position)
                others[place] = struct_from_binary(ua.ReadValueId, buffer)
                end = buffer.cur_pos
            rows.append(row)
            position = end
        return ReadRequest(stamps, np.array(rows, np.int32), others)

    def _learn(self, body: bytes, start: int, registered: RegisteredNodes | None) -> tuple[int, int]:
        """The row and the end of an item that asks for the Value of a tag; _OTHER for any other item."""
        end = _end_of_node_id(body, start)
        if not end or body[end : end + _TAIL] not in _VALUE_OF_NODE:
            return _OTHER, end
        node_id = ua.ua_binary.nodeid_from_binary(RequestBuffer(body[start:end]))
        row = self._row_of(node_id)
        if row >= 0:
            self._known[body[start : end + _TAIL]] = row
        elif registered is not None:
            row = handle_row(node_id, registered.namespace)
            row = row if registered.has(row) else _OTHER
        return row, end + _TAIL


def _handles(body: bytes, count: int, registered: RegisteredNodes) -> npt.NDArray[np.int32] | None:
    """The rows when every item is the Value of a registered handle, else None."""
    if len(body) != _HEAD.size + count * _HANDLE.itemsize:
        return None
    items = np.frombuffer(body, _HANDLE, count, _HEAD.size)
    plain = (
        (items["kind"] == 2)
        & (items["namespace"] == registered.namespace)
        & (items["attribute"] == ua.AttributeIds.Value)
        & ((items["range"] == -1) | (items["range"] == 0))
        & (items["encoding_namespace"] == 0)
        & ((items["encoding"] == -1) | (items["encoding"] == 0))
    )
    return registered.rows(items["identifier"]) if plain.all() else None


def _end_of_node_id(body: bytes, start: int) -> int:
    """Where a NodeId ends that is of the common kinds, 0 for the others."""
    kind = body[start]
    if kind == 3:
        return start + 7 + max(0, int(_LENGTH.unpack_from(body, start + 3)[0]))
    return start + (2, 4, 7)[kind] if kind < 3 else 0
