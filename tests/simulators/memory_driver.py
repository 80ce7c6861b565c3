"""A driver without a network, for tests of timing: a device in memory that dies, falls silent, refuses and is slow."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

from drivers.data_types import to_cells
from drivers.driver import Binding, Deliver, Driver, PollGroup, Traffic
from drivers.errors import ConnectFailed, DeviceTimeout, DriverError, LinkLost
from drivers.readings import Readings, now_ticks


@dataclass
class Device:
    """What is at the other end; the settings of a connection with the driver "memory".

    groups: (unit, rate_s, rows) of each poll group; none for a device that speaks by itself. up: connects are
    accepted. silent: units that do not answer within timeout_s. answer_s: how long an answer takes; close_s: how long
    hanging up does. failing: what the next exchanges raise, by "read" or "write". sticky: rows that take no value
    although they acknowledge it.
    """

    groups: Sequence[tuple[str, float, Sequence[int]]] = ()
    up: bool = True
    silent: set[str] = field(default_factory=set)
    timeout_s: float = 1.0
    answer_s: float = 0.01
    close_s: float = 0.0
    failing: dict[str, Exception] = field(default_factory=dict)
    sticky: set[int] = field(default_factory=set)
    values: dict[int, Any] = field(default_factory=dict)
    connects: list[float] = field(default_factory=list)
    reads: list[tuple[float, str]] = field(default_factory=list)
    writes: list[tuple[int, Any]] = field(default_factory=list)
    open: list[MemoryDriver] = field(default_factory=list)

    def hang_up(self) -> None:
        """Break every connection, as a device that is switched off."""
        for driver in list(self.open):
            driver.break_off()

    def go(self) -> None:
        """Off and unreachable."""
        self.up = False
        self.hang_up()

    def push(self, batch: Readings) -> None:
        """Say something to whoever listens."""
        for driver in self.open:
            if driver.deliver is not None:
                driver.deliver(batch)


def readings(rows: Sequence[int], values: Sequence[Any], bindings: dict[int, Binding]) -> Readings:
    """Good readings of numeric rows, now."""
    cells = [to_cells([value], bindings[row].data_type)[0] for row, value in zip(rows, values, strict=True)]
    return Readings(
        np.array(rows, np.int32),
        np.array(cells, np.uint64),
        np.zeros(len(rows), np.uint32),
        np.full(len(rows), now_ticks(), np.int64),
    )


class MemoryDriver:
    """Polled and Writable."""

    def __init__(self, name: str, device: Device, bindings: Sequence[Binding]) -> None:
        self.name = name
        self.device = device
        self.traffic = Traffic()
        self.bindings = {binding.row: binding for binding in bindings}
        self.groups = [
            PollGroup(f"unit {unit}, {rate_s:g} s", rate_s, np.array(rows, np.int32), None, unit)
            for unit, rate_s, rows in device.groups
        ]
        self.deliver: Deliver | None = None
        self._lost: asyncio.Future[None] | None = None
        self._turn = asyncio.Lock()

    async def connect(self) -> None:
        self.device.connects.append(_now())
        await asyncio.sleep(self.device.answer_s)
        if not self.device.up:
            raise ConnectFailed(f"{self.name}: connection refused")
        self._lost = asyncio.get_running_loop().create_future()
        self.device.open.append(self)

    async def close(self) -> None:
        await asyncio.sleep(self.device.close_s)
        self.break_off()

    def break_off(self) -> None:
        if self in self.device.open:
            self.device.open.remove(self)
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(None)

    async def read(self, group: PollGroup) -> Readings:
        self.device.reads.append((_now(), group.unit))
        await self._exchange("read", group.unit)
        return self._values(group.rows.tolist())

    async def read_rows(self, rows: Sequence[int]) -> Readings:
        await self._exchange("read", "")
        return self._values(rows)

    async def write(self, row: int, value: object) -> None:
        await self._exchange("write", "")
        self.device.writes.append((row, value))
        if row not in self.device.sticky:
            self.device.values[row] = value

    def _values(self, rows: Sequence[int]) -> Readings:
        return readings(rows, [self.device.values.get(row, 0) for row in rows], self.bindings)

    async def _exchange(self, what: str, unit: str) -> None:
        async with self._turn:  # a line takes one request at a time
            self.traffic.requests += 1
            silent = unit in self.device.silent
            lost = self._lost
            if lost is None:
                raise LinkLost(f"{self.name}: not connected")
            await asyncio.wait([lost], timeout=self.device.timeout_s if silent else self.device.answer_s)
            if lost.done():
                raise LinkLost(f"{self.name}: connection reset")
            if silent:
                raise DeviceTimeout(f"{self.name}: unit {unit} did not answer within {self.device.timeout_s:g} s")
            if what in self.device.failing:
                raise self.device.failing[what]
            self.traffic.responses += 1


class PushingMemoryDriver:
    """Pushed and Writable."""

    def __init__(self, name: str, device: Device, bindings: Sequence[Binding]) -> None:
        self._inner = MemoryDriver(name, device, bindings)
        self.traffic = self._inner.traffic
        self.connect = self._inner.connect
        self.close = self._inner.close
        self.write = self._inner.write

    async def observe(self, deliver: Deliver) -> None:
        self._inner.deliver = deliver
        assert self._inner._lost is not None
        await asyncio.shield(self._inner._lost)
        error = self._inner.device.failing.get("observe", LinkLost("connection reset"))
        assert isinstance(error, DriverError)
        raise error


def _create(name: str, device: Device, bindings: Sequence[Binding]) -> Driver:
    return MemoryDriver(name, device, bindings) if device.groups else PushingMemoryDriver(name, device, bindings)


MEMORY = SimpleNamespace(create=_create)
"""What `drivers.registry.driver_type("memory")` would be."""


def _now() -> float:
    return asyncio.get_running_loop().time()
