"""Answers that arrive one by one, delivered in batches."""

from __future__ import annotations

import asyncio
from typing import Final

from drivers.coap.answer import Answer
from drivers.coap.columns import Columns
from drivers.coap.resources import Resource
from drivers.driver import Deliver, Traffic
from drivers.readings import now_ticks
from drivers.status import Status

_BATCH_S: Final = 0.025
"""At most so long a notification waits for others, as a batch of one costs 22 us and one of twenty 4 us a value."""


class Outbox:
    """Collects answers and delivers what they say in one batch: at once after a pause, else every 25 ms."""

    def __init__(self, deliver: Deliver, traffic: Traffic) -> None:
        self._deliver = deliver
        self._traffic = traffic
        self._waiting: list[tuple[Resource, Answer | Status, int, bool]] = []
        self._flushed_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def put(self, resource: Resource, said: Answer | Status, *, complete: bool) -> None:
        """What a resource said, or the status its tags get because it said nothing."""
        self._waiting.append((resource, said, now_ticks(), complete))
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(loop.time(), self._flushed_at + _BATCH_S), self.flush)

    def flush(self) -> None:
        """Deliver what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._flushed_at = asyncio.get_running_loop().time()
        waiting, self._waiting = self._waiting, []
        columns = Columns()
        for resource, said, ticks, complete in waiting:
            if isinstance(said, Answer):
                resource.decode(said, ticks, columns, self._traffic, complete=complete)
            else:
                columns.fail(resource.bindings, said, ticks)
        batch = columns.batch()
        if len(batch):
            self._deliver(batch)
