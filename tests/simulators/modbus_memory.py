"""The memory of simulated Modbus devices and what requests do to it, written apart from the driver."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

TABLE_OF_READ = {1: "coils", 2: "discretes", 3: "holding", 4: "inputs"}
WRITES = (5, 6, 15, 16, 22)


class Request(NamedTuple):
    """One request as it came: address and count in registers or bits."""

    unit: int
    function: int
    address: int
    count: int


@dataclass(slots=True)
class Memory:
    """The four tables of one unit, 65,536 entries each."""

    coils: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(65536, np.bool_))
    discretes: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(65536, np.bool_))
    inputs: npt.NDArray[np.uint16] = field(default_factory=lambda: np.zeros(65536, np.uint16))
    holding: npt.NDArray[np.uint16] = field(default_factory=lambda: np.zeros(65536, np.uint16))

    def put(self, address: int, values: npt.ArrayLike, dtype: str, table: str = "holding") -> None:
        """Lay values into registers; dtype as in numpy: ">f4" is a float with the high word first."""
        registers = np.frombuffer(np.asarray(values, dtype).tobytes(), ">u2")
        getattr(self, table)[address : address + len(registers)] = registers

    def get(self, address: int, dtype: str, table: str = "holding") -> int | float:
        """The value that lies at an address."""
        size = np.dtype(dtype).itemsize // 2
        return np.frombuffer(getattr(self, table)[address : address + size].astype(">u2").tobytes(), dtype)[0].item()


def parse(unit: int, pdu: bytes) -> Request:
    """What a PDU asks for."""
    function = pdu[0]
    address, count = struct.unpack_from(">HH", pdu, 1) if len(pdu) >= 5 else (0, 0)
    return Request(unit, function, address, 1 if function in (5, 6, 22) else count)


def execute(memory: Memory | None, request: Request, pdu: bytes, *, obey: bool) -> bytes:
    """The answer to a request, which is carried out if obey."""
    _, function, address, count = request
    if memory is None:
        return bytes([function | 0x80, 0x0B])
    if function not in (*TABLE_OF_READ, *WRITES):
        return bytes([function | 0x80, 1])
    if address + count > 65536:
        return bytes([function | 0x80, 2])
    if not 1 <= count <= (2000 if function in (1, 2, 15) else 125):
        return bytes([function | 0x80, 3])
    if function in TABLE_OF_READ:
        values = getattr(memory, TABLE_OF_READ[function])[address : address + count]
        packed = values.astype(">u2") if function > 2 else np.packbits(values, bitorder="little")
        return bytes([function, packed.nbytes]) + packed.tobytes()
    if obey:
        _write(memory, request, pdu)
    return pdu if function in (5, 6, 22) else pdu[:5]


def _write(memory: Memory, request: Request, pdu: bytes) -> None:
    _, function, address, count = request
    if function == 5:
        memory.coils[address] = pdu[3] == 0xFF
    elif function == 6:
        memory.holding[address] = int.from_bytes(pdu[3:5], "big")
    elif function == 15:
        memory.coils[address : address + count] = np.unpackbits(
            np.frombuffer(pdu[6:], np.uint8), count=count, bitorder="little"
        )
    elif function == 16:
        memory.holding[address : address + count] = np.frombuffer(pdu[6:], ">u2")
    else:
        keep, put = struct.unpack_from(">HH", pdu, 3)
        memory.holding[address] = int(memory.holding[address]) & keep | put & ~keep & 0xFFFF
