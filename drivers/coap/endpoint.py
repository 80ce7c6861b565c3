"""CoAP's message layer towards one device (RFC 7252, 4): acknowledging, sending again, and telling answers apart."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from drivers.coap.message import EMPTY, Kind, Message, decode, encode
from drivers.coap.wire import Wire
from drivers.driver import Traffic
from drivers.errors import DriverError, LinkLost, Malformed

_RANDOM_FACTOR: Final = 1.5
_TOKEN_BYTES: Final = 4
_FIRST_ANSWER: Final = 0x40

Take = Callable[[Message | DriverError], None]


@dataclass(frozen=True, slots=True)
class Sending:
    """How requests are sent. first_wait_s: until the first repetition, by chance up to half as much more; each further
    wait doubles."""

    confirmable: bool
    retransmits: int
    first_wait_s: float

    @staticmethod
    def within(timeout_s: float, retransmits: int, confirmable: bool) -> Sending:
        """Waits that add up to 90 % of the time-out at most."""
        waits = 2 ** (retransmits + 1) - 1
        return Sending(confirmable, retransmits, 0.9 * timeout_s / (_RANDOM_FACTOR * waits))


@dataclass(slots=True, eq=False)
class Exchange:
    """A request on its way, and then what keeps its token known. timer: of the next repetition."""

    token: bytes
    mid: int
    datagram: bytes
    take: Take
    repeated: int = 0
    wait_s: float = 0.0
    timer: asyncio.TimerHandle | None = None


class Endpoint:
    """All exchanges with a device over one wire; feed it with `arrived` and `broken`.

    heard_at: loop time when the device said something last.
    An exchange hears every answer with its token until it is forgotten; what has no token is reset, which tells a
    device to stop notifying.
    """

    def __init__(self, device: str, sending: Sending, traffic: Traffic) -> None:
        self.wire: Wire | None = None
        self._device = device
        self._sending = sending
        self._traffic = traffic
        self._mid = random.randrange(0x10000)
        self._by_token: dict[bytes, Exchange] = {}
        self._unacknowledged: dict[int, Exchange] = {}
        self.heard_at = asyncio.get_running_loop().time()

    def request(self, code: int, options: bytes, payload: bytes, take: Take) -> Exchange:
        """Send a request; take gets every answer to it, and what ends it instead."""
        token = secrets.token_bytes(_TOKEN_BYTES)
        self._mid = self._mid + 1 & 0xFFFF
        kind = Kind.CON if self._sending.confirmable else Kind.NON
        exchange = Exchange(token, self._mid, encode(kind, code, self._mid, token, options, payload), take)
        self._by_token[token] = exchange
        self._begin(exchange, self._sending.confirmable)
        return exchange

    def ping(self, take: Take) -> Exchange:
        """Send what a device has to reset (RFC 7252, 4.3); take gets Malformed when it does."""
        self._mid = self._mid + 1 & 0xFFFF
        exchange = Exchange(b"", self._mid, encode(Kind.CON, EMPTY, self._mid), take)
        self._by_token[b""] = exchange  # so that it ends with the connection; no answer has this token
        self._begin(exchange, confirmable=True)
        return exchange

    def _begin(self, exchange: Exchange, confirmable: bool) -> None:
        if confirmable:
            self._unacknowledged[exchange.mid] = exchange
            exchange.wait_s = self._sending.first_wait_s * random.uniform(1, _RANDOM_FACTOR)
            self._wait_for_acknowledgement(exchange)
        self._send(exchange.datagram)

    def forget(self, exchange: Exchange) -> None:
        """Stop sending and hearing it; idempotent."""
        self._by_token.pop(exchange.token, None)
        self._acknowledged(exchange)

    def close(self) -> None:
        """Free the wire; every exchange gets LinkLost. Idempotent."""
        if self.wire is not None:
            self.wire.close()
            self.wire = None
        self._end_all(LinkLost(f"the connection to {self._device} was closed"))

    def broken(self, error: OSError) -> None:
        """The network says that the device cannot be reached: every exchange gets LinkLost."""
        self._end_all(LinkLost(f"{self._device} cannot be reached: {error.strerror or error}"))

    def arrived(self, datagram: bytes) -> None:
        """A datagram has come."""
        self._traffic.received(datagram)
        self.heard_at = asyncio.get_running_loop().time()
        try:
            message = decode(datagram)
        except Malformed as error:
            self._traffic.malformed += 1
            self._traffic.last_malformed = f"{self._device} sent {error}"
            return
        if message.kind >= Kind.ACK:
            exchange = self._unacknowledged.get(message.mid)
            if exchange is not None:
                self._acknowledged(exchange)
                if message.kind == Kind.RST:
                    self.forget(exchange)
                    exchange.take(Malformed(f"{self._device} reset the request: it does not take it for CoAP"))
        if message.code >= _FIRST_ANSWER and message.kind != Kind.RST:
            self._answered(message)
        elif message.kind == Kind.CON:  # a ping (4.3), or a request, and nothing is served here
            self._send(encode(Kind.RST, EMPTY, message.mid))

    def _answered(self, message: Message) -> None:
        exchange = self._by_token.get(message.token)
        if exchange is None or message.misunderstood() is not None:
            if message.kind != Kind.ACK:
                self._send(encode(Kind.RST, EMPTY, message.mid))
            if exchange is not None:
                self.forget(exchange)
                exchange.take(Malformed(f"{self._device} answers with the option {message.misunderstood()}, unknown"))
            return
        if message.kind == Kind.CON:
            self._send(encode(Kind.ACK, EMPTY, message.mid))
        if exchange.timer is not None:
            self._acknowledged(exchange)  # only the acknowledgement was lost
        self._traffic.responses += 1
        exchange.take(message)

    def _wait_for_acknowledgement(self, exchange: Exchange) -> None:
        loop = asyncio.get_running_loop()
        exchange.timer = loop.call_later(exchange.wait_s, self._repeat, exchange)

    def _repeat(self, exchange: Exchange) -> None:
        if exchange.repeated == self._sending.retransmits:
            self._acknowledged(exchange)  # no more; whoever waits has a time-out of its own
            return
        exchange.repeated += 1
        exchange.wait_s *= 2
        self._wait_for_acknowledgement(exchange)
        self._send(exchange.datagram)

    def _acknowledged(self, exchange: Exchange) -> None:
        self._unacknowledged.pop(exchange.mid, None)
        if exchange.timer is not None:
            exchange.timer.cancel()
            exchange.timer = None

    def _end_all(self, error: DriverError) -> None:
        ended = list(self._by_token.values())
        for exchange in ended:
            self.forget(exchange)
        for exchange in ended:
            exchange.take(error)

    def _send(self, datagram: bytes) -> None:
        if self.wire is not None:
            self._traffic.sent(datagram)
            self.wire.send(datagram)
