"""Outages of a broker under a stream of numbered messages: how soon it shows, how soon it is over, what is lost."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from drivers.readings import Readings
from tests.simulators.bridge import Bridge, bridge
from tests.simulators.mqtt_broker import MqttBroker, program
from tests.simulators.waiting import until

EVERY_S = 0.02
PLANT = """
plant: {{name: P}}
connections:
  broker: {{driver: mqtt, host: 127.0.0.1, port: {port}, keepalive_s: 1, {settings}}}
twins:
  P:
    scope: asset
    rate_s: 0.5
    connection: broker
    telemetry:
      N: {{type: Double, point: {{topic: numbers}}}}
"""
KEPT = "persistent_session: true, client_id: outages, qos: 1"


@dataclass(frozen=True, slots=True)
class Outage:
    """until_bad_s: from the event until the tag is not Good; until_good_s: from the broker's return until it is Good
    again; lost: numbered messages that never came, of sent."""

    until_bad_s: float
    until_good_s: float
    lost: int
    sent: int


class Numbers:
    """Publishes 0, 1, 2, ... with QoS 1 every 20 ms, and keeps what the broker does not take for later."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.sent = 0

    async def keep_sending(self) -> None:
        assert self._process.stdin is not None
        while True:
            self._process.stdin.write(b"%d\n" % self.sent)
            self.sent += 1
            await asyncio.sleep(EVERY_S)


@asynccontextmanager
async def numbers(broker: MqttBroker, *options: str) -> AsyncIterator[Numbers]:
    """A device that sends numbers and in the end dies without a goodbye; options: of mosquitto_pub, such as a will."""
    process = await asyncio.create_subprocess_exec(
        *(program("mosquitto_pub"), "-p", str(broker.port), "-t", "numbers", "-q", "1", "-l", *options),
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    sending = Numbers(process)
    task = asyncio.create_task(sending.keep_sending())
    try:
        yield sending
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        process.kill()
        await process.communicate()


async def outage(
    folder: Path,
    settings: str,
    begin: Callable[[MqttBroker, Bridge], Awaitable[None]],
    end: Callable[[MqttBroker], Awaitable[None]],
) -> Outage:
    """Run a plant on a broker, begin an outage of about a second, end it, and count."""
    seen: set[int] = set()

    def note(batch: Readings) -> None:
        seen.update(batch.value[batch.status == 0].view(np.float64).astype(int).tolist())

    with MqttBroker(persistent=True) as broker:
        async with bridge(folder, PLANT.format(port=broker.port, settings=settings)) as p:
            p.table.on_commit(note)
            await until(lambda: p.acquisition.links["broker"].connected)
            async with numbers(broker) as publisher:
                await until(lambda: p.good("P/N") and len(seen) > 10)
                first = min(seen)
                await begin(broker, p)
                until_bad = await until(lambda: not p.good("P/N"))
                await asyncio.sleep(0.5)
                await end(broker)
                until_good = await until(lambda: p.good("P/N"))
                last = publisher.sent - 1
                await until(lambda: last in seen)
                await asyncio.sleep(0.2)
            wanted = set(range(first, last + 1))
            return Outage(round(until_bad, 2), round(until_good, 2), len(wanted - seen), len(wanted))


async def killed(folder: Path) -> Outage:
    """The broker dies; the subscription is QoS 0 without a kept session: what the device sent meanwhile may be lost."""

    async def begin(broker: MqttBroker, _: Bridge) -> None:
        broker.kill()

    return await outage(folder, "qos: 0", begin, _start)


async def restarted_with_queue(folder: Path) -> Outage:
    """The broker stores its queue and stops; session kept, QoS 1."""

    async def begin(broker: MqttBroker, _: Bridge) -> None:
        broker.stop()

    return await outage(folder, KEPT, begin, _start)


async def frozen(folder: Path) -> Outage:
    """The broker lives and answers nothing; keep-alive 1 s, session kept, QoS 1."""

    async def begin(broker: MqttBroker, _: Bridge) -> None:
        broker.freeze()

    async def end(broker: MqttBroker) -> None:
        broker.thaw()

    return await outage(folder, KEPT, begin, end)


async def _start(broker: MqttBroker) -> None:
    broker.start()
