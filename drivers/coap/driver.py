"""A CoAP device as a driver: fetches, observes and writes over its channels."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from drivers.coap.answer import Answer
from drivers.coap.channel import Channel
from drivers.coap.codes import is_success, write_status
from drivers.coap.columns import Columns
from drivers.coap.observing import Observer
from drivers.coap.opening import opener_of, protection_of
from drivers.coap.protection import Protection
from drivers.coap.resources import Address, Resource, grouped, observed, polled, refusal
from drivers.coap.settings import CoapConnection, WriteMethod, split_path
from drivers.coap.writes import Write, write_of
from drivers.driver import Binding, Deliver, PollGroup, Traffic
from drivers.errors import ConnectFailed, DeviceTimeout, DriverError, LinkLost, Malformed, Refused
from drivers.readings import Readings, now_ticks
from drivers.status import Status

_SILENT_TIMES: Final = 3
"""After so many requests in a row without an answer the device is gone, and its name is looked up again."""


class CoapDriver:
    """Polled, Pushed and Writable.

    Fetching, observing and commanding have sockets of their own, opened when first used: a resource that stays silent
    delays or ends nothing else.
    """

    def __init__(self, name: str, connection: CoapConnection, bindings: Sequence[Binding]) -> None:
        self.traffic = Traffic()
        self._name = name
        self._connection = connection
        self._bindings = {binding.row: binding for binding in bindings}
        self._writes: dict[int, Write] = {b.row: write_of(b) for b in bindings if b.writable}
        self._observed = observed(bindings)
        self.groups: Sequence[PollGroup] = [_group(resource) for resource in polled(bindings)]
        self._probe = Address(split_path(connection.probe))
        self._channels: list[Channel] = []
        self._free: asyncio.LifoQueue[Channel] = asyncio.LifoQueue()
        self._protection: Protection | None = None
        self._silent = 0

    async def connect(self) -> None:
        """The device answers a GET, whatever it answers, and accepts our keys; raises ConnectFailed."""
        await self.close()
        self._silent = 0
        try:
            await self._open()
            await self._used_channel().get(self._probe)
        except Malformed as error:  # it speaks, and that is all that was asked
            if self._connection.oscore is not None:
                await self.close()
                raise ConnectFailed(f"{self._name}: {error}") from error
        except DriverError as error:
            await self.close()
            raise ConnectFailed(f"{self._name}: {error}") from error

    async def _open(self) -> None:
        opener = opener_of(self._connection)
        protection = self._protection = await protection_of(self._connection)
        number = self._connection.concurrency + 2
        self._channels = [Channel(self._connection, self.traffic, opener, protection) for _ in range(number)]
        self._free = asyncio.LifoQueue()
        for channel in self._channels[2:]:
            self._free.put_nowait(channel)

    def _used_channel(self) -> Channel:
        """A channel that will be needed anyway."""
        return self._observing if self._observed else self._channels[2] if self.groups else self._commanding

    @property
    def _commanding(self) -> Channel:
        return self._open_channels()[0]

    @property
    def _observing(self) -> Channel:
        return self._open_channels()[1]

    def _open_channels(self) -> list[Channel]:
        if not self._channels:
            raise LinkLost(f"{self._name} is not connected")
        return self._channels

    async def close(self) -> None:
        """Free the sockets; what waits for an answer gets LinkLost."""
        channels, self._channels = self._channels, []
        for channel in channels:
            channel.close()
        if self._protection is not None:
            self._protection.close()
            self._protection = None

    async def read(self, group: PollGroup) -> Readings:
        """Fetch a resource and read its tags. Raises DeviceTimeout, and LinkLost when the device is gone."""
        self._open_channels()
        free = self._free
        channel = await free.get()
        try:
            return await self._fetch(channel, group.plan)
        finally:
            free.put_nowait(channel)

    async def read_rows(self, rows: Sequence[int]) -> Readings:
        """Fetch some tags now, one request per resource, whether they are observed or polled."""
        wanted = [self._bindings[row] for row in rows]
        resources = grouped(wanted, by_rate=False)
        return Readings.concat([await self._fetch(self._commanding, resource) for resource in resources])

    async def _fetch(self, channel: Channel, resource: Resource) -> Readings:
        columns = Columns()
        try:
            answer = await channel.get(resource.address)
        except DeviceTimeout as error:
            raise self._unanswered(error) from error
        except Malformed:
            columns.fail(resource.bindings, Status.BadCommunicationError, now_ticks())
        else:
            resource.decode(answer, now_ticks(), columns, self.traffic)
        self._silent = 0
        return columns.batch()

    def _unanswered(self, error: DeviceTimeout) -> DriverError:
        self._silent += 1
        if self._silent < _SILENT_TIMES:
            return DeviceTimeout(f"{self._name}: {error}")
        return LinkLost(f"{self._name}: {error}, {self._silent} times in a row")

    async def observe(self, deliver: Deliver) -> None:
        """Keep the observed resources observed until cancelled; raises LinkLost when the device is gone."""
        observer = Observer(self._connection, self._observing, self._observed, self._probe, deliver, self.traffic)
        await observer.run()

    async def write(self, row: int, value: object) -> None:
        """PUT or POST a value; returns when the device has answered 2.xx."""
        write = self._writes[row]
        payload = write.payload(value, now_ticks())
        post = write.method is WriteMethod.POST
        answer = await self._commanding.put(write.address, payload, write.content_format, post=post)
        self._silent = 0
        if not is_success(answer.code):
            raise _refused(write, answer)


def _group(resource: Resource) -> PollGroup:
    label = str(resource.address)
    return PollGroup(f"GET {label}, {resource.rate_s:g} s", resource.rate_s, resource.rows, resource, unit=label)


def _refused(write: Write, answer: Answer) -> Refused:
    return Refused(f"{write.method.value} {write.address}: {refusal(answer)}", answer.code, write_status(answer.code))
