"""The one file that does I/O: a Modbus TCP connection that matches answers to requests by transaction."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Sequence
from typing import Final, cast

from drivers.driver import Traffic
from drivers.errors import ConnectFailed, DeviceTimeout, LinkLost, Malformed
from drivers.modbus.pdu import Deframer, frame
from drivers.modbus.settings import ModbusConnection

Request = tuple[int, bytes]
"""Unit and PDU."""
Answer = bytes | DeviceTimeout | Malformed
"""The answer's PDU, or why there is none."""

_REMEMBERED: Final = 64
"""How many given-up transactions are known, to tell a late answer from a wrong one."""


class _Batch:
    """Requests that were sent together, and what has come back."""

    __slots__ = ("answers", "done", "missing", "requests")

    def __init__(self, requests: Sequence[Request], done: asyncio.Future[None]) -> None:
        self.requests = requests
        self.answers: list[Answer | None] = [None] * len(requests)
        self.missing = len(requests)
        self.done = done

    def put(self, index: int, answer: Answer) -> None:
        self.answers[index] = answer
        self.missing -= 1
        if not self.missing and not self.done.done():
            self.done.set_result(None)


class Transport(asyncio.Protocol):
    """One connection from connect to close; it is never reopened."""

    def __init__(self, settings: ModbusConnection, traffic: Traffic) -> None:
        self._settings = settings
        self._traffic = traffic
        self._loop = asyncio.get_running_loop()
        self._deframer = Deframer()
        self._waiting: dict[int, tuple[_Batch, int]] = {}
        self._given_up: deque[int] = deque(maxlen=_REMEMBERED)
        self._transaction = 0
        self._unanswered = 0
        self._batch: _Batch | None = None
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._lost = ""
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._socket: asyncio.Transport | None = None
        self._peer = f"{settings.host}:{settings.port}"

    async def request(self, requests: Sequence[Request]) -> list[Answer]:
        """Send requests together and wait for their answers, each at most timeout_s after the one before. One that
        comes later is dropped, whatever was asked since. Raises LinkLost, at once when the peer closes. One caller at
        a time."""
        if self._lost or self._socket is None:
            raise LinkLost(self._lost or f"{self._peer}: not connected")
        batch = _Batch(requests, self._loop.create_future())
        first = self._transaction + 1
        data = b"".join([self._enter(batch, index) for index in range(len(requests))])
        self._traffic.requests += len(requests)
        self._traffic.bytes_sent += len(data)
        self._socket.write(data)
        self._batch = batch
        self._restart_timeout()
        try:
            await batch.done
        finally:
            self._batch = None
            if batch.missing:
                self._give_up(first, len(requests))
        return cast("list[Answer]", batch.answers)

    async def close(self) -> None:
        """Drop the connection; whoever waits for an answer gets LinkLost."""
        self._drop(f"{self._peer}: closed")
        await asyncio.shield(self._closed)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the connection stands."""
        self._socket = cast("asyncio.Transport", transport)
        _watch(transport.get_extra_info("socket"), self._settings.timeout_s)

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes came."""
        self._traffic.bytes_received += len(data)
        try:
            frames = self._deframer.feed(data)
        except Malformed as error:
            self._note_malformed(str(error))
            self._drop(f"{self._peer} does not speak Modbus TCP ({error}); check host and port")
            return
        for transaction, unit, pdu in frames:
            self._hand_over(transaction, unit, pdu)

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the peer closed or reset, or we did."""
        reason = f"connection lost ({exc})" if exc else "the device closed the connection"
        self._fail_all(f"{self._peer}: {reason}")
        if self._timer is not None:
            self._timer.cancel()
        if not self._closed.done():
            self._closed.set_result(None)

    def _enter(self, batch: _Batch, index: int) -> bytes:
        self._transaction = self._transaction % 0xFFFF + 1
        self._waiting[self._transaction] = batch, index
        unit, pdu = batch.requests[index]
        return frame(self._transaction, unit, pdu)

    def _give_up(self, first: int, count: int) -> None:
        transactions = [(first + index - 1) % 0xFFFF + 1 for index in range(count)]
        self._given_up.extend(item for item in transactions if self._waiting.pop(item, None))

    def _hand_over(self, transaction: int, unit: int, pdu: bytes) -> None:
        self._unanswered = 0
        batch, index = self._waiting.pop(transaction, (None, 0))
        if batch is None:
            if transaction not in self._given_up:
                self._note_malformed(f"an answer with transaction {transaction}, which was not asked")
            return
        asked = batch.requests[index][0]
        if unit == asked:
            self._traffic.responses += 1
            batch.put(index, pdu)
        else:
            batch.put(index, Malformed(f"{self._peer}: unit {asked} was asked and unit {unit} answered"))
        self._restart_timeout()

    def _restart_timeout(self) -> None:
        """One timer runs on over many requests, which is cheaper than one for each."""
        self._deadline = self._loop.time() + self._settings.timeout_s
        if self._timer is None:
            self._timer = self._loop.call_at(self._deadline, self._look_at_clock)

    def _look_at_clock(self) -> None:
        self._timer = None
        if self._batch is None:
            return
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._look_at_clock)
        else:
            self._expire(self._batch)

    def _expire(self, batch: _Batch) -> None:
        self._unanswered += 1
        if self._deframer.partial:  # the rest may never come, or come as the beginning of a later answer
            self._note_malformed("half an answer")
            self._drop(f"{self._peer}: stopped in the middle of an answer")
        elif self._unanswered >= self._settings.reconnect_after:
            self._drop(f"{self._peer}: nothing came {self._unanswered} times in a row")
        elif not batch.done.done():
            for index in [index for index, answer in enumerate(batch.answers) if answer is None]:
                unit = batch.requests[index][0]
                message = f"{self._peer}, unit {unit}: no answer within {self._settings.timeout_s:g} s"
                batch.answers[index] = DeviceTimeout(message)
            batch.done.set_result(None)

    def _drop(self, reason: str) -> None:
        self._fail_all(reason)
        if self._socket is not None:
            self._socket.abort()

    def _fail_all(self, reason: str) -> None:
        self._lost = self._lost or reason
        for batch, _ in self._waiting.values():
            if not batch.done.done():
                batch.done.set_exception(LinkLost(self._lost))
                batch.done.exception()  # seen, even when the asker has just been cancelled

    def _note_malformed(self, what: str) -> None:
        self._traffic.malformed += 1
        self._traffic.last_malformed = what


async def open_transport(settings: ModbusConnection, traffic: Traffic) -> Transport:
    """A connection to the device; raises ConnectFailed."""
    where = f"{settings.host}:{settings.port}"
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(settings.connect_timeout_s):
            _, transport = await loop.create_connection(
                lambda: Transport(settings, traffic), settings.host, settings.port
            )
    except TimeoutError as error:
        raise ConnectFailed(
            f"{where}: no connection within {settings.connect_timeout_s:g} s; check address, cable and firewall"
        ) from error
    except OSError as error:
        raise ConnectFailed(f"{where}: {error.strerror or error}; check host, port and that the device runs") from error
    return transport


def _watch(connection: socket.socket, timeout_s: float) -> None:
    """Have the system notice a peer that vanished without a word, rather than repeat into the void for minutes."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    with contextlib.suppress(AttributeError, OSError):  # Linux only
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(max(5.0, 3 * timeout_s) * 1000))
