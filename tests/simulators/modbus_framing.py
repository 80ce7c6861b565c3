"""The frames that simulated Modbus devices understand: of TCP and of serial lines; written apart from the driver."""

from __future__ import annotations

import struct
from typing import NamedTuple, Protocol

_LENGTH_OF_REQUEST = {1: 8, 2: 8, 3: 8, 4: 8, 5: 8, 6: 8, 22: 10}


class Asked(NamedTuple):
    """A request: what its answer must repeat, its unit and PDU."""

    transaction: bytes
    unit: int
    pdu: bytes


class Framing(Protocol):
    """Cuts requests off a stream and frames answers."""

    def cut(self, received: bytes) -> tuple[Asked | None, bytes]:
        """The first request if it is complete, and the rest."""

    def frame(self, asked: Asked, answer: bytes) -> bytes:
        """An answer."""


class TcpFraming:
    """The MBAP header of Modbus TCP."""

    def cut(self, received: bytes) -> tuple[Asked | None, bytes]:
        """The first request if it is complete, and the rest."""
        if len(received) < 8:
            return None, received
        end = 6 + struct.unpack_from(">H", received, 4)[0]
        if len(received) < end:
            return None, received
        return Asked(received[:2], received[6], received[7:end]), received[end:]

    def frame(self, asked: Asked, answer: bytes) -> bytes:
        """An answer."""
        return asked.transaction + struct.pack(">HHB", 0, len(answer) + 1, asked.unit) + answer


class RtuFraming:
    """Unit, PDU and CRC."""

    def cut(self, received: bytes) -> tuple[Asked | None, bytes]:
        """The first request if it is complete, and the rest; what has a wrong CRC is thrown away."""
        if len(received) < 8:
            return None, received
        end = _LENGTH_OF_REQUEST.get(received[1]) or 9 + received[6]
        if len(received) < end:
            return None, received
        if crc16(received[: end - 2]) != received[end - 2 : end]:
            return None, b""
        return Asked(b"", received[0], received[1 : end - 2]), received[end:]

    def frame(self, asked: Asked, answer: bytes) -> bytes:
        """An answer."""
        data = bytes([asked.unit]) + answer
        return data + crc16(data)


def crc16(data: bytes) -> bytes:
    """The CRC of a frame, as it goes over the line."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return struct.pack("<H", crc)
