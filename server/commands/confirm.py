"""Seeing a written value come back from the device."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, Protocol, Self

import numpy as np

from drivers.errors import ConnectFailed, DriverError, LinkLost
from drivers.readings import Readings
from drivers.status import is_good
from server.tags.table import TagTable

FIRST_PAUSE_S: Final = 0.05
LAST_PAUSE_S: Final = 0.4


class Writer(Protocol):
    """The way to the devices (`server.acquisition`). Raises `drivers.errors`."""

    async def write(self, row: int, value: object) -> None:
        """Write one value; returns when the device has acknowledged it."""

    async def read_rows(self, rows: Sequence[int]) -> Readings:
        """Ask for rows now, without committing them."""

    def can_read(self, row: int) -> bool:
        """Whether the row's device can be asked."""


def same(written: Any, seen: Any, tolerance: float) -> bool:
    """Whether what was read back is what was written; numbers may differ by the tolerance."""
    if isinstance(written, list | np.ndarray):
        alike = np.shape(written) == np.shape(seen)
        return alike and all(same(one, other, tolerance) for one, other in zip(written, seen, strict=True))
    if isinstance(written, bool | np.bool_ | str | bytes):
        return bool(written == seen)
    return isinstance(seen, int | float | np.number) and bool(abs(written - seen) <= tolerance)


class Confirmation:
    """Watches a row from before the write on, so that an answer quicker than the acknowledgement is not missed."""

    def __init__(self, table: TagTable, row: int, written: object, tolerance: float) -> None:
        self._table = table
        self._row = row
        self._written = written
        self._tolerance = tolerance
        self._seen = asyncio.Event()
        self.reason = "the device never showed the value"

    def __enter__(self) -> Self:
        self._stop = self._table.on_commit(self._look)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    async def wait(self, writer: Writer) -> None:
        """Return once a Good reading shows the value; the device is asked for it where it can be. Does not end by
        itself otherwise; raises ConnectFailed or LinkLost when the device goes."""
        pause_s = FIRST_PAUSE_S
        while writer.can_read(self._row) and not self._seen.is_set():
            await self._ask(writer)
            if not self._seen.is_set():
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, LAST_PAUSE_S)
        await self._seen.wait()

    async def _ask(self, writer: Writer) -> None:
        try:
            self._table.commit(await writer.read_rows([self._row]))
        except (ConnectFailed, LinkLost):
            raise
        except DriverError as error:  # asked again until the time is over
            self.reason = str(error)

    def _look(self, batch: Readings) -> None:
        if not (batch.row == self._row).any():
            return
        seen = self._table.python_value(self._row)
        if is_good(int(self._table.status[self._row])) and same(self._written, seen, self._tolerance):
            self._seen.set()
        else:
            self.reason = f"the device shows {seen!r}"
