"""From messages to readings: who listens to a topic, and one batch of what they made of it. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from drivers.batch import Batch
from drivers.driver import Binding, Traffic
from drivers.mqtt.fields import Fields, Target
from drivers.mqtt.malformed import count
from drivers.mqtt.plan import availability_of
from drivers.mqtt.presence import Presence
from drivers.mqtt.settings import Availability, MqttConnection
from drivers.mqtt.topic import TopicTable, unshared
from drivers.payload import PayloadFormat
from drivers.raw import RawTap, payload_text
from drivers.readings import Readings

_KNOWN_TOPICS: Final = 20_000
"""Topics whose receivers are remembered, so that a wildcard is worked out once per topic."""


class Receiver(Protocol):
    """Takes the messages of a topic."""

    def take(self, topic: str, payload: bytes, retained: bool, now: int, /) -> None:
        """One message. retained: the broker kept it from earlier. now: when it came, OPC UA ticks."""


_Route = tuple[str, Sequence[Receiver]]


class Router:
    """Takes messages one by one and gives batches. Counts what cannot be used in traffic. heard: is told each topic
    when it is seen for the first time, and again after 20,000 others."""

    def __init__(
        self,
        connection: MqttConnection,
        bindings: Sequence[Binding],
        traffic: Traffic,
        batch: Batch,
        heard: Callable[[str], None] = lambda topic: None,
    ) -> None:
        self._heard = heard
        self._traffic = traffic
        self._batch = batch
        self._table: TopicTable[Target | Receiver] = TopicTable()
        self._known: dict[bytes, _Route] = {}
        self._presences: dict[Availability, Presence] = {}
        self._presence_of_row: dict[int, Presence] = {}
        for binding in bindings:
            self._bind(binding, availability_of(connection, binding))

    def _bind(self, binding: Binding, availability: Availability | None) -> None:
        presence = self._presence(availability) if availability is not None else None
        if presence is not None:
            self._presence_of_row[binding.row] = presence
        if binding.point.topic is not None:
            column = self._batch.column(binding.data_type, binding.array_length)
            self._table.add(unshared(binding.point.topic), Target(binding, column, presence))
            if presence is not None:
                presence.add(binding.row, column)

    def add(self, topic_filter: str, receiver: Receiver) -> None:
        """One more that takes messages."""
        self._table.add(topic_filter, receiver)

    def _presence(self, availability: Availability) -> Presence:
        if availability not in self._presences:
            self._presences[availability] = Presence(availability, self._traffic)
            self._table.add(availability.topic, self._presences[availability])
        return self._presences[availability]

    def reset(self) -> None:
        """Forget who is offline and what was not taken: a connection begins."""
        self._batch.take()
        for presence in self._presences.values():
            presence.reset()

    def is_offline(self, row: int) -> bool:
        """Whether the device behind a tag was last said to be away."""
        presence = self._presence_of_row.get(row)
        return presence is not None and presence.offline

    def take(self) -> Readings | None:
        """The readings of all messages since the last call, None where there are none."""
        return self._batch.take()

    def message(self, topic: bytes, payload: bytes, retained: bool, now_ticks: int) -> None:
        """Take one message. topic: UTF-8. retained: the broker kept it from earlier. now_ticks: when it came."""
        name, receivers = self._known.get(topic) or self._look_up(topic, payload)
        if self._traffic.raw_tap is not None:
            self._tell_raw(name, payload, self._traffic.raw_tap)
        for receiver in receivers:
            receiver.take(name, payload, retained, now_ticks)

    def _tell_raw(self, topic: str, payload: bytes, tap: RawTap) -> None:
        for item in self._table.match(topic):
            if isinstance(item, Target):
                tap(item.row, payload_text(payload))

    def _look_up(self, topic: bytes, payload: bytes) -> _Route:
        try:
            name = topic.decode()
        except UnicodeDecodeError:
            count(self._traffic, repr(topic[:60]), "the topic is not UTF-8")
            return "", ()
        if len(self._known) >= _KNOWN_TOPICS:
            self._known.clear()
        route = name, self._receivers(name)
        if payload:  # an empty one only deletes what the broker has kept
            self._known[topic] = route
            self._heard(name)
        return route

    def _receivers(self, topic: str) -> list[Receiver]:
        found = self._table.match(topic)
        receivers: list[Receiver] = [item for item in found if not isinstance(item, Target)]
        groups: dict[PayloadFormat, list[Target]] = {}
        for item in found:
            if isinstance(item, Target):
                groups.setdefault(item.extractor.format, []).append(item)
        receivers += [Fields(form, targets, self._traffic) for form, targets in groups.items()]
        return receivers
