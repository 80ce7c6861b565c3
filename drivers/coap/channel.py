"""The one place that talks CoAP: requests and observations over aiocoap, bounded in time, with our errors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final

import aiocoap
from aiocoap import error as coap_error
from aiocoap.numbers.constants import TransportTuning
from aiocoap.pipe import Pipe
from aiocoap.util import hostportjoin

from drivers.coap.answer import Answer
from drivers.coap.resources import Address
from drivers.coap.settings import CoapConnection
from drivers.driver import Traffic
from drivers.errors import DeviceTimeout, DriverError, LinkLost, Malformed

_ONE_MESSAGE: Final = 1024
"""Bytes of payload beyond which a transfer is block-wise (RFC 7959)."""
_BLOCK_WISE_TIMES: Final = 10
"""A block-wise transfer may take so many times the time-out of one exchange."""

Notify = Callable[[Answer | DriverError], None]
"""Takes each notification of an observed resource, and once at the end what ended it."""
Stop = Callable[[], None]


def _tuning(connection: CoapConnection) -> TransportTuning:
    """Retransmissions that fit into the time-out, so that a dead exchange never outlives its request.

    aiocoap draws the first wait from 1 to 1.5 times ACK_TIMEOUT and doubles it: the sum of all waits is at most
    ACK_TIMEOUT x 1.5 x (2^(retransmits + 1) - 1), here 90 % of the time-out.
    """
    tuning = TransportTuning()
    tuning.reliability = connection.confirmable
    tuning.MAX_RETRANSMIT = connection.retransmits
    waits = 2 ** (connection.retransmits + 1) - 1
    tuning.ACK_TIMEOUT = 0.9 * connection.timeout_s / (tuning.ACK_RANDOM_FACTOR * waits)
    return tuning


class Channel:
    """A socket to a device with one request on its way at a time; opened by the first one.

    Several channels keep apart what a silent resource would take with it: aiocoap fails everything that waits on a
    socket, observations too, when one message on it is not acknowledged.
    """

    def __init__(self, connection: CoapConnection, traffic: Traffic) -> None:
        self._connection = connection
        self._traffic = traffic
        self._tuning = _tuning(connection)
        self._remote = aiocoap.message.UndecidedRemote("coap", hostportjoin(connection.host, connection.port))
        self._turn = asyncio.Lock()
        self._context: aiocoap.Context | None = None
        self._closed = False
        self._unfinished = False
        self._peer: Any = None

    async def get(self, address: Address, *, large: bool = False) -> Answer:
        """Fetch a resource. large: block by block; otherwise only the first block, and the answer says that there is
        more. Raises DeviceTimeout, LinkLost or Malformed, as `put` and `observe` do."""
        return await self._request(self._message(aiocoap.GET, address), block_wise=large)

    async def put(self, address: Address, payload: bytes, content_format: int | None, *, post: bool = False) -> Answer:
        """Send a payload with PUT or POST."""
        message = self._message(aiocoap.POST if post else aiocoap.PUT, address)
        message.payload = payload
        message.opt.content_format = content_format
        return await self._request(message, block_wise=len(payload) > _ONE_MESSAGE)

    async def observe(self, address: Address, notify: Notify) -> tuple[Answer, Stop]:
        """Register for a resource; returns the first answer and how to lose interest. An answer whose `observe` is
        None means that the device does not let it be observed, and notify is never called."""
        message = self._message(aiocoap.GET, address)
        message.opt.observe = 0
        async with self._turn:
            return await self._exchange(message, notify)

    async def close(self) -> None:
        """Free the socket for good; idempotent. What waits for an answer gets LinkLost."""
        self._closed = True
        await self._shut()

    async def _shut(self) -> None:
        context, self._context = self._context, None
        if context is not None:
            transport = getattr(self._peer, "_transport", None)
            if transport is not None:
                transport.abort()  # simple6 trips over a datagram that arrives while it shuts down
            await context.shutdown()
            await asyncio.sleep(0)  # the aborted transport closes its socket in the next round of the loop

    def _message(self, code: aiocoap.Code, address: Address) -> aiocoap.Message:
        message = aiocoap.Message(code=code, transport_tuning=self._tuning)
        message.remote = self._remote
        message.opt.uri_path = address.path
        message.opt.uri_query = address.query
        message.opt.accept = address.accept
        self._traffic.bytes_sent += address.size
        return message

    async def _request(self, message: aiocoap.Message, *, block_wise: bool) -> Answer:
        self._traffic.bytes_sent += len(message.payload)
        async with self._turn:
            try:
                if block_wise:
                    return await self._transfer(message)
                answer, stop = await self._exchange(message, _ignore)
            except (DeviceTimeout, asyncio.CancelledError):
                self._unfinished = True
                raise
            stop()
            return answer

    async def _exchange(self, message: aiocoap.Message, notify: Notify) -> tuple[Answer, Stop]:
        """One request and its answer; later events of the same token go to notify until stop is called."""
        context = await self._open()
        pipe = Pipe(message, context.log)
        first: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def on_event(event: Any) -> bool:
            if not first.done():
                first.set_result(event)
            else:
                notify(self._told(event))
            return not event.is_last

        with ExitStack() as undo:
            stop: Stop = pipe.on_event(on_event)
            undo.callback(stop)
            try:
                async with asyncio.timeout(self._connection.timeout_s):
                    interface = await context.find_remote_and_interface(message)
                    self._peer = message.remote
                    self._traffic.requests += 1
                    interface.request(pipe)
                    told = self._told(await first)
            except (coap_error.Error, TimeoutError) as error:
                raise self._failure(error) from error
            if isinstance(told, DriverError):
                raise told
            undo.pop_all()
        return told, stop

    async def _transfer(self, message: aiocoap.Message) -> Answer:
        """One request whose payload or answer takes several blocks."""
        context = await self._open()
        self._traffic.requests += 1
        try:
            async with asyncio.timeout(_BLOCK_WISE_TIMES * self._connection.timeout_s):
                return self._answer(await context.request(message).response)
        except (coap_error.Error, TimeoutError) as error:
            raise self._failure(error) from error

    async def _open(self) -> aiocoap.Context:
        """The context, a new one after an unfinished request: aiocoap goes on sending that, holds back all others to
        the same device meanwhile, and fails them with it."""
        if self._unfinished:
            self._unfinished = False
            await self._shut()
        if self._context is None and not self._is_closed():
            opened = await aiocoap.Context.create_client_context(
                loggername="drivers.coap.aiocoap", transports=[self._connection.transport.value]
            )
            if self._is_closed():  # meanwhile
                await opened.shutdown()
            else:
                self._context = opened
        if self._context is None:
            raise self._failure(coap_error.LibraryShutdown())
        return self._context

    def _is_closed(self) -> bool:
        return self._closed

    def _told(self, event: Any) -> Answer | DriverError:
        if event.message is not None:
            return self._answer(event.message)
        return self._failure(event.exception)

    def _answer(self, message: aiocoap.Message) -> Answer:
        options = message.opt
        content_format, block = options.content_format, options.block2
        self._traffic.responses += 1
        self._traffic.bytes_received += len(message.payload) + 8
        return Answer(
            int(message.code),
            message.payload,
            None if content_format is None else int(content_format),
            options.max_age,
            options.observe,
            block is not None and block.more,
        )

    def _failure(self, error: BaseException | type[BaseException]) -> DriverError:
        """aiocoap's errors as ours; it hands over some as classes."""
        error = error() if isinstance(error, type) else error
        device = hostportjoin(self._connection.host, self._connection.port)
        match error:
            case TimeoutError() | coap_error.TimeoutError():
                return DeviceTimeout(f"{device} did not answer within {self._connection.timeout_s:g} s")
            case coap_error.MessageError():
                return Malformed(f"{device} reset the request: it does not take it for CoAP")
            case coap_error.NetworkError():
                return LinkLost(f"{device} cannot be reached: {error.__cause__ or error}")
            case coap_error.LibraryShutdown():
                return LinkLost(f"the connection to {device} was closed")
            case _:
                return Malformed(f"{device} broke the protocol: {error!r}")


def _ignore(_: Answer | DriverError) -> None:
    """Of a request without observation nothing is told after the answer."""
