"""Pumps and fans by the affinity laws, working against a circuit: flow, lift, shaft and electric power."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from analytics.simulation.model import STEADY, MachineModel, Parameter, Port, Values
from analytics.simulation.water import GRAVITY_KN

_SPEEDS: Final = ("RPM", "P1", "HTZ")


def operating_point(speed: Any, u: Values, p: Values) -> tuple[Any, Any]:
    """Flow and lift where the machine's curve, shutoff * speed^2 - curve * flow^2, meets that of the circuit,
    static + resistance * (flow + other_flow)^2. speed: share of the rated one. Nothing flows back (check valve)."""
    resistance, other = p["resistance"] * u["throttle"], u["other_flow"]
    both = p["curve"] + resistance
    short = resistance * other * other + p["static"] - p["shutoff"] * speed * speed
    root = np.sqrt(np.maximum((resistance * other) ** 2 - both * short, 0.0))
    flow = np.maximum((root - resistance * other) / both, 0.0)
    return flow, np.maximum(p["shutoff"] * speed * speed - p["curve"] * flow * flow, 0.0) * (flow > 0.0)


def efficiency(speed: Any, flow: Any, p: Values) -> Any:
    """Share of the shaft power that moves the medium: a parabola around the best flow, which goes with the speed."""
    off = (flow / np.maximum(speed, 1e-9) - p["best_flow"]) / p["best_flow"]
    best = p["best_efficiency"] * (1.0 - p["efficiency_drop"] * off * off)
    return np.maximum(best, p["least_efficiency"]) * (flow > 0.0)


def electric(shaft: Any, p: Values) -> Any:
    """Power that drive and motor take for a shaft power, kW: a share and, while it turns, a constant loss."""
    return shaft / p["drive_efficiency"] + p["drive_losses"] * (shaft > 1e-6)


def _turbo(u: Values, p: Values, power_of: float) -> dict[str, Any]:
    speed = np.maximum(u["speed"], 0.0) / p["rated_speed"]
    flow, lift = operating_point(speed, u, p)
    share = efficiency(speed, flow, p)
    useful = power_of * flow * lift
    shaft = np.maximum(useful / np.maximum(share, 1e-9), p["idle_power"] * speed**3)
    return {
        "flow": flow,
        "lift": lift,
        "efficiency": 100.0 * share,
        "shaft_power": shaft,
        "power": electric(shaft, p),
        "load": 100.0 * shaft / p["rated_power"],
    }


def _pump(_t: float, _x: Values, u: Values, p: Values) -> dict[str, Any]:
    found = _turbo(u, p, GRAVITY_KN / 3600.0)
    head = found.pop("lift")
    return {**found, "head": head, "pressure": p["inlet_pressure"] + head * GRAVITY_KN / 100.0}


def _fan(_t: float, _x: Values, u: Values, p: Values) -> dict[str, Any]:
    found = _turbo(u, p, 1.0 / 3.6e6)
    pressure = found.pop("lift")
    return {**found, "pressure": pressure}


def _inputs(top: float) -> tuple[Port, ...]:
    return (
        Port("speed", "RPM", "Speed, in the unit of rated_speed", (0.2 * top, 1.1 * top), also=_SPEEDS),
        Port("other_flow", "MQH", "What others put into the same circuit", (0.0, 1e6), 0.0),
        Port("throttle", "C62", "Factor on the resistance of the circuit: a valve, a clogged filter", (0.5, 20.0), 1.0),
    )


def _parameters(
    lift: str, symbol: str, shutoff: float, best_flow: float, speed: float, power: float
) -> tuple[Parameter, ...]:
    curve = 0.5 * shutoff / best_flow**2
    return (
        Parameter("rated_speed", speed, 1.0, 1e5, None, "Speed that the other figures are for"),
        Parameter("shutoff", shutoff, 1e-3, 1e5, lift, "Lift at rated speed and no flow"),
        Parameter("curve", curve, 1e-12, 1e3, None, f"Lift lost to the square of the flow, {symbol}/(m3/h)^2"),
        Parameter("static", 0.0, 0.0, 1e5, lift, "Lift that the circuit needs at no flow"),
        Parameter("resistance", curve, 0.0, 1e3, None, f"Of the circuit, {symbol}/(m3/h)^2"),
        Parameter("best_flow", best_flow, 1e-3, 1e6, "MQH", "Flow at rated speed where the efficiency is highest"),
        Parameter("best_efficiency", 0.75, 0.05, 0.95, None, "Efficiency there"),
        Parameter("efficiency_drop", 0.6, 0.0, 2.0, None, "Share of it lost at no flow and at twice that flow"),
        Parameter("least_efficiency", 0.2, 0.01, 0.9, None, "It is not lower than that while something flows"),
        Parameter("idle_power", 0.1 * power, 0.0, 1e4, "KWT", "Least shaft power at rated speed"),
        Parameter("rated_power", power, 1e-3, 1e5, "KWT", "Shaft power of the motor"),
        Parameter("drive_efficiency", 0.92, 0.3, 1.0, None, "Shaft power over electric power of motor and drive"),
        Parameter("drive_losses", 0.02 * power, 0.0, 1e3, "KWT", "Losses of motor and drive at any load"),
    )


def _outputs(lift: Port) -> tuple[Port, ...]:
    return (
        Port("flow", "MQH", "Volume flow"),
        lift,
        Port("efficiency", "P1", "Power of the medium over shaft power"),
        Port("shaft_power", "KWT", "Power at the shaft"),
        Port("power", "KWT", "Electric power, with the losses of motor and drive"),
        Port("load", "P1", "Shaft power over rated power"),
    )


_RATIOS: Final = (("specific_energy", "power", "flow"),)
"""kWh/m3."""

PUMP: Final = MachineModel(
    "pump",
    "Centrifugal pump with variable speed in a circuit: affinity laws, efficiency curve, losses of the drive",
    STEADY,
    _inputs(3000.0),
    (*_outputs(Port("head", "MTR", "Head")), Port("pressure", "BAR", "Gauge pressure behind the pump")),
    (
        *_parameters("MTR", "m", 40.0, 100.0, 3000.0, 15.0),
        Parameter("inlet_pressure", 0.0, -1.0, 100.0, "BAR", "Gauge pressure before the pump"),
    ),
    _pump,
    ratios=_RATIOS,
    cost_s=1.1e-5,
)

FAN: Final = MachineModel(
    "fan",
    "Fan with variable speed against ducts: affinity laws, efficiency curve, losses of the drive",
    STEADY,
    _inputs(1500.0),
    _outputs(Port("pressure", "PAL", "Rise of the total pressure")),
    _parameters("PAL", "Pa", 1000.0, 20000.0, 1500.0, 7.5),
    _fan,
    ratios=_RATIOS,
    cost_s=1e-5,
)
