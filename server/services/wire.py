"""Reading requests off the wire safely, and writing the heads of responses (OPC UA Binary, Part 6, 5.2)."""

from __future__ import annotations

import struct
from typing import Any, Final

from asyncua import ua
from asyncua.common.utils import Buffer, NotEnoughData
from asyncua.ua import ua_binary

from drivers.readings import now_ticks

_MOST_NULLS: Final = 10_000
_NODE_ID: Final = struct.Struct("<BBH")
_HEAD: Final = struct.Struct("<qII")
_NO_DIAGNOSTICS: Final = b"\x00" + b"\xff\xff\xff\xff" + b"\x00\x00\x00"
"""DiagnosticInfo without fields, a null StringTable and a null AdditionalHeader."""


class RequestBuffer(Buffer):
    """asyncua's buffer, which takes negative lengths for a step back: a request could keep the server busy for ever."""

    nulls = 0

    def count_null(self) -> None:
        """A value without bytes was read."""
        self.nulls += 1
        if self.nulls > _MOST_NULLS:
            raise NotEnoughData("too many values without bytes")

    def read(self, size: int) -> bytes:
        if size < 0:
            raise NotEnoughData(f"a length of {size}")
        return super().read(size)

    def copy(self, size: int = -1) -> RequestBuffer:
        room = len(self)
        return RequestBuffer(self._data, self._cur_pos, room if size < 0 or size > room else size)

    def skip(self, size: int) -> None:
        if size < 0:
            raise NotEnoughData(f"a length of {size}")
        super().skip(size)


class _FewNulls:
    """Takes the place of asyncua's Null: an array of 2^31 of them has no bytes, and would be made into a list."""

    def pack(self, _data: Any) -> bytes:
        return b""

    def unpack(self, data: Any) -> None:
        if isinstance(data, RequestBuffer):
            data.count_null()


ua_binary.Primitives.Null = _FewNulls()  # type: ignore[assignment]
ua_binary._create_uatype_deserializer.cache_clear()
ua_binary._create_uatype_array_deserializer.cache_clear()


def response_head(type_id: int, request_handle: int, status: int = 0) -> bytes:
    """The encoding id and ResponseHeader of a response, for bodies that are encoded by column."""
    return _NODE_ID.pack(1, 0, type_id) + _HEAD.pack(now_ticks(), request_handle, status) + _NO_DIAGNOSTICS


def service_fault(request_handle: int, status: int) -> bytes:
    """An encoded ServiceFault."""
    return response_head(ua.ObjectIds.ServiceFault_Encoding_DefaultBinary, request_handle, status)


def status_code(code: int) -> ua.StatusCode:
    """A StatusCode in asyncua's clothes."""
    return ua.StatusCode(ua.UInt32(code))


def node_id(identifier: int | bytes, namespace: int = 0) -> ua.NodeId:
    """A numeric or opaque NodeId."""
    kind = ua.ByteString(identifier) if isinstance(identifier, bytes) else ua.Int32(identifier)
    return ua.NodeId(kind, ua.Int16(namespace))
