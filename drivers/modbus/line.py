"""A connection's requests, one turn after the other: whose turn it is, pauses, and devices that say they are busy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from drivers.driver import Traffic
from drivers.errors import LinkLost, Malformed
from drivers.modbus import pdu
from drivers.modbus.address import label
from drivers.modbus.channel import Answer, Channel
from drivers.modbus.gate import Gate, Turn
from drivers.modbus.mbap import MbapChannel
from drivers.modbus.opening import open_channel
from drivers.modbus.settings import ModbusConnection, Table
from drivers.modbus.volley import Request

_BUSY_WAIT_S: Final = 0.1
"""How long a device that says it is busy (exceptions 05 and 06) is left alone before it is asked once more."""


class Line:
    """What the driver asks through. Raises what `drivers.errors` has, LinkLost while it is not open."""

    def __init__(self, name: str, settings: ModbusConnection) -> None:
        self.name = name
        self.settings = settings
        self.traffic = Traffic()
        self._gate = Gate()
        self._channel: Channel | None = None
        self._prompt: MbapChannel | None = None
        self._ready_at = 0.0

    async def open(self) -> None:
        """Connect anew; raises ConnectFailed."""
        await self.close()
        self._channel = channel = await open_channel(self.settings, self.traffic)
        self._prompt = channel if isinstance(channel, MbapChannel) else None
        self._ready_at = asyncio.get_running_loop().time() + self.settings.pause_after_connect_s

    async def close(self) -> None:
        """Close the connection; a request that waits for its answer gets LinkLost."""
        channel, self._channel = self._channel, None
        self._prompt = None
        if channel is not None:
            await channel.close()

    async def ask(self, turn: Turn, requests: Sequence[Request]) -> list[Answer]:
        """Replies to requests (of one unit) that are made in one turn."""
        channel = self._channel
        if channel is not None and (rest_s := channel.rest_until_s(requests[0][0])):
            await asyncio.sleep(max(0.0, rest_s - asyncio.get_running_loop().time()))
        if not self._gate.try_enter():
            await self._gate.enter(turn)
        try:
            replies = await self._ask_once(requests)
            if any(map(_is_busy, replies)):
                await self._ask_the_busy(requests, replies)
            return replies
        finally:
            self._gate.leave()

    def enter(self) -> MbapChannel | None:
        """Take the turn without waiting, where answers are told apart by transaction and no pause is to be kept;
        `leave` gives it back."""
        if self._ready_at or self._prompt is None or not self._gate.try_enter():
            return None
        return self._prompt

    def leave(self) -> None:
        """Give the turn to the next."""
        self._gate.leave()

    async def ask_again(self, turn: Turn, requests: Sequence[Request], replies: list[Answer]) -> None:
        """Ask once more where the device said that it is busy."""
        if any(map(_is_busy, replies)):
            async with self.turn(turn):
                await self._ask_the_busy(requests, replies)

    @asynccontextmanager
    async def turn(self, turn: Turn) -> AsyncIterator[None]:
        """Several requests (`ask_now`) between which no other may come."""
        await self._gate.enter(turn)
        try:
            yield
        finally:
            self._gate.leave()

    async def ask_now(self, request: Request) -> bytes:
        """The answer to a request within a turn; raises what stands for it."""
        replies = await self._ask_once([request])
        if _is_busy(replies[0]):
            await self._ask_the_busy([request], replies)
        return sound(replies)

    def where(self, unit: int, table: Table, start: int) -> str:
        """ "line1: unit 1, holding 40001", in the notation of the plant file."""
        return f"{self.name}: unit {unit}, {table} {label(self.settings.addresses, table, start)}"

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Counts an answer that is not what was asked for."""
        try:
            yield
        except Malformed as error:
            self.traffic.malformed += 1
            self.traffic.last_malformed = str(error)
            raise

    async def _ask_the_busy(self, requests: Sequence[Request], replies: list[Answer]) -> None:
        """Ask once more where the device said that it is busy."""
        busy = [index for index, reply in enumerate(replies) if _is_busy(reply)]
        await asyncio.sleep(_BUSY_WAIT_S)
        again = await self._ask_once([requests[index] for index in busy])
        for index, reply in zip(busy, again, strict=True):
            replies[index] = reply

    async def _ask_once(self, requests: Sequence[Request]) -> list[Answer]:
        if self._channel is None:
            raise LinkLost(f"{self.settings.place}: not connected")
        if not self._ready_at:
            return await self._channel.request(requests)
        loop = asyncio.get_running_loop()
        if (wait_s := self._ready_at - loop.time()) > 0:
            await asyncio.sleep(wait_s)
        if self._channel is None:
            raise LinkLost(f"{self.settings.place}: closed")
        try:
            return await self._channel.request(requests)
        finally:
            self._ready_at = loop.time() + self.settings.pause_s if self.settings.pause_s else 0.0


def sound(replies: Sequence[Answer]) -> bytes:
    """The one reply; raises the error that it is."""
    reply = replies[0]
    if not isinstance(reply, bytes):
        raise reply
    return reply


def _is_busy(reply: Answer) -> bool:
    return isinstance(reply, bytes) and len(reply) == 2 and bool(reply[0] & 0x80) and reply[1] in pdu.BUSY
