"""Simulated Modbus TCP devices in a process of their own, as cheap as they can be: every connection is a device.

    python -m benchmarks.modbus_fleet

Prints its port as one JSON line and serves until stdin closes. Register pair k of unit u holds the float32
`value(u, k, second)`, high word first, where `second` counts from the start: all registers change every second.
"""

from __future__ import annotations

import asyncio
import json
import struct
import sys
import time

import numpy as np

PER_UNIT = 1000.0


def value(unit: int, index: int, second: int) -> float:
    """What a device shows; exact in single precision."""
    return unit * PER_UNIT + index * 0.5 + second * 16.0


class Fleet:
    """Answers of all devices, made once per second and unit."""

    def __init__(self) -> None:
        self.started_s = time.monotonic()
        self._second = -1
        self._answers: dict[bytes, bytes] = {}

    def answer(self, asked: bytes) -> bytes:
        """What follows the transaction identifier, for what follows it in a request for holding registers."""
        second = int(time.monotonic() - self.started_s)
        if second != self._second:
            self._second = second
            self._answers.clear()
        found = self._answers.get(asked)
        if found is None:
            found = self._answers[asked] = self._make(asked, second)
        return found

    def _make(self, asked: bytes, second: int) -> bytes:
        _, _, unit, function, start, count = struct.unpack(">HHBBHH", asked)
        floats = np.array([value(unit, index, second) for index in range((start + count + 1) // 2)], ">f4")
        values = floats.tobytes()[2 * start : 2 * (start + count)]
        return struct.pack(">HHBBB", 0, 3 + len(values), unit, function, len(values)) + values


class Device(asyncio.Protocol):
    """One connection; its requests come whole, in one segment or several."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: a client is there."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """asyncio: requests came; every one is 12 bytes long."""
        data = self._rest + data
        end = len(data) - len(data) % 12
        self._rest = data[end:]
        parts = [data[at : at + 2] + self._fleet.answer(data[at + 2 : at + 12]) for at in range(0, end, 12)]
        self._transport.write(b"".join(parts))


async def main() -> None:
    """Serve until stdin closes."""
    loop = asyncio.get_running_loop()
    fleet = Fleet()
    server = await loop.create_server(lambda: Device(fleet), "127.0.0.1", 0, backlog=1000)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
