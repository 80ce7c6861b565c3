"""What all transports have in common: one connection from its opening to its end, and who waits for its answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, cast
from weakref import WeakKeyDictionary

from drivers.driver import Traffic
from drivers.errors import DeviceTimeout, LinkLost, Malformed
from drivers.modbus.settings import ModbusConnection
from drivers.modbus.volley import Request
from drivers.wheel import Wheel

Answer = bytes | DeviceTimeout | Malformed
"""The answer's PDU, or why there is none."""

_BUFFER_BYTES: Final = 4096
_VIEWS: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, memoryview]] = WeakKeyDictionary()
"""One buffer for all connections of an event loop, which stays in the processor's cache: what was read into it is taken
out before anything else is."""


class Channel(asyncio.BufferedProtocol):
    """An open connection; it is never reopened. Streams fill its buffer, serial lines and datagrams bring bytes."""

    def __init__(self, settings: ModbusConnection, traffic: Traffic) -> None:
        self.place = settings.place
        self._settings = settings
        self._traffic = traffic
        self._loop = asyncio.get_running_loop()
        self._wheel = Wheel.of(self._loop)
        self._view = _VIEWS.setdefault(self._loop, memoryview(bytearray(_BUFFER_BYTES)))
        self.opened = asyncio.Event()
        self._lost = ""
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._socket: asyncio.Transport | None = None

    async def request(self, requests: Sequence[Request]) -> list[Answer]:
        """Send requests and wait for their answers. One caller at a time. Raises LinkLost, at once when the peer
        closes."""
        raise NotImplementedError

    async def close(self) -> None:
        """Drop the connection; whoever waits for an answer gets LinkLost."""
        self._drop(f"{self.place}: closed")
        await asyncio.shield(self._closed)

    def rest_until_s(self, unit: int) -> float:
        """Until when (the event loop's clock) a unit must not be asked, because what it says could be an answer to
        what it was asked before; 0 where answers say what they answer."""
        return 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the connection stands."""
        self._socket = cast("asyncio.Transport", transport)
        self.opened.set()

    def get_buffer(self, sizehint: int) -> memoryview:
        """asyncio: where the bytes of a stream go."""
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        """asyncio: so many came."""
        self.data_received(bytes(self._view[:nbytes]))

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes came."""
        raise NotImplementedError

    def datagram_received(self, data: bytes, addr: object) -> None:
        """asyncio: a datagram came."""
        self.data_received(data)

    def error_received(self, exc: Exception) -> None:
        """asyncio: nobody takes our datagrams."""
        self._drop(f"{self.place}: {exc}")

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the peer closed or reset, or we did."""
        reason = f"connection lost ({exc})" if exc else "the device closed the connection"
        self._fail(f"{self.place}: {reason}")
        if not self._closed.done():
            self._closed.set_result(None)

    def _usable(self) -> asyncio.Transport:
        if self._lost or self._socket is None:
            raise LinkLost(self._lost or f"{self.place}: not connected")
        return self._socket

    def _drop(self, reason: str) -> None:
        self._fail(reason)
        if self._socket is not None:
            self._socket.abort()

    def _fail(self, reason: str) -> None:
        self._lost = self._lost or reason
        self._fail_waiting(LinkLost(self._lost))

    def _fail_waiting(self, error: LinkLost) -> None:
        """Tell who waits for an answer."""
        raise NotImplementedError

    def _note_malformed(self, what: str) -> None:
        self._traffic.malformed += 1
        self._traffic.last_malformed = what

    def _no_answer(self, unit: int) -> DeviceTimeout:
        return DeviceTimeout(f"{self.place}, unit {unit}: no answer within {self._settings.timeout_s:g} s")
