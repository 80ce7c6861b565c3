"""The socket as paho sees it: asyncio connects, encrypts and moves the bytes, paho reads them from memory."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import Final

from drivers.driver import Traffic
from drivers.errors import ConnectFailed
from drivers.mqtt.settings import Tls

_BUFFER: Final = 32_768
"""Bytes taken in one wake-up: some 500 small messages, 10 ms, after which others on the loop have their turn."""
_QUICKACK: Final[int | None] = getattr(socket, "TCP_QUICKACK", None)
"""Linux only."""


class Wire(asyncio.BufferedProtocol):
    """A connected transport that looks like a non-blocking socket to paho."""

    def __init__(
        self, traffic: Traffic, readable: Callable[[], None], lost: Callable[[Exception | None], None]
    ) -> None:
        self._traffic = traffic
        self._readable = readable
        self._lost = lost
        self._buffer = bytearray(_BUFFER)
        self._at = 0
        self._end = 0
        self._eof = False
        self._transport: asyncio.Transport | None = None
        self._socket: socket.socket | None = None
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._socket = transport.get_extra_info("socket")

    def get_buffer(self, sizehint: int) -> memoryview:
        return memoryview(self._buffer)

    def buffer_updated(self, nbytes: int) -> None:
        self._acknowledge()
        self._traffic.bytes_received += nbytes
        self._at, self._end = 0, nbytes
        self._readable()

    def _acknowledge(self) -> None:
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

    @property
    def pending(self) -> bool:
        """Whether bytes of this wake-up are still to be read."""
        return self._at < self._end

    def recv(self, size: int) -> bytearray:
        if self._at == self._end and not self._eof:
            raise BlockingIOError
        taken = self._buffer[self._at : min(self._at + size, self._end)]
        self._at += len(taken)
        return taken

    def send(self, data: bytes | bytearray) -> int:
        if self._transport is None or self._transport.is_closing():
            raise ConnectionError("the connection is closed")
        self._traffic.bytes_sent += len(data)
        self._transport.write(data)
        return len(data)

    def close(self) -> None:
        self._end = self._at
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


def tls_context(tls: Tls) -> ssl.SSLContext:
    """What asyncio needs to encrypt; raises ConnectFailed where a file cannot be used."""
    try:
        context = ssl.create_default_context(cafile=tls.ca)
        if tls.cert is not None:
            context.load_cert_chain(tls.cert, tls.key)
    except (OSError, ssl.SSLError) as error:
        raise ConnectFailed(
            f"a TLS file cannot be used ({error}); ca {tls.ca}, cert {tls.cert}, key {tls.key}"
        ) from error
    if tls.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
