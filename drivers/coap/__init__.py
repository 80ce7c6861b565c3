"""The CoAP driver: what its entry point gives to the rest (`drivers.driver.DriverType`)."""

from __future__ import annotations

from collections.abc import Sequence

from drivers.coap.check import check
from drivers.coap.driver import CoapDriver
from drivers.coap.report import report
from drivers.coap.settings import CoapConnection, CoapPoint
from drivers.driver import Binding

connection_model = CoapConnection
point_model = CoapPoint


def create(name: str, connection: CoapConnection, bindings: Sequence[Binding]) -> CoapDriver:
    """A driver for these tags, not connected yet; they have no problems (`check`)."""
    return CoapDriver(name, connection, bindings)


__all__ = ["check", "connection_model", "create", "point_model", "report"]
