"""Modbus TCP, TLS and UDP: answers are matched to requests by transaction identifier."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, cast

from drivers.driver import Traffic
from drivers.errors import LinkLost, Malformed
from drivers.modbus.channel import Answer, Channel
from drivers.modbus.pdu import Deframer, frame
from drivers.modbus.settings import ModbusConnection
from drivers.modbus.volley import Request, Volley

Came = bytes | list[Answer] | LinkLost
Then = Callable[[Came], None]

_REMEMBERED: Final = 64
"""How many given-up transactions are known, to tell a late answer from a wrong one."""


class _Asked:
    """Requests that were sent together, with the transaction identifiers first, first + 1, ..., and what has come back.
    then: is told once what came of them. volley: the same requests, as long as their answers may come in one piece."""

    __slots__ = ("answers", "first", "missing", "requests", "then", "volley")

    def __init__(self, requests: Sequence[Request], first: int, then: Then, volley: Volley | None) -> None:
        self.requests = requests
        self.first = first
        self.then = then
        self.volley = volley
        self.missing = len(requests)
        self.answers: list[Answer | None] = [None] * self.missing


class MbapChannel(Channel):
    """Requests go out together, each with its own transaction; over UDP each in a datagram of its own."""

    def __init__(self, settings: ModbusConnection, traffic: Traffic) -> None:
        super().__init__(settings, traffic)
        self._datagrams = settings.transport == "udp"
        self._deframer = Deframer()
        self._given_up: deque[int] = deque(maxlen=_REMEMBERED)
        self._transaction = 0
        self._unanswered = 0
        self._asked: _Asked | None = None
        self._deadline = 0.0
        self._watching = False

    async def request(self, requests: Sequence[Request]) -> list[Answer]:
        """Each answer may take timeout_s after the one before. One that comes later is dropped, whatever was asked
        since."""
        socket = self._usable()
        done: asyncio.Future[list[Answer]] = self._loop.create_future()

        def then(came: Came) -> None:
            if done.done():  # the asker was cancelled just now
                return
            if isinstance(came, LinkLost):
                done.set_exception(came)
                done.exception()  # seen, even when the asker is cancelled before it looks
            else:
                done.set_result(cast("list[Answer]", came))

        asked = self._ask(requests, then)
        frames = [frame(asked.first + index, unit, pdu) for index, (unit, pdu) in enumerate(requests)]
        self._send(socket, frames)
        try:
            return await done
        finally:
            if self._asked is asked:
                self._give_up(asked)

    def fire(self, volley: Volley, then: Then) -> None:
        """The same without a task: then(came) is called once, with the frames of good answers joined, or with all
        answers where any is not, or with the loss of the connection. Raises LinkLost where there is none."""
        socket = self._usable()
        self._send(socket, volley.frames(self._ask(volley.requests, then, volley).first))

    def buffer_updated(self, nbytes: int) -> None:
        """asyncio: so many came; usually all that was asked for, and nothing else."""
        data = bytes(self._view[:nbytes])
        asked = self._asked
        if asked is None or asked.volley is None or not asked.volley.is_all(data, asked.first):
            self.data_received(data)
            return
        self._traffic.received(data)
        self._traffic.responses += asked.missing
        self._unanswered = 0
        self._asked = None
        asked.then(data)

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes came."""
        self._traffic.received(data)
        if self._asked is not None:
            self._asked.volley = None  # not all in one piece
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

    def _ask(self, requests: Sequence[Request], then: Then, volley: Volley | None = None) -> _Asked:
        first = self._transaction + 1
        if first + len(requests) > 0x10000:
            first = 1
        self._transaction = first + len(requests) - 1
        asked = self._asked = _Asked(requests, first, then, None if self._deframer.partial else volley)
        self._traffic.requests += asked.missing
        self._restart_timeout()
        return asked

    def _send(self, socket: asyncio.Transport, frames: Sequence[bytes]) -> None:
        data = b"".join(frames)
        self._traffic.sent(data)
        if not self._datagrams:
            socket.write(data)
            return
        for one in frames:
            cast("asyncio.DatagramTransport", socket).sendto(one)

    def _give_up(self, asked: _Asked) -> None:
        """Wait no more; what still comes is known to be late."""
        self._asked = None
        self._given_up.extend(asked.first + index for index, answer in enumerate(asked.answers) if answer is None)

    def _hand_over(self, transaction: int, unit: int, pdu: bytes) -> None:
        self._unanswered = 0
        asked = self._asked
        index = -1 if asked is None else transaction - asked.first
        if asked is None or not 0 <= index < len(asked.answers) or asked.answers[index] is not None:
            if transaction not in self._given_up:
                self._note_malformed(f"an answer with transaction {transaction}, which was not asked")
            return
        expected = asked.requests[index][0]
        if unit == expected:
            self._traffic.responses += 1
            asked.answers[index] = pdu
        else:
            asked.answers[index] = Malformed(f"{self.place}: unit {expected} was asked and unit {unit} answered")
        asked.missing -= 1
        if asked.missing:
            self._restart_timeout()
        else:
            self._finish(asked)

    def _finish(self, asked: _Asked) -> None:
        self._asked = None
        asked.then(cast("list[Answer]", asked.answers))

    def _restart_timeout(self) -> None:
        self._deadline = self._loop.time() + self._settings.timeout_s
        if not self._watching:
            self._watching = True
            self._wheel.call_at(self._deadline, self._look_at_clock)

    def _look_at_clock(self) -> None:
        self._watching = False
        if self._asked is None:
            return
        if self._loop.time() < self._deadline:
            self._watching = True
            self._wheel.call_at(self._deadline, self._look_at_clock)
        else:
            self._expire(self._asked)

    def _expire(self, asked: _Asked) -> None:
        self._unanswered += 1
        if self._deframer.partial:  # the rest may never come, or come as the beginning of a later answer
            self._note_malformed("half an answer")
            self._drop(f"{self.place}: stopped in the middle of an answer")
        elif self._unanswered >= self._settings.reconnect_after and not self._datagrams:
            self._drop(f"{self.place}: nothing came {self._unanswered} times in a row")
        else:
            self._give_up(asked)
            for index in [index for index, answer in enumerate(asked.answers) if answer is None]:
                asked.answers[index] = self._no_answer(asked.requests[index][0])
            self._finish(asked)

    def _fail_waiting(self, error: LinkLost) -> None:
        asked, self._asked = self._asked, None
        if asked is not None:
            asked.then(error)
