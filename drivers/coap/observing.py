"""Keeps the observed resources of a device observed: registers, watches Max-Age, and registers again."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from drivers.coap.answer import Answer, fresh_s, is_newer
from drivers.coap.channel import Channel, Stop
from drivers.coap.codes import dotted
from drivers.coap.outbox import Outbox
from drivers.coap.resources import Address, Resource
from drivers.coap.settings import CoapConnection
from drivers.driver import Deliver, Traffic
from drivers.errors import DeviceTimeout, DriverError, LinkLost, Malformed
from drivers.status import Status

_log = logging.getLogger(__name__)
_RETRY_S: Final = 5.0
"""When a resource that the device refused is asked again."""
_VALID: Final = 0x43
"""2.03: nothing new, and still fresh."""


@dataclass(slots=True, eq=False)
class Watch:
    """One observed resource. due_at: loop time when it is asked again, unless it speaks before. stop: how to lose
    interest in its observation, None while there is none. sequence, heard_at: of the last notification taken. unread:
    a notification brought only the first block of its payload."""

    resource: Resource
    due_at: float = 0.0
    stop: Stop | None = None
    sequence: int = 0
    heard_at: float = 0.0
    unread: bool = False
    said_unobservable: bool = False


class Observer:
    """All observed resources of a device on one channel; `run` is its whole life."""

    def __init__(
        self,
        connection: CoapConnection,
        channel: Channel,
        resources: Sequence[Resource],
        probe: Address,
        deliver: Deliver,
        traffic: Traffic,
    ) -> None:
        self._connection = connection
        self._channel = channel
        self._probe = probe
        self._outbox = Outbox(deliver, traffic)
        self._watches = [Watch(resource) for resource in resources]
        self._look = asyncio.Event()
        self._pings = True

    async def run(self) -> None:
        """Observe until cancelled; raises LinkLost when the device is gone."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                self._look.clear()
                for watch in self._watches:
                    if watch.due_at <= loop.time():
                        await self._attempt(watch, self._register(watch))
                    elif watch.unread:
                        await self._attempt(watch, self._fetch(watch, observe=watch.sequence))
                await self._confirm_alive()
                await self._sleep_until(self._next_look())
        finally:
            for watch in self._watches:
                self._forget(watch)
            self._outbox.flush()

    def _next_look(self) -> float | None:
        if not self._watches:
            return None
        silent_at = self._channel.heard_at + self._connection.keepalive_s
        return min(silent_at, *(watch.due_at for watch in self._watches))

    async def _confirm_alive(self) -> None:
        """A device that is silent because nothing changes resets a ping; raises LinkLost where it neither does that nor
        answers the probe."""
        clock = asyncio.get_running_loop().time
        if not self._watches or clock() - self._channel.heard_at < self._connection.keepalive_s:
            return
        if self._pings:
            try:
                await self._channel.ping()
            except DeviceTimeout:
                self._pings = False
        if not self._pings:
            await self._refuse_dead_device()

    async def _sleep_until(self, due_at: float | None) -> None:
        try:
            async with asyncio.timeout_at(due_at):
                await self._look.wait()
        except TimeoutError:
            return

    async def _attempt(self, watch: Watch, request: Coroutine[None, None, Answer]) -> None:
        try:
            answer = await request
        except DeviceTimeout:
            await self._refuse_dead_device()
            self._failed(watch, Status.BadTimeout, max(_RETRY_S, self._connection.max_age_s))
        except Malformed:
            self._failed(watch, Status.BadCommunicationError, _RETRY_S)
        else:
            self._take(watch, answer, complete=True)

    def _is_newer(self, watch: Watch, sequence: int) -> bool:
        return is_newer(watch.sequence, watch.heard_at, sequence, asyncio.get_running_loop().time())

    async def _register(self, watch: Watch) -> Answer:
        """Registering fetches the current state too."""
        self._forget(watch)
        watch.heard_at = -math.inf  # a new observation counts anew
        answer, watch.stop = await self._channel.observe(watch.resource.address, partial(self._notified, watch))
        if answer.more:
            watch.sequence = answer.observe or 0
            return await self._fetch(watch, observe=answer.observe)
        if answer.observe is not None and not self._is_newer(watch, answer.observe):  # overtaken by a notification
            return answer._replace(code=_VALID, observe=watch.sequence)
        return answer

    async def _fetch(self, watch: Watch, *, observe: int | None) -> Answer:
        """The whole of a payload of which the first block has come, or of a newer one."""
        watch.unread = False
        whole = await self._channel.get(watch.resource.address)
        return whole._replace(observe=observe)

    async def _refuse_dead_device(self) -> None:
        """A resource is silent: is the device? Raises LinkLost."""
        try:
            await self._channel.get(self._probe)
        except DeviceTimeout as error:
            raise LinkLost(f"{error}, and neither to what was asked before") from error
        except Malformed:
            return  # it speaks

    def _notified(self, watch: Watch, said: Answer | DriverError) -> None:
        """Called by the channel for every notification, and when an observation ends."""
        if isinstance(said, DriverError):
            watch.due_at = 0.0
            self._look.set()
        elif said.observe is None:  # the device ends it, mostly with the reason
            self._take(watch, said, complete=False)
        elif self._is_newer(watch, said.observe):
            if said.more:
                watch.sequence, watch.unread = said.observe, True
                self._look.set()
            else:
                self._take(watch, said, complete=False)

    def _take(self, watch: Watch, answer: Answer, *, complete: bool) -> None:
        now = asyncio.get_running_loop().time()
        if answer.code != _VALID:
            self._outbox.put(watch.resource, answer, complete=complete)
        if answer.observe is not None:
            watch.sequence, watch.heard_at = answer.observe, now
            watch.due_at = now + fresh_s(answer.max_age, self._connection.max_age_s, self._connection.grace_s)
        else:
            watch.due_at = now + self._unobserved_s(watch, answer)
            self._look.set()

    def _unobserved_s(self, watch: Watch, answer: Answer) -> float:
        """When a resource that is not, or no longer, observed is asked again."""
        if answer.code >> 5 != 2:
            return max(_RETRY_S, watch.resource.rate_s)
        if not watch.said_unobservable:
            watch.said_unobservable = True
            _log.info(
                "%s answers %s without Observe: it is fetched every %g s instead",
                watch.resource.address,
                dotted(answer.code),
                watch.resource.rate_s,
            )
        return watch.resource.rate_s

    def _failed(self, watch: Watch, status: Status, retry_s: float) -> None:
        self._forget(watch)
        self._outbox.put(watch.resource, status, complete=True)
        watch.due_at = asyncio.get_running_loop().time() + retry_s

    def _forget(self, watch: Watch) -> None:
        if watch.stop is not None:
            watch.stop()
            watch.stop = None
