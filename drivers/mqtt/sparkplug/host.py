"""The Sparkplug B side of a connection: its edge nodes, their commands, and the bridge as their host. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from drivers.batch import Batch
from drivers.data_types import DataType
from drivers.driver import Binding, Traffic
from drivers.errors import Refused
from drivers.mqtt.settings import MqttConnection, MqttPoint
from drivers.mqtt.sparkplug.births import MetricId
from drivers.mqtt.sparkplug.commands import command, rebirth, says_offline, state
from drivers.mqtt.sparkplug.edge_node import EdgeNode, MetricTarget
from drivers.mqtt.sparkplug.metrics import kind_of
from drivers.mqtt.sparkplug.topics import NodeId, command_topic, messages_of, state_topic
from drivers.payload import raw_value
from drivers.readings import UNIX_EPOCH_TICKS, now_ticks
from drivers.status import Status

_TICKS_PER_MS: Final = 10_000


class Will(NamedTuple):
    """What the broker says in the bridge's name once its connection breaks; retained, QoS 1."""

    topic: str
    payload: bytes


class Send(Protocol):
    """Publishes without waiting."""

    def __call__(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> None: ...


class Host:
    """All edge nodes that tags name. past: for what nodes have stored. send publishes; it is called from `subscribed`,
    `goodbye` and while messages are taken."""

    def __init__(
        self,
        connection: MqttConnection,
        bindings: Sequence[Binding],
        traffic: Traffic,
        batch: Batch,
        past: Batch,
        send: Send,
    ) -> None:
        self._host_id = connection.host_id
        self._send = send
        self._since_ms = 0
        self._nodes: dict[NodeId, EdgeNode] = {}
        self._bindings: dict[int, Binding] = {}
        for binding in bindings:
            node = node_of(binding.point)
            if node is not None:
                self._bindings[binding.row] = binding
                kind = binding.data_type, binding.array_length
                target = MetricTarget(binding, batch.column(*kind), past.column(*kind))
                self._nodes.setdefault(node, EdgeNode(node, traffic, self._ask_for_birth)).add(target)

    @property
    def nodes(self) -> dict[str, EdgeNode]:
        """The edge nodes by the filter of their messages."""
        return {messages_of(node): heard for node, heard in self._nodes.items()}

    @property
    def state_topic(self) -> str | None:
        """Where the bridge says that it is there, None where it is no host application."""
        return None if self._host_id is None else state_topic(self._host_id)

    def begin(self) -> Will | None:
        """A connection is about to be made."""
        for node in self._nodes.values():
            node.reset()
        self._since_ms = _unix_ms()
        return None if self.state_topic is None else Will(self.state_topic, state(False, self._since_ms))

    def subscribed(self) -> None:
        """The connection stands and will bring what nodes say: tell them that the host is there, and ask for births."""
        self._say_online()
        for node in self._nodes:
            self._ask_for_birth(node)

    def goodbye(self) -> None:
        """The connection is about to be ended, in which case the broker forgets the will."""
        if self.state_topic is not None:
            self._send(self.state_topic, state(False, _unix_ms()), 1, True)

    def take(self, _topic: str, payload: bytes, retained: bool, _now: int) -> None:
        """A message on the state topic; an old will may come when the bridge is long back (Sparkplug 3.0, 5.12)."""
        if not retained and says_offline(payload) and payload != state(False, self._since_ms):
            self._say_online()

    def message(self, row: int, value: object) -> tuple[str, bytes]:
        """Topic and payload of a command. Raises Refused where the node or device is not there, ValueNotAccepted."""
        binding = self._bindings[row]
        point: MqttPoint = binding.point
        node = node_of(point)
        assert node is not None
        assert point.sparkplug is not None
        wanted = MetricId(point.sparkplug.device, point.sparkplug.metric)
        if why := self._nodes[node].why_absent(wanted.device):
            raise Refused(why, 0, Status.BadNoCommunication)
        known = self._nodes[node].metric(wanted)
        if known is None:
            text = f'the birth certificate of {node} has no metric "{wanted.name}"'
            raise Refused(text, 0, Status.BadConfigurationError)
        if binding.data_type is DataType.DateTime and isinstance(value, int):
            raw: object = (value - UNIX_EPOCH_TICKS) // _TICKS_PER_MS
        else:
            raw = raw_value(value, binding.data_type, point.scale, point.offset, None)
        kind = kind_of(known.datatype, binding.data_type)
        return command_topic(node, wanted.device), command(known, kind, raw, _unix_ms())

    def _say_online(self) -> None:
        if self.state_topic is not None:
            self._send(self.state_topic, state(True, self._since_ms), 1, True)

    def _ask_for_birth(self, node: NodeId) -> None:
        self._send(command_topic(node, None), rebirth(_unix_ms()))


def node_of(point: MqttPoint) -> NodeId | None:
    """The edge node of a point, None where it is not of Sparkplug."""
    return None if point.sparkplug is None else NodeId(point.sparkplug.group, point.sparkplug.node)


def _unix_ms() -> int:
    return (now_ticks() - UNIX_EPOCH_TICKS) // _TICKS_PER_MS
