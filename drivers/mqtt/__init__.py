"""The MQTT driver: what the entry point `mqtt` of the group `uatwin.drivers` names."""

from __future__ import annotations

from collections.abc import Sequence

from drivers.driver import Binding
from drivers.mqtt.driver import MqttDriver
from drivers.mqtt.plan import check, report
from drivers.mqtt.settings import MqttConnection, MqttPoint

connection_model = MqttConnection
point_model = MqttPoint


def create(name: str, connection: MqttConnection, bindings: Sequence[Binding]) -> MqttDriver:
    """A driver that is not connected yet. bindings have passed `check`."""
    return MqttDriver(name, connection, bindings)


__all__ = ["check", "connection_model", "create", "point_model", "report"]
