"""One connection to a Kafka cluster: the same messages as for MQTT, as records keyed by the path of twin or tag."""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from drivers.errors import ConnectFailed
from drivers.tls import Tls
from server.publish.contract import Message, Received

INSTALLED: Final = importlib.util.find_spec("confluent_kafka") is not None
_POLL_S: Final = 0.1
_FLUSH_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where a cluster is and who the bridge is there. password: what reads it; may raise ConnectFailed. more: further
    settings of librdkafka."""

    servers: tuple[str, ...]
    topic: str
    client_id: str = ""
    user: str | None = None
    password: Callable[[], str] | None = None
    mechanism: str = "PLAIN"
    tls: Tls | None = None
    connect_s: float = 10.0
    more: tuple[tuple[str, str], ...] = ()

    def settings(self) -> dict[str, Any]:
        """What librdkafka is told. enable.idempotence: no record twice, none out of order, by acknowledgement of all
        replicas."""
        said: dict[str, Any] = {
            "bootstrap.servers": ",".join(self.servers),
            "client.id": self.client_id,
            "enable.idempotence": True,
            "linger.ms": 50,
            "compression.type": "lz4",
        }
        secured = ("SASL_" if self.user is not None else "") + ("SSL" if self.tls is not None else "PLAINTEXT")
        said["security.protocol"] = secured
        if self.user is not None:
            said |= {"sasl.mechanism": self.mechanism, "sasl.username": self.user}
            said["sasl.password"] = self.password() if self.password is not None else ""
        if self.tls is not None:
            files = {"ca": self.tls.ca, "certificate": self.tls.cert, "key": self.tls.key}
            said |= {f"ssl.{name}.location": str(file) for name, file in files.items() if file is not None}
            said["enable.ssl.certificate.verification"] = not self.tls.insecure
        return said | dict(self.more)


class KafkaSession:
    """As `server.publish.contract.Session`. MQTT's topic of a message becomes the record's header `topic`; Kafka keeps
    every record, so that last wills are not needed, and takes no orders."""

    def __init__(
        self,
        cluster: Cluster,
        acknowledged: Callable[[Sequence[int]], None],
        received: Callable[[Received], None],
        lost: Callable[[str], None],
    ) -> None:
        self._cluster = cluster
        self._acknowledged = acknowledged
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._numbers = itertools.count(1)
        self._acks: deque[int] = deque()
        self._woken = False
        self._ended = threading.Event()
        self._producer: Any = None
        self._polling: threading.Thread | None = None

    async def open(self, will: Message | None, subscriptions: Sequence[tuple[str, int]]) -> None:
        """Connect. Raises ConnectFailed when the library is missing or the cluster is not there."""
        if not INSTALLED:
            raise ConnectFailed("Kafka needs its library: install uatwin with the extra kafka (uatwin[kafka])")
        from confluent_kafka import KafkaException, Producer

        try:
            self._producer = await asyncio.to_thread(Producer, self._cluster.settings() | {"error_cb": self._on_error})
            await asyncio.to_thread(self._producer.list_topics, timeout=self._cluster.connect_s)
        except KafkaException as error:
            servers = ", ".join(self._cluster.servers)
            why = error.args[0].str() if error.args else str(error)
            raise ConnectFailed(f"Kafka cluster {servers} cannot be reached ({why}); check servers and user") from error
        self._polling = threading.Thread(target=self._poll, name="kafka deliveries", daemon=True)
        self._polling.start()

    def publish(self, message: Message) -> int:
        """Hand a record over; it is acknowledged when the cluster has it."""
        number = next(self._numbers)

        def delivered(error: Any, record: Any) -> None:
            if error is not None:
                self._on_error(error)
                return
            self._acks.append(number)
            self._wake()

        headers = [("topic", message.topic.encode())]
        try:
            self._producer.produce(
                self._cluster.topic, message.payload, message.key.encode() or None, headers=headers, callback=delivered
            )
        except BufferError:  # its queue is full: what is not acknowledged is sent again by the next connection
            self._on_error("its queue is full")
        return number

    def confirm(self) -> None:
        """Kafka acknowledges every record."""

    async def close(self) -> None:
        """Hand over what is under way and leave; idempotent."""
        if self._producer is None:
            return
        await asyncio.to_thread(self._producer.flush, _FLUSH_S)
        self._ended.set()
        if self._polling is not None:
            await asyncio.to_thread(self._polling.join)
        self._producer = None

    def _poll(self) -> None:
        while not self._ended.is_set():
            self._producer.poll(_POLL_S)

    def _on_error(self, error: Any) -> None:
        text = f"Kafka cluster {', '.join(self._cluster.servers)}: {error}"
        if not self._ended.is_set() and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._lost, text)

    def _wake(self) -> None:
        if not self._woken and not self._loop.is_closed():
            self._woken = True
            self._loop.call_soon_threadsafe(self._take_acks)

    def _take_acks(self) -> None:
        self._woken = False
        numbers = []
        while self._acks:
            numbers.append(self._acks.popleft())
        self._acknowledged(numbers)
