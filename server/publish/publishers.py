"""All publishers of a plant: made from what the plant file says, started and stopped together, made anew on reload."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from drivers.readings import TICKS_PER_SECOND
from server.config.diagnostics import PUBLISHERS
from server.config.plant import Plant
from server.config.publish import Publishing
from server.config.publish_spec import BrokerSpec, ReduceSpec
from server.publish.collector import Collector
from server.publish.contract import Format, MakeSession
from server.publish.datasets import Layout, data_sets
from server.publish.kafka_session import Cluster, KafkaSession
from server.publish.mqtt_session import Broker, MqttSession
from server.publish.plain_json import PlainJson, PlainSettings
from server.publish.publisher import Obey, Pace, Publisher
from server.publish.pubsub_json import PubSubJson, PubSubSettings, Shape
from server.publish.pubsub_metadata import Description
from server.publish.queue import Bounds, Queue, QueueError
from server.publish.reduced import Keep, Plan
from server.publish.reduction import Reduction
from server.publish.sparkplug import NodeSettings, SparkplugNode
from server.tags.figure_tags import FigureTags
from server.tags.table import TagTable

_log = logging.getLogger(__name__)
_FEED: Final = 1_000_000
"""Readings that wait for a publisher that is late; 28 MB."""
_DOOR_LONGEST_S: Final = 60.0
_TELL_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class About:
    """What publishers say of the server: its ApplicationUri and name, and the endpoints its twins can be read from."""

    application_uri: str
    application_name: str
    endpoints: Callable[[], tuple[str, ...]]


class Publishers:
    """Those of the section `publish`. data: the plant's folder for data; obey: carries out a subscriber's command."""

    def __init__(self, plant: Plant, table: TagTable, data: Path, about: About, obey: Obey) -> None:
        self.active: dict[str, Publisher] = {}
        self._table = table
        self._data = data
        self._about = about
        self._obey = obey
        self._plant = plant
        self._told: dict[str, FigureTags] = {}
        self._tasks: dict[asyncio.Task[None], str] = {}
        self._stops: list[Callable[[], None]] = []
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Publish until cancelled."""
        try:
            while True:
                self._changed.clear()
                self._start()
                while not self._changed.is_set():
                    self._tell()
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._changed.wait(), _TELL_S)
                await self._stop()
        finally:
            await self._stop()

    def adopt(self, plant: Plant) -> None:
        """The plant has changed: all publishers are made anew when it concerns them; what they hold waits on disk."""
        same = self._plant.sections.get("publish") == plant.sections.get("publish")
        if not same or len(self._plant.tags) != len(plant.tags):
            self._changed.set()
        self._plant = plant

    def _start(self) -> None:
        for publishing in self._plant.sections.get("publish") or ():
            try:
                publisher = self._make(publishing)
            except QueueError as error:
                _log.error("%s does not publish: %s", publishing.name, error)
                continue
            self.active[publishing.name] = publisher
            tags = self._plant.services.get(f"{PUBLISHERS}/{publishing.name}", ())
            self._told[publishing.name] = FigureTags(tags, self._table)
            task = asyncio.create_task(publisher.run(), name=f"publisher {publishing.name}")
            self._tasks[task] = publishing.name

    async def _stop(self) -> None:
        for stop in self._stops:
            stop()
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks.clear()
        self._stops.clear()
        self.active.clear()

    def _tell(self) -> None:
        for name, publisher in self.active.items():
            self._told[name].show(publisher.figures())

    def _make(self, of: Publishing) -> Publisher:
        plant, table, spec = self._plant, self._table, of.spec
        plan = reduction_plan(plant, of)
        layout = Layout(data_sets(plant, of.groups, plan), len(plant.tags))
        bounds = Bounds(round(spec.queue.megabytes * 1e6), round(spec.queue.hours * 3600) * TICKS_PER_SECOND)
        file = spec.queue.path or self._data / "publish" / f"{of.name}.db"
        queue = Queue(file, [(tag.path, int(tag.data_type)) for tag in plant.tags], bounds)
        feed, stop = table.feed(f"publisher {of.name}", _FEED)
        self._stops.append(stop)
        return Publisher(
            of.name,
            Collector(feed, layout, table, Reduction(plan, table.data_type, table.in_side)),
            queue,
            self._format(of, layout),
            _sessions(plant, of),
            self._obey,
            Pace(spec.interval_s, spec.queue.drain_per_s),
        )

    def _format(self, of: Publishing, layout: Layout) -> Format:
        plant, spec = self._plant, of.spec
        if spec.json_ is not None:
            plain = spec.json_
            settings = PlainSettings(plain.topic, plain.qos, plain.retain, plain.commands, f"publisher {of.name}")
            return PlainJson(settings, plant, layout, self._table)
        if spec.sparkplug is not None:
            node = spec.sparkplug
            known = NodeSettings(
                node.group, node.node or plant.name, node.primary_host or "", node.commands, f"publisher {of.name}"
            )
            return SparkplugNode(known, plant, layout, self._table)
        pubsub = spec.pubsub
        assert pubsub is not None
        publisher_id = pubsub.publisher_id or plant.name
        chosen = PubSubSettings(
            publisher_id, Shape(pubsub.layout), pubsub.prefix, pubsub.qos, pubsub.key_frame_s, pubsub.keep_alive_s
        )
        about = self._about
        described = Description(
            about.application_uri, about.application_name, about.endpoints(), of.name, publisher_id, layout.sets
        )
        return PubSubJson(chosen, layout, self._table, described)


def reduction_plan(plant: Plant, of: Publishing) -> Plan:
    """How each row is reduced. Percentages are of the tag's range, and a tag without one goes out when it changed; a
    swinging door without longest_s has one of 60 s, as a corner is known only when the course has turned."""
    plan = Plan.uniform(len(plant.tags), Keep.change)
    for tag in plant.tags:
        spec = of.reduce.get(tag.path)
        if spec is None:
            continue
        span = tag.range[1] - tag.range[0] if tag.range else 0.0
        keep, bound = _method(spec, span)
        plan.keep[tag.row], plan.bound[tag.row] = keep, bound
        longest_s = spec.longest_s or (_DOOR_LONGEST_S if keep is Keep.door else 0.0)
        plan.longest_ticks[tag.row] = round(longest_s * TICKS_PER_SECOND)
        plan.shortest_ticks[tag.row] = round((spec.shortest_s or 0.0) * TICKS_PER_SECOND)
        plan.period_ticks[tag.row] = round((spec.window_s or 0.0) * TICKS_PER_SECOND)
    return plan


def _method(spec: ReduceSpec, span: float) -> tuple[Keep, float]:
    if spec.every:
        return Keep.every, 0.0
    if spec.window_s is not None:
        return Keep.window, 0.0
    if spec.swinging_door is not None:
        return Keep.door, spec.swinging_door
    if spec.swinging_door_percent is not None and span:
        return Keep.door, spec.swinging_door_percent / 100.0 * span
    return Keep.change, spec.deadband or (spec.deadband_percent or 0.0) / 100.0 * span


def _sessions(plant: Plant, of: Publishing) -> MakeSession:
    spec, client_id = of.spec.broker, f"uatwin-{plant.name}-{of.name}"
    if spec is not None:
        return partial(MqttSession, _broker(spec, client_id))
    kafka = of.spec.kafka
    assert kafka is not None
    password = kafka.password.read if kafka.password is not None else None
    return partial(
        KafkaSession, Cluster(kafka.servers, kafka.topic, client_id, kafka.user, password, kafka.mechanism, kafka.tls)
    )


def _broker(spec: BrokerSpec, client_id: str) -> Broker:
    return Broker(
        spec.host,
        spec.port or (8883 if spec.tls is not None else 1883),
        spec.client_id or client_id,
        spec.version,
        spec.user,
        spec.password.read if spec.password is not None else None,
        spec.tls,
        spec.keepalive_s,
    )
