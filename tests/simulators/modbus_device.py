"""A Modbus device over real sockets, written apart from the driver, that misbehaves on order.

    async with ModbusDevice() as device:
        device.put(100, 21.5, ">f4")              # two holding registers; device.holding[100] = 7 sets one
        device.coils[3] = True
        ...                                       # talk to 127.0.0.1:device.port
        device.misbehave("silence", times=2)      # the next two requests get no answer
        device.misbehave("exception", code=2, address=100)
        device.behave()                           # all well again
        await device.stop(); await device.start() # gone, and back on the same port

With `rtu=True` it speaks the frames of a serial line over TCP, as a serial device server does; with `ssl=context` TLS.
`ModbusLine` and `ModbusDatagrams` (`modbus_wires`) are its serial line and its UDP port.

As a program it serves until its standard input ends and prints its port:
`python -m tests.simulators.modbus_device`.
"""

from __future__ import annotations

import asyncio
import ssl as tls
import sys
from collections import deque
from collections.abc import Sequence

import numpy as np

from tests.simulators.modbus_client import Client
from tests.simulators.modbus_framing import RtuFraming, TcpFraming
from tests.simulators.modbus_memory import Memory, Request
from tests.simulators.modbus_orders import Kind, Misbehaviour

__all__ = ["Kind", "Memory", "Misbehaviour", "ModbusDevice", "Request"]


class ModbusDevice:
    """A device or gateway with the given units; another unit gets exception 0B, as from a gateway.

    holding, inputs, coils, discretes, put, get: the tables of the first unit; unit(n) those of another. requests: how
    many came since the beginning, log: the latest of them. port: fixed by the first start, the same after a restart.
    """

    def __init__(
        self,
        units: Sequence[int] = (1,),
        port: int = 0,
        host: str = "127.0.0.1",
        *,
        rtu: bool = False,
        ssl: tls.SSLContext | None = None,
    ) -> None:
        self.host = host
        self.rtu = rtu
        self.ssl = ssl
        self.port = port
        self.requests = 0
        self.accepted = 0
        self.log: deque[Request] = deque(maxlen=10_000)
        self.clients: set[Client] = set()
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
        self._server = await loop.create_server(self.client, self.host, self.port, reuse_address=True, ssl=self.ssl)
        self.port = self._server.sockets[0].getsockname()[1]

    def client(self) -> Client:
        """What serves a new connection."""
        return Client(self, RtuFraming() if self.rtu else TcpFraming(), on_line=self.rtu)

    async def stop(self) -> None:
        """Stop listening and reset all connections, as when its power fails."""
        if self._server is not None:
            self._server.close()
            self.drop_connections()
            for connection in tuple(self.clients):
                await connection.gone.wait()
            await self._server.wait_closed()
            self._server = None

    def drop_connections(self) -> None:
        """Reset all connections and go on listening."""
        for connection in tuple(self.clients):
            connection.wire.abort()

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


async def _serve_until_input_ends() -> None:
    async with ModbusDevice() as device:
        device.put(0, np.arange(1000) * 0.5, ">f4")
        print(device.port, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve_until_input_ends())
