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


def silence_s(connection: CoapConnection, point: CoapPoint) -> float:
    """The longest time between readings of an observed tag: it is asked for again when Max-Age, as far as that is
    trusted, has passed. 0 for a fetched one."""
    if not (point.observe and point.read):
        return 0.0
    return connection.max_age_s + connection.grace_s + connection.timeout_s


def create(name: str, connection: CoapConnection, bindings: Sequence[Binding]) -> CoapDriver:
    """A driver for these tags, not connected yet; they have no problems (`check`)."""
    return CoapDriver(name, connection, bindings)


__all__ = ["check", "connection_model", "create", "point_model", "report", "silence_s"]
