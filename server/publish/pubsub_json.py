"""OPC UA PubSub in JSON over MQTT (Part 14, 1.05, 7.2.5 and 7.3.4): NetworkMessages with key and delta frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count
from typing import Any, Final
from uuid import uuid4

import msgspec
import numpy as np

from drivers.readings import TICKS_PER_SECOND
from drivers.status import Status
from server.publish import json_columns
from server.publish.contract import Message, Order, Received
from server.publish.datasets import DataSet, Layout
from server.publish.pubsub_metadata import Description
from server.publish.reduced import Aspect, Reduced
from server.tags.table import TagTable

_OPERATIONAL: Final = 2
_PAUSED: Final = 1
_ERROR: Final = 3
"""PubSubState, Part 14, 6.2.1."""
_UINT32: Final = 2**32
_encode: Final = msgspec.json.Encoder().encode


class Shape(StrEnum):
    """How a message looks."""

    full = "full"
    """NetworkMessage and DataSetMessage headers; fields are DataValues with type, value, status and time."""
    variant = "variant"
    """The same headers; fields are Variants with type and value."""
    raw = "raw"
    """The same headers; fields are bare values (RawData)."""
    minimal = "minimal"
    """No header at all, fields are bare values: layout JSON-Minimal (Part 14, A.3.2)."""


@dataclass(frozen=True, slots=True)
class PubSubSettings:
    """publisher_id: who publishes. prefix: first level of the topics. key_frame_s: from one frame with all fields to
    the next, 0: only on connecting. keep_alive_s: a DataSet silent for so long sends a keep-alive, 0: never."""

    publisher_id: str
    shape: Shape = Shape.full
    prefix: str = "opcua"
    qos: int = 1
    key_frame_s: float = 60.0
    keep_alive_s: float = 30.0


@dataclass(slots=True)
class _Writer:
    """What is remembered of a DataSet: the next sequence number, and when which frame was sent last."""

    topic: str
    sequence: Iterator[int] = field(default_factory=count)
    sent_ticks: int = 0
    key_ticks: int = 0


class PubSubJson:
    """The Format of OPC UA subscribers. description: how publisher, connection and DataSets describe themselves."""

    resumes = True

    def __init__(self, settings: PubSubSettings, layout: Layout, table: TagTable, description: Description) -> None:
        self._settings = settings
        self._layout = layout
        self._table = table
        self._description = description
        self._stem = f"{settings.prefix}/json"
        self._writers = {
            one.writer: _Writer(f"{self._stem}/data/{settings.publisher_id}/{one.group}/{one.name}")
            for one in layout.sets
        }
        self._metadata = {one.writer: description.of(one) for one in layout.sets}

    @property
    def ready(self) -> bool:
        """Always: OPC UA subscribers come and go."""
        return True

    def subscriptions(self) -> Sequence[tuple[str, int]]:
        """None: OPC UA PubSub over MQTT goes one way here."""
        return ()

    def will(self) -> Message | None:
        """Status Error, retained, without a time stamp as the broker sends it (Part 14, 7.2.5.5.5)."""
        return self._status(_ERROR)

    def birth(self, now_ticks: int) -> Sequence[Message]:
        """Status, application, connection and metadata, retained, then a key frame of each DataSet."""
        said = [self._status(_OPERATIONAL)]
        if self._settings.shape is not Shape.minimal:
            said += self._described(now_ticks)
        return [*said, *self._key_frames(self._layout.sets, now_ticks)]

    def death(self, now_ticks: int) -> Sequence[Message]:
        """Status Paused: it left of its own accord."""
        return [self._status(_PAUSED)]

    def data(self, changes: Reduced, historical: bool, now_ticks: int) -> Sequence[Message]:
        """A delta frame for each DataSet, several when a field occurs several times. What waited on disk has the
        times it was measured at."""
        fields = self._fields(changes)
        return [
            self._frame(one, "ua-deltaframe", frame, now_ticks, places)
            for one, index in self._layout.split(changes.readings.row)
            for frame, places in _frames(fields, index.tolist())
        ]

    def due(self, now_ticks: int) -> Sequence[Message]:
        """Key frames and keep-alives whose time has come."""
        settings, writers = self._settings, self._writers
        old = _before(now_ticks, settings.key_frame_s)
        keys = [one for one in self._layout.sets if writers[one.writer].key_ticks < old]
        said = self._key_frames(keys, now_ticks)
        silent = _before(now_ticks, settings.keep_alive_s)
        if settings.shape is not Shape.minimal:
            for one in self._layout.sets:
                if writers[one.writer].sent_ticks < silent:
                    said.append(self._frame(one, "ua-keepalive", {}, now_ticks))
        return said

    def received(self, message: Received, now_ticks: int) -> tuple[Sequence[Message], Sequence[Order]]:
        """Nothing is subscribed."""
        return (), ()

    def answer(self, order: Order, status: int, reason: str) -> Sequence[Message]:
        """There are no orders."""
        return ()

    # -- messages ---------------------------------------------------------------------------------------------------

    def _key_frames(self, sets: Sequence[DataSet], now_ticks: int) -> list[Message]:
        said = []
        for one in sets:
            plain = [column.tag.row for column in one.fields if column.aspect is Aspect.value]
            current = dict(self._fields(Reduced.values(self._table.current(np.array(plain, np.int32)))))
            self._writers[one.writer].key_ticks = now_ticks
            said.append(self._frame(one, "ua-keyframe", current, now_ticks))
        return said

    def _fields(self, reduced: Reduced) -> list[tuple[str, Any]]:
        """Name and what is said, of each reading."""
        of = reduced.readings
        names = self._layout.field_names(of.row, reduced.aspect)
        said = json_columns.values(reduced, self._table.data_type)
        if self._settings.shape in (Shape.raw, Shape.minimal):
            return list(zip(names, said, strict=True))
        kinds = reduced.kinds(self._table.data_type).tolist()
        if self._settings.shape is Shape.variant:
            pairs = zip(names, kinds, said, strict=True)
            return [(name, {"UaType": kind, "Value": value}) for name, kind, value in pairs]
        when, status = json_columns.times(of.source_ticks), of.status.tolist()
        symbols = json_columns.status_symbols(of.status)
        return [
            (name, _data_value(kind, value, code, symbols[code], time))
            for name, kind, value, code, time in zip(names, kinds, said, status, when, strict=True)
        ]

    def _frame(
        self, one: DataSet, kind: str, fields: Mapping[str, Any], now_ticks: int, places: Sequence[int] = ()
    ) -> Message:
        writer = self._writers[one.writer]
        writer.sent_ticks = now_ticks
        if self._settings.shape is Shape.minimal:
            return self._message(writer.topic, fields, False, one.twin.path, len(fields), places)
        body = {
            "DataSetWriterId": one.writer,
            "SequenceNumber": next(writer.sequence) % _UINT32,
            "MetaDataVersion": self._metadata[one.writer]["MetaData"]["ConfigurationVersion"],
            "Timestamp": _time(now_ticks),
            "MessageType": kind,
            "Payload": fields,
        }
        whole = self._headed("ua-data", Messages=[body])
        return self._message(writer.topic, whole, False, one.twin.path, len(fields), places)

    def _described(self, now_ticks: int) -> list[Message]:
        stem, publisher = self._stem, self._settings.publisher_id
        now = {"Timestamp": _time(now_ticks)}
        application = self._headed("ua-application", **now, **self._description.application())
        connection = self._headed("ua-connection", **now, **self._description.connection())
        said = [
            self._message(f"{stem}/application/{publisher}", application),
            self._message(f"{stem}/connection/{publisher}", connection),
        ]
        for one in self._layout.sets:
            topic = f"{stem}/metadata/{publisher}/{one.group}/{one.name}"
            metadata = self._headed("ua-metadata", **now, **self._metadata[one.writer])
            said.append(self._message(topic, metadata, key=one.twin.path))
        return said

    def _status(self, state: int) -> Message:
        body = self._headed("ua-status", IsCyclic=False, Status=state)
        return self._message(f"{self._stem}/status/{self._settings.publisher_id}", body)

    def _headed(self, kind: str, **rest: Any) -> dict[str, Any]:
        header = {"MessageId": str(uuid4()), "MessageType": kind, "PublisherId": self._settings.publisher_id}
        return header | rest

    def _message(
        self,
        topic: str,
        body: Mapping[str, Any],
        retain: bool = True,
        key: str = "",
        values: int = 0,
        places: Sequence[int] = (),
    ) -> Message:
        properties = {"content_type": "application/json"}
        return Message(topic, _encode(body), self._settings.qos, retain, key, values, tuple(places), properties)


def _data_value(kind: int, value: Any, code: int, symbol: str, time: str) -> dict[str, Any]:
    """A DataValue in JSON (Part 6, 5.4.2.18); Good is left out."""
    if code == Status.Good:
        return {"UaType": kind, "Value": value, "SourceTimestamp": time}
    status = {"Code": code} if symbol.startswith("0x") else {"Code": code, "Symbol": symbol}
    return {"UaType": kind, "Value": value, "Status": status, "SourceTimestamp": time}


def _frames(fields: Sequence[tuple[str, Any]], places: Sequence[int]) -> list[tuple[dict[str, Any], Sequence[int]]]:
    """Frames of the fields at these places in which each occurs once, with their places: the first of every field, then
    the second, ..."""
    whole = dict(fields[place] for place in places)
    if len(whole) == len(places):
        return [(whole, places)]
    frames: list[tuple[dict[str, Any], list[int]]] = []
    seen: Counter[str] = Counter()
    for place in places:
        name, value = fields[place]
        if seen[name] == len(frames):
            frames.append(({}, []))
        frame, own = frames[seen[name]]
        frame[name] = value
        own.append(place)
        seen[name] += 1
    return list(frames)


def _before(now_ticks: int, seconds: float) -> int:
    return now_ticks - round(seconds * TICKS_PER_SECOND) if seconds else 0


def _time(ticks: int) -> str:
    return json_columns.times(np.array([ticks], np.int64))[0]
