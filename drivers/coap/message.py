"""CoAP messages to bytes and back (RFC 7252, 3): header, token, options, payload, and the Block option (RFC 7959)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Final, NamedTuple

from drivers.errors import Malformed


class Kind(IntEnum):
    """Message types."""

    CON = 0
    NON = 1
    ACK = 2
    RST = 3


class Option(IntEnum):
    """The options that are sent or read here, by number."""

    ETAG = 4
    OBSERVE = 6
    OSCORE = 9
    URI_PATH = 11
    CONTENT_FORMAT = 12
    MAX_AGE = 14
    URI_QUERY = 15
    ACCEPT = 17
    BLOCK2 = 23
    BLOCK1 = 27
    ECHO = 252


EMPTY: Final = 0x00
GET: Final = 0x01
POST: Final = 0x02
PUT: Final = 0x03
CONTINUE: Final = 0x5F
TOO_LARGE: Final = 0x8D
LARGEST_BLOCK: Final = 1024
"""Bytes of payload beyond which a transfer is block-wise."""

_VERSION: Final = 0x40
_PAYLOAD_MARKER: Final = 0xFF
_LONGEST_TOKEN: Final = 8
_UNDERSTOOD: Final = frozenset({Option.OSCORE, Option.BLOCK2, Option.BLOCK1})
"""The critical options that an answer may have."""


class Message(NamedTuple):
    """A message as it came. kind: of `Kind`; options: by number, the last of those that are repeated."""

    kind: int
    code: int
    mid: int
    token: bytes
    options: Mapping[int, bytes]
    payload: bytes

    def uint(self, option: int) -> int | None:
        """A number in an option, None where it is absent."""
        raw = self.options.get(option)
        return None if raw is None else int.from_bytes(raw, "big")

    def misunderstood(self) -> int | None:
        """A critical option that is not understood: the message must not be used (RFC 7252, 5.4.1)."""
        for number in self.options:
            if number & 1 and number not in _UNDERSTOOD:
                return number
        return None


class Block(NamedTuple):
    """Which part of a payload: bytes number x size and following; more: it is not the last."""

    number: int
    more: bool
    size: int

    @property
    def encoded(self) -> bytes:
        """As the value of a Block1 or Block2 option."""
        return to_uint(self.number << 4 | self.more << 3 | self.size.bit_length() - 5)

    @staticmethod
    def decode(raw: bytes) -> Block:
        """Raises Malformed for the reserved size."""
        value = int.from_bytes(raw, "big")
        if value & 7 == 7 or len(raw) > 3:
            raise Malformed(f"a Block option holds the reserved value {raw.hex()}")
        return Block(value >> 4, bool(value & 8), 16 << (value & 7))


def to_uint(value: int) -> bytes:
    """A number as options hold it: as few bytes as will do, none for 0."""
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def encode_options(options: Iterable[tuple[int, bytes]]) -> bytes:
    """Options on the wire, whatever their order here; repeated ones keep theirs."""
    out = bytearray()
    last = 0
    for number, value in sorted(options, key=lambda option: option[0]):
        delta, length = _nibble(number - last), _nibble(len(value))
        out.append(delta[0] << 4 | length[0])
        out += delta[1] + length[1] + value
        last = number
    return bytes(out)


def _nibble(value: int) -> tuple[int, bytes]:
    if value < 13:
        return value, b""
    if value < 269:
        return 13, bytes([value - 13])
    return 14, (value - 269).to_bytes(2, "big")


def encode(kind: int, code: int, mid: int, token: bytes = b"", options: bytes = b"", payload: bytes = b"") -> bytes:
    """A datagram; options as `encode_options` makes them."""
    head = bytes((_VERSION | kind << 4 | len(token), code, mid >> 8, mid & 0xFF)) + token + options
    return head + b"\xff" + payload if payload else head


def decode(datagram: bytes) -> Message:
    """Raises Malformed."""
    if len(datagram) < 4 or datagram[0] >> 6 != 1:
        raise Malformed(f"not a CoAP message: {datagram[:16].hex()}")
    first, at = datagram[0], 4 + (datagram[0] & 0x0F)
    if at - 4 > _LONGEST_TOKEN or at > len(datagram):
        raise Malformed(f"a CoAP message with a token of {at - 4} bytes: {datagram[:16].hex()}")
    options, start = _decode_options(datagram, at) if at < len(datagram) else ({}, at)
    mid = datagram[2] << 8 | datagram[3]
    return Message(first >> 4 & 3, datagram[1], mid, datagram[4:at], options, datagram[start:])


def _decode_options(datagram: bytes, at: int) -> tuple[dict[int, bytes], int]:
    """The options and where the payload starts."""
    options: dict[int, bytes] = {}
    number, end = 0, len(datagram)
    try:
        while at < end:
            head = datagram[at]
            at += 1
            if head == _PAYLOAD_MARKER:
                if at == end:
                    raise Malformed("a CoAP message with a payload marker and no payload")
                return options, at
            delta, length = head >> 4, head & 0x0F
            if delta > 12:
                delta, at = _extended(datagram, at, delta)
            if length > 12:
                length, at = _extended(datagram, at, length)
            number += delta
            options[number] = datagram[at : at + length]
            at += length
    except IndexError:
        at = end + 1
    if at > end:
        raise Malformed("a CoAP message that ends within an option")
    return options, end


def _extended(datagram: bytes, at: int, nibble: int) -> tuple[int, int]:
    if nibble == 15:
        raise Malformed("a CoAP message with the reserved option length 15")
    if nibble == 13:
        return datagram[at] + 13, at + 1
    return (datagram[at] << 8 | datagram[at + 1]) + 269, at + 2
