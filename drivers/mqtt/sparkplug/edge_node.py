"""One edge node as it is heard: its births, data and deaths become readings. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from google.protobuf.message import DecodeError as NotProtobuf

from drivers.batch import Column
from drivers.driver import Binding, Traffic
from drivers.mqtt.malformed import count
from drivers.mqtt.settings import MqttPoint
from drivers.mqtt.sparkplug.births import Births, Known, MetricId
from drivers.mqtt.sparkplug.metrics import status_of, value_of
from drivers.mqtt.sparkplug.sparkplug_b_pb2 import Metric, Payload
from drivers.mqtt.sparkplug.topics import BIRTHS, DEATHS, NodeId, address
from drivers.payload_fields import Convert, TimeUnit, Unusable, converter, shown, to_ticks
from drivers.raw import hex_text
from drivers.readings import TICKS_PER_SECOND
from drivers.status import Status

_ASK_EVERY_TICKS: Final = 10 * TICKS_PER_SECOND
"""A node that keeps sending what its birth does not explain is asked for a new one this often at most."""
_BAD: Final = 0x80000000

AskForBirth = Callable[[NodeId], None]


class MetricTarget:
    """One tag as the receiver of a metric, and the last value it got. past: where readings go that the node kept."""

    __slots__ = ("column", "convert", "id", "past", "row", "value")

    def __init__(self, binding: Binding, column: Column, past: Column) -> None:
        point: MqttPoint = binding.point
        assert point.sparkplug is not None
        self.row = binding.row
        self.column = column
        self.past = past
        self.id = MetricId(point.sparkplug.device, point.sparkplug.metric)
        self.convert: Convert = converter(binding.data_type, point.scale, point.offset, binding.array_length)
        self.value: object = None

    def fail(self, status: Status, ticks: int) -> None:
        """A Bad status; the table keeps the last value."""
        self.column.add(self.row, None, status, ticks)

    def doubt(self, ticks: int) -> None:
        """The last value may have changed unseen."""
        if self.value is not None:
            self.column.add(self.row, self.value, Status.UncertainLastUsableValue, ticks)


class EdgeNode:
    """The receiver of all messages of a node and its devices. ask_for_birth is called where only a new birth
    certificate can explain what the node sends, at most every 10 s."""

    def __init__(self, node: NodeId, traffic: Traffic, ask_for_birth: AskForBirth) -> None:
        self.id = node
        self._traffic = traffic
        self._ask_for_birth = ask_for_birth
        self._births = Births()
        self._targets: dict[MetricId, list[MetricTarget]] = {}
        self._asked_ticks = 0
        self._dead = False

    def add(self, target: MetricTarget) -> None:
        """One more tag."""
        self._targets.setdefault(target.id, []).append(target)

    def reset(self) -> None:
        """Nothing is known, as at the start of a connection; the tags keep what they show."""
        self._births = Births()
        self._asked_ticks = 0
        self._dead = False

    def why_absent(self, device: str | None) -> str:
        """Why a command cannot reach the node or its device; "" where it can."""
        if device in self._births.born and None in self._births.born:
            return ""
        what = f"edge node {self.id}" if device is None else f"device {device} of edge node {self.id}"
        return f"{what} {'is offline' if self._dead else 'has not sent its birth certificate'}"

    def metric(self, wanted: MetricId) -> Known | None:
        """What the birth says about a metric."""
        return self._births.metric(wanted)

    def take(self, topic: str, payload: bytes, _retained: bool, now: int) -> None:
        """One message that came now (OPC UA ticks)."""
        about = address(topic)
        if about is None:
            return
        try:
            message = Payload.FromString(payload)
        except NotProtobuf as error:
            count(self._traffic, topic, f"not Sparkplug B ({error}): {shown(payload)}")
            return
        if about.kind == "NDEATH":
            if self._births.is_death_of_now(message):
                self._died(None, now)
        elif about.kind == "NBIRTH":
            self._node_born(topic, message, now)
        elif None not in self._births.born:
            self._ask(now)
        elif not self._births.repeated(message):
            self._in_session(topic, about.kind, about.device, message, now)

    def _in_session(self, topic: str, kind: str, device: str | None, message: Payload, now: int) -> None:
        due = self._births.due()
        if message.HasField("seq") and message.seq != due:
            count(self._traffic, topic, f"sequence number {message.seq} instead of {due}: messages are missing")
            for target in self._of(self._births.born):
                target.doubt(now)
            self._ask(now)
        self._births.arrived(message)
        if kind in DEATHS:
            self._died(device, now)
        elif kind in BIRTHS:
            assert device is not None
            self._births.device_born(device, message)
            self._say_absent(topic, device, now)
            self._data(topic, device, message, now)
        elif device in self._births.born:
            self._data(topic, device, message, now)
        else:
            self._ask(now)

    def _node_born(self, topic: str, message: Payload, now: int) -> None:
        self._dead = False
        for target in self._of(self._births.born - {None}):
            target.doubt(now)  # until the device is born too
        self._births.node_born(message)
        self._say_absent(topic, None, now)
        self._data(topic, None, message, now)

    def _say_absent(self, topic: str, device: str | None, now: int) -> None:
        """Tags of metrics that the birth does not have, and so will never come."""
        for metric, targets in self._targets.items():
            if metric.device == device and self._births.metric(metric) is None:
                missing = f'the birth certificate has no metric "{metric.name}"'
                count(self._traffic, topic, missing, [target.row for target in targets])
                for target in targets:
                    target.fail(Status.BadConfigurationError, now)

    def _died(self, device: str | None, now: int) -> None:
        if device is None:
            self._dead = True
            self._births.born.clear()
        self._births.born.discard(device)
        for target in self._of({metric.device for metric in self._targets} if device is None else {device}):
            target.fail(Status.BadNoCommunication, now)

    def _of(self, devices: set[str | None]) -> Iterable[MetricTarget]:
        return (one for metric, targets in self._targets.items() if metric.device in devices for one in targets)

    def _data(self, topic: str, device: str | None, message: Payload, now: int) -> None:
        for metric in message.metrics:
            known = self._births.find(device, metric)
            if known is None:
                count(self._traffic, topic, f"no birth certificate has {_called(metric)}")
                self._ask(now)
                continue
            targets = self._targets.get(known.id)
            if targets:
                ticks = metric.timestamp or message.timestamp
                self._give(topic, targets, metric, known.datatype, ticks, now)

    def _give(
        self, topic: str, targets: Iterable[MetricTarget], metric: Metric, datatype: int, unix_ms: int, now: int
    ) -> None:
        ticks = now
        for target in targets:
            if self._traffic.raw_tap is not None and not metric.is_historical:
                self._traffic.raw_tap(target.row, hex_text(metric.SerializeToString(), 1))
            try:
                ticks = to_ticks(unix_ms, TimeUnit.ms) if unix_ms else now
                status = status_of(_quality(metric))
                value = target.convert(value_of(metric, metric.datatype or datatype)) if status < _BAD else None
            except Unusable as error:
                count(self._traffic, topic, f"{_called(metric)}: {error}", [target.row])
                if not metric.is_historical:
                    target.fail(error.status, ticks)
                continue
            if metric.is_historical:  # what the node stored while it was away is not the current value
                target.past.add(target.row, value, status, ticks)
            else:
                target.value = target.value if value is None else value
                target.column.add(target.row, value, status, ticks)

    def _ask(self, now: int) -> None:
        if now - self._asked_ticks >= _ASK_EVERY_TICKS:
            self._asked_ticks = now
            self._ask_for_birth(self.id)


def _quality(metric: Metric) -> object:
    if not metric.HasField("properties"):
        return None
    for key, value in zip(metric.properties.keys, metric.properties.values, strict=False):
        if key == "Quality":
            return value_of(value, value.type)
    return None


def _called(metric: Metric) -> str:
    return f'metric "{metric.name}"' if metric.name else f"alias {metric.alias}"
