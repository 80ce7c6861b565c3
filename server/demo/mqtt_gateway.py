"""The demo's MQTT side: a broker, and a gateway that publishes vibration, power and tower and takes commands."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import paho.mqtt.client as paho
from amqtt.broker import Broker
from amqtt.errors import AMQTTError
from amqtt.session import Session
from paho.mqtt.enums import CallbackAPIVersion

from server.demo.faults import Fault
from server.demo.physics import CoolingPlant, NotNow, OutOfRange
from server.demo.sensors import PRIMARY, SECONDARY, Instruments

AVAILABILITY = "cooling/gateway/availability"
ERRORS = "cooling/gateway/error"
_FAN, _VALVE = "cooling/tower/fan", "cooling/exchanger/valve"
COMMANDS = {
    f"{_FAN}/set": (f"{_FAN}/state", f"{SECONDARY}/CoolingTower/FanSpeedSetpoint"),
    f"{_VALVE}/set": (f"{_VALVE}/state", f"{PRIMARY}/HeatExchanger/ControlValve/PositionSetpoint"),
}
"""Command topic -> topic on which the setpoint in force comes back, and the command. Payloads are plain numbers."""

_BEARING = {"rms": "Vibration", "peak": "PeakVibration", "kurtosis": "Kurtosis", "temperature": "Temperature"}
_TOWER = f"{SECONDARY}/CoolingTower"
TOPICS: dict[str, dict[str, str]] = {
    **{
        f"cooling/vibration/{pump.lower()}/{end}": {
            key: f"{loop}/{pump}/{part}/{name}" for key, name in _BEARING.items()
        }
        for loop, pump in ((PRIMARY, "Pump1"), (PRIMARY, "Pump2"), (SECONDARY, "Pump3"))
        for end, part in (("drive_end", "DriveEndBearing"), ("non_drive_end", "NonDriveEndBearing"))
    },
    "cooling/vibration/chiller/compressor": {
        "rms": f"{PRIMARY}/Chiller/Compressor/Vibration",
        "temperature": f"{PRIMARY}/Chiller/Compressor/BearingTemperature",
    },
    "cooling/power/main": {
        "power_kw": "TotalPower",
        "energy_kwh": "TotalEnergy",
        "power_factor": "PowerFactor",
        "voltage": "Voltage",
        "frequency": "Frequency",
    },
    "cooling/power/primary": {"power_kw": f"{PRIMARY}/Power", "energy_kwh": f"{PRIMARY}/Energy"},
    "cooling/power/secondary": {"power_kw": f"{SECONDARY}/Power", "energy_kwh": f"{SECONDARY}/Energy"},
    "cooling/tower": {
        "fan_speed": f"{_TOWER}/FanSpeed",
        "fan_power_kw": f"{_TOWER}/FanMotor/Power",
        "winding": f"{_TOWER}/FanMotor/WindingTemperature",
        "outlet": f"{_TOWER}/OutletTemperature",
        "approach": f"{_TOWER}/Approach",
        "oil": f"{_TOWER}/Gearbox/OilTemperature",
        "vibration": f"{_TOWER}/Gearbox/Vibration",
    },
    "cooling/exchanger": {
        "valve": f"{PRIMARY}/HeatExchanger/ControlValve/Position",
        "filter_dp": f"{PRIMARY}/HeatExchanger/Filter/DifferentialPressure",
    },
}
"""Topic -> JSON key -> instrument. Each message also has "ts" (ISO 8601) and "quality" ("good")."""


class _Broker(Broker):  # type: ignore[misc]
    """amqtt, without its habit of sending a new client what is retained for the subscriptions of all others."""

    async def _publish_retained_messages_for_subscription(self, asked: tuple[str, int], session: Session) -> None:
        if any(one is session for one, _ in self._subscriptions.get(asked[0], ())):
            await super()._publish_retained_messages_for_subscription(asked, session)


class MqttGateway:
    """Broker and gateway. The gateway's last will says "offline" on AVAILABILITY, retained."""

    def __init__(self, plant: CoolingPlant, instruments: Instruments, commanded: Callable[[], None]) -> None:
        self._plant = plant
        self._instruments = instruments
        self._commanded = commanded
        self._broker: Broker | None = None
        self._client: paho.Client | None = None
        self._address = ("", 0)

    async def start(self, host: str, port: int) -> None:
        """Start the broker on a port and the gateway on it. Raises OSError when the port is taken."""
        self._address = (host, port)
        listeners = {"default": {"type": "tcp", "bind": f"{host}:{port}"}}
        self._broker = _Broker({"listeners": listeners, "plugins": _PLUGINS})
        try:
            await self._broker.start()
        except AMQTTError as error:
            self._broker = None
            raise OSError(str(error)) from error
        await self._connect()

    async def stop(self) -> None:
        """Say goodbye and stop both."""
        if self._client is not None:
            self._client.publish(AVAILABILITY, "offline", qos=1, retain=True)
            self._client.disconnect()
            await asyncio.to_thread(self._client.loop_stop)
            self._client = None
        if self._broker is not None:
            await self._broker.shutdown()
            self._broker = None

    async def publish(self) -> None:
        """Publish all readings, as the gateway does every second; comes and goes with its fault."""
        dead = Fault.GatewayDead in self._plant.faults
        if dead and self._client is not None:
            await self._die(self._client)
        elif not dead and self._client is None:
            await self._connect()
        if self._client is None:
            return
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        for topic, message in _messages(self._instruments, stamp):
            self._client.publish(topic, message)
        self._publish_setpoints()

    def _publish_setpoints(self) -> None:
        if self._client is not None:
            for state, path in COMMANDS.values():
                self._client.publish(state, f"{self._instruments.values[path]:g}", retain=True)

    async def _connect(self) -> None:
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id="cooling-gateway")
        client.will_set(AVAILABILITY, "offline", qos=1, retain=True)
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()

        def on_connect(client: paho.Client, *_: object) -> None:
            client.publish(AVAILABILITY, "online", qos=1, retain=True)
            client.subscribe([(topic, 1) for topic in COMMANDS])

        def on_message(client: paho.Client, userdata: object, message: paho.MQTTMessage) -> None:
            loop.call_soon_threadsafe(self._command, message.topic, message.payload)

        def on_subscribe(client: paho.Client, *_: object) -> None:
            loop.call_soon_threadsafe(ready.set)

        client.on_connect = on_connect
        client.on_message = on_message
        client.on_subscribe = on_subscribe
        await asyncio.to_thread(client.connect, *self._address)
        client.loop_start()
        async with asyncio.timeout(5.0):
            await ready.wait()
        self._client = client

    async def _die(self, client: paho.Client) -> None:
        """As a gateway without power: its connection breaks without a DISCONNECT, so that the broker sends the will."""
        self._client = None
        client.on_connect = client.on_message = None
        connection = client.socket()
        await asyncio.to_thread(client.loop_stop)
        if connection is not None:
            connection.close()

    def _command(self, topic: str, payload: bytes | bytearray) -> None:
        if topic not in COMMANDS:
            return  # amqtt sends a client that comes back retained messages of topics it has not subscribed to
        try:
            self._plant.command(COMMANDS[topic][1], float(payload))
        except (OutOfRange, NotNow) as refusal:
            self._complain(topic, str(refusal))
        except ValueError:
            self._complain(topic, f"{bytes(payload[:40])!r} is not a number")
        self._commanded()
        self._publish_setpoints()

    def _complain(self, topic: str, reason: str) -> None:
        if self._client is not None:
            self._client.publish(ERRORS, json.dumps({"topic": topic, "error": reason}))


_PLUGINS = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}


def _messages(instruments: Instruments, stamp: str) -> Iterator[tuple[str, str]]:
    values = instruments.values
    for topic, fields in TOPICS.items():
        body = {key: round(float(values[path]), 4) for key, path in fields.items()}
        yield topic, json.dumps({"ts": stamp, **body, "quality": "good"})
