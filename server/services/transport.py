"""OPC UA over TCP: frames of one connection, checked on their first 8 bytes, and the socket that accepts them."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Protocol, cast

from asyncua import ua
from asyncua.ua.ua_binary import struct_to_binary

from server.services.chunks import ChannelError
from server.services.options import Limits
from server.services.wire import status_code

_log = logging.getLogger(__name__)
_HEADER: Final = struct.Struct("<3scI")
_KINDS: Final = {b"HEL": b"F", b"OPN": b"F", b"CLO": b"F", b"MSG": b"FCA"}
_LINGER_S: Final = 1.0
_SMALLEST_BUFFER: Final = 8_192
"""Of a chunk, by Part 6, 7.1.2.3; also the largest HEL."""


class Receiver(Protocol):
    """What a connection hands its frames to. A ChannelError ends the connection with an ERR message."""

    async def receive(self, frame: bytes) -> None: ...
    def disconnected(self) -> None: ...


class Connection(asyncio.Protocol):
    """One TCP connection. Frames are handled one after the other, in order, by a task of its own.

    While the client does not read its answers, or many requests wait, no more is read from it.
    """

    def __init__(self, limits: Limits, make_receiver: Callable[[Connection], Receiver], owner: set[Connection]) -> None:
        self.limits = limits
        self.peer = "?"
        self.local_address: tuple[str, int] = ("", 0)
        self.closed = False
        self.opened_at = 0.0
        self.stalled_since: float | None = None
        self.largest_frame = _SMALLEST_BUFFER
        self._owner = owner
        self._make_receiver = make_receiver
        self.receiver: Receiver | None = None
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._frames: deque[bytes] = deque()
        self._waiting = 0
        self._reading_paused = False
        self._arrived = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._worker: asyncio.Task[None] | None = None
        self._end: asyncio.TimerHandle | None = None

    # -- asyncio.Protocol -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=1 << 20)
        address = transport.get_extra_info("peername") or ("?", 0)
        self.peer = f"{address[0]}:{address[1]}"
        self.local_address = tuple((transport.get_extra_info("sockname") or ("", 0))[:2])
        _keep_alive(transport.get_extra_info("socket"))
        self.opened_at = asyncio.get_running_loop().time()
        self._owner.add(self)
        self.receiver = self._make_receiver(self)
        self._worker = asyncio.create_task(self._work(self.receiver), name=f"opc ua connection {self.peer}")

    def data_received(self, data: bytes) -> None:
        if self.closed:
            return
        self._buffer += data
        try:
            self._split()
        except ChannelError as error:
            self.fail(error)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._owner.discard(self)
        if self._end is not None:
            self._end.cancel()
        self._frames.clear()
        self._buffer.clear()
        self._writable.set()
        if self._worker is not None and self._worker is not asyncio.current_task():
            self._worker.cancel()
        if self.receiver is not None:
            self.receiver.disconnected()

    def pause_writing(self) -> None:
        self.stalled_since = asyncio.get_running_loop().time()
        self._writable.clear()

    def resume_writing(self) -> None:
        self.stalled_since = None
        self._writable.set()

    # -- for the channel --------------------------------------------------------------------------------------------

    @property
    def congested(self) -> bool:
        """Whether the client leaves answers unread; publishing may wait until it has caught up."""
        return self.stalled_since is not None

    def send(self, parts: Sequence[bytes]) -> None:
        """Send what is one or more frames; ends the connection when the client has left too much unread."""
        if self.closed or self._transport is None:
            return
        self._transport.write(b"".join(parts) if len(parts) > 1 else parts[0])
        if self._transport.get_write_buffer_size() > self.limits.max_write_buffer:
            self.abort(f"left {self._transport.get_write_buffer_size()} bytes unread")

    def fail(self, error: ChannelError) -> None:
        """Tell the client why with an ERR message, and close."""
        if self.closed:
            return
        status = status_code(error.status)
        _log.warning("%s: closing the connection: %s (%s)", self.peer, error, status.name)
        body = struct_to_binary(ua.ErrorMessage(status, ua.String(str(error))))
        self.send([_HEADER.pack(b"ERR", b"F", _HEADER.size + len(body)), body])
        self._linger()

    def close(self) -> None:
        """Close once everything has been sent."""
        self.closed = True
        self._frames.clear()
        if self._transport is not None:
            self._transport.close()

    def _linger(self) -> None:
        """Closing with unread data in the socket would reset the connection, and the ERR message might be lost."""
        self.closed = True
        self._frames.clear()
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write_eof()
        if self._reading_paused:
            self._transport.resume_reading()
        self._end = asyncio.get_running_loop().call_later(_LINGER_S, self._transport.abort)

    def abort(self, reason: str) -> None:
        """Close at once: the client is gone or stuck."""
        if self.closed and self.stalled_since is None:
            return
        _log.warning("%s: dropping the connection: the client %s", self.peer, reason)
        self.closed = True
        if self._transport is not None:
            self._transport.abort()

    async def wait_stopped(self) -> None:
        """Until the task of this connection is over."""
        if self._worker is not None:
            await asyncio.wait([self._worker])

    # -- frames -----------------------------------------------------------------------------------------------------

    def _split(self) -> None:
        buffer = self._buffer
        start = 0
        while not self.closed and len(buffer) - start >= _HEADER.size:
            message_type, kind, size = _HEADER.unpack_from(buffer, start)
            self._check_header(message_type, kind, size)
            if len(buffer) - start < size:
                break
            self._frames.append(bytes(buffer[start : start + size]))
            self._waiting += size
            start += size
        if start:
            del buffer[:start]
            self._arrived.set()
            self._pace()

    def _check_header(self, message_type: bytes, kind: bytes, size: int) -> None:
        kinds = _KINDS.get(message_type)
        if kinds is None or kind not in kinds:
            shown = (message_type + kind).decode("ascii", "backslashreplace")
            raise ChannelError(ua.StatusCodes.BadTcpMessageTypeInvalid, f"message type {shown!r}")
        if size > self.largest_frame:
            raise ChannelError(
                ua.StatusCodes.BadTcpMessageTooLarge, f"a chunk of {size} bytes; the limit is {self.largest_frame}"
            )
        if size < _HEADER.size + 4:
            raise ChannelError(ua.StatusCodes.BadDecodingError, f"a chunk of {size} bytes")

    def _pace(self) -> None:
        full = self._waiting > 2 * self.limits.max_message_size or len(self._frames) > 1_000
        if full == self._reading_paused or self._transport is None or self._transport.is_closing():
            return
        self._reading_paused = full
        if full:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    async def _work(self, receiver: Receiver) -> None:
        try:
            while not self.closed:
                while self._frames:
                    frame = self._frames.popleft()
                    self._waiting -= len(frame)
                    await receiver.receive(frame)
                    if not self._writable.is_set():
                        await self._writable.wait()
                self._arrived.clear()
                self._pace()
                await self._arrived.wait()
        except ChannelError as error:
            self.fail(error)


class Listener:
    """The server's socket and its connections."""

    def __init__(self, limits: Limits, make_receiver: Callable[[Connection], Receiver]) -> None:
        self.limits = limits
        self.connections: set[Connection] = set()
        self.refused = 0
        self._make_receiver = make_receiver
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port it listens on, 0 while it does not."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server and self._server.sockets else 0

    async def start(self, host: str | None, port: int) -> None:
        """Raises OSError when the address is taken or not ours."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, host, port, backlog=512)

    async def stop(self) -> None:
        """Stop accepting, close every connection and wait for their tasks."""
        if self._server is not None:
            self._server.close()
        open_now = list(self.connections)
        for connection in open_now:
            connection.close()
        for connection in open_now:
            if connection.congested:
                connection.abort("does not read while the server stops")
        await asyncio.gather(*(connection.wait_stopped() for connection in open_now))
        if self._server is not None:
            await self._server.wait_closed()

    def _protocol(self) -> asyncio.Protocol:
        if len(self.connections) < self.limits.max_connections:
            return Connection(self.limits, self._make_receiver, self.connections)
        self.refused += 1
        return _Refusal()


class _Refusal(asyncio.Protocol):
    """Answers a connection beyond the limit with an ERR message and closes it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        body = struct_to_binary(
            ua.ErrorMessage(status_code(ua.StatusCodes.BadTcpNotEnoughResources), ua.String("too many connections"))
        )
        writer = cast(asyncio.Transport, transport)
        writer.write(_HEADER.pack(b"ERR", b"F", _HEADER.size + len(body)) + body)
        writer.close()


def _keep_alive(sock: socket.socket | None) -> None:
    if sock is None:
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
