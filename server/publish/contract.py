"""What the parts of publishing say to each other: a broker connection (`Outlet`) speaks one `Format`.

table -> Feed -> Reduction -> Queue on disk (reduced readings, until acknowledged) -> Format.data -> broker
broker -> Format.received -> Orders -> the command path -> Format.answer -> broker

The queue keeps readings, not messages: what comes late is encoded when it is sent, so that sequence numbers and births
are those of the connection that carries it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from server.publish.reduced import Reduced


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a broker. key: path of the twin or tag it is about (the key of a Kafka record). values: how many
    values it carries. places: which of the readings given to `Format.data` those are. properties: MQTT 5 properties
    (content_type, response_topic, correlation_data as in paho), user properties under "user"."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False
    key: str = ""
    values: int = 0
    places: tuple[int, ...] = ()
    properties: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Received:
    """A message that came from the broker."""

    topic: str
    payload: bytes
    retain: bool = False
    properties: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Order:
    """A command that a subscriber gave. path: of the command tag. user: who, for the audit trail. received: what it
    came in, for the answer."""

    path: str
    value: object
    user: str
    received: Received


class Session(Protocol):
    """One connection to a broker; it does not reconnect."""

    async def open(self, will: Message | None, subscriptions: Sequence[tuple[str, int]]) -> None:
        """Connect and subscribe. Raises ConnectFailed, in words for people."""
        ...

    def publish(self, message: Message) -> int:
        """Hand a message over; its number is acknowledged later."""
        ...

    def confirm(self) -> None:
        """Ask the broker for a word that shows that it has what was sent without acknowledgement so far; those messages
        are acknowledged when it comes. To be called now and then."""
        ...

    async def close(self) -> None:
        """Leave in order; idempotent."""
        ...


class MakeSession(Protocol):
    """Makes the session of the next connection; str() of it says where it leads to."""

    def __call__(
        self,
        acknowledged: Callable[[Sequence[int]], None],
        received: Callable[[Received], None],
        lost: Callable[[str], None],
    ) -> Session:
        """All three are called on the event loop: with the numbers of messages that the broker has, with a message of
        the broker, and once, with the reason, when the connection has ended."""
        ...


class Format(Protocol):
    """How twins look on the broker: OPC UA PubSub JSON, Sparkplug B, plain JSON. All calls come from the event loop.

    Values reach it by rows of the tag table; a changed plant has new Formats.
    """

    resumes: bool
    """Whether messages that were not acknowledged are sent again as they were on the next connection, before anything
    else: then their sequence numbers have no gap. Otherwise their readings are told anew, as historical."""

    @property
    def ready(self) -> bool:
        """Whether it may publish; while it may not (its primary host is away) values wait on disk."""
        ...

    def subscriptions(self) -> Sequence[tuple[str, int]]:
        """Topics with QoS to subscribe to on each connection."""
        ...

    def will(self) -> Message | None:
        """The last will of the next connection."""
        ...

    def birth(self, now_ticks: int) -> Sequence[Message]:
        """What is said first on each connection: metadata, status, current values."""
        ...

    def death(self, now_ticks: int) -> Sequence[Message]:
        """What is said before leaving of one's own accord."""
        ...

    def data(self, changes: Reduced, historical: bool, now_ticks: int) -> Sequence[Message]:
        """Messages for what is to be published. historical: they waited on disk while the broker was away."""
        ...

    def due(self, now_ticks: int) -> Sequence[Message]:
        """What is due by the clock: keep-alives, key frames. Asked about once per publishing interval."""
        ...

    def received(self, message: Received, now_ticks: int) -> tuple[Sequence[Message], Sequence[Order]]:
        """What to answer at once (a rebirth), and the commands in it. Malformed messages are counted, not raised."""
        ...

    def answer(self, order: Order, status: int, reason: str) -> Sequence[Message]:
        """What the one who gave the order is told."""
        ...
