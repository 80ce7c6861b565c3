"""The MQTT driver: subscribes for tags, hands their readings over in batches, publishes commands."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from paho.mqtt.reasoncodes import ReasonCode

from drivers.batch import Batch
from drivers.creation import News
from drivers.driver import Binding, Deliver, Traffic
from drivers.errors import DeviceTimeout, LinkLost, Refused, ValueNotAccepted
from drivers.mqtt.channel import Channel
from drivers.mqtt.creation import Announcer
from drivers.mqtt.plan import Subscription, availability_filters, creating_filters, subscriptions
from drivers.mqtt.router import Router
from drivers.mqtt.settings import MqttConnection, MqttPoint
from drivers.mqtt.sparkplug.host import Host
from drivers.mqtt.topic import covers
from drivers.payload import encode
from drivers.readings import Readings, now_ticks
from drivers.status import Status

_LOG: Final = logging.getLogger(__name__)
_FILTERS_PER_PACKET: Final = 100
_GATHER_S: Final = 0.005
"""Each batch costs the table and its consumers some 50 us, however small it is."""
_NO_SUBSCRIBERS: Final = 0x10
_STATUS_OF_REASON: Final[dict[int, Status]] = {
    0x80: Status.BadDeviceFailure,
    0x83: Status.BadDeviceFailure,
    0x87: Status.BadUserAccessDenied,
    0x8F: Status.BadConfigurationError,
    0x90: Status.BadConfigurationError,
    0x91: Status.BadInvalidState,
    0x97: Status.BadResourceUnavailable,
    0x99: Status.BadTypeMismatch,
    0x9B: Status.BadNotSupported,
    0x9E: Status.BadNotSupported,
    0xA2: Status.BadNotSupported,
}
"""MQTT 5, 2.4."""


class MqttDriver:
    """One broker. Implements Pushed, Writable and Announcing."""

    def __init__(self, name: str, connection: MqttConnection, bindings: Sequence[Binding]) -> None:
        self.traffic = Traffic()
        self._connection = connection
        self._by_row = {binding.row: binding for binding in bindings}
        self._availability = availability_filters(connection, bindings)
        self._subscriptions = subscriptions(connection, bindings)
        batch = Batch()
        topics = [binding.point.topic for binding in bindings if binding.point.topic is not None]
        self._announcer = Announcer(connection.create or (), topics)
        self._router = Router(connection, bindings, self.traffic, batch, self._announcer.heard)
        client_id = connection.client_id or f"uatwin-{name}"
        self._channel = Channel(client_id, connection, self.traffic, self._on_message, self._on_batch)
        self._past = Batch(past=True)
        self._sparkplug = Host(connection, bindings, self.traffic, batch, self._past, self._channel.send)
        for topic_filter, node in self._sparkplug.nodes.items():
            self._router.add(topic_filter, node)
        if self._sparkplug.state_topic is not None:
            self._router.add(self._sparkplug.state_topic, self._sparkplug)
        self._deliver: Deliver | None = None
        self._arrival = 0
        self._gathering: asyncio.TimerHandle | None = None

    async def connect(self) -> None:
        """Open the session; raises ConnectFailed with the broker's reason."""
        self._deliver = None
        self._router.reset()
        await self._channel.open(self._sparkplug.begin())

    async def close(self) -> None:
        """Leave the broker; idempotent, leaves no task, thread or socket behind."""
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        self._sparkplug.goodbye()
        await self._channel.close()

    async def observe(self, deliver: Deliver) -> None:
        """Subscribe and hand over batches until cancelled, the first message of a burst at once and what follows every
        5 ms; raises LinkLost when the link is gone.

        What a persistent session brings before the subscriptions are made is handed over too. A topic the broker
        refuses makes its tags BadUserAccessDenied or BadConfigurationError and leaves the others alone.
        """
        self._deliver = deliver
        try:
            await self._subscribe(deliver)
            why = await self._channel.lost()
        except DeviceTimeout as error:
            raise LinkLost(str(error)) from error
        finally:
            self._hand_over()
            self._deliver = _drop
        raise LinkLost(f"broker {self._channel.broker}: {why}")

    def news(self) -> Sequence[News]:
        """Machines whose topics fit a template of `create` and that have no tag, each once."""
        return self._announcer.take()

    async def write(self, row: int, value: object) -> None:
        """Publish a command. Returns once the broker has acknowledged it (QoS 1, 2) or it is on its way (QoS 0).

        Raises Refused with the broker's reason code, or where the device is said to be offline, has not been born
        (Sparkplug) or nobody listens (MQTT 5); ValueNotAccepted, DeviceTimeout, LinkLost.
        """
        binding = self._by_row[row]
        point: MqttPoint = binding.point
        if point.sparkplug is not None and binding.writable:
            await self._channel.publish(*self._sparkplug.message(row, value), qos=0, retain=False)
            return
        if point.write_topic is None:
            raise ValueNotAccepted(f"{binding.path} has no write_topic")
        if self._router.is_offline(row):
            raise Refused(
                f"the device of {binding.path} is offline, as its availability topic says", 0, Status.BadNoCommunication
            )
        payload = encode(
            point.format,
            point.write_template,
            value,
            data_type=binding.data_type,
            scale=point.scale,
            offset=point.offset,
            words=point.write_words,
            name=point.name or "",
            now_ticks=now_ticks(),
        )
        reason = await self._channel.publish(point.write_topic, payload, point.write_qos, point.retain)
        if reason is not None:
            _refuse_failure(reason, point)

    async def _subscribe(self, deliver: Deliver) -> None:
        self._on_batch()
        first = [*self._availability, *filter(None, [self._sparkplug.state_topic])]
        await self._subscribe_all([(name, 1) for name in first])  # first who is there, then what they say
        single = await self._subscribe_templates()
        rows = {one.topic_filter: one.rows for one in single}
        refused = await self._subscribe_all([(one.topic_filter, one.qos) for one in single])
        for topic_filter, reason in refused:
            status = Status.BadConfigurationError if reason.value in (0x8F, 0x9E, 0xA2) else Status.BadUserAccessDenied
            deliver(Readings.uniform(rows[topic_filter], status, now_ticks()))
        self._sparkplug.subscribed()

    async def _subscribe_templates(self) -> list[Subscription]:
        """Subscribe to the templates of `create`; returns what is still to be subscribed for tags. A topic that a
        template brings is not subscribed a second time: brokers may send the message twice then."""
        planned = creating_filters(self._connection, self._subscriptions)
        refused = {name for name, _ in await self._subscribe_all(list(planned.items()))}
        wide = planned.keys() - refused
        return [one for one in self._subscriptions if not any(covers(name, one.topic_filter) for name in wide)]

    async def _subscribe_all(self, filters: Sequence[tuple[str, int]]) -> list[tuple[str, ReasonCode]]:
        refused: list[tuple[str, ReasonCode]] = []
        for start in range(0, len(filters), _FILTERS_PER_PACKET):
            part = filters[start : start + _FILTERS_PER_PACKET]
            reasons = await self._channel.subscribe(part)
            refused += [(name, reason) for (name, _), reason in zip(part, reasons, strict=True) if reason.is_failure]
        for name, reason in refused:
            _LOG.warning("broker %s refuses the subscription to %s: %s", self._channel.broker, name, reason)
        return refused

    def _on_message(self, topic: bytes, payload: bytes, retained: bool) -> None:
        self._arrival = self._arrival or now_ticks()
        self.traffic.responses += 1
        self._router.message(topic, payload, retained, self._arrival)

    def _on_batch(self) -> None:
        self._arrival = 0
        if self._gathering is None and self._hand_over():
            self._gathering = asyncio.get_running_loop().call_later(_GATHER_S, self._gathered)

    def _gathered(self) -> None:
        self._gathering = None
        self._on_batch()

    def _hand_over(self) -> bool:
        """Deliver what has come; whether there was something."""
        if self._deliver is None:
            return False
        batches = [batch for batch in (self._router.take(), self._past.take()) if batch is not None]
        for batch in batches:
            self._deliver(batch)
        return bool(batches)


def _drop(_readings: Readings) -> None:
    """Nobody observes any more."""


def _refuse_failure(reason: ReasonCode, point: MqttPoint) -> None:
    if reason.is_failure:
        status = _STATUS_OF_REASON.get(reason.value, Status.BadDeviceFailure)
        raise Refused(f"the broker refuses the message to {point.write_topic}: {reason}", reason.value, status)
    if reason.value == _NO_SUBSCRIBERS and not point.retain:
        raise Refused(f"no device listens on {point.write_topic}", reason.value, Status.BadNoCommunication)
