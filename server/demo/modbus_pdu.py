"""Modbus function codes over a register map: a request PDU in, a response PDU out, no I/O."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence

from server.demo.physics import NotNow, OutOfRange
from server.demo.registers import Register
from server.demo.sensors import Value

_READ = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
_WRITE = {5: "coil", 6: "holding", 15: "coil", 16: "holding"}
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, DEVICE_FAILURE = 1, 2, 3, 4

Command = Callable[[str, float], None]


class ModbusException(Exception):
    """A refusal; code is the exception code that goes back."""

    def __init__(self, code: int) -> None:
        super().__init__(f"Modbus exception {code}")
        self.code = code


def respond(request: bytes, registers: Sequence[Register], values: Mapping[str, Value], command: Command) -> bytes:
    """The response to one request PDU; refusals are exception responses.

    command(path, value) is called for each register written; its OutOfRange becomes exception 03, NotNow 04.
    Gaps inside a unit's map read as 0; reads beyond it, writes to a gap, to a read-only register or to half a value
    are refused with 02.
    """
    function = request[0]
    try:
        if function in _READ:
            return _read(function, request, registers, values)
        if function in _WRITE:
            return _write(function, request, registers, command)
        raise ModbusException(ILLEGAL_FUNCTION)
    except (struct.error, IndexError):  # shorter than its function code says
        return bytes((function | 0x80, ILLEGAL_VALUE))
    except ModbusException as refusal:
        return bytes((function | 0x80, refusal.code))


def _read(function: int, request: bytes, registers: Sequence[Register], values: Mapping[str, Value]) -> bytes:
    address, count = struct.unpack(">HH", request[1:5])
    bits = function <= 2
    if not 1 <= count <= (2000 if bits else 125):
        raise ModbusException(ILLEGAL_VALUE)
    words = _image(registers, _READ[function], address, address + count, values)
    try:
        wanted = [words[at] for at in range(address, address + count)]
    except KeyError as unknown:
        raise ModbusException(ILLEGAL_ADDRESS) from unknown
    body = _pack_bits(wanted) if bits else struct.pack(f">{count}H", *wanted)
    return bytes((function, len(body))) + body


def _image(
    registers: Sequence[Register], table: str, start: int, end: int, values: Mapping[str, Value]
) -> dict[int, int]:
    """Words by address, for the registers between start and end."""
    image: dict[int, int] = {}
    spans = [r for r in registers if r.table == table]
    if spans and table in ("holding", "input"):
        first, last = min(r.address for r in spans), max(r.address + r.count for r in spans)
        image.update(dict.fromkeys(range(first, last), 0))
    for register in spans:
        if register.address < end and register.address + register.count > start:
            words = encode(register, values[register.path])
            image.update(zip(range(register.address, register.address + register.count), words, strict=True))
    return image


def encode(register: Register, value: Value) -> tuple[int, ...]:
    """The words of a value, clipped to what the register can hold."""
    if register.kind == "text":
        return struct.unpack(">8H", str(value).encode("ascii")[:16].ljust(16, b"\0"))
    number = float(value) / register.scale
    if register.kind == "bit":
        return (int(bool(value)),)
    if register.kind in ("f32", "f32_swapped"):
        high, low = struct.unpack(">HH", struct.pack(">f", number))
        return (high, low) if register.kind == "f32" else (low, high)
    whole = round(number)
    if register.kind == "u32":
        return (whole >> 16 & 0xFFFF, whole & 0xFFFF)
    low_end, high_end = (-32768, 32767) if register.kind == "i16" else (0, 65535)
    return (min(max(whole, low_end), high_end) & 0xFFFF,)


def decode(register: Register, words: Sequence[int]) -> float:
    """The value that words stand for."""
    if register.kind in ("f32", "f32_swapped"):
        pair = words if register.kind == "f32" else words[::-1]
        return float(struct.unpack(">f", struct.pack(">HH", *pair))[0]) * register.scale
    if register.kind == "i16" and words[0] > 32767:
        return (words[0] - 65536) * register.scale
    return words[0] * register.scale


def _write(function: int, request: bytes, registers: Sequence[Register], command: Command) -> bytes:
    address, words = _written(function, request)
    writes = _targets(registers, _WRITE[function], address, words)
    try:
        for path, value in writes:
            command(path, value)
    except OutOfRange as error:
        raise ModbusException(ILLEGAL_VALUE) from error
    except NotNow as error:
        raise ModbusException(DEVICE_FAILURE) from error
    return request[:5]


def _written(function: int, request: bytes) -> tuple[int, list[int]]:
    address, second = struct.unpack(">HH", request[1:5])
    if function == 6:
        return address, [second]
    if function == 5:
        if second not in (0, 0xFF00):
            raise ModbusException(ILLEGAL_VALUE)
        return address, [int(second == 0xFF00)]
    size, body = request[5], request[6:]
    if function == 16:
        if size != 2 * second or len(body) != size or not 1 <= second <= 123:
            raise ModbusException(ILLEGAL_VALUE)
        return address, list(struct.unpack(f">{second}H", body))
    if size != (second + 7) // 8 or len(body) != size or not 1 <= second <= 1968:
        raise ModbusException(ILLEGAL_VALUE)
    return address, [body[at // 8] >> at % 8 & 1 for at in range(second)]


def _targets(registers: Sequence[Register], table: str, address: int, words: list[int]) -> list[tuple[str, float]]:
    """What is written, all or nothing: every word belongs to a writable register that is written whole."""
    by_address = {r.address: r for r in registers if r.table == table and r.writable}
    writes: list[tuple[str, float]] = []
    at = 0
    while at < len(words):
        register = by_address.get(address + at)
        if register is None or at + register.count > len(words):
            raise ModbusException(ILLEGAL_ADDRESS)
        writes.append((register.path, decode(register, words[at : at + register.count])))
        at += register.count
    return writes


def _pack_bits(bits: Sequence[int]) -> bytes:
    packed = bytearray((len(bits) + 7) // 8)
    for at, bit in enumerate(bits):
        packed[at // 8] |= bit << at % 8
    return bytes(packed)
