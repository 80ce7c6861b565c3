"""Asks every device of a plant once: what `uatwin check --probe` does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from drivers.driver import Deliver, Driver, Polled, Pushed
from drivers.errors import DriverError, status_of
from drivers.readings import Readings, now_ticks
from drivers.registry import driver_type
from drivers.status import is_good, name
from server.acquisition.connection import bindings_of
from server.config.plant import Connection, Plant

LONGEST_S: Final = 10.0
"""A device that pushes has so long to say something; each request of one that is asked has its own time-out."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What one connection answered. tags: how many it should feed; good: of those that were Good; problems: per
    StatusCode, a text for a person with the number and the first tags; error: why the device was not reached."""

    connection: str
    tags: int
    good: int
    problems: tuple[str, ...]
    error: str = ""

    @property
    def works(self) -> bool:
        """Every tag came, and came Good."""
        return not self.error and self.good == self.tags


async def probe(plant: Plant) -> Sequence[Probe]:
    """All connections of the plant, side by side."""
    return await asyncio.gather(*(_probe(connection) for connection in plant.connections.values()))


async def _probe(connection: Connection) -> Probe:
    wanted = [tag for tag in connection.tags if tag.command is None]
    bindings = bindings_of(connection.tags)
    driver = driver_type(connection.driver).create(connection.name, connection.settings, bindings)
    try:
        async with asyncio.timeout(LONGEST_S):
            await driver.connect()
        status = await _ask(driver, {tag.row for tag in wanted})
    except (DriverError, TimeoutError) as error:
        return Probe(connection.name, len(wanted), 0, (), str(error) or "no answer in time")
    finally:
        await driver.close()
    paths: dict[str, list[str]] = {}
    for tag in wanted:
        code = status.get(tag.row)
        if code is None or not is_good(code):
            paths.setdefault("no value came" if code is None else name(code), []).append(tag.path)
    bad = sum(map(len, paths.values()))
    return Probe(connection.name, len(wanted), len(wanted) - bad, tuple(_told(*item) for item in paths.items()))


def _told(what: str, paths: list[str]) -> str:
    shown = ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
    return f"{what}: {shown}"


async def _ask(driver: Driver, rows: set[int]) -> dict[int, int]:
    """The StatusCode of each row that said something."""
    status: dict[int, int] = {}

    def take(batch: Readings) -> None:
        status.update(zip(batch.row.tolist(), batch.status.tolist(), strict=True))

    if isinstance(driver, Polled):
        for group in driver.groups:
            try:
                take(await driver.read(group))
            except DriverError as error:
                take(Readings.uniform(group.rows, int(status_of(error)), now_ticks()))
    if isinstance(driver, Pushed) and rows - status.keys():
        await _listen(driver, take, lambda: not rows - status.keys())
    return status


async def _listen(driver: Pushed, take: Deliver, complete: Callable[[], bool]) -> None:
    done = asyncio.Event()

    def deliver(batch: Readings) -> None:
        take(batch)
        if complete():
            done.set()

    observing = asyncio.create_task(driver.observe(deliver))
    waiting = asyncio.create_task(done.wait())
    await asyncio.wait([observing, waiting], timeout=LONGEST_S, return_when=asyncio.FIRST_COMPLETED)
    for task in (observing, waiting):
        task.cancel()
    results = await asyncio.gather(observing, waiting, return_exceptions=True)
    if isinstance(results[0], DriverError) and not done.is_set():
        raise results[0]
