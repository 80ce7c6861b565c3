"""Puts the chunks of a message together (Part 6, 6.7.2), and counts them; what ends a connection is a ChannelError."""

from __future__ import annotations

from typing import Final

from asyncua import ua

from server.services.options import Limits

_SEQUENCE_WRAP: Final = 2**32 - 1024


class ChannelError(Exception):
    """A breach of the protocol: the peer is told `status` in an ERR message and the connection is closed."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Incoming:
    """The chunks of one channel in their order. Raises ChannelError for whatever must end the connection."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._last: int | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._request = 0

    def check_sequence(self, number: int) -> None:
        """Sequence numbers go up by one, and may begin anew near the end of 32 bits."""
        last, self._last = self._last, number
        if last is None or number == last + 1 or (number < 1024 and last >= _SEQUENCE_WRAP):
            return
        raise ChannelError(ua.StatusCodes.BadSequenceNumberInvalid, f"sequence number {number} after {last}")

    def assemble(self, kind: bytes, request_id: int, body: bytes) -> tuple[int, bytes] | None:
        """Take a chunk of kind C, F or A: the request id and body of a message once it is whole, None until then."""
        if self._parts and request_id != self._request:
            raise ChannelError(ua.StatusCodes.BadDecodingError, "chunks of two messages mixed")
        if kind == b"A":
            self._parts, self._size = [], 0
            return None
        self._parts.append(body)
        self._size += len(body)
        self._request = request_id
        self._check_limits()
        if kind == b"C":
            return None
        whole = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts, self._size = [], 0
        return request_id, whole

    def _check_limits(self) -> None:
        limits = self._limits
        if self._size > limits.max_message_size:
            raise ChannelError(ua.StatusCodes.BadRequestTooLarge, f"a message of over {limits.max_message_size} bytes")
        if len(self._parts) > limits.max_chunk_count:
            raise ChannelError(ua.StatusCodes.BadRequestTooLarge, f"a message of over {limits.max_chunk_count} chunks")
