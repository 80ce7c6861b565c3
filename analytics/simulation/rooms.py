"""A room as two resistances and two capacities: its air, and the walls between it and the outdoors."""

from __future__ import annotations

from typing import Any, Final

from analytics.simulation.model import LUMPED, MachineModel, Parameter, Port, Values


def _room(_t: float, x: Values, u: Values, p: Values) -> dict[str, Any]:
    return {
        "through_wall": (x["air"] - x["wall"]) / p["inner_resistance"],
        "to_outdoors": (x["wall"] - u["outdoor"]) / p["outer_resistance"] + p["leakage"] * (x["air"] - u["outdoor"]),
        "gains": _gains(u, p),
    }


def _gains(u: Values, p: Values) -> Any:
    return u["heat"] + u["internal"] + p["aperture"] * u["solar"] / 1000.0


def _moves(_t: float, x: Values, u: Values, p: Values) -> dict[str, Any]:
    inner = (x["air"] - x["wall"]) / p["inner_resistance"]
    outer = (x["wall"] - u["outdoor"]) / p["outer_resistance"]
    leaking = p["leakage"] * (x["air"] - u["outdoor"])
    return {
        "air": (_gains(u, p) - inner - leaking) / p["air_capacity"] / 3600.0,
        "wall": (inner - outer) / p["wall_capacity"] / 3600.0,
    }


def _start(u: Values, p: Values) -> dict[str, Any]:
    through = 1.0 / (p["inner_resistance"] + p["outer_resistance"])
    rise = _gains(u, p) / (through + p["leakage"])
    return {"air": u["outdoor"] + rise, "wall": u["outdoor"] + rise * through * p["outer_resistance"]}


ROOM: Final = MachineModel(
    "room",
    "Room with two resistances and two capacities (2R2C): air and walls, heated, cooled, and lit by the sun",
    LUMPED,
    (
        Port("outdoor", "CEL", "Outdoors", (-40.0, 50.0)),
        Port("heat", "KWT", "From heating; negative for cooling", (-1e4, 1e4), 0.0),
        Port("solar", "D54", "Global irradiance", (0.0, 1400.0), 0.0),
        Port("internal", "KWT", "From people and machines", (0.0, 1e4), 0.0),
    ),
    (
        Port("through_wall", "KWT", "Heat from the air into the walls"),
        Port("to_outdoors", "KWT", "Heat lost outwards"),
        Port("gains", "KWT", "Heat put into the air"),
    ),
    (
        Parameter("inner_resistance", 1.0, 1e-3, 1e3, None, "Between air and walls, K/kW"),
        Parameter("outer_resistance", 5.0, 1e-3, 1e3, None, "Between walls and outdoors, K/kW"),
        Parameter("leakage", 0.05, 0.0, 1e3, None, "Heat through windows and with fresh air for 1 K, kW/K"),
        Parameter("air_capacity", 0.5, 1e-4, 1e5, None, "Heat to warm air and furniture by 1 K, kWh/K"),
        Parameter("wall_capacity", 10.0, 1e-4, 1e6, None, "Heat to warm the walls by 1 K, kWh/K"),
        Parameter("aperture", 2.0, 0.0, 1e4, "MTK", "Area that lets the sun in"),
    ),
    _room,
    (Port("air", "CEL", "Room", (-20.0, 60.0)), Port("wall", "CEL", "Walls", (-30.0, 60.0))),
    _moves,
    _start,
    cost_s=3e-3,
)
