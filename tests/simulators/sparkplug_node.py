"""A Sparkplug B edge node that says what a test tells it to, and counts its own messages."""

from __future__ import annotations

import itertools
from typing import Any

from drivers.mqtt.sparkplug.sparkplug_b_pb2 import Payload, PropertySet, PropertyValue
from tests.simulators.mqtt_broker import Listener, MqttBroker

STAMP_MS = 1_700_000_000_000


def metric(name: str = "", value: object = None, *, quality: int | None = None, **fields: Any) -> dict[str, Any]:
    """A metric's fields; the value goes where its Python type says unless a field like long_value is given."""
    made = dict(fields)
    if name:
        made["name"] = name
    if value is not None:
        kinds = {bool: "boolean_value", int: "int_value", float: "double_value", str: "string_value"}
        made[kinds[type(value)]] = value
    if quality is not None:
        made["properties"] = PropertySet(keys=["Quality"], values=[PropertyValue(type=3, int_value=quality)])
    return made


class SparkplugNode:
    """Node N of group G at a broker."""

    def __init__(self, broker: MqttBroker) -> None:
        self._broker = broker
        self._seq = itertools.count()
        self.bd_seq = 0

    async def send(self, kind: str, *metrics: dict[str, Any], device: str = "", seq: int | None = None) -> None:
        """Publish a message; births of the node and all others but deaths carry the next sequence number."""
        if kind == "NBIRTH":
            self._seq = itertools.count()
        number = seq if seq is not None else None if kind == "NDEATH" else next(self._seq) % 256
        session = [{"name": "bdSeq", "datatype": 8, "long_value": self.bd_seq}] if kind in ("NBIRTH", "NDEATH") else []
        payload = Payload(timestamp=STAMP_MS, seq=number)
        for fields in [*session, *metrics]:
            payload.metrics.add(**fields)
        topic = f"spBv1.0/G/{kind}/N" + (f"/{device}" if device else "")
        await self._broker.publish(topic, payload.SerializeToString())

    def skip(self) -> None:
        """A message that never comes."""
        next(self._seq)

    async def commands(self, device: str = "") -> Commands:
        """Listen to the commands for the node or one of its devices."""
        topic = f"spBv1.0/G/DCMD/N/{device}" if device else "spBv1.0/G/NCMD/N"
        return Commands(await self._broker.listen(topic, "-F", "%x"))


class Commands:
    """Commands as they come; close it."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    async def next(self) -> Payload:
        """The next one."""
        while True:
            line = await self._listener.line(b"")
            if line and set(line) <= set(b"0123456789abcdef") and len(line) > 8:
                return Payload.FromString(bytes.fromhex(line.decode()))

    async def close(self) -> None:
        """End it."""
        await self._listener.close()
