"""Water in tanks and pipes: level and mixed temperature."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from analytics.simulation.model import LUMPED, MachineModel, Parameter, Port, Values
from analytics.simulation.water import HEAT_KJ, capacity_flow

_DRY: Final = 1.0
"""The last percent of the volume: it always counts as there when temperatures are mixed."""


def make_up(x: Values, u: Values, p: Values) -> Any:
    """Fresh water that the level control lets in, m3/h: proportional, between nothing and all the valve can."""
    valve = p["make_up_bias"] + p["make_up_gain"] * (u["level_setpoint"] - x["level"])
    return p["make_up_most"] * np.minimum(np.maximum(valve, 0.0), 100.0) / 100.0


def _flows(x: Values, u: Values, p: Values) -> tuple[Any, Any, Any]:
    """What comes in, what goes out, and what runs over, m3/h: in the last percent an empty tank gives ever less than is
    wanted, down to what comes in, and a full one lets ever more run over. Jumps instead would stop any integrator."""
    inward = np.maximum(u["inflow"], 0.0) + make_up(x, u, p)
    wanted = np.maximum(u["outflow"], 0.0) + u["losses"]
    lacking = np.maximum(wanted - inward, 0.0) * _share(1.0 - x["level"] / _DRY)
    outward = wanted - lacking
    return inward, outward, np.maximum(inward - outward, 0.0) * _share((x["level"] - 100.0 + _DRY) / _DRY)


def _share(value: Any) -> Any:
    return np.minimum(np.maximum(value, 0.0), 1.0)


def _tank(_t: float, x: Values, u: Values, p: Values) -> dict[str, Any]:
    _, outward, over = _flows(x, u, p)
    return {
        "make_up": make_up(x, u, p),
        "drawn": outward,
        "overflow": over,
        "volume": p["volume"] * x["level"] / 100.0,
    }


def _tank_moves(_t: float, x: Values, u: Values, p: Values) -> dict[str, Any]:
    inward, outward, over = _flows(x, u, p)
    held = p["volume"] * np.maximum(x["level"], _DRY) / 100.0
    flow, fresh = np.maximum(u["inflow"], 0.0), make_up(x, u, p)
    brought = flow * (u["inlet_temperature"] - x["temperature"]) + fresh * (u["make_up_temperature"] - x["temperature"])
    lost = p["loss"] * (u["ambient"] - x["temperature"])
    return {
        "level": 100.0 * (inward - outward - over) / 3600.0 / p["volume"],
        "temperature": brought / 3600.0 / held + (u["heat"] + lost) / (1000.0 * held * HEAT_KJ),
    }


def _tank_start(u: Values, p: Values) -> dict[str, Any]:
    return {"level": u["level_setpoint"] + 0.0, "temperature": u["inlet_temperature"] + 0.0}


TANK: Final = MachineModel(
    "tank",
    "Open tank, well mixed: level and temperature, with a level control for fresh water",
    LUMPED,
    (
        Port("inflow", "MQH", "Water in", (0.0, 1e5), 0.0),
        Port("inlet_temperature", "CEL", "Of the water in", (0.0, 99.0), 20.0),
        Port("outflow", "MQH", "Water out", (0.0, 1e5), 0.0),
        Port("losses", "MQH", "Water that evaporates or is drained", (0.0, 1e5), 0.0),
        Port("level_setpoint", "P1", "Level that the fresh water holds", (0.0, 100.0), 50.0),
        Port("make_up_temperature", "CEL", "Of the fresh water", (0.0, 40.0), 14.0),
        Port("heat", "KWT", "Heat put in", default=0.0),
        Port("ambient", "CEL", "Air around it", (-40.0, 60.0), 20.0),
    ),
    (
        Port("make_up", "MQH", "Fresh water in"),
        Port("drawn", "MQH", "Water that really leaves"),
        Port("overflow", "MQH", "Water that runs over"),
        Port("volume", "MTQ", "Water in it"),
    ),
    (
        Parameter("volume", 10.0, 1e-3, 1e6, "MTQ", "When full"),
        Parameter("make_up_most", 0.0, 0.0, 1e5, "MQH", "Fresh water with the valve open; 0: there is none"),
        Parameter("make_up_gain", 20.0, 0.0, 1e4, None, "Percent of the valve for 1 % below the setpoint"),
        Parameter("make_up_bias", 0.0, 0.0, 100.0, "P1", "Of the valve at the setpoint"),
        Parameter("loss", 0.0, 0.0, 1e3, None, "Heat lost to the air for 1 K, kW/K"),
    ),
    _tank,
    (Port("level", "P1", "Filling level", (1.0, 99.0)), Port("temperature", "CEL", "Of the water", (0.0, 99.0))),
    _tank_moves,
    _tank_start,
    cost_s=5e-3,
)


def _volume(_t: float, x: Values, u: Values, p: Values) -> dict[str, Any]:
    carried = capacity_flow(np.maximum(u["flow"], 0.0)) * (x["temperature"] - u["inlet_temperature"])
    return {"carried": carried, "lost": p["loss"] * (x["temperature"] - u["ambient"])}


def _volume_moves(t: float, x: Values, u: Values, p: Values) -> dict[str, Any]:
    found = _volume(t, x, u, p)
    return {"temperature": (u["heat"] - found["carried"] - found["lost"]) / (p["mass"] * HEAT_KJ)}


def _volume_start(u: Values, p: Values) -> dict[str, Any]:
    through = capacity_flow(np.maximum(u["flow"], 0.0)) + p["loss"]
    rise = (u["heat"] + p["loss"] * (u["ambient"] - u["inlet_temperature"])) / np.maximum(through, 1e-9)
    return {"temperature": u["inlet_temperature"] + rise * (through > 1e-9)}


VOLUME: Final = MachineModel(
    "volume",
    "Water in a closed circuit, well mixed, that heat may be put into: pipes, a header, a consumer",
    LUMPED,
    (
        Port("flow", "MQH", "Water through it", (0.0, 1e5)),
        Port("inlet_temperature", "CEL", "Of the water in", (0.0, 99.0)),
        Port("heat", "KWT", "Heat put in", default=0.0),
        Port("ambient", "CEL", "Air around it", (-40.0, 60.0), 20.0),
    ),
    (Port("carried", "KWT", "Heat that the water carries away"), Port("lost", "KWT", "Heat lost to the air")),
    (
        Parameter("mass", 1000.0, 0.1, 1e8, "KGM", "Water in it, metal counted as water"),
        Parameter("loss", 0.0, 0.0, 1e3, None, "Heat lost to the air for 1 K, kW/K"),
    ),
    _volume,
    (Port("temperature", "CEL", "Of the water", (0.0, 99.0)),),
    _volume_moves,
    _volume_start,
    cost_s=0.016,
)
