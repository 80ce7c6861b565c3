"""Modbus frames and the meaning of answers, without any I/O."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from pymodbus.framer import FramerSocket
from pymodbus.pdu import DecodePDU

from drivers.errors import Malformed, Refused
from drivers.modbus.settings import Table, WriteWith
from drivers.status import Status

HEADER: Final = struct.Struct(">HHHB")
REQUEST_BYTES: Final = 12
"""A read request with its MBAP header; its answer has 9 bytes besides the values."""
ANSWER_BYTES: Final = 9

READ_FUNCTION: Final[dict[Table, int]] = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
WRITE_COIL, WRITE_REGISTER, WRITE_COILS, WRITE_REGISTERS, MASK_WRITE = 5, 6, 15, 16, 22
_FRAMER: Final = FramerSocket(DecodePDU(False))
_LONGEST: Final = 254  # unit identifier and PDU: 1 + 253


@dataclass(frozen=True, slots=True)
class DeviceException:
    """A Modbus exception: its name, and the StatusCodes it stands for when reading and when writing."""

    name: str
    on_read: Status
    on_write: Status


EXCEPTIONS: Final[dict[int, DeviceException]] = {
    1: DeviceException("Illegal Function", Status.BadNotSupported, Status.BadNotSupported),
    2: DeviceException("Illegal Data Address", Status.BadConfigurationError, Status.BadConfigurationError),
    3: DeviceException("Illegal Data Value", Status.BadConfigurationError, Status.BadOutOfRange),
    4: DeviceException("Server Device Failure", Status.BadDeviceFailure, Status.BadDeviceFailure),
    5: DeviceException("Acknowledge", Status.BadResourceUnavailable, Status.BadResourceUnavailable),
    6: DeviceException("Server Device Busy", Status.BadResourceUnavailable, Status.BadResourceUnavailable),
    8: DeviceException("Memory Parity Error", Status.BadDeviceFailure, Status.BadDeviceFailure),
    10: DeviceException("Gateway Path Unavailable", Status.BadNoCommunication, Status.BadNoCommunication),
    11: DeviceException(
        "Gateway Target Device Failed to Respond", Status.BadNoCommunication, Status.BadNoCommunication
    ),
}
BUSY: Final = (5, 6)
ILLEGAL_FUNCTION: Final = 1
ILLEGAL_ADDRESS: Final = 2
_UNKNOWN: Final = DeviceException("unknown exception", Status.BadDeviceFailure, Status.BadDeviceFailure)


def read_request(table: Table, start: int, count: int) -> bytes:
    """Read count registers or bits from start."""
    return struct.pack(">BHH", READ_FUNCTION[table], start, count)


def write_requests(table: Table, start: int, data: bytes, with_: WriteWith) -> list[bytes]:
    """What writes registers (two bytes each) or coils (one byte 0 or 1 each) from start: one request, unless the device
    takes only single ones."""
    if table == "coil":
        if with_ == "multiple" or (len(data) > 1 and with_ == "any"):
            return [_write_coils(start, data)]
        return [struct.pack(">BHH", WRITE_COIL, start + index, 0xFF00 if bit else 0) for index, bit in enumerate(data)]
    if with_ == "multiple" or (len(data) > 2 and with_ == "any"):
        return [struct.pack(">BHHB", WRITE_REGISTERS, start, len(data) // 2, len(data)) + data]
    return [struct.pack(">BH", WRITE_REGISTER, start + at // 2) + data[at : at + 2] for at in range(0, len(data), 2)]


def _write_coils(start: int, bits: bytes) -> bytes:
    packed = sum(bit << index for index, bit in enumerate(bits)).to_bytes((len(bits) + 7) // 8, "little")
    return struct.pack(">BHHB", WRITE_COILS, start, len(bits), len(packed)) + packed


def mask_write(start: int, mask: int, bits: int) -> bytes:
    """FC 22: put `bits` where `mask` is 1 and leave the rest of the register as it is."""
    return struct.pack(">BHHH", MASK_WRITE, start, 0xFFFF ^ mask, bits)


def frame(transaction: int, unit: int, pdu: bytes) -> bytes:
    """A PDU with its MBAP header."""
    return _FRAMER.encode(pdu, unit, transaction)


class Deframer:
    """Cuts a byte stream into frames."""

    __slots__ = ("_pending",)

    def __init__(self) -> None:
        self._pending = b""

    @property
    def partial(self) -> bool:
        """Whether the stream stands in the middle of a frame."""
        return bool(self._pending)

    def feed(self, data: bytes) -> list[tuple[int, int, bytes]]:
        """(transaction, unit, PDU) of each frame that is complete by now; raises Malformed when the stream is not
        Modbus TCP, after which nothing of it can be trusted."""
        data = self._pending + data if self._pending else data
        frames: list[tuple[int, int, bytes]] = []
        at = 0
        while len(data) - at >= 8:
            transaction, protocol, length, unit = HEADER.unpack_from(data, at)
            if protocol or not 2 <= length <= _LONGEST:
                raise Malformed(f"not Modbus TCP: {data[at : at + 16].hex(' ')}")
            end = at + 6 + length
            if end > len(data):
                break
            frames.append((transaction, unit, data[at + 7 : end]))
            at = end
        self._pending = data[at:]
        return frames


def raise_refusal(answer: bytes, request: bytes, where: str) -> None:
    """Raises Refused when the answer is an exception, and Malformed when it answers another function."""
    if answer[0] == request[0]:
        return
    if answer[0] != request[0] | 0x80 or len(answer) < 2:
        raise Malformed(f"{where}: function {request[0]} was asked and {answer[:8].hex(' ')} answered")
    exception = EXCEPTIONS.get(answer[1], _UNKNOWN)
    reading = request[0] in READ_FUNCTION.values()
    told = exception.on_read if reading else exception.on_write
    raise Refused(f"{where}: refused with exception {answer[1]:02d} ({exception.name})", answer[1], told)


def values_of(answer: bytes, request: bytes, size: int, where: str) -> bytes:
    """The values of an answer to a read, which must be `size` bytes; raises Refused or Malformed."""
    raise_refusal(answer, request, where)
    if len(answer) != size + 2 or answer[1] != size:
        raise Malformed(f"{where}: {size} bytes were asked for and {len(answer) - 2} came")
    return answer[2:]


def confirm_write(answer: bytes, request: bytes, where: str) -> None:
    """An answer to a write repeats the request (FC 5, 6, 22) or its address and count (FC 15, 16); raises Refused or
    Malformed."""
    raise_refusal(answer, request, where)
    repeated = request[:5] if request[0] in (WRITE_COILS, WRITE_REGISTERS) else request
    if answer != repeated:
        raise Malformed(f"{where}: the device confirmed {answer.hex(' ')} instead of {repeated.hex(' ')}")
