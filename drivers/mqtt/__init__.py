"""The MQTT driver: what the entry point `mqtt` of the group `uatwin.drivers` names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from drivers.driver import Binding
from drivers.mqtt.driver import MqttDriver
from drivers.mqtt.plan import check, report
from drivers.mqtt.settings import MqttConnection, MqttPoint

connection_model = MqttConnection
point_model = MqttPoint


_UNTIL_TOLD_S: Final = 31_536_000.0
"""A year: as long as nobody says otherwise."""


def silence_s(connection: MqttConnection, point: MqttPoint) -> float:
    """`drivers.driver.Vouching`: what speaks on change only is believed while its last will does not say that it is
    away. A Sparkplug node reports by exception, and its death certificate is its will; others say so by on_change."""
    watched = point.on_change and (point.availability or connection.availability) is not None
    return _UNTIL_TOLD_S if watched or point.sparkplug is not None else 0.0


def create(name: str, connection: MqttConnection, bindings: Sequence[Binding]) -> MqttDriver:
    """A driver that is not connected yet. bindings have passed `check`."""
    return MqttDriver(name, connection, bindings)


__all__ = ["check", "connection_model", "create", "point_model", "report", "silence_s"]
