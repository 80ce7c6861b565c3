"""From messages to readings: which tags a message speaks to, what it says to each, and who is offline. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from drivers.batch import Batch, Column
from drivers.driver import Binding, Traffic
from drivers.json_path import MISSING, compile_path, resolve
from drivers.mqtt.plan import availability_of
from drivers.mqtt.settings import Availability, MqttConnection, MqttPoint, Retained
from drivers.mqtt.topic import TopicTable
from drivers.payload import DecodeError, Extractor, PayloadFormat, Picked, parse
from drivers.readings import Readings
from drivers.status import Status

_KNOWN_TOPICS: Final = 20_000
"""Topics whose targets are remembered, so that a wildcard is worked out once per topic."""


def extractor(binding: Binding) -> Extractor:
    """How a tag is read; raises `drivers.json_path.PathError`."""
    point: MqttPoint = binding.point
    return Extractor(
        binding.data_type,
        format=point.format,
        value=point.value,
        timestamp=point.timestamp,
        quality=point.quality,
        name=point.name,
        scale=point.scale,
        offset=point.offset,
        array_length=binding.array_length,
        timestamp_unit=point.timestamp_unit,
        quality_code=point.quality_code,
    )


class Presence:
    """Whether the devices behind one availability topic are there, and what they said while they seemed away."""

    def __init__(self, settings: Availability) -> None:
        self._settings = settings
        self._steps = compile_path(settings.value) if settings.value is not None else None
        self.targets: list[Target] = []
        self.offline = False
        self.held: dict[int, tuple[Target, Picked]] = {}

    def reset(self) -> None:
        """Nothing is known, as at the start of a connection."""
        self.offline = False
        self.held.clear()

    def take(self, payload: bytes, now_ticks: int) -> None:
        """A message on the topic. Raises DecodeError where it is neither of the two words."""
        if not payload:
            return self.reset()  # the retained word was deleted
        word = self._word(payload)
        if word == self._settings.offline:
            self.offline = True
            for target in self.targets:
                target.column.add(target.row, 0, Status.BadNoCommunication, now_ticks)
        elif word == self._settings.online:
            for target, picked in self.held.values():
                target.column.add(target.row, picked.value, picked.status, picked.source_ticks)
            self.reset()
        else:
            raise DecodeError(
                f'"{word}" is neither "{self._settings.online}" nor "{self._settings.offline}", the words of the '
                "availability topic"
            )
        return None

    def _word(self, payload: bytes) -> str:
        if self._steps is None:
            return str(parse(PayloadFormat.text, payload)).strip()
        found = resolve(self._steps, parse(PayloadFormat.json, payload))
        if found is MISSING:
            raise DecodeError(f"nothing is at {self._settings.value}")
        return str(found).lower() if isinstance(found, bool) else str(found)


class Target:
    """One tag as the receiver of messages."""

    __slots__ = ("column", "extractor", "presence", "retained", "row")

    def __init__(self, binding: Binding, column: Column, presence: Presence | None) -> None:
        self.row = binding.row
        self.column = column
        self.extractor = extractor(binding)
        self.retained: Retained = binding.point.retained
        self.presence = presence


_Groups = Sequence[tuple[PayloadFormat, Sequence[Target]]]


class Router:
    """Takes messages one by one and gives batches. Counts what cannot be used in traffic."""

    def __init__(self, connection: MqttConnection, bindings: Sequence[Binding], traffic: Traffic) -> None:
        self._traffic = traffic
        self._batch = Batch()
        self._table: TopicTable[Target | Presence] = TopicTable()
        self._known: dict[str, tuple[_Groups, Sequence[Presence]]] = {}
        self.presences: dict[Availability, Presence] = {}
        self._presence_of_row: dict[int, Presence] = {}
        for binding in bindings:
            self._bind(binding, availability_of(connection, binding))

    def _bind(self, binding: Binding, availability: Availability | None) -> None:
        presence = self._presence(availability) if availability is not None else None
        if presence is not None:
            self._presence_of_row[binding.row] = presence
        if binding.point.topic is not None:
            column = self._batch.column(binding.data_type, binding.array_length)
            target = Target(binding, column, presence)
            self._table.add(binding.point.topic, target)
            if presence is not None:
                presence.targets.append(target)

    def _presence(self, availability: Availability) -> Presence:
        if availability not in self.presences:
            self.presences[availability] = Presence(availability)
            self._table.add(availability.topic, self.presences[availability])
        return self.presences[availability]

    def reset(self) -> None:
        """Forget who is offline and what was not taken: a connection begins."""
        self._batch.take()
        for presence in self.presences.values():
            presence.reset()

    def is_offline(self, row: int) -> bool:
        """Whether the device behind a tag was last said to be away."""
        presence = self._presence_of_row.get(row)
        return presence is not None and presence.offline

    def take(self) -> Readings | None:
        """The readings of all messages since the last call, None where there are none."""
        return self._batch.take()

    def message(self, topic: str, payload: bytes, retained: bool, now_ticks: int) -> None:
        """Take one message. retained: the broker kept it from earlier. now_ticks: when it came."""
        groups, presences = self._known.get(topic) or self._look_up(topic)
        for presence in presences:
            try:
                presence.take(payload, now_ticks)
            except DecodeError as error:
                self._count(topic, str(error))
        if payload:  # an empty payload only tells the broker to forget the retained one
            for form, targets in groups:
                self._group(topic, payload, retained, now_ticks, form, targets)

    def _group(
        self, topic: str, payload: bytes, retained: bool, now: int, form: PayloadFormat, targets: Sequence[Target]
    ) -> None:
        try:
            parsed = parse(form, payload)
        except DecodeError as error:
            self._count(topic, str(error))
            for target in targets:
                self._give(target, Picked(None, Status.BadDecodingError, now))
            return
        problem, found = "", False
        for target in targets:
            picked = target.extractor.pick(parsed, now)
            if picked is None:
                continue
            found = True
            problem = picked.problem or problem
            if retained:
                picked = _aged(picked, target.retained, now)
            if picked is not None:
                self._give(target, picked)
        if problem or not found:
            self._count(topic, problem or f"nothing of what was looked for is in {payload[:60]!r}")

    def _give(self, target: Target, picked: Picked) -> None:
        if target.presence is not None and target.presence.offline:
            target.presence.held[target.row] = target, picked
        else:
            target.column.add(target.row, picked.value, picked.status, picked.source_ticks)

    def _count(self, topic: str, reason: str) -> None:
        self._traffic.malformed += 1
        self._traffic.last_malformed = f"{topic}: {reason}"

    def _look_up(self, topic: str) -> tuple[_Groups, Sequence[Presence]]:
        groups: dict[PayloadFormat, list[Target]] = {}
        presences: list[Presence] = []
        for item in self._table.match(topic):
            if isinstance(item, Presence):
                presences.append(item)
            else:
                groups.setdefault(item.extractor.format, []).append(item)
        if len(self._known) >= _KNOWN_TOPICS:
            self._known.clear()
        self._known[topic] = list(groups.items()), presences
        return self._known[topic]


def _aged(picked: Picked, retained: Retained, now: int) -> Picked | None:
    """What a retained message may claim: a value without a time of its own may be of any age."""
    if retained is Retained.ignore:
        return None
    if retained is Retained.uncertain and picked.source_ticks == now and picked.status < Status.Uncertain:
        return picked._replace(status=Status.UncertainLastUsableValue)
    return picked
