"""The Modbus driver: what its entry point gives to the rest (`drivers.driver.DriverType`)."""

from __future__ import annotations

from collections.abc import Sequence

from drivers.driver import Binding
from drivers.modbus.check import check
from drivers.modbus.driver import ModbusDriver
from drivers.modbus.report import report
from drivers.modbus.settings import ModbusConnection as connection_model  # noqa: N813 (the contract's name)
from drivers.modbus.settings import ModbusPoint as point_model  # noqa: N813

__all__ = ["check", "connection_model", "create", "point_model", "report"]


def create(name: str, connection: connection_model, bindings: Sequence[Binding]) -> ModbusDriver:
    """A driver for these tags, not connected yet; they must have no problems (`check`)."""
    return ModbusDriver(name, connection, bindings)
