"""Plain JSON for home-made subscribers and a Unified Namespace: topics from a template, a value or a twin a message."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from drivers.data_types import DataType
from drivers.status import Status, name
from nodesets.units import unit
from server.config.plant import Plant, Tag, Twin
from server.publish import json_columns
from server.publish.contract import Message, Order, Received
from server.publish.datasets import DataSet, Layout
from server.publish.reduced import Reduced
from server.tags.table import TagTable

_encode: Final = msgspec.json.Encoder().encode
_ANSWER: Final = "/result"


@dataclass(frozen=True, slots=True)
class PlainSettings:
    """topic: template of the topic of a value, or of a twin where it has no {tag}; then a message holds all of the
    twin's values that are new. It may hold {plant}, {path} (of the twin, one level for each part), {twin}, {scope} and
    {tag}. retain: whether the broker keeps the last message. commands: take values on the topic of a command with
    `/set` behind it. user: who gives such an order, for the audit trail."""

    topic: str = "{plant}/{path}/{tag}"
    qos: int = 1
    retain: bool = True
    commands: bool = False
    user: str = "MQTT"


class PlainJson:
    """The Format of those who want a topic and a value."""

    resumes = True

    def __init__(self, settings: PlainSettings, plant: Plant, layout: Layout, table: TagTable) -> None:
        self.malformed = 0
        """Orders that could not be understood; each was answered."""
        self._settings = settings
        self._plant = plant
        self._layout = layout
        self._table = table
        self._per_value = "{tag}" in settings.topic
        self._orders: dict[str, Tag] = {}
        if settings.commands:
            self._orders = {f"{self._topic(twin, tag)}/set": tag for twin in plant.walk() for tag in twin.commands}

    @property
    def ready(self) -> bool:
        """Always: whoever listens, listens."""
        return True

    def subscriptions(self) -> Sequence[tuple[str, int]]:
        """The topics of commands."""
        return [(topic, self._settings.qos) for topic in self._orders]

    def will(self) -> Message | None:
        """Retained: whoever comes later learns that values are no longer looked after."""
        return self._online(False)

    def birth(self, now_ticks: int) -> Sequence[Message]:
        """That it is there, then all current values."""
        now = self._table.current(self._layout.rows)
        known = now.status != Status.BadWaitingForInitialData
        known[self._layout.empty(now, self._table.has_value)] = False
        return [self._online(True), *(self._messages(Reduced.values(now), known.tolist()))]

    def death(self, now_ticks: int) -> Sequence[Message]:
        """That it is gone."""
        return [self._online(False)]

    def data(self, changes: Reduced, historical: bool, now_ticks: int) -> Sequence[Message]:
        """One message for each value, or for each twin. What waited on disk is not retained: it is not current."""
        said = self._messages(changes, None)
        return [replace(one, retain=False) for one in said] if historical else said

    def due(self, now_ticks: int) -> Sequence[Message]:
        """Nothing is due by the clock: the broker keeps the last values."""
        return ()

    def received(self, message: Received, now_ticks: int) -> tuple[Sequence[Message], Sequence[Order]]:
        """The order in a message; one that cannot be understood is answered. A retained one is not carried out: nobody
        knows how old it is."""
        tag = self._orders.get(message.topic)
        if tag is None or not message.payload:
            return (), ()
        if message.retain:
            self.malformed += 1
            return self._refusal(tag, message, "retained commands are not carried out; publish without retain"), ()
        try:
            value = _value_of(msgspec.json.decode(message.payload), tag)
        except (ValueError, msgspec.DecodeError) as error:
            self.malformed += 1
            return self._refusal(tag, message, str(error)), ()
        return (), [Order(tag.path, value, self._settings.user, message)]

    def answer(self, order: Order, status: int, reason: str) -> Sequence[Message]:
        """On the response topic of the order with its correlation data, else on its own topic with `/result`."""
        asked = order.received.properties
        topic = str(asked.get("response_topic") or f"{order.received.topic}{_ANSWER}")
        body = {"status": name(status), "code": status, "value": order.value}
        properties: dict[str, object] = {"content_type": "application/json"}
        if "correlation_data" in asked:
            properties["correlation_data"] = asked["correlation_data"]
        whole = body | ({"reason": reason} if reason else {})
        return [Message(topic, _encode(whole), self._settings.qos, key=order.path, properties=properties)]

    # -- messages ---------------------------------------------------------------------------------------------------

    def _messages(self, reduced: Reduced, wanted: Sequence[bool] | None) -> list[Message]:
        of = reduced.readings
        told = self._told(reduced)
        said = []
        for one, index in self._layout.split(of.row):
            places = [place for place in index.tolist() if wanted is None or wanted[place]]
            if self._per_value:
                said += [self._value(one.twin, self._plant.tags[of.row[place]], told[place], place) for place in places]
            elif places:
                said += self._twin(one, told, places)
        return said

    def _told(self, reduced: Reduced) -> list[tuple[str, dict[str, Any]]]:
        """Name of the field and what is said of it, of each reading."""
        of = reduced.readings
        values = json_columns.values(reduced, self._table.data_type, wide_as_text=False)
        names = self._layout.field_names(of.row, reduced.aspect)
        times, symbols = json_columns.times(of.source_ticks), json_columns.status_symbols(of.status)
        return [
            (name, {"value": value, "quality": symbols[code], "timestamp": time})
            for name, value, code, time in zip(names, values, of.status.tolist(), times, strict=True)
        ]

    def _value(self, twin: Twin, tag: Tag, told: tuple[str, dict[str, Any]], place: int) -> Message:
        field, body = told
        if tag.unit:
            body["unit"] = unit(tag.unit).symbol
        if tag.states and isinstance(body["value"], (bool, int)) and int(body["value"]) < len(tag.states):
            body["state"] = tag.states[int(body["value"])]
        topic = self._topic(twin, tag) + field[len(tag.name) :].replace(".", "/")
        return self._message(topic, body, tag.path, [place])

    def _twin(self, one: DataSet, told: Sequence[tuple[str, dict[str, Any]]], places: Sequence[int]) -> list[Message]:
        """Messages in which each field occurs once; the timestamp is that of the latest value."""
        said: list[tuple[dict[str, dict[str, Any]], list[int]]] = []
        for place in places:
            field, body = told[place]
            found = next((pair for pair in said if field not in pair[0]), None)
            if found is None:
                said.append(found := ({}, []))
            found[0][field] = body
            found[1].append(place)
        topic = self._topic(one.twin, None)
        return [
            self._message(
                topic,
                {"timestamp": max(body["timestamp"] for body in frame.values()), "values": frame},
                one.twin.path,
                own,
            )
            for frame, own in said
        ]

    def _message(self, topic: str, body: Mapping[str, Any], key: str, places: Sequence[int]) -> Message:
        settings = self._settings
        properties = {"content_type": "application/json"}
        return Message(topic, _encode(body), settings.qos, settings.retain, key, len(places), tuple(places), properties)

    def _online(self, there: bool) -> Message:
        stem = re.split(r"/?\{(?!plant)", self._settings.topic)[0].format(plant=self._plant.name)
        return Message(f"{stem}/$online".lstrip("/"), _encode(there), self._settings.qos, True)

    def _refusal(self, tag: Tag, message: Received, why: str) -> Sequence[Message]:
        text = message.payload.decode(errors="replace")
        return self.answer(Order(tag.path, text, self._settings.user, message), Status.BadTypeMismatch, why)

    def _topic(self, twin: Twin, tag: Tag | None) -> str:
        return self._settings.topic.format(
            plant=self._plant.name,
            path=twin.path,
            twin=twin.name,
            scope=twin.scope.value,
            tag=tag.name if tag else "",
        )


def _value_of(said: object, tag: Tag) -> object:
    """The value of an order: bare, or under "value"; the name of a state is as good as its number."""
    value = said["value"] if isinstance(said, dict) and "value" in said else said
    if isinstance(value, str) and tag.states:
        if value not in tag.states:
            raise ValueError(f"{value!r} is none of {', '.join(tag.states)}")
        number = tag.states.index(value)
        return bool(number) if tag.data_type is DataType.Boolean else number
    if isinstance(value, (dict, type(None))):
        raise ValueError('neither a value nor {"value": ...}')
    return value
