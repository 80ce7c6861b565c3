"""One MQTT session: paho speaks the protocol over the wire, this says when, and what came of it.

All packets that have arrived are handled in one wake-up of the event loop, and no thread is needed.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Sequence
from typing import Final

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from drivers.driver import Traffic
from drivers.errors import ConnectFailed, DeviceTimeout, DriverError, LinkLost
from drivers.mqtt.connecting import connect_wire, not_accepted, refusal
from drivers.mqtt.packets import NotMqtt, Packets, Publish
from drivers.mqtt.settings import MqttConnection
from drivers.mqtt.wire import Wire

_CLOSE_S: Final = 1.0


class _Client(paho.Client):
    """paho's client on a transport that is open already. `_create_socket` is the one private name this driver needs."""

    wire: Wire

    def _create_socket(self) -> paho.SocketLike:
        return self.wire  # type: ignore[return-value]  # a bytearray serves paho as well as bytes


class Channel:
    """A session with a broker, from `open` to `close`; may be opened again.

    on_message is called for each message and on_batch after the last one of a wake-up; neither may raise.
    """

    def __init__(
        self,
        client_id: str,
        settings: MqttConnection,
        traffic: Traffic,
        on_message: Publish,
        on_batch: Callable[[], None],
    ) -> None:
        self.broker = f"{settings.host}:{settings.port}"
        self._settings = settings
        self._client_id = client_id
        self._traffic = traffic
        self._on_batch = on_batch
        self._on_message = on_message
        self._client = self._make_client(client_id)
        self._packets = Packets(on_message, settings.version == "5")
        self._wire: Wire | None = None
        self._hurry_until = 0.0
        self._keepalive: asyncio.TimerHandle | None = None
        self._accepted: asyncio.Future[None] | None = None
        self._failure: asyncio.Future[str] | None = None
        self._answers: dict[int, asyncio.Future[Sequence[ReasonCode]]] = {}

    def _make_client(self, client_id: str) -> _Client:
        five = self._settings.version == "5"
        client = _Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=None if five else not self._settings.persistent_session,
            protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_message = lambda _client, _userdata, message: self._message(message)
        client.on_subscribe = lambda _client, _userdata, mid, reasons, _properties: self._answer(mid, reasons)
        client.on_publish = lambda _client, _userdata, mid, reason, _properties: self._answer(mid, [reason])
        return client

    # --- life

    async def open(self, will: tuple[str, bytes] | None = None) -> None:
        """Connect and be accepted by the broker; raises ConnectFailed with the broker's reason. will: topic and payload
        that the broker is to publish, retained, once the connection breaks."""
        await self.close()
        loop = asyncio.get_running_loop()
        self._accepted, self._failure = loop.create_future(), loop.create_future()
        try:
            async with asyncio.timeout(self._settings.connect_timeout_s):
                self._packets = Packets(self._on_message, self._settings.version == "5")
                self._wire = await connect_wire(
                    self._settings, lambda: Wire(self._traffic, self._arrived, self._wire_lost)
                )
                self._say_hello(will)
                await self._accepted
        except BaseException as error:
            self._accepted.cancel()
            await self.close()
            if isinstance(error, TimeoutError):
                raise ConnectFailed(
                    f"broker {self.broker} did not answer within {self._settings.connect_timeout_s:g} s"
                ) from None
            raise
        self._tick()

    def _say_hello(self, will: tuple[str, bytes] | None) -> None:
        assert self._wire is not None
        settings, client = self._settings, self._client
        client.drop_out_messages()  # a command that was not acknowledged must not go out late
        client.wire = self._wire
        if will is not None:
            client.will_set(*will, qos=1, retain=True)
        client.username_pw_set(settings.user, settings.password_text())
        client.connect_async(
            settings.host,
            settings.port,
            settings.keepalive_s,
            clean_start=not settings.persistent_session,
            properties=self._connect_properties(),
        )
        client.reconnect()

    def _connect_properties(self) -> Properties | None:
        if self._settings.version != "5" or not self._settings.persistent_session:
            return None
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = self._settings.session_expiry_s
        return properties

    async def close(self) -> None:
        """Say goodbye and free everything; idempotent."""
        if self._keepalive is not None:
            self._keepalive.cancel()
            self._keepalive = None
        wire, self._wire = self._wire, None
        if wire is None:
            return
        self._client.disconnect()
        wire.close()
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_S):
                    await asyncio.shield(wire.closed)
        finally:
            wire.abort()
            self._fail("the connection was closed")

    async def lost(self) -> str:
        """Wait until the connection breaks; returns why."""
        if self._wire is None or self._failure is None:
            return "not connected"
        return await asyncio.shield(self._failure)

    def _tick(self) -> None:
        if self._wire is not None:
            self._client.loop_misc()
            self._keepalive = asyncio.get_running_loop().call_later(self._settings.keepalive_s / 4, self._tick)

    # --- requests

    async def subscribe(self, filters: Sequence[tuple[str, int]]) -> Sequence[ReasonCode]:
        """Subscribe to (filter, QoS) pairs in one packet and return the broker's answer to each.

        Raises LinkLost, DeviceTimeout.
        """
        client = self._connected_client()
        if self._settings.version == "5":
            result, mid = client.subscribe([(name, SubscribeOptions(qos)) for name, qos in filters])
        else:
            result, mid = client.subscribe(list(filters))
        if result != MQTTErrorCode.MQTT_ERR_SUCCESS or mid is None:
            raise LinkLost(f"broker {self.broker}: {paho.error_string(result)}")
        return await self._answered(mid, "the subscription", self._settings.connect_timeout_s)

    async def publish(self, topic: str, payload: bytes, qos: int, retain: bool) -> ReasonCode | None:
        """Publish and return the broker's answer; None for QoS 0, which has none. Raises LinkLost, DeviceTimeout."""
        client = self._connected_client()
        info = client.publish(topic, payload, qos, retain, self._publish_properties(retain))
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            client.drop_out_messages()
            raise LinkLost(f"broker {self.broker}: {paho.error_string(info.rc)}")
        if qos == 0:
            return None
        reasons = await self._answered(info.mid, f"the message to {topic}", self._settings.write_timeout_s)
        return reasons[0]

    def send(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> None:
        """Publish without waiting for an answer; nothing happens where there is no connection."""
        if self._wire is not None and self._client.is_connected():
            self._traffic.requests += 1
            self._client.publish(topic, payload, qos, retain)

    def _publish_properties(self, retain: bool) -> Properties | None:
        """A command that nobody takes in time must not be delivered later."""
        if self._settings.version != "5" or retain:
            return None
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.MessageExpiryInterval = math.ceil(self._settings.write_timeout_s)
        return properties

    def _connected_client(self) -> _Client:
        if self._wire is None or not self._client.is_connected():
            raise LinkLost(f"broker {self.broker} is not connected")
        self._traffic.requests += 1
        self._hurry_until = asyncio.get_running_loop().time() + self._settings.write_timeout_s
        return self._client

    async def _answered(self, mid: int, what: str, within_s: float) -> Sequence[ReasonCode]:
        answer: asyncio.Future[Sequence[ReasonCode]] = asyncio.get_running_loop().create_future()
        self._answers[mid] = answer
        try:
            async with asyncio.timeout(within_s):  # wait_for may swallow a cancellation on Python 3.11
                return await answer
        except TimeoutError:
            raise DeviceTimeout(f"broker {self.broker} did not acknowledge {what} within {within_s:g} s") from None
        finally:
            self._answers.pop(mid, None)

    # --- what arrives

    def _arrived(self, data: bytes) -> None:
        wire, packets = self._wire, self._packets
        if wire is None:
            return
        if self._hurry_until > asyncio.get_running_loop().time():
            wire.acknowledge()
        nonsense = ""
        try:
            packets.feed(data)
        except NotMqtt as error:
            nonsense = f"what came is not MQTT ({error})"
        if packets.others:
            wire.offer(packets.others)
            packets.others.clear()
            self._let_paho_read(wire)
        self._on_batch()
        if packets.acknowledgements:  # only now that the values are delivered
            with contextlib.suppress(ConnectionError):  # then the broker sends them again
                wire.send(bytes(packets.acknowledgements))
            packets.acknowledgements.clear()
        if nonsense:
            self._fail(nonsense)
            wire.abort()

    def _let_paho_read(self, wire: Wire) -> None:
        while wire.pending and self._client.loop_read() == MQTTErrorCode.MQTT_ERR_SUCCESS:
            pass
        if self._client.want_write():
            self._client.loop_write()

    def _message(self, message: paho.MQTTMessage) -> None:
        """A message of QoS 2, whose handshake is paho's."""
        try:
            topic = message.topic.encode()
        except UnicodeDecodeError:
            topic = b"\xff"  # not UTF-8 either
        self._on_message(topic, bytes(message.payload), message.retain)

    def _answer(self, mid: int, reasons: Sequence[ReasonCode]) -> None:
        self._traffic.responses += 1
        answer = self._answers.get(mid)
        if answer is not None and not answer.done():
            answer.set_result(reasons)

    def _connected(
        self, _client: paho.Client, _userdata: object, _flags: object, reason: ReasonCode, _p: object
    ) -> None:
        if self._accepted is None or self._accepted.done():
            return
        if reason.is_failure:
            self._accepted.set_exception(ConnectFailed(refusal(self._settings, str(reason))))
        else:
            self._accepted.set_result(None)

    def _disconnected(
        self, _client: paho.Client, _userdata: object, _flags: object, reason: ReasonCode, _p: object
    ) -> None:
        self._fail(str(reason))

    def _wire_lost(self, error: Exception | None) -> None:
        self._fail(str(error) if error is not None else "the broker closed the connection")
        self._client.loop_read()  # paho reads the end of the stream and forgets the connection

    def _fail(self, why: str) -> None:
        """End everything that waits; the first reason stands."""
        if self._accepted is not None and not self._accepted.done():
            self._accepted.set_exception(ConnectFailed(not_accepted(self._settings, why)))
        if self._failure is not None and not self._failure.done():
            self._failure.set_result(why)
        lost: DriverError = LinkLost(f"broker {self.broker}: {why}; whether the device got the message is not known")
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(lost)
