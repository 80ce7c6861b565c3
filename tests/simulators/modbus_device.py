"""A Modbus TCP device over real sockets, written apart from the driver, that misbehaves on order.

    async with ModbusDevice() as device:
        device.put(100, 21.5, ">f4")              # two holding registers; device.holding[100] = 7 sets one
        device.coils[3] = True
        ...                                       # talk to 127.0.0.1:device.port
        device.misbehave("silence", times=2)      # the next two requests get no answer
        device.misbehave("exception", code=2, address=100)
        device.behave()                           # all well again
        await device.stop(); await device.start() # gone, and back on the same port

As a program it serves until its standard input ends and prints its port: `python -m tests.simulators.modbus_device`.
"""

from __future__ import annotations

import asyncio
import struct
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Kind = Literal[
    "silence",  # takes the request (and obeys it not) and never answers
    "slow",  # answers after delay_s; later requests of the connection wait meanwhile
    "exception",  # answers exception `code`
    "close",  # closes the connection instead of answering
    "reset",  # sends half the answer and resets the connection
    "half_frame",  # sends half the answer and nothing more, and keeps the connection
    "split",  # sends the answer in two segments with delay_s between: well-behaved, and hard on deframing
    "garbage",  # answers bytes that are no Modbus
    "wrong_unit",  # answers as the next unit
    "wrong_transaction",  # answers with another transaction identifier
    "wrong_function",  # answers another function than was asked
    "wrong_length",  # answers a read with one byte less, in a well-formed frame
    "twice",  # answers twice
    "ignore_write",  # acknowledges a write and does not do it
]
TABLE_OF_READ = {1: "coils", 2: "discretes", 3: "holding", 4: "inputs"}
WRITES = (5, 6, 15, 16, 22)


class Request(NamedTuple):
    """One request as it came: address and count in registers or bits."""

    unit: int
    function: int
    address: int
    count: int


@dataclass(slots=True)
class Misbehaviour:
    """An order to misbehave; it applies to requests that match all of unit, function, address (any within the
    request's range) and `times` (None: until told otherwise)."""

    kind: Kind
    times: int | None = None
    unit: int | None = None
    function: int | None = None
    address: int | None = None
    code: int = 4
    delay_s: float = 0.2

    def fits(self, request: Request) -> bool:
        """Whether it applies to a request."""
        return (
            self.times != 0
            and self.unit in (None, request.unit)
            and self.function in (None, request.function)
            and (self.address is None or request.address <= self.address < request.address + request.count)
        )


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


class ModbusDevice:
    """A device or gateway with the given units; another unit gets exception 0B, as from a gateway.

    holding, inputs, coils, discretes, put, get: the tables of the first unit; unit(n) those of another. requests: how
    many came since the beginning, log: the latest of them. port: fixed by the first start, the same after a restart.
    """

    def __init__(self, units: Sequence[int] = (1,), port: int = 0, host: str = "127.0.0.1") -> None:
        self.host = host
        self.port = port
        self.requests = 0
        self.accepted = 0
        self.log: deque[Request] = deque(maxlen=10_000)
        self.connections: set[_Connection] = set()
        self.units = {unit: Memory() for unit in units}
        self.orders: list[Misbehaviour] = []
        first = self.units[units[0]]
        self.holding, self.inputs, self.coils, self.discretes = (
            first.holding,
            first.inputs,
            first.coils,
            first.discretes,
        )
        self.put, self.get = first.put, first.get
        self._server: asyncio.Server | None = None
        self._asked = asyncio.Event()

    def unit(self, number: int) -> Memory:
        """The tables of a unit."""
        return self.units[number]

    def misbehave(
        self,
        kind: Kind,
        *,
        times: int | None = None,
        unit: int | None = None,
        function: int | None = None,
        address: int | None = None,
        code: int = 4,
        delay_s: float = 0.2,
    ) -> Misbehaviour:
        """Misbehave from now on; of several orders that fit a request the earliest counts."""
        order = Misbehaviour(kind, times, unit, function, address, code, delay_s)
        self.orders.append(order)
        return order

    async def asked(self, requests: int = 1) -> None:
        """Wait until that many requests have come since the beginning."""
        while self.requests < requests:
            self._asked.clear()
            await self._asked.wait()

    def behave(self) -> None:
        """Forget all orders to misbehave."""
        self.orders.clear()

    async def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), self.host, self.port, reuse_address=True)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and reset all connections, as when its power fails."""
        if self._server is not None:
            self._server.close()
            self.drop_connections()
            for connection in tuple(self.connections):
                await connection.gone.wait()
            await self._server.wait_closed()
            self._server = None

    def drop_connections(self) -> None:
        """Reset all connections and go on listening."""
        for connection in tuple(self.connections):
            connection.transport.abort()

    async def __aenter__(self) -> ModbusDevice:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def order_for(self, request: Request) -> Misbehaviour | None:
        """Count a request; the order to misbehave that it uses up, if any."""
        self.requests += 1
        self.log.append(request)
        self._asked.set()
        order = next((order for order in self.orders if order.fits(request)), None)
        if order is not None and order.times is not None:
            order.times -= 1
        return order


class _Connection(asyncio.Protocol):
    """One client; answers its requests one after the other."""

    def __init__(self, device: ModbusDevice) -> None:
        self.device = device
        self.transport: asyncio.Transport = asyncio.Transport()
        self.received = b""
        self.timer: asyncio.TimerHandle | None = None
        self.gone = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.device.accepted += 1
        self.device.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.device.connections.discard(self)
        self.gone.set()
        if self.timer is not None:
            self.timer.cancel()

    def data_received(self, data: bytes) -> None:
        self.received += data
        self.work()

    def work(self) -> None:
        while self.timer is None and len(self.received) >= 8:
            end = 6 + struct.unpack_from(">H", self.received, 4)[0]
            if len(self.received) < end:
                return
            adu, self.received = self.received[:end], self.received[end:]
            self.serve(adu)

    def serve(self, adu: bytes) -> None:
        transaction, unit, pdu = adu[:2], adu[6], adu[7:]
        request = _parse(unit, pdu)
        order = self.device.order_for(request)
        kind = order.kind if order else None
        if kind in ("silence", "close"):
            if kind == "close":
                self.transport.close()
            return
        if order and kind == "exception":
            answer = bytes([pdu[0] | 0x80, order.code])
        else:
            answer = execute(self.device.units.get(unit), request, pdu, obey=kind != "ignore_write")
        if kind == "wrong_function":
            answer = bytes([answer[0] ^ 2]) + answer[1:]
        if kind == "wrong_length":
            answer = answer[:1] + bytes([answer[1] - 1]) + answer[2:-1]
        if kind == "wrong_transaction":
            transaction = bytes([transaction[0] ^ 0x55, transaction[1]])
        if kind == "wrong_unit":
            unit += 1
        self.send(transaction + struct.pack(">HHB", 0, len(answer) + 1, unit) + answer, order)

    def send(self, frame: bytes, order: Misbehaviour | None) -> None:
        kind = order.kind if order else None
        half = len(frame) // 2
        if kind == "garbage":
            self.transport.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        elif kind == "half_frame":
            self.transport.write(frame[:half])
        elif kind == "reset":
            self.transport.write(frame[:half])
            self.later(0.01, self.transport.abort)
        elif order and kind == "slow":
            self.later(order.delay_s, self.transport.write, frame)
        elif order and kind == "split":
            self.transport.write(frame[:half])
            self.later(order.delay_s, self.transport.write, frame[half:])
        else:
            self.transport.write(frame * 2 if kind == "twice" else frame)

    def later(self, delay_s: float, what: object, *arguments: bytes) -> None:
        """Do something after a while and only then take the next request."""

        def now() -> None:
            self.timer = None
            what(*arguments)  # type: ignore[operator]
            self.work()

        self.timer = asyncio.get_running_loop().call_later(delay_s, now)


def _parse(unit: int, pdu: bytes) -> Request:
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


async def _serve_until_input_ends() -> None:
    async with ModbusDevice() as device:
        device.put(0, np.arange(1000) * 0.5, ">f4")
        print(device.port, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve_until_input_ends())
