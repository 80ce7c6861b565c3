"""What is sent to edge nodes: commands, the request for a birth certificate, and the state of the host. No I/O."""

from __future__ import annotations

import json

from drivers.mqtt.sparkplug.births import Known
from drivers.mqtt.sparkplug.metrics import Kind, put_value
from drivers.mqtt.sparkplug.sparkplug_b_pb2 import Payload


def command(known: Known, kind: Kind, value: object, unix_ms: int) -> bytes:
    """A command's payload, by alias where the birth gave one and else by name (Sparkplug 3.0, 6.4.13).

    Raises ValueNotAccepted.
    """
    payload = Payload(timestamp=unix_ms)
    metric = payload.metrics.add(timestamp=unix_ms)
    if known.alias is not None:
        metric.alias = known.alias
    else:
        metric.name = known.id.name
    put_value(metric, kind, value)
    return payload.SerializeToString()


def rebirth(unix_ms: int) -> bytes:
    """The request for a new birth certificate, to a node."""
    payload = Payload(timestamp=unix_ms)
    metric = payload.metrics.add(name="Node Control/Rebirth", timestamp=unix_ms)
    put_value(metric, Kind.Boolean, True)
    return payload.SerializeToString()


def state(online: bool, unix_ms: int) -> bytes:
    """The state of a host application; its birth and its will carry the same time."""
    return json.dumps({"online": online, "timestamp": unix_ms}).encode()


def says_offline(payload: bytes) -> bool:
    """Whether somebody says that the host is away."""
    try:
        said = json.loads(payload)
    except ValueError:
        return False
    return isinstance(said, dict) and said.get("online") is False
