"""Frames of a serial line: CRC, and finding an answer in what came, without any I/O."""

from __future__ import annotations

from typing import Final, NamedTuple

from pymodbus.framer import FramerRTU

SHORTEST: Final = 5
"""Unit, function, exception, CRC."""
RTU_BYTES: Final = 13
"""A read request (8), and what its answer has besides the values."""
_BITS_PER_CHARACTER: Final = 11
_FIXED_LENGTH: Final = {5: 8, 6: 8, 15: 8, 16: 8, 22: 10}


def crc(data: bytes) -> bytes:
    """The two bytes that end a frame, low byte first."""
    return FramerRTU.compute_CRC(data).to_bytes(2, "big")  # pymodbus gives them swapped already


def frame(unit: int, pdu: bytes) -> bytes:
    """A PDU as it goes over the line."""
    data = bytes((unit,)) + pdu
    return data + crc(data)


def silent_s(baud_rate: int) -> float:
    """The silence that ends a frame: 3.5 characters, 1.75 ms above 19,200 bit/s."""
    return max(3.5 * _BITS_PER_CHARACTER / baud_rate, 0.00175)


def transmission_s(characters: int, baud_rate: int) -> float:
    """How long so many characters are on the line."""
    return characters * _BITS_PER_CHARACTER / baud_rate


def answer_length(asked: bytes) -> int:
    """Bytes of a good answer to a request, as a frame."""
    function, count = asked[0], int.from_bytes(asked[3:5], "big")
    if function in (1, 2):
        return 5 + (count + 7) // 8
    return 5 + 2 * count if function in (3, 4) else _FIXED_LENGTH.get(function, SHORTEST)


class Found(NamedTuple):
    """What a search came to: the answer's PDU, or else a complete frame that is broken, or the unit that answered
    instead, or nothing but answers to earlier requests. Nothing of all that: more bytes must come."""

    pdu: bytes | None = None
    broken: bool = False
    other_unit: int | None = None
    late: bool = False


def find(data: bytes, unit: int, asked: bytes) -> Found:
    """Look for the answer to a request; noise before it, as adapters make it when they change direction, is passed
    over, which is safe by the CRC."""
    other: int | None = None
    for at in range(len(data) - SHORTEST + 1):
        length = _length(data, at)
        if length is None or at + length > len(data):
            continue
        whole = data[at : at + length]
        if crc(whole[:-2]) != whole[-2:]:
            continue
        if whole[0] == unit and whole[1] & 0x7F == asked[0]:
            return Found(whole[1:-2])
        other = whole[0]
    return Found(None, other is None and len(data) >= answer_length(asked), other)


def _length(data: bytes, at: int) -> int | None:
    """Length of the frame that would begin there; None where it cannot be one."""
    function = data[at + 1]
    if function & 0x80:
        return SHORTEST
    if 1 <= function <= 4:
        return SHORTEST + data[at + 2]
    return _FIXED_LENGTH.get(function)
