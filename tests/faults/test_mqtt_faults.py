"""Every way in which an MQTT broker, or a device behind it, fails under a stream of numbered messages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from drivers.readings import Readings
from drivers.status import Status
from tests.faults.table import FaultTable
from tests.faults.watch import Watch
from tests.simulators.bridge import Bridge, bridge
from tests.simulators.mqtt_broker import MqttBroker
from tests.simulators.mqtt_outages import EVERY_S, KEPT, numbers
from tests.simulators.waiting import until

DRIVER = "MQTT"
SETTINGS = (
    "mosquitto; a device publishes numbers with QoS 1 every 20 ms, keeps for later what the broker does not take, and\n"
    "connects anew after 1 s. The bridge: `keepalive_s: 1` (by default 15), `connect_timeout_s: 0.5` (by default 5);\n"
    "a lost connection is made anew after 0.1 to 0.4 s (by default 1 to 30 s). Broker and device are away for half a\n"
    "second, or until it shows. What is not *lost* arrived in the end, if late. With QoS 1 and a kept session nothing\n"
    "is lost, that is part of the test; without, what devices send before the bridge is back is lost."
)
LOST = Status.UncertainNoCommunicationLastUsableValue
AWAY_S = 0.5
ONLY_ONCE = "qos: 0"
WILL = ("--will-topic", "alive", "--will-payload", "offline", "--will-retain")
PLANT = """
plant: {{name: P}}
connections:
  broker: {{driver: mqtt, host: 127.0.0.1, port: {port}, keepalive_s: 1, connect_timeout_s: 0.5, {settings}}}
twins:
  P:
    scope: asset
    rate_s: 0.5
    stale_s: 10
    connection: broker
    telemetry:
      N: {{type: Double, point: {{topic: numbers, availability: {{topic: alive}}}}}}
      Other: {{type: Double, point: {{topic: other}}}}
"""


@pytest.fixture
def table(fault_table: FaultTable) -> FaultTable:
    """With what the figures depend on."""
    fault_table.settings[DRIVER] = SETTINGS
    return fault_table


@asynccontextmanager
async def connected(folder: Path, broker: MqttBroker, settings: str = ONLY_ONCE) -> AsyncIterator[Bridge]:
    """A plant on the broker, subscribed; Other is Good."""
    async with bridge(folder, PLANT.format(port=broker.port, settings=settings)) as p:
        await until(lambda: p.acquisition.links["broker"].connected)
        await broker.publish("other", "7")
        await until(lambda: p.good("P/Other"))
        yield p


def good_numbers(p: Bridge) -> set[float]:
    """Every value of N that ever looks Good from now on."""
    seen: set[float] = set()

    def note(batch: Readings) -> None:
        mine = (batch.row == p.row["P/N"]) & (batch.status == 0)
        seen.update(batch.value[mine].view(np.float64).tolist())

    p.table.on_commit(note)
    return seen


async def kill(broker: MqttBroker) -> None:
    broker.kill()
    await asyncio.sleep(AWAY_S)


async def stop(broker: MqttBroker) -> None:
    broker.stop()
    await asyncio.sleep(AWAY_S)


async def freeze(broker: MqttBroker) -> None:
    broker.freeze()


@pytest.mark.parametrize(
    ("fault", "settings", "begin", "end"),
    [
        ("the broker is killed; QoS 0, no kept session", ONLY_ONCE, kill, MqttBroker.start),
        ("the broker is restarted and stores its queue; QoS 1, session kept", KEPT, stop, MqttBroker.start),
        ("the broker lives and answers nothing; QoS 1, session kept", KEPT, freeze, MqttBroker.thaw),
    ],
)
async def test_a_broker_that_is_away_for_a_while(
    tmp_path: Path,
    table: FaultTable,
    fault: str,
    settings: str,
    begin: Callable[[MqttBroker], Awaitable[None]],
    end: Callable[[MqttBroker], None],
) -> None:
    with MqttBroker(persistent=True) as broker:
        async with connected(tmp_path, broker, settings) as p, numbers(broker) as device:
            seen = good_numbers(p)
            watch = Watch(p, "P/N", lambda value: value in range(device.sent))
            await until(lambda: len(seen) > 10)
            first = int(min(seen))
            row = await watch.through(
                *(DRIVER, fault, lambda: begin(broker), lambda: end(broker)), shows=LOST, rate_s=EVERY_S
            )
            wanted = set(range(first, device.sent))
            await until(lambda: max(wanted) in seen)
            if settings is KEPT:
                await until(lambda: wanted <= seen)
            assert seen <= set(range(device.sent))
            table.add(replace(row, lost=len(wanted - seen)))


async def test_the_last_will_of_a_device(tmp_path: Path, table: FaultTable) -> None:
    """It dies without a goodbye; the broker says so, and what does not hang on its will stays Good."""
    with MqttBroker() as broker:
        async with connected(tmp_path, broker) as p, AsyncExitStack() as power:
            device = await power.enter_async_context(numbers(broker, *WILL))
            watch = Watch(p, "P/N", lambda value: value in range(device.sent))
            other = Watch(p, "P/Other", lambda value: value == 7)

            async def begin() -> None:
                await power.aclose()
                await asyncio.sleep(AWAY_S)

            async def end() -> None:
                nonlocal device
                device = await power.enter_async_context(numbers(broker, *WILL))
                await broker.publish("alive", "online", "-r")

            row = await watch.through(
                *(DRIVER, "a device dies; the broker publishes its last will", begin, end),
                shows=LOST,
                rate_s=EVERY_S,
                others="what does not hang on this will stays Good",
            )
            assert p.good("P/Other")
            assert (other.seen, other.wrong) == ([], [])
            table.add(row)


async def test_a_message_that_is_no_number(tmp_path: Path, table: FaultTable) -> None:
    """The device publishes it in place of one value; it is counted, and never a value."""
    with MqttBroker() as broker:
        async with connected(tmp_path, broker) as p:
            await broker.publish("numbers", "5")
            watch = Watch(p, "P/N", lambda value: value in (5, 6))

            async def begin() -> None:
                await broker.publish("numbers", '{"n": 5')
                await asyncio.sleep(0.1)
                await broker.publish("numbers", "6")

            fault = "a message is malformed, once; the next comes after 0.1 s"
            row = await watch.through(
                *(DRIVER, fault, begin, None),
                shows=Status.BadDecodingError,
                rate_s=0.1,
                others="stay Good",
            )
            assert p.good("P/Other")
            assert p.acquisition.links["broker"].driver.traffic.malformed == 1
            table.add(row)
