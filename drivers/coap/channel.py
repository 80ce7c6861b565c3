"""Requests and observations, bounded in time, block-wise where they are large, one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Final, NamedTuple

from drivers.coap.answer import Answer
from drivers.coap.endpoint import Endpoint, Sending
from drivers.coap.message import CONTINUE, GET, LARGEST_BLOCK, POST, PUT, TOO_LARGE, Block, Message, Option, to_uint
from drivers.coap.protection import Protection, Sealed
from drivers.coap.resources import Address
from drivers.coap.settings import CoapConnection
from drivers.coap.wire import Arrived, Broken, Wire
from drivers.driver import Traffic
from drivers.errors import DeviceTimeout, DriverError, LinkLost, Malformed

_BLOCK_WISE_TIMES: Final = 10
"""A block-wise transfer may take so many times the time-out of one exchange."""
_LARGEST_PAYLOAD: Final = 1 << 20
_UNAUTHORIZED: Final = 0x81
_SUCCESS: Final = 2
_CHANGES: Final = 3
"""So many times a resource may change while it is being fetched block by block."""

Notify = Callable[[Answer | DriverError], None]
"""Takes each notification of an observed resource, and once at the end what ended it."""
Stop = Callable[[], None]
Told = Callable[[Message | DriverError], None]
Options = tuple[tuple[int, bytes], ...]


class Opener(NamedTuple):
    """How a channel gets its wire. device: as people call it; open: raises OSError or `drivers.errors`."""

    device: str
    open: Callable[[Arrived, Broken], Awaitable[Wire]]


class Channel:
    """One socket to a device with one request on its way at a time (NSTART, RFC 7252, 4.7), opened by the first one.

    protection: shared by the channels of a device.
    """

    def __init__(self, connection: CoapConnection, traffic: Traffic, opener: Opener, protection: Protection) -> None:
        self._timeout_s = connection.timeout_s
        self._sending = Sending.within(connection.timeout_s, connection.retransmits, connection.confirmable)
        self._traffic = traffic
        self._opener = opener
        self._protection = protection
        self._turn = asyncio.Lock()
        self._endpoint: Endpoint | None = None
        self._closed = False

    async def get(self, address: Address) -> Answer:
        """Fetch a resource, all blocks of it. Raises DeviceTimeout, LinkLost or Malformed, as all requests do."""
        async with self._turn, limited(_BLOCK_WISE_TIMES * self._timeout_s, self._opener.device):
            return _answer(await self._fetch(_options(address)))

    async def put(self, address: Address, payload: bytes, content_format: int | None, *, post: bool = False) -> Answer:
        """Send a payload with PUT or POST, block by block where it is large."""
        options = _options(address)
        if content_format is not None:
            options = (*options, (Option.CONTENT_FORMAT, to_uint(content_format)))
        async with self._turn, limited(_BLOCK_WISE_TIMES * self._timeout_s, self._opener.device):
            return _answer(await self._deliver(POST if post else PUT, options, payload))

    async def observe(self, address: Address, notify: Notify) -> tuple[Answer, Stop]:
        """Register for a resource; returns the first answer and how to lose interest. An answer whose `observe` is
        None means that the device does not let it be observed, and notify is never called."""

        def told(said: Message | DriverError) -> None:
            notify(said if isinstance(said, DriverError) else _answer(said))

        async with self._turn:
            answer, stop = await self._exchange(GET, (*_options(address), (Option.OBSERVE, b"")), b"", told)
        if Option.OBSERVE not in answer.options:
            stop()
        return _answer(answer), stop

    async def ping(self) -> None:
        """See whether the device is there, at the price of four bytes. Raises DeviceTimeout or LinkLost."""
        said: asyncio.Future[Message | DriverError] = asyncio.get_running_loop().create_future()
        async with self._turn, limited(self._timeout_s, self._opener.device):
            endpoint = await self._open()
            self._traffic.requests += 1
            exchange = endpoint.ping(lambda reaction: None if said.done() else said.set_result(reaction))
            try:
                reaction = await said
            finally:
                endpoint.forget(exchange)
        if isinstance(reaction, LinkLost):
            raise reaction

    @property
    def heard_at(self) -> float:
        """Loop time when the device said something last on this channel; now while it is not open."""
        return self._endpoint.heard_at if self._endpoint else asyncio.get_running_loop().time()

    def close(self) -> None:
        """Free the socket for good; idempotent. What waits for an answer gets LinkLost."""
        self._closed = True
        if self._endpoint is not None:
            self._endpoint.close()

    async def _fetch(self, options: Options) -> Message:
        """GET, and what remains of the payload (RFC 7959, 2.4); from the start again when it changed meanwhile."""
        for _ in range(_CHANGES):
            answer = await self._request(GET, options, b"")
            if Option.BLOCK2 not in answer.options or answer.code >> 5 != _SUCCESS:
                return answer
            whole = await self._remaining(options, answer)
            if whole is not None:
                return whole
        raise Malformed(f"{self._opener.device} changes the resource faster than it can be fetched block by block")

    async def _remaining(self, options: Options, first: Message) -> Message | None:
        """The answer with its whole payload, None where the resource has changed."""
        payload, answer = bytearray(), first
        while True:
            block = Block.decode(answer.options[Option.BLOCK2])
            if block.number * block.size != len(payload):
                raise Malformed(f"{self._opener.device} sent block {block.number}, which was not asked for")
            payload += answer.payload
            if not block.more:
                return first._replace(payload=bytes(payload))
            if len(payload) > _LARGEST_PAYLOAD or len(answer.payload) != block.size:
                raise Malformed(f"{self._opener.device} sends too large a payload, or too small a block")
            following = Block(block.number + 1, False, block.size).encoded
            answer = await self._request(GET, (*options, (Option.BLOCK2, following)), b"")
            if answer.options.get(Option.ETAG) != first.options.get(Option.ETAG) or answer.code != first.code:
                return None
            if Option.BLOCK2 not in answer.options:
                return answer  # it has become small

    async def _deliver(self, code: int, options: Options, payload: bytes) -> Message:
        """PUT or POST, in blocks where the payload is large or the device says that it is (RFC 7959, 2.5)."""
        size = LARGEST_BLOCK
        if len(payload) <= size:
            answer = await self._request(code, options, payload)
            if answer.code != TOO_LARGE or Option.BLOCK1 not in answer.options:
                return answer
            size = min(size, Block.decode(answer.options[Option.BLOCK1]).size)
        at = 0
        while True:
            more = at + size < len(payload)
            block = (Option.BLOCK1, Block(at // size, more, size).encoded)
            answer = await self._request(code, (*options, block), payload[at : at + size])
            wanted = Block.decode(answer.options[Option.BLOCK1]).size if Option.BLOCK1 in answer.options else size
            if answer.code == TOO_LARGE and wanted < size and at == 0:
                size = wanted
            elif answer.code == CONTINUE and more:
                at += size
                size = min(size, wanted)
            else:
                return answer

    async def _request(self, code: int, options: Options, payload: bytes) -> Message:
        answer, stop = await self._exchange(code, options, payload, _ignore)
        stop()
        return answer

    async def _exchange(self, code: int, options: Options, payload: bytes, notify: Told) -> tuple[Message, Stop]:
        """One request and its answer; later messages of the same token go to notify until stop is called. A device that
        doubts that the request is fresh gets it once more with the Echo it asks for (RFC 9175, 2.3)."""
        answer, stop = await self._ask(code, options, payload, notify)
        if answer.code == _UNAUTHORIZED and Option.ECHO in answer.options:
            stop()
            echo = (Option.ECHO, answer.options[Option.ECHO])
            return await self._ask(code, (*options, echo), payload, notify)
        return answer, stop

    async def _ask(self, code: int, options: Options, payload: bytes, notify: Told) -> tuple[Message, Stop]:
        first: asyncio.Future[Message | DriverError] = asyncio.get_running_loop().create_future()
        async with limited(self._timeout_s, self._opener.device):
            endpoint = await self._open()
            sealed = self._protection.seal(code, options, payload)

            def take(said: Message | DriverError) -> None:
                opened = self._opened(said, sealed)
                if first.done():
                    notify(opened)
                else:
                    first.set_result(opened)

            self._traffic.requests += 1
            exchange = endpoint.request(sealed.code, sealed.options, sealed.payload, take)
            try:
                said = await first
                if isinstance(said, DriverError):
                    raise said
            except (DriverError, asyncio.CancelledError):
                endpoint.forget(exchange)
                raise
        return said, partial(endpoint.forget, exchange)

    def _opened(self, said: Message | DriverError, sealed: Sealed) -> Message | DriverError:
        if isinstance(said, DriverError):
            return said
        try:
            return self._protection.open(said, sealed.reference)
        except DriverError as error:
            return error

    async def _open(self) -> Endpoint:
        if self._endpoint is None and not self._closed:
            endpoint = Endpoint(self._opener.device, self._sending, self._traffic)
            self._endpoint = endpoint
            try:
                endpoint.wire = await self._opener.open(endpoint.arrived, endpoint.broken)
            except OSError as error:
                raise LinkLost(f"{self._opener.device} cannot be reached: {error.strerror or error}") from error
            finally:
                if endpoint.wire is None:
                    self._endpoint = None
        if self._endpoint is None or self._is_closed():  # meanwhile
            self.close()
            raise LinkLost(f"the connection to {self._opener.device} was closed")
        return self._endpoint

    def _is_closed(self) -> bool:
        return self._closed


@asynccontextmanager
async def limited(seconds: float, device: str) -> AsyncIterator[None]:
    """DeviceTimeout after so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise DeviceTimeout(f"{device} did not answer within {seconds:g} s") from error


def _options(address: Address) -> Options:
    options = [(Option.URI_PATH, segment.encode()) for segment in address.path]
    options += [(Option.URI_QUERY, part.encode()) for part in address.query]
    if address.accept is not None:
        options.append((Option.ACCEPT, to_uint(address.accept)))
    return tuple(options)


def _answer(message: Message) -> Answer:
    block = message.options.get(Option.BLOCK2)
    return Answer(
        message.code,
        message.payload,
        message.uint(Option.CONTENT_FORMAT),
        message.uint(Option.MAX_AGE),
        message.uint(Option.OBSERVE),
        block is not None and bool(block) and bool(block[-1] & 8),
    )


def _ignore(_: Message | DriverError) -> None:
    """Of a request without observation nothing is told after the answer."""
