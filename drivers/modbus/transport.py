"""The one file that does I/O: a Modbus TCP connection that matches answers to requests by transaction."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from typing import Final, cast

from drivers.driver import Traffic
from drivers.errors import ConnectFailed, DeviceTimeout, DriverError, LinkLost, Malformed
from drivers.modbus.pdu import Deframer, frame
from drivers.modbus.settings import ModbusConnection

_REMEMBERED: Final = 64
"""How many given-up transactions are known, to tell a late answer from a wrong one."""


class Transport(asyncio.Protocol):
    """One connection from connect to close; it is never reopened."""

    def __init__(self, settings: ModbusConnection, traffic: Traffic) -> None:
        self._settings = settings
        self._traffic = traffic
        self._loop = asyncio.get_running_loop()
        self._deframer = Deframer()
        self._waiting: dict[int, tuple[int, asyncio.Future[bytes]]] = {}
        self._given_up: deque[int] = deque(maxlen=_REMEMBERED)
        self._transaction = 0
        self._unanswered = 0
        self._lost = ""
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._socket: asyncio.Transport | None = None
        self._peer = f"{settings.host}:{settings.port}"

    @property
    def is_open(self) -> bool:
        """Whether a request can be sent."""
        return self._socket is not None and not self._lost

    async def request(self, unit: int, pdu: bytes) -> bytes:
        """The answer's PDU. Raises DeviceTimeout, LinkLost at once when the peer closes, or Malformed when another unit
        answers. An answer that comes after its time is dropped, whatever was asked since."""
        if self._lost or self._socket is None:
            raise LinkLost(self._lost or f"{self._peer}: not connected")
        transaction = self._transaction = self._transaction % 0xFFFF + 1
        answer: asyncio.Future[bytes] = self._loop.create_future()
        self._waiting[transaction] = unit, answer
        data = frame(transaction, unit, pdu)
        self._traffic.requests += 1
        self._traffic.bytes_sent += len(data)
        self._socket.write(data)
        timer = self._loop.call_later(self._settings.timeout_s, self._expire, transaction)
        try:
            return await answer
        finally:
            timer.cancel()
            if self._waiting.pop(transaction, None):
                self._given_up.append(transaction)

    async def close(self) -> None:
        """Drop the connection; whoever waits for an answer gets LinkLost."""
        self._drop(f"{self._peer}: closed")
        if self._socket is not None:
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
        if not self._closed.done():
            self._closed.set_result(None)

    def _hand_over(self, transaction: int, unit: int, pdu: bytes) -> None:
        self._unanswered = 0
        asked, answer = self._waiting.get(transaction, (unit, None))
        if answer is None or answer.done():
            if transaction not in self._given_up:
                self._note_malformed(f"an answer with transaction {transaction}, which was not asked")
        elif unit != asked:
            self._note_malformed(f"unit {asked} was asked and unit {unit} answered")
            _fail(answer, Malformed(f"{self._peer}: {self._traffic.last_malformed}"))
        else:
            self._traffic.responses += 1
            answer.set_result(pdu)

    def _expire(self, transaction: int) -> None:
        unit, answer = self._waiting.get(transaction, (0, None))
        if answer is None or answer.done():
            return
        self._unanswered += 1
        if self._deframer.partial:  # the rest may never come, or come as the beginning of a later answer
            self._note_malformed("half an answer")
            self._drop(f"{self._peer}, unit {unit}: stopped in the middle of an answer")
        elif self._unanswered >= self._settings.reconnect_after:
            self._drop(f"{self._peer}: no answer to {self._unanswered} requests in a row")
        else:
            message = f"{self._peer}, unit {unit}: no answer within {self._settings.timeout_s:g} s"
            _fail(answer, DeviceTimeout(message))

    def _drop(self, reason: str) -> None:
        self._fail_all(reason)
        if self._socket is not None:
            self._socket.abort()

    def _fail_all(self, reason: str) -> None:
        self._lost = self._lost or reason
        for _, answer in self._waiting.values():
            _fail(answer, LinkLost(self._lost))

    def _note_malformed(self, what: str) -> None:
        self._traffic.malformed += 1
        self._traffic.last_malformed = what


def _fail(answer: asyncio.Future[bytes], error: DriverError) -> None:
    if not answer.done():
        answer.set_exception(error)
        answer.exception()  # seen, even when the asker has just been cancelled


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
