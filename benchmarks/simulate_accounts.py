"""What must balance in each kind of model: two flows at every moment, or what passes and what is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from analytics.simulation.water import HEAT_KJ, capacity_flow

Columns = Mapping[str, Any]
Account = Callable[[Columns, Columns, Columns], tuple[Any, Any]]


def _circuit(lift: str) -> Account:
    def account(u: Columns, y: Columns, p: Columns) -> tuple[Any, Any]:
        return y[lift], p["static"] + p["resistance"] * u["throttle"] * (y["flow"] + u["other_flow"]) ** 2

    return account


def _exchanged(u: Columns, y: Columns, _p: Columns) -> tuple[Any, Any]:
    hot = capacity_flow(u["hot_flow"]) * (u["hot_inlet"] - y["hot_outlet"])
    return hot, capacity_flow(u["cold_flow"]) * (y["cold_outlet"] - u["cold_inlet"])


def _chilled(u: Columns, y: Columns, _p: Columns) -> tuple[Any, Any]:
    cold = capacity_flow(u["flow"]) * (u["entering"] - y["leaving"])
    warm = capacity_flow(u["condenser_flow"]) * (y["condenser_leaving"] - u["condenser_entering"])
    return cold + y["power"], warm


EQUAL: dict[str, Account] = {
    "pump": _circuit("head"),
    "fan": _circuit("pressure"),
    "heat_exchanger": _exchanged,
    "chiller": _chilled,
    "chiller_gordon_ng": _chilled,
    "cooling_tower": lambda u, y, _p: (
        capacity_flow(u["flow"]) * (u["inlet_temperature"] - y["outlet_temperature"]),
        y["heat"],
    ),
    "sum": lambda u, y, _p: (y["total"], u["value"]),
    "ratio": lambda u, y, _p: (y["ratio"] * u["denominator"], u["numerator"]),
}
"""Steady models: (inputs, outputs, parameters) -> what comes in and what goes out at each moment."""


def _dynamic_exchanger(u: Columns, y: Columns, p: Columns) -> tuple[Any, Any]:
    hot, cold = _exchanged(u, y, p)
    return hot - cold, HEAT_KJ * (p["hot_mass"] * y["hot_outlet"] + p["cold_mass"] * y["cold_outlet"])


def _dynamic_chiller(u: Columns, y: Columns, p: Columns) -> tuple[Any, Any]:
    taken, rejected = _chilled(u, y, p)
    stored = p["evaporator_mass"] * y["leaving"] + p["condenser_mass"] * y["condenser_leaving"]
    return taken - rejected, HEAT_KJ * stored


STORED: dict[str, Account] = {
    "motor": lambda _u, y, p: ((y["final"] - y["winding"]) / p["time_constant"], y["winding"]),
    "motor_two_body": lambda _u, y, p: (
        y["losses"] - y["heat"],
        p["winding_capacity"] * y["winding"] + p["frame_capacity"] * y["frame"],
    ),
    "heat_exchanger_dynamic": _dynamic_exchanger,
    "tank": lambda u, y, _p: ((u["inflow"] + y["make_up"] - y["drawn"] - y["overflow"]) / 3600.0, y["volume"]),
    "volume": lambda u, y, p: (u["heat"] - y["carried"] - y["lost"], p["mass"] * HEAT_KJ * y["temperature"]),
    "room": lambda _u, y, p: (
        y["gains"] - y["to_outdoors"],
        3600.0 * (p["air_capacity"] * y["air"] + p["wall_capacity"] * y["wall"]),
    ),
    "chiller_dynamic": _dynamic_chiller,
}
"""Dynamic models: (inputs, outputs, parameters) -> what comes in less what goes out at each moment, and what is
stored."""
