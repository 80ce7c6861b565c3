"""How long after a device is back its first Good value stands, beyond the pause in force: Modbus, MQTT and CoAP."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import shutil
import socket
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.processes import ROOT, Result
from drivers.link import BackOff, LinkState
from drivers.readings import Readings
from server.acquisition.acquisition import Acquisition
from server.config.load import load_plant
from server.tags.table import TagTable

_ROUND_S = 30.0
_AWAY_S = 1.5
"""A device stays away for up to so long after it was missed, by chance, so that it comes back anywhere in a pause."""

_POINTS = {
    "modbus": ("driver: modbus, host: 127.0.0.1, port: {port}, unit: 1, timeout_s: 0.5", "address: 0"),
    "coap": ("driver: coap, host: 127.0.0.1, port: {port}, timeout_s: 0.5, keepalive_s: 0.3", "path: /r0, value: $.v"),
    "mqtt": ("driver: mqtt, host: 127.0.0.1, port: {port}, keepalive_s: 5", "topic: value"),
}
_PLANT = """plant: {{name: Bench}}
connections:
  device: {{{connection}}}
twins:
  Device:
    scope: asset
    connection: device
    telemetry:
      Value: {{type: Double, rate_s: 0.2, point: {{{point}}}}}
"""


class NoBroker(RuntimeError):
    """There is no mosquitto to measure with."""


@dataclass(frozen=True)
class Watched(BackOff):
    """A back-off that remembers its pauses: when each began and when it ends."""

    pauses: list[tuple[float, float]] = field(default_factory=list)

    def delay_s(self, attempt: int, chance: float) -> float:
        delay_s = super().delay_s(attempt, chance)
        now = time.monotonic()
        self.pauses.append((now, now + delay_s))
        return delay_s

    def over_s(self, at_s: float) -> float:
        """When the pause that is in force at a time ends; that time itself where none is."""
        return max([at_s, *(end for begin, end in self.pauses if begin <= at_s < end)])


class Bridge:
    """The acquisition of one connection with one tag."""

    def __init__(self, file: Path) -> None:
        plant = load_plant(file)
        self.back_off = Watched(initial_s=0.2, maximum_s=1.0)
        self.table = TagTable([int(tag.data_type) for tag in plant.tags], [tag.array_length for tag in plant.tags])
        self.acquisition = Acquisition(plant, self.table, back_off=self.back_off)
        self.good_at: list[float] = []
        self.table.on_commit(self._note)

    def _note(self, batch: Readings) -> None:
        if ((batch.row == 0) & (batch.status == 0)).any():
            self.good_at.append(time.monotonic())

    async def good_since(self, at_s: float) -> float:
        """When the first Good value came after a time."""
        await _until(lambda: bool(self.good_at) and self.good_at[-1] >= at_s)
        return next(at for at in self.good_at if at >= at_s)

    async def missed(self) -> None:
        """Until the device is known to be away."""
        (link,) = self.acquisition.links.values()
        await _until(lambda: self.table.status[0] != 0 and link.state is not LinkState.Connected)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(_ROUND_S):
        while not condition():  # noqa: ASYNC110 (it is made true by other processes)
            await asyncio.sleep(0.001)


def _free_port(kind: socket.SocketKind) -> int:
    with socket.socket(type=kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _device(kind: str, port: int) -> tuple[Process, float]:
    """A device that is there, and since when."""
    command = (sys.executable, "-m", "benchmarks.recovery_device", kind, str(port))
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, cwd=ROOT)
    assert process.stdout is not None
    return process, json.loads(await process.stdout.readline())["at_s"]


async def _broker(config: Path, port: int) -> tuple[Process, float]:
    """A mosquitto that listens, and since when."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if program is None:
        raise NoBroker("mosquitto is not installed (Debian: apt-get install mosquitto)")
    process = await asyncio.create_subprocess_exec(program, "-c", config, stdout=DEVNULL, stderr=DEVNULL)

    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    await _until(listens)
    return process, time.monotonic()


@asynccontextmanager
async def _running(bridge: Bridge) -> AsyncIterator[None]:
    task = asyncio.create_task(bridge.acquisition.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def measure(protocol: str, rounds: int, folder: Path) -> list[float]:
    """Seconds from the return of the device to its first Good value, less what was left of the pause: one per round."""
    port = _free_port(socket.SOCK_DGRAM if protocol == "coap" else socket.SOCK_STREAM)
    connection, point = _POINTS[protocol]
    file = folder / f"{protocol}.yaml"
    file.write_text(_PLANT.format(connection=connection.format(port=port), point=point))
    config = folder / f"{protocol}.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")

    async def start() -> tuple[Process, float]:
        return await (_broker(config, port) if protocol == "mqtt" else _device(protocol, port))

    processes = [(await _device("mqtt", port))[0]] if protocol == "mqtt" else []
    killed, since_s = await start()
    bridge, took_s = Bridge(file), list[float]()
    try:
        async with _running(bridge):
            await bridge.good_since(since_s)
            for _ in range(rounds):
                killed.kill()
                await killed.wait()
                await bridge.missed()
                await asyncio.sleep(random.uniform(0, _AWAY_S))
                killed, back_s = await start()
                took_s.append(await bridge.good_since(back_s) - bridge.back_off.over_s(back_s))
    finally:
        for process in (killed, *processes):
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return took_s


async def run(rounds: int = 25) -> AsyncIterator[Result]:
    """25 rounds for each protocol, side by side: killed, missed, started again on the same port. Pauses are 0.1 to 1 s
    here instead of 0.5 to 30 s, and count for nothing."""
    logging.getLogger("drivers.link").setLevel(logging.ERROR)  # losses are what this is about
    with tempfile.TemporaryDirectory(prefix="uatwin-bench-") as folder:
        every = await asyncio.gather(*(measure(protocol, rounds, Path(folder)) for protocol in _POINTS))
    took_s = np.array(every)
    p99 = dict(zip(_POINTS, np.percentile(took_s, 99, axis=1), strict=True))
    yield {
        "rounds": took_s.size,
        "p50_s": round(float(np.percentile(took_s, 50)), 3),
        "p99_s": round(float(np.percentile(took_s, 99)), 3),
        **{f"{protocol}_p99_s": round(float(p99_s), 3) for protocol, p99_s in p99.items()},
        "good": bool(took_s.max() < 2.0),
    }
