"""How warm a motor becomes: one body, or winding and frame."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from analytics.simulation.model import LUMPED, MachineModel, Parameter, Port, Values

_INPUTS: Final = (
    Port("shaft_power", "KWT", "Power at the shaft", (0.0, 1e4)),
    Port("ambient", "CEL", "Air around it", (-20.0, 50.0), 20.0),
)


def _load(u: Values, p: Values) -> Any:
    return np.maximum(u["shaft_power"], 0.0) / p["rated_power"]


def _share(u: Values, p: Values) -> Any:
    """Losses over those at rated load: a part that is there whenever it turns, and one that grows with the load."""
    load = _load(u, p)
    return p["fixed_share"] * (load > 0.01) + (1.0 - p["fixed_share"]) * load ** p["exponent"]


def _one(_t: float, _x: Values, u: Values, p: Values) -> dict[str, Any]:
    return {"load": 100.0 * _load(u, p), "final": u["ambient"] + p["rated_rise"] * _share(u, p)}


def _one_moves(_t: float, x: Values, u: Values, p: Values) -> dict[str, Any]:
    final = u["ambient"] + p["rated_rise"] * _share(u, p)
    return {"winding": (final - x["winding"]) / p["time_constant"]}


def _one_start(u: Values, p: Values) -> dict[str, Any]:
    return {"winding": u["ambient"] + p["rated_rise"] * _share(u, p)}


def _two(_t: float, x: Values, u: Values, p: Values) -> dict[str, Any]:
    return {
        "load": 100.0 * _load(u, p),
        "losses": p["rated_losses"] * _share(u, p),
        "heat": (x["frame"] - u["ambient"]) / p["frame_resistance"],
    }


def _two_moves(_t: float, x: Values, u: Values, p: Values) -> dict[str, Any]:
    inward = (x["winding"] - x["frame"]) / p["winding_resistance"]
    outward = (x["frame"] - u["ambient"]) / p["frame_resistance"]
    losses = p["rated_losses"] * _share(u, p)
    return {
        "winding": (losses - inward) / p["winding_capacity"],
        "frame": (inward - outward) / p["frame_capacity"],
    }


def _two_start(u: Values, p: Values) -> dict[str, Any]:
    losses = p["rated_losses"] * _share(u, p)
    frame = u["ambient"] + losses * p["frame_resistance"]
    return {"winding": frame + losses * p["winding_resistance"], "frame": frame}


_COMMON: Final = (
    Parameter("rated_power", 15.0, 1e-3, 1e5, "KWT", "Shaft power it is made for"),
    Parameter("fixed_share", 0.2, 0.0, 0.9, None, "Share of the losses at rated load that is there at any load"),
    Parameter("exponent", 2.0, 1.0, 3.0, None, "The rest goes with this power of the load: 2 for losses in copper"),
)
_LOAD: Final = Port("load", "P1", "Shaft power over rated power")
_WINDING: Final = Port("winding", "CEL", "Winding", (-20.0, 180.0))

MOTOR: Final = MachineModel(
    "motor",
    "Temperature of a motor's winding, as one body that its losses warm and the air cools",
    LUMPED,
    _INPUTS,
    (_LOAD, Port("final", "CEL", "What the winding tends to")),
    (
        *_COMMON,
        Parameter("rated_rise", 80.0, 1.0, 200.0, "KEL", "Above the air at rated load, in the end"),
        Parameter("time_constant", 900.0, 1.0, 1e5, "SEC", "How fast it gets there"),
    ),
    _one,
    (_WINDING,),
    _one_moves,
    _one_start,
    cost_s=2.5e-3,
)

MOTOR_TWO_BODY: Final = MachineModel(
    "motor_two_body",
    "Temperatures of a motor's winding and frame: short overloads show in the winding before the frame knows",
    LUMPED,
    _INPUTS,
    (_LOAD, Port("losses", "KWT", "Power that becomes heat"), Port("heat", "KWT", "Heat given to the air")),
    (
        *_COMMON,
        Parameter("rated_losses", 1.2, 1e-4, 1e4, "KWT", "Losses at rated load"),
        Parameter("winding_resistance", 25.0, 1e-3, 1e4, None, "Between winding and frame, K/kW"),
        Parameter("frame_resistance", 40.0, 1e-3, 1e4, None, "Between frame and air, K/kW"),
        Parameter("winding_capacity", 6.0, 1e-3, 1e5, "B41", "Heat to warm the winding by 1 K, kJ/K"),
        Parameter("frame_capacity", 60.0, 1e-3, 1e6, "B41", "Heat to warm the frame by 1 K, kJ/K"),
    ),
    _two,
    (_WINDING, Port("frame", "CEL", "Frame", (-20.0, 120.0))),
    _two_moves,
    _two_start,
    cost_s=2.5e-3,
)
