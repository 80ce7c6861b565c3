"""The connection to a broker: asyncio connects, encrypts and moves the bytes; to paho it looks like a socket."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Final

from drivers.driver import Traffic

_BUFFER: Final = 32_768
"""Bytes taken in one wake-up: some 500 small messages, 4 ms, after which others on the loop have their turn."""
_QUICKACK: Final[int | None] = getattr(socket, "TCP_QUICKACK", None)
"""Linux only."""


class Wire(asyncio.BufferedProtocol):
    """A connected transport that looks like a non-blocking socket to paho. arrived(data) is called once per wake-up;
    paho reads only what it is then offered."""

    def __init__(
        self, traffic: Traffic, arrived: Callable[[bytes], None], lost: Callable[[Exception | None], None]
    ) -> None:
        self._traffic = traffic
        self._arrived = arrived
        self._lost = lost
        self._buffer = bytearray(_BUFFER)
        self._view = memoryview(self._buffer)
        self._offered = bytearray()
        self._eof = False
        self._transport: asyncio.Transport | None = None
        self._socket: socket.socket | None = None
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._socket = transport.get_extra_info("socket")

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        self._traffic.received(self._view[:nbytes])
        self._arrived(bytes(self._view[:nbytes]))

    def acknowledge(self) -> None:
        """Send TCP's acknowledgement now. Brokers that leave Nagle's algorithm on, as mosquitto does by default, hold
        the answer to a command back until it comes, which else takes 40 ms."""
        if _QUICKACK is not None and self._socket is not None:
            with contextlib.suppress(OSError):  # closed meanwhile
                self._socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)

    def connection_lost(self, exc: Exception | None) -> None:
        self._eof = True
        if not self.closed.done():
            self.closed.set_result(None)
        self._lost(exc)

    def offer(self, packets: bytearray) -> None:
        """Let paho read these."""
        self._offered += packets

    @property
    def pending(self) -> bool:
        """Whether paho has not read all of what was offered."""
        return bool(self._offered)

    def recv(self, size: int) -> bytearray:
        if not self._offered and not self._eof:
            raise BlockingIOError
        taken = self._offered[:size]
        del self._offered[:size]
        return taken

    def send(self, data: bytes | bytearray) -> int:
        if self._transport is None or self._transport.is_closing():
            raise ConnectionError("the connection is closed")
        self._traffic.sent(data)
        self._transport.write(data)
        return len(data)

    def close(self) -> None:
        self._offered.clear()
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close without sending what is still waiting."""
        if self._transport is not None:
            self._transport.abort()

    def fileno(self) -> int:
        return -1

    def setblocking(self, flag: bool) -> None:
        """paho asks for it; an asyncio transport never blocks."""
