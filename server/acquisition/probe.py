"""Asks the devices of a plant once: what `uatwin check --probe` and `uatwin probe` do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from drivers.driver import Driver, Polled, Pushed
from drivers.errors import DeviceTimeout, DriverError, status_of
from drivers.readings import Readings, now_ticks
from drivers.registry import driver_type
from drivers.status import is_good, name
from server.config.connections import bindings_of
from server.config.plant import Connection, Plant, Tag
from server.tags.table import TagTable

LONGEST_S: Final = 10.0
"""A device that pushes has so long to say something; each request of one that is asked has its own time-out."""
_SETTLE_S: Final = 0.5
"""How long commands, which nobody may report, are waited for once all telemetry has come."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came for one tag. status: its StatusCode, None where nothing came; value: a Python value or numpy array,
    None where there is none; raw: what it was made from, as text, "" where nothing came."""

    tag: Tag
    status: int | None
    value: object
    raw: str

    @property
    def works(self) -> bool:
        """It came Good, or is a command that nobody reports back."""
        return self.tag.command is not None if self.status is None else is_good(self.status)


@dataclass(frozen=True, slots=True)
class Probe:
    """What one connection answered. answers: by tag, commands included; error: why the device was not reached."""

    connection: str
    answers: tuple[Answer, ...]
    error: str = ""

    @property
    def works(self) -> bool:
        """Every tag came, and came Good."""
        return not self.error and all(answer.works for answer in self.answers)

    @property
    def tags(self) -> int:
        """How many telemetry tags it should feed."""
        return sum(answer.tag.command is None for answer in self.answers)

    @property
    def good(self) -> int:
        """How many of those were Good."""
        return sum(answer.tag.command is None and answer.works for answer in self.answers)

    @property
    def problems(self) -> tuple[str, ...]:
        """Per StatusCode that is not Good, a text for a person with the number and the first tags."""
        paths: dict[str, list[str]] = {}
        for answer in self.answers:
            if not answer.works:
                what = "no value came" if answer.status is None else name(answer.status)
                paths.setdefault(what, []).append(answer.tag.path)
        return tuple(_told(*item) for item in paths.items())


async def probe(plant: Plant, connections: Iterable[str] = (), wait_s: float = LONGEST_S) -> Sequence[Probe]:
    """Those connections of the plant, or all, side by side. wait_s: how long those that push may take."""
    chosen = [plant.connections[one] for one in connections or plant.connections]
    return await asyncio.gather(*(_Probing(connection, plant, wait_s).run() for connection in chosen))


def _told(what: str, paths: list[str]) -> str:
    shown = ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
    return f"{what}: {shown}"


class _Probing:
    """One connection while it is asked."""

    def __init__(self, connection: Connection, plant: Plant, wait_s: float) -> None:
        self._connection = connection
        self._wait_s = wait_s
        self._table = TagTable([tag.data_type for tag in plant.tags], [tag.array_length for tag in plant.tags])
        self._raw: dict[int, str] = {}
        self._telemetry = {tag.row for tag in connection.tags if tag.command is None}
        self._rows = {tag.row for tag in connection.tags}
        self._said: set[int] = set()
        self._news = asyncio.Event()

    async def run(self) -> Probe:
        """Connect, ask, listen, close."""
        connection = self._connection
        driver = driver_type(connection.driver).create(
            connection.name, connection.settings, bindings_of(connection.tags)
        )
        driver.traffic.raw_tap = self._raw.__setitem__
        error = ""
        try:
            async with asyncio.timeout(LONGEST_S):
                await driver.connect()
            await self._ask(driver)
        except (DriverError, TimeoutError) as failed:
            error = str(failed) or "no answer in time"
        finally:
            await driver.close()
        return Probe(connection.name, tuple(map(self._answer, connection.tags)), error)

    def _answer(self, tag: Tag) -> Answer:
        if tag.row not in self._said:
            return Answer(tag, None, None, "")
        status = int(self._table.status[tag.row])
        return Answer(tag, status, self._table.python_value(tag.row), self._raw.get(tag.row, ""))

    def _take(self, batch: Readings) -> None:
        if batch.past:
            return
        self._table.commit(batch)
        self._said.update(batch.row.tolist())
        self._news.set()

    async def _ask(self, driver: Driver) -> None:
        if isinstance(driver, Polled):
            silent: set[str] = set()
            for group in driver.groups:
                if group.unit in silent:
                    self._take(Readings.uniform(group.rows, int(DeviceTimeout.status), now_ticks()))
                    continue
                try:
                    self._take(await driver.read(group))
                except DriverError as error:
                    self._take(Readings.uniform(group.rows, int(status_of(error)), now_ticks()))
                    if isinstance(error, DeviceTimeout):
                        silent.add(group.unit)
        if isinstance(driver, Pushed) and not self._rows <= self._said:
            await self._listen(driver)

    async def _listen(self, driver: Pushed) -> None:
        observing = asyncio.create_task(driver.observe(self._take))
        waiting = asyncio.create_task(self._wait())
        await asyncio.wait([observing, waiting], return_when=asyncio.FIRST_COMPLETED)
        for task in (observing, waiting):
            task.cancel()
        results = await asyncio.gather(observing, waiting, return_exceptions=True)
        if isinstance(results[0], DriverError) and not self._telemetry <= self._said:
            raise results[0]

    async def _wait(self) -> None:
        """Until everything has come, or what must come has and the rest does not within _SETTLE_S."""
        await self._until(self._telemetry, self._wait_s)
        if self._telemetry <= self._said:
            await self._until(self._rows, min(_SETTLE_S, self._wait_s))

    async def _until(self, rows: set[int], within_s: float) -> None:
        try:
            async with asyncio.timeout(within_s):
                while not rows <= self._said:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return
