"""What the tests of the CoAP driver look at and wait with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any

import numpy as np

from drivers.coap.driver import CoapDriver
from drivers.data_types import CELL_VIEW
from drivers.driver import Binding
from drivers.errors import DriverError
from drivers.readings import Readings
from drivers.status import Status

Bind = Callable[..., Binding]
Open = Callable[..., AbstractAsyncContextManager[CoapDriver]]


class Table:
    """The last reading of each row and all batches, as a tag table would get them."""

    def __init__(self, bindings: tuple[Binding, ...]) -> None:
        self._kinds = {binding.row: binding.data_type for binding in bindings}
        self.batches: list[Readings] = []
        self.value: dict[int, object] = {}
        self.status: dict[int, int] = {}
        self.ticks: dict[int, int] = {}

    def deliver(self, batch: Readings) -> None:
        """Takes a batch over."""
        self.batches.append(batch)
        for index, row in enumerate(batch.row.tolist()):
            self.status[row] = Status(int(batch.status[index]))
            self.ticks[row] = int(batch.source_ticks[index])
            if self.status[row] < 0x80000000:
                self.value[row] = batch.side.get(index, self._cell(row, batch.value[index : index + 1]))

    def _cell(self, row: int, cell: np.ndarray[Any, Any]) -> object:
        view = CELL_VIEW.get(self._kinds[row])
        return None if view is None else cell.view(view)[0].item()

    @staticmethod
    def of(bindings: tuple[Binding, ...], batch: Readings) -> Table:
        """A single batch, readable."""
        table = Table(bindings)
        table.deliver(batch)
        return table


class Observing:
    """`observe` running in the background, its table, and how it ended."""

    def __init__(self, driver: CoapDriver, *bindings: Binding) -> None:
        self.table = Table(bindings)
        self.error: DriverError | None = None
        self._driver = driver
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Observing:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        try:
            await self._driver.observe(self.table.deliver)
        except DriverError as error:
            self.error = error


async def until(condition: Callable[[], bool], deadline_s: float = 5.0) -> None:
    """Wait for something that real sockets bring about."""
    async with asyncio.timeout(deadline_s):
        while not condition():  # noqa: ASYNC110 (what is awaited is another process or the kernel)
            await asyncio.sleep(0.005)
