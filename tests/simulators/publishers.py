"""A publisher at work on a desk's table, and a subscriber of its own that keeps all it hears."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from drivers.data_types import DataType, to_cells
from drivers.readings import TICKS_PER_SECOND, Readings
from drivers.status import Status
from server.publish.collector import Collector
from server.publish.contract import Format, MakeSession, Order
from server.publish.mqtt_session import Broker, MqttSession
from server.publish.publisher import Pace, Publisher
from server.publish.queue import Bounds, Queue
from server.publish.reduced import Keep, Plan
from server.publish.reduction import Reduction
from tests.publish.conftest import START, Desk
from tests.simulators.mqtt_broker import MqttBroker

BOUNDS = Bounds(10_000_000, 3600 * TICKS_PER_SECOND)
QUICK = Pace(0.02, 100_000)


@dataclass
class Ear:
    """Subscribed to everything; reconnects by itself."""

    port: int
    heard: list[MQTTMessage] = field(default_factory=list)
    subscribed: bool = False

    def __enter__(self) -> Ear:
        self.client = Client(CallbackAPIVersion.VERSION2, "ear", protocol=MQTTv5)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_message = lambda client, data, message: self.heard.append(message)
        self.client.on_connect = lambda client, *_: client.subscribe("#", 1)
        self.client.on_subscribe = lambda *_: setattr(self, "subscribed", True)
        self.client.connect("127.0.0.1", self.port, clean_start=False)
        self.client.loop_start()
        return self

    def __exit__(self, *_: object) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def values(self, topic: str) -> list[Any]:
        """The values heard on a topic, in order."""
        return [json.loads(one.payload)["value"] for one in self.heard if one.topic == topic]


async def refuse(order: Order) -> tuple[int, str]:
    """Obeys nobody."""
    return Status.BadInvalidState, "Tank is empty"


@contextlib.asynccontextmanager
async def publishing(
    desk: Desk,
    broker: MqttBroker,
    folder: Path,
    form: Format,
    obey: Callable[[Order], Awaitable[tuple[int, str]]] = refuse,
) -> AsyncIterator[Publisher]:
    """A publisher of that format to a broker."""
    connect = partial(MqttSession, Broker("127.0.0.1", broker.port, "uatwin-test", version="5"))
    async with publishing_by(desk, folder, form, connect, obey) as publisher:
        yield publisher


@contextlib.asynccontextmanager
async def publishing_by(
    desk: Desk,
    folder: Path,
    form: Format,
    connect: MakeSession,
    obey: Callable[[Order], Awaitable[tuple[int, str]]] = refuse,
) -> AsyncIterator[Publisher]:
    """A publisher of that format by those connections."""
    tags = [(tag.path, int(tag.data_type)) for tag in desk.plant.tags]
    feed, stop = desk.table.feed("test", 1_000_000)
    reduction = Reduction(Plan.uniform(len(tags), Keep.change), desk.table.data_type, desk.table.in_side)
    publisher = Publisher(
        "cloud",
        Collector(feed, desk.layout, desk.table, reduction),
        Queue(folder / "queue.db", tags, BOUNDS),
        form,
        connect,
        obey,
        QUICK,
    )
    task = asyncio.create_task(publisher.run())
    try:
        yield publisher
    finally:
        stop()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def speeds(desk: Desk, numbers: Sequence[int]) -> Readings:
    """The Speed of the pump: each number, at that second."""
    row = np.full(len(numbers), desk.tag("Speed").row, np.int32)
    ticks = np.array([START + number * TICKS_PER_SECOND for number in numbers], np.int64)
    return Readings(row, to_cells(np.array(numbers), DataType.Float), np.zeros(len(row), np.uint32), ticks)
