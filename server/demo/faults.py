"""The faults that can be injected into the demo plant; they grow as real ones do."""

from __future__ import annotations

from enum import IntEnum


class Fault(IntEnum):
    """What `InjectFault` takes. NoFault clears all."""

    NoFault = 0
    BearingDamage = 1
    SensorStuck = 2
    FouledExchanger = 3
    BlockedFilter = 4
    ChillerTrip = 5
    DriveDead = 6
    GatewayDead = 7
    StationDead = 8


DEVICE_FAULTS = frozenset({Fault.DriveDead, Fault.GatewayDead, Fault.StationDead})
"""A device falls silent: the drive of Pump3 (Modbus unit 3), the MQTT gateway, the CoAP weather and tank station."""

GROWTH_S = 90.0
"""Time constant with which fouling and clogging grow."""
