"""Modbus TCP, TLS and UDP: answers are matched to requests by transaction identifier."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final, cast

from drivers.driver import Traffic
from drivers.errors import LinkLost, Malformed
from drivers.modbus.channel import Answer, Channel, Request
from drivers.modbus.pdu import Deframer, frame
from drivers.modbus.settings import ModbusConnection

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


class MbapChannel(Channel):
    """Requests go out together, each with its own transaction; over UDP each in a datagram of its own."""

    def __init__(self, settings: ModbusConnection, traffic: Traffic) -> None:
        super().__init__(settings, traffic)
        self._datagrams = settings.transport == "udp"
        self._deframer = Deframer()
        self._waiting: dict[int, tuple[_Batch, int]] = {}
        self._given_up: deque[int] = deque(maxlen=_REMEMBERED)
        self._transaction = 0
        self._unanswered = 0
        self._batch: _Batch | None = None
        self._deadline = 0.0
        self._watching = False

    async def request(self, requests: Sequence[Request]) -> list[Answer]:
        """Each answer may take timeout_s after the one before. One that comes later is dropped, whatever was asked
        since."""
        socket = self._usable()
        batch = _Batch(requests, self._loop.create_future())
        first = self._transaction + 1
        self._send(socket, [self._enter(batch, index) for index in range(len(requests))])
        self._batch = batch
        self._restart_timeout()
        try:
            await batch.done
        finally:
            self._batch = None
            if batch.missing:
                self._give_up(first, len(requests))
        return cast("list[Answer]", batch.answers)

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes came."""
        self._traffic.received(data)
        try:
            frames = self._deframer.feed(data)
            if self._datagrams and self._deframer.partial:
                raise Malformed(f"a datagram that is no Modbus: {data[:16].hex(' ')}")
        except Malformed as error:
            self._note_malformed(str(error))
            if not self._datagrams:
                self._drop(f"{self.place} does not speak Modbus TCP ({error}); check host and port")
            self._deframer = Deframer()
            return
        for transaction, unit, pdu in frames:
            self._hand_over(transaction, unit, pdu)

    def _send(self, socket: asyncio.Transport, frames: list[bytes]) -> None:
        self._traffic.requests += len(frames)
        data = b"".join(frames)
        self._traffic.sent(data)
        if not self._datagrams:
            socket.write(data)
            return
        for one in frames:
            cast("asyncio.DatagramTransport", socket).sendto(one)

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
            batch.put(index, Malformed(f"{self.place}: unit {asked} was asked and unit {unit} answered"))
        if batch.missing:
            self._restart_timeout()

    def _restart_timeout(self) -> None:
        self._deadline = self._loop.time() + self._settings.timeout_s
        if not self._watching:
            self._watching = True
            self._wheel.call_at(self._deadline, self._look_at_clock)

    def _look_at_clock(self) -> None:
        self._watching = False
        if self._batch is None:
            return
        if self._loop.time() < self._deadline:
            self._watching = True
            self._wheel.call_at(self._deadline, self._look_at_clock)
        else:
            self._expire(self._batch)

    def _expire(self, batch: _Batch) -> None:
        self._unanswered += 1
        if self._deframer.partial:  # the rest may never come, or come as the beginning of a later answer
            self._note_malformed("half an answer")
            self._drop(f"{self.place}: stopped in the middle of an answer")
        elif self._unanswered >= self._settings.reconnect_after and not self._datagrams:
            self._drop(f"{self.place}: nothing came {self._unanswered} times in a row")
        elif not batch.done.done():
            for index in [index for index, answer in enumerate(batch.answers) if answer is None]:
                batch.answers[index] = self._no_answer(batch.requests[index][0])
            batch.done.set_result(None)

    def _fail_waiting(self, error: LinkLost) -> None:
        for batch, _ in self._waiting.values():
            if not batch.done.done():
                batch.done.set_exception(error)
                batch.done.exception()  # seen, even when the asker has just been cancelled
