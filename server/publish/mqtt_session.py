"""One connection to a broker for publishing: paho's client in its own thread, heard on the event loop."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from drivers.errors import ConnectFailed
from drivers.tls import Tls
from server.publish.contract import Message, Received

_NAMES: Final = {
    "content_type": "ContentType",
    "response_topic": "ResponseTopic",
    "correlation_data": "CorrelationData",
    "user": "UserProperty",
}
"""Properties of `Message` and `Received`, and what MQTT 5 calls them."""
_INFLIGHT: Final = 200


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a broker is and how the bridge presents itself. password: what reads it, so that it is kept nowhere; may
    raise ConnectFailed. keepalive_s: silence after which the connection counts as lost, times 1.5."""

    host: str
    port: int = 1883
    client_id: str = ""
    version: str = "3.1.1"
    user: str | None = None
    password: Callable[[], str] | None = None
    tls: Tls | None = None
    keepalive_s: int = 30
    connect_s: float = 10.0

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class MqttSession:
    """Open it, publish, close it; it does not reconnect. acknowledged, received, lost are called on the event loop:
    acknowledged with all message numbers that came since the last time, lost once, with the reason."""

    def __init__(
        self,
        broker: Broker,
        acknowledged: Callable[[Sequence[int]], None],
        received: Callable[[Received], None],
        lost: Callable[[str], None],
    ) -> None:
        self._broker = broker
        self._acknowledged = acknowledged
        self._received = received
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._acks: deque[int] = deque()
        self._woken = False
        self._answer: asyncio.Future[str] = self._loop.create_future()
        self._closing = False
        self._question: tuple[str, int] | None = None
        self._unconfirmed: list[int] = []
        self._asked: dict[int, list[int]] = {}
        self._client = self._make()

    async def open(self, will: Message | None, subscriptions: Sequence[tuple[str, int]]) -> None:
        """Connect and subscribe. Raises ConnectFailed, in words for people."""
        broker, client = self._broker, self._client
        if broker.tls is not None:
            client.tls_set_context(await asyncio.to_thread(broker.tls.context))
        if broker.user is not None or broker.password is not None:
            client.username_pw_set(broker.user, broker.password() if broker.password is not None else None)
        if will is not None:
            client.will_set(
                will.topic, will.payload, will.qos, will.retain, self._properties(will, PacketTypes.WILLMESSAGE)
            )
        client.connect_timeout = broker.connect_s
        try:
            await asyncio.to_thread(client.connect, broker.host, broker.port, broker.keepalive_s)
        except (OSError, ssl.SSLError) as error:
            raise ConnectFailed(_why(broker, error)) from error
        client.loop_start()
        try:
            async with asyncio.timeout(broker.connect_s):
                refusal = await self._answer
        except TimeoutError:
            await self.close()
            raise ConnectFailed(f"broker {broker} does not answer; is it an MQTT port?") from None
        if refusal:
            await self.close()
            raise ConnectFailed(
                f"broker {broker} refused the connection: {refusal}; check user, password and client_id"
            )
        if subscriptions:
            client.subscribe(list(subscriptions))
            self._question = subscriptions[0]

    def publish(self, message: Message) -> int:
        """Hand a message over; its number comes back by `acknowledged`: for QoS 0 after `confirm`, or, where nothing is
        subscribed, once it is on its way."""
        properties = self._properties(message, PacketTypes.PUBLISH)
        number = self._client.publish(message.topic, message.payload, message.qos, message.retain, properties).mid
        if message.qos == 0 and self._question is not None:
            self._unconfirmed.append(number)
        return number

    def confirm(self) -> None:
        """Subscribe once more to what is subscribed: packets are answered in order, so the answer says that all before
        it has arrived."""
        if self._unconfirmed and not self._asked and self._question is not None:
            _, number = self._client.subscribe(*self._question)
            if number is not None:
                self._asked[number], self._unconfirmed = self._unconfirmed, []

    async def close(self) -> None:
        """Leave the broker in order; idempotent."""
        self._closing = True
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)

    # -- paho's thread ----------------------------------------------------------------------------------------------

    def _make(self) -> Client:
        newest = self._broker.version == "5"
        client = Client(
            CallbackAPIVersion.VERSION2,
            self._broker.client_id,
            None if newest else True,
            protocol=MQTTv5 if newest else MQTTv311,
            reconnect_on_failure=False,
        )
        client.max_inflight_messages_set(_INFLIGHT)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_subscribe = self._on_subscribe
        return client

    def _on_connect(
        self, client: Client, data: Any, flags: ConnectFlags, code: ReasonCode, more: Properties | None
    ) -> None:
        self._tell(self._settle, str(code) if code.is_failure else "")

    def _on_disconnect(
        self, client: Client, data: Any, flags: DisconnectFlags, code: ReasonCode, more: Properties | None
    ) -> None:
        self._tell(self._end, str(code))

    def _on_publish(self, client: Client, data: Any, number: int, code: ReasonCode, more: Properties) -> None:
        self._acks.append(number)
        if not self._woken:
            self._woken = True
            self._tell(self._take_acks)

    def _on_message(self, client: Client, data: Any, message: MQTTMessage) -> None:
        self._tell(
            self._received, Received(message.topic, bytes(message.payload), message.retain, _properties_of(message))
        )

    def _on_subscribe(
        self, client: Client, data: Any, number: int, codes: list[ReasonCode], more: Properties | None
    ) -> None:
        self._tell(self._confirmed, number)

    def _tell(self, what: Callable[..., None], *arguments: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(what, *arguments)

    # -- the event loop ---------------------------------------------------------------------------------------------

    def _settle(self, refusal: str) -> None:
        self._closing |= bool(refusal)  # what follows is no loss: there was no connection
        if not self._answer.done():
            self._answer.set_result(refusal)

    def _end(self, reason: str) -> None:
        if not self._answer.done():
            self._answer.set_result(reason)
        elif not self._closing:
            self._lost(f"broker {self._broker} ended the connection: {reason}")

    def _take_acks(self) -> None:
        self._woken = False  # before they are taken: one that comes meanwhile wakes again
        numbers = []
        while self._acks:
            numbers.append(self._acks.popleft())
        open_ones = {*self._unconfirmed, *(one for asked in self._asked.values() for one in asked)}
        self._acknowledged([number for number in numbers if number not in open_ones] if open_ones else numbers)

    def _confirmed(self, number: int) -> None:
        numbers = self._asked.pop(number, [])
        if numbers:
            self._acknowledged(numbers)

    def _properties(self, message: Message, packet: int) -> Properties | None:
        if self._broker.version != "5" or not message.properties:
            return None
        properties = Properties(packet)  # type: ignore[no-untyped-call]
        for name, value in message.properties.items():
            setattr(properties, _NAMES[name], value)
        return properties


def _properties_of(message: MQTTMessage) -> dict[str, object]:
    given = getattr(message, "properties", None)
    return {
        name: getattr(given, known) for name, known in _NAMES.items() if given is not None and hasattr(given, known)
    }


def _why(broker: Broker, error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        why = f"shows a certificate that is not trusted ({error.verify_message}); give its authority as tls.ca"
    elif isinstance(error, ssl.SSLError):
        why = f"TLS failed ({error.reason or error}); is it a TLS port?"
    elif isinstance(error, socket.gaierror):
        why = f"its host is not known ({error.strerror})"
    else:
        why = f"cannot be reached ({error.strerror or error}); check host and port, and that it runs"
    return f"broker {broker} {why}"
