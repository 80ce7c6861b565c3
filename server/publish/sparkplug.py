"""Sparkplug B 3.0 edge node: twins as devices, births with types, units and ranges, data by alias, commands."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError

from drivers.data_types import DataType, from_cells
from drivers.errors import ValueNotAccepted
from drivers.mqtt.sparkplug.metrics import Kind, kind_of, put_value, value_of
from drivers.mqtt.sparkplug.sparkplug_b_pb2 import Metric, Payload
from drivers.mqtt.sparkplug.topics import NAMESPACE, state_topic
from drivers.payload_fields import Unusable
from drivers.readings import UNIX_EPOCH_TICKS
from drivers.status import Status
from nodesets.units import unit
from server.config.plant import Plant, Tag
from server.publish.contract import Message, Order, Received
from server.publish.datasets import DataSet, FieldOf, Layout
from server.publish.reduced import Aspect, Reduced
from server.tags.table import TagTable

_REBIRTH: Final = "Node Control/Rebirth"
_QUALITY: Final = {0: 192, 1: 500, 2: 0}
"""By severity of the StatusCode: good, stale, bad (Sparkplug 3.0, 6.4.15)."""
_ARRAYS: Final = {
    DataType.SByte: Kind.Int8Array, DataType.Byte: Kind.UInt8Array, DataType.Int16: Kind.Int16Array,
    DataType.UInt16: Kind.UInt16Array, DataType.Int32: Kind.Int32Array, DataType.UInt32: Kind.UInt32Array,
    DataType.Int64: Kind.Int64Array, DataType.UInt64: Kind.UInt64Array, DataType.Float: Kind.FloatArray,
    DataType.Double: Kind.DoubleArray,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """group, node: ids of the edge node. primary_host: the host application without which nothing is published, "" for
    none. commands: whether NCMD and DCMD may write. user: who gives such an order, for the audit trail."""

    group: str
    node: str
    primary_host: str = ""
    commands: bool = False
    user: str = "Sparkplug"


class SparkplugNode:
    """The Format of Sparkplug hosts. One device for each DataSet; its id is the twin's path with dots.

    Births, deaths and data are sent with QoS 0 and the will with QoS 1, as the specification demands (5.2 to 5.12).
    """

    resumes = False

    def __init__(self, settings: NodeSettings, plant: Plant, layout: Layout, table: TagTable) -> None:
        self.malformed = 0
        """Commands that could not be understood."""
        self._settings = settings
        self._plant = plant
        self._layout = layout
        self._table = table
        self._devices = {one.name: one for one in layout.sets}
        self._by_alias = {
            self._alias(field.tag.row, field.aspect): field for one in layout.sets for field in one.fields
        }
        self._host_online = not settings.primary_host
        self._host_since = 0
        self._session = -1
        self._sequence = 0

    @property
    def ready(self) -> bool:
        """Whether the primary host, if there is one, is online."""
        return self._host_online

    def subscriptions(self) -> Sequence[tuple[str, int]]:
        """Commands to the node and its devices, and the state of the primary host (5.4)."""
        group, node = self._settings.group, self._settings.node
        topics = [(f"{NAMESPACE}/{group}/NCMD/{node}", 1), (f"{NAMESPACE}/{group}/DCMD/{node}/+", 1)]
        if self._settings.primary_host:
            topics.append((state_topic(self._settings.primary_host), 1))
        return topics

    def will(self) -> Message | None:
        """NDEATH with the bdSeq that the next NBIRTH will carry; each connection has the next one (5.2)."""
        self._session = (self._session + 1) % 256
        self._host_online = not self._settings.primary_host
        return self._ndeath()

    def birth(self, now_ticks: int) -> Sequence[Message]:
        """NBIRTH, then DBIRTH of each device with all its metrics and their current values (5.3, 5.6)."""
        self._sequence = 0
        payload = self._payload(now_ticks)
        self._session_metric(payload)
        put_value(payload.metrics.add(name=_REBIRTH, timestamp=payload.timestamp), Kind.Boolean, False)
        births = [self._message("NBIRTH", payload)]
        return births + [self._device_birth(one, now_ticks) for one in self._layout.sets]

    def death(self, now_ticks: int) -> Sequence[Message]:
        """NDEATH, as the broker would send it (5.5)."""
        return [self._ndeath()]

    def data(self, changes: Reduced, historical: bool, now_ticks: int) -> Sequence[Message]:
        """One DDATA for each device; what waited on disk is marked is_historical (6.4.6)."""
        of = changes.readings
        values = self._values(changes)
        status, stamps = of.status.tolist(), _unix_ms(of.source_ticks)
        aliases = [
            self._alias(row, aspect) for row, aspect in zip(of.row.tolist(), changes.aspect.tolist(), strict=True)
        ]
        said = []
        for one, index in self._layout.split(of.row):
            payload = self._payload(now_ticks)
            for place in index.tolist():
                field = self._by_alias[aliases[place]]
                metric = payload.metrics.add(alias=aliases[place], timestamp=stamps[place])
                if historical:
                    metric.is_historical = True
                _fill(metric, field, values[place], status[place])
            said.append(self._message("DDATA", payload, one, index.tolist()))
        return said

    def due(self, now_ticks: int) -> Sequence[Message]:
        """Nothing: Sparkplug reports by exception."""
        return ()

    def received(self, message: Received, now_ticks: int) -> tuple[Sequence[Message], Sequence[Order]]:
        """A birth when one is asked for, and the orders in a command."""
        if self._settings.primary_host and message.topic == state_topic(self._settings.primary_host):
            self._hear_host(message.payload)
            return (), ()
        payload = Payload()
        try:
            payload.ParseFromString(message.payload)
        except DecodeError:
            self.malformed += 1
            return (), ()
        levels = message.topic.split("/")
        if levels[2] == "NCMD" and any(one.name == _REBIRTH and one.boolean_value for one in payload.metrics):
            return self.birth(now_ticks), ()
        device = self._devices.get(levels[4]) if levels[2] == "DCMD" and len(levels) == 5 else None
        return (), list(self._orders(device, payload.metrics, message)) if self._settings.commands else []

    def answer(self, order: Order, status: int, reason: str) -> Sequence[Message]:
        """None: a host sees the effect in the data."""
        return ()

    # -- metrics ----------------------------------------------------------------------------------------------------

    def _alias(self, row: int, aspect: int) -> int:
        return aspect * len(self._plant.tags) + row + 1

    def _device_birth(self, one: DataSet, now_ticks: int) -> Message:
        rows = np.array([field.tag.row for field in one.fields], np.int32)
        current = self._table.current(rows)
        values, stamps = self._values(Reduced.values(current)), _unix_ms(current.source_ticks)
        payload = self._payload(now_ticks)
        for place, field in enumerate(one.fields):
            metric = payload.metrics.add(
                name=field.name,
                alias=self._alias(field.tag.row, field.aspect),
                timestamp=stamps[place] or payload.timestamp,
            )
            known = field.aspect is Aspect.value
            _fill(metric, field, values[place] if known else None, int(current.status[place]) if known else Status.Bad)
            _describe(metric, field)
        return self._message("DBIRTH", payload, one)

    def _values(self, reduced: Reduced) -> list[Any]:
        """Plain values, None where there is none."""
        of = reduced.readings
        kinds = reduced.kinds(self._table.data_type)
        has_value = (of.status < Status.Bad) & (
            (reduced.aspect != Aspect.value) | self._table.has_value[of.row] | (of.source_ticks > 0)
        )
        out: list[Any] = [None] * len(of)
        for kind in np.unique(kinds).tolist():
            index = np.flatnonzero((kinds == kind) & has_value)
            if kind in (DataType.String, DataType.ByteString):
                continue
            cells: npt.NDArray[Any] = from_cells(of.value[index], DataType(kind))
            plain = _unix_ms(cells) if kind == DataType.DateTime else cells.tolist()
            for place, value in zip(index.tolist(), plain, strict=True):
                out[place] = value
        for place, value in of.side.items():
            out[place] = value.tolist() if isinstance(value, np.ndarray) else value
        return out

    def _orders(self, device: DataSet | None, metrics: Iterable[Metric], message: Received) -> Iterable[Order]:
        for metric in metrics:
            tag = self._tag_of(device, metric)
            try:
                if tag is None or tag.command is None:
                    raise Unusable(Status.BadNodeIdUnknown, "no such command")
                value = value_of(metric, metric.datatype or int(kind_of(0, tag.data_type)))
            except (Unusable, ValueNotAccepted):
                self.malformed += 1
                continue
            if tag.data_type is DataType.DateTime and isinstance(value, int):
                value = value * 10_000 + UNIX_EPOCH_TICKS
            yield Order(tag.path, value, self._settings.user, message)

    def _tag_of(self, device: DataSet | None, metric: Metric) -> Tag | None:
        if metric.HasField("alias"):
            field = self._by_alias.get(metric.alias)
            return field.tag if field is not None else None
        named = (field.tag for field in (device.fields if device is not None else ()) if field.name == metric.name)
        return next(named, None)

    def _hear_host(self, payload: bytes) -> None:
        """STATE of the primary host; what is older than what is known is passed over (5.14)."""
        try:
            said = json.loads(payload)
            online, since = bool(said["online"]), int(said["timestamp"])
        except (ValueError, KeyError, TypeError):
            self.malformed += 1
            return
        if since >= self._host_since:
            self._host_online, self._host_since = online, since

    # -- messages ---------------------------------------------------------------------------------------------------

    def _payload(self, now_ticks: int) -> Payload:
        return Payload(timestamp=(now_ticks - UNIX_EPOCH_TICKS) // 10_000)

    def _session_metric(self, payload: Payload) -> None:
        put_value(payload.metrics.add(name="bdSeq"), Kind.Int64, self._session)

    def _ndeath(self) -> Message:
        payload = Payload()
        self._session_metric(payload)
        topic = f"{NAMESPACE}/{self._settings.group}/NDEATH/{self._settings.node}"
        return Message(topic, payload.SerializeToString(), 1)

    def _message(self, kind: str, payload: Payload, one: DataSet | None = None, places: Sequence[int] = ()) -> Message:
        payload.seq = self._sequence
        self._sequence = (self._sequence + 1) % 256
        topic = f"{NAMESPACE}/{self._settings.group}/{kind}/{self._settings.node}"
        key = ""
        if one is not None:
            topic, key = f"{topic}/{one.name}", one.twin.path
        return Message(topic, payload.SerializeToString(), 0, False, key, len(places), tuple(places))


def _fill(metric: Metric, field: FieldOf, value: Any, status: int) -> None:
    """Type, value and quality of a metric."""
    tag = field.tag
    kind = kind_of(0, tag.data_type) if field.aspect is Aspect.value else Kind.Double
    if tag.array_length and field.aspect is Aspect.value:
        kind = _ARRAYS.get(tag.data_type, Kind.String)
    metric.datatype = kind
    quality = _QUALITY[status >> 30]
    if value is None or quality == 0:
        metric.is_null = True
    else:
        put_value(metric, kind, value if kind is not Kind.String or isinstance(value, str) else str(value))
    if quality != 192:
        _property(metric, "Quality", 3, int_value=quality)


def _describe(metric: Metric, field: FieldOf) -> None:
    """Unit, range, description and names of states, as properties that hosts know."""
    tag = field.tag
    if tag.unit and field.aspect is not Aspect.count:
        _property(metric, "engUnit", 12, string_value=unit(tag.unit).symbol)
    if tag.range and field.aspect is not Aspect.count:
        _property(metric, "engLow", 10, double_value=tag.range[0])
        _property(metric, "engHigh", 10, double_value=tag.range[1])
    if tag.description:
        _property(metric, "Documentation", 12, string_value=tag.description)
    if tag.states:
        _property(metric, "States", 12, string_value=", ".join(tag.states))
    if tag.command is None:
        _property(metric, "readOnly", 11, boolean_value=True)


def _property(metric: Metric, name: str, kind: int, **value: Any) -> None:
    metric.properties.keys.append(name)
    metric.properties.values.add(type=kind, **value)


def _unix_ms(ticks: npt.NDArray[Any]) -> list[int]:
    stamps: list[int] = np.maximum((ticks.astype(np.int64) - UNIX_EPOCH_TICKS) // 10_000, 0).tolist()
    return stamps
