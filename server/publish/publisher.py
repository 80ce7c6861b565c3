"""A publisher: takes what is committed, reduces it, keeps it on disk until its broker has it; carries commands back.

collect: feed -> reduction -> queue          every interval_s
deliver: connect -> birth -> live values, and beside them what waits on disk at a limited rate -> acknowledged -> done
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from drivers.errors import ConnectFailed
from drivers.readings import now_ticks
from server.publish.collector import Collector
from server.publish.contract import Format, MakeSession, Message, Order, Received, Session
from server.publish.counters import Counters, figures
from server.publish.delivery import Delivery
from server.publish.queue import Queue, QueueError
from server.publish.reduced import Reduced

_log = logging.getLogger(__name__)
_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 30.0
_MOST_UNDER_WAY: Final = 2000
"""Messages; more are not handed over before some are acknowledged."""
_FAREWELL_S: Final = 1.0
T = TypeVar("T")
Obey = Callable[[Order], Awaitable[tuple[int, str]]]
"""Carries an order out; StatusCode and reason."""


@dataclass(frozen=True, slots=True)
class Pace:
    """interval_s: from one reduction to the next. drain_per_s: most values per second of what waited on disk."""

    interval_s: float = 0.5
    drain_per_s: int = 20_000


class Publisher:
    """One broker and one Format. `run` until cancelled."""

    def __init__(
        self,
        name: str,
        collector: Collector,
        queue: Queue,
        form: Format,
        connect: MakeSession,
        obey: Obey,
        pace: Pace | None = None,
    ) -> None:
        self.name = name
        self.queue = queue
        self.counters = Counters()
        self.connected = False
        self.collector = collector
        self._form = form
        self._connect = connect
        self._disk = asyncio.Lock()
        self._obey = obey
        self._pace = pace or Pace()
        self._delivery = Delivery()
        self._live: list[tuple[int, Reduced]] = []
        self._session: Session | None = None
        self._lost: asyncio.Event = asyncio.Event()
        self._room = asyncio.Event()
        self._heard = asyncio.Event()
        self._done: list[int] = []
        self._orders: set[asyncio.Task[None]] = set()

    def figures(self) -> dict[str, int | str]:
        """How it fares, by the names of its tags."""
        return figures(self.counters, self.queue, self.collector, self.connected)

    async def run(self) -> None:
        """Publish until cancelled; then say farewell."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._collect(), name=f"publisher {self.name} collect")
                tasks.create_task(self._deliver(), name=f"publisher {self.name} deliver")
        finally:
            for order in self._orders:
                order.cancel()
            await asyncio.gather(*self._orders, return_exceptions=True)
            self.queue.close()

    # -- from the table to the disk ---------------------------------------------------------------------------------

    async def _collect(self) -> None:
        try:
            while True:
                await asyncio.sleep(self._pace.interval_s)
                reduced = self.collector.take(now_ticks())
                if len(reduced):
                    number = await self._keep(reduced)
                    if self.connected:
                        self._live.append((number, reduced))
                await self._settle()
        finally:
            rest = self.collector.rest(now_ticks())
            if len(rest):
                await self._keep(rest)

    async def _keep(self, reduced: Reduced) -> int:
        """The number of the batch on disk; below 0 where the disk does not take it."""
        self.counters.values += len(reduced)
        try:
            return await self._on_disk(self.queue.append, reduced, now_ticks())
        except QueueError as error:
            self.counters.unsaved += 0 if self.connected else len(reduced)
            self._complain(str(error))
            return -now_ticks()

    async def _settle(self) -> None:
        """Strike off the queue what has been acknowledged."""
        done, self._done = self._done, []
        stored = [number for number in done if number > 0]
        if stored:
            try:
                await self._on_disk(self.queue.done, stored)
            except QueueError as error:
                self._done = stored + self._done
                self._complain(str(error))

    async def _on_disk(self, call: Callable[..., T], *arguments: object) -> T:
        """Off the event loop, one call at a time."""
        async with self._disk:
            return await asyncio.to_thread(call, *arguments)

    # -- from the disk to the broker --------------------------------------------------------------------------------

    async def _deliver(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                await self._connected()
                pause_s = _FIRST_PAUSE_S
            except ConnectFailed as error:
                self._complain(str(error))
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def _connected(self) -> None:
        """One connection from its birth to its end. Raises ConnectFailed when there is none to be had."""
        self._lost.clear()
        session = self._connect(self._acknowledged, self._received, self._on_lost)
        await session.open(self._form.will(), self._form.subscriptions())
        self._session = session
        try:
            await self._allowed()
            self.connected = not self._lost.is_set()
            if self.counters.last_error and self.connected:
                _log.info("%s: there is a connection again", self.name)
            self._resume(session)
            self._publish(self._form.birth(now_ticks()))
            work = [asyncio.create_task(self._drain()), asyncio.create_task(self._lost.wait())]
            try:
                await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in work:
                    task.cancel()
                await asyncio.wait(work)
            if not work[0].cancelled():
                work[0].result()
                self._publish(self._form.death(now_ticks()))
        except asyncio.CancelledError:
            await self._farewell()
            raise
        finally:
            self.connected, self._session = False, None
            await session.close()
            await self._keep_rest()

    async def _allowed(self) -> None:
        """Wait until the format may publish, or the connection is lost."""
        while not self._form.ready and not self._lost.is_set():
            self._heard.clear()
            await self._heard.wait()

    async def _drain(self) -> None:
        """Live batches as they come, and beside them those that wait on disk from before, at a limited rate. Ends when
        the format may publish no longer."""
        live_from = await self._on_disk(self.queue.newest)
        old, credit = 0, 0.0
        step_s = min(self._pace.interval_s, 0.1)
        last = time.monotonic()
        while self._form.ready:
            live, self._live = self._live, []
            for number, reduced in live:
                if number > live_from or number < 0:  # the rest comes from the disk
                    await self._send(number, reduced, historical=False)
            self._publish(self._form.due(now_ticks()))
            self._confirm()
            now = time.monotonic()
            credit = min(credit + (now - last) * self._pace.drain_per_s, float(self._pace.drain_per_s))
            last = now
            if old < live_from and credit >= 1:
                batches = await self._on_disk(self.queue.after, old, int(credit), live_from)
                for number, reduced in batches:
                    if self._delivery.holds(number):
                        old = number
                        continue
                    await self._send(number, reduced, historical=True)
                    credit -= len(reduced)
                    old = number
                old = old if batches else live_from
            await asyncio.sleep(step_s)

    async def _send(self, number: int, reduced: Reduced, historical: bool) -> None:
        while self._delivery.under_way >= _MOST_UNDER_WAY:
            self._room.clear()
            self._confirm()
            await self._room.wait()
        session = self._session
        assert session is not None
        self._delivery.begin(number, reduced)
        for message in self._form.data(reduced, historical, now_ticks()):
            self._delivery.sent(number, session.publish(message), message)
        self._done += self._delivery.complete(number)

    def _resume(self, session: Session) -> None:
        """What the last connection did not bring to its end comes first."""
        for number, message in self._delivery.again() if self._form.resumes else ():
            self._delivery.resent(number, session.publish(message), message)

    async def _keep_rest(self) -> None:
        """After a connection: the queue keeps what was not acknowledged, and only that."""
        self._live.clear()
        await self._settle()
        partly = self._delivery.partly()
        if not self._form.resumes:
            self._delivery.forget()
        for number, places, reduced in partly:
            if number > 0:
                try:
                    await self._on_disk(self.queue.keep_only, number, places, reduced)
                except QueueError as error:
                    self._complain(str(error))

    async def _farewell(self) -> None:
        """Say that it goes, and wait a little for what is under way."""
        self._publish(self._form.death(now_ticks()))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL_S):
                while self._delivery.under_way:
                    self._room.clear()
                    self._confirm()
                    await self._room.wait()

    # -- what the broker says ---------------------------------------------------------------------------------------

    def _publish(self, messages: Sequence[Message]) -> None:
        if self._session is not None:
            for message in messages:
                self._delivery.extra(self._session.publish(message), message)

    def _confirm(self) -> None:
        if self._session is not None:
            self._session.confirm()

    def _acknowledged(self, numbers: Sequence[int]) -> None:
        self._done += self._delivery.acknowledge(numbers)
        self.counters.messages += len(numbers)
        self.counters.sent = self._delivery.acknowledged
        self._room.set()

    def _on_lost(self, reason: str) -> None:
        self._complain(reason)
        self.counters.reconnects += 1
        self._lost.set()
        self._heard.set()

    def _received(self, message: Received) -> None:
        answers, orders = self._form.received(message, now_ticks())
        self._heard.set()
        self._publish(answers if self.connected else ())
        for order in orders:
            task = asyncio.create_task(self._carry_out(order), name=f"publisher {self.name} order")
            self._orders.add(task)
            task.add_done_callback(self._orders.discard)

    async def _carry_out(self, order: Order) -> None:
        status, reason = await self._obey(order)
        self.counters.orders += 1
        self._publish(self._form.answer(order, status, reason))

    def _complain(self, text: str) -> None:
        if text != self.counters.last_error:
            _log.warning("%s: %s", self.name, text)
        self.counters.last_error = text
