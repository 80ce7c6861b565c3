"""How requests become bytes and answers are found among bytes: our way on serial lines, or pymodbus' way everywhere."""

from __future__ import annotations

from typing import Final, Protocol

from pymodbus.framer import FramerBase, FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU

from drivers.modbus import rtu_frame
from drivers.modbus.rtu_frame import Found
from drivers.modbus.settings import ModbusConnection

_MBAP_AND_CRC: Final = 4
"""Bytes that a frame with an MBAP header is longer than one with a CRC, for the same PDU: 7 + 0 instead of 1 + 2."""


class Framing(Protocol):
    """One request at a time."""

    def frame(self, unit: int, pdu: bytes) -> bytes:
        """A request as it is sent."""

    def find(self, data: bytes, unit: int, asked: bytes) -> Found:
        """Look for the answer to the request that was framed last in what has come since."""

    def answer_length(self, asked: bytes) -> int:
        """Bytes of a good answer."""


class RtuFraming:
    """The frames of a serial line; an answer is found by its CRC wherever it begins."""

    frame = staticmethod(rtu_frame.frame)
    find = staticmethod(rtu_frame.find)
    answer_length = staticmethod(rtu_frame.answer_length)


class PymodbusFraming:
    """pymodbus' framer in both directions: with CRC on serial lines, with an MBAP header else. It also takes what some
    gateways answer, a transaction identifier of 0 and a frame that is one byte longer than its header says."""

    def __init__(self, is_rtu: bool) -> None:
        decoder = DecodePDU(False)
        self._is_rtu = is_rtu
        self._framer: FramerBase = FramerRTU(decoder) if is_rtu else FramerSocket(decoder)
        self._transaction = 0

    def frame(self, unit: int, pdu: bytes) -> bytes:
        """A request as it is sent."""
        self._transaction = self._transaction % 0xFFFF + 1
        return self._framer.encode(pdu, unit, self._transaction)

    def find(self, data: bytes, unit: int, asked: bytes) -> Found:
        """The first frame that the framer takes for the answer; late ones before it are passed over."""
        at, other, late = 0, None, False
        while at < len(data):
            used, answered, transaction, pdu = self._framer.decode(data[at:])
            if not used:
                break
            at += used
            if not pdu:
                return Found(broken=True)
            if transaction not in (0, self._transaction) and not self._is_rtu:
                late = True
            elif answered != unit:
                other = answered
            else:
                return Found(pdu)
        return Found(other_unit=other, late=late and at == len(data))

    def answer_length(self, asked: bytes) -> int:
        """Bytes of a good answer."""
        length = rtu_frame.answer_length(asked)
        return length if self._is_rtu else length + _MBAP_AND_CRC


def framing_of(settings: ModbusConnection) -> Framing:
    """What a connection's settings ask for, where requests go one at a time."""
    return PymodbusFraming(settings.is_rtu) if settings.framing == "pymodbus" else RtuFraming()
