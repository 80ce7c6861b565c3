"""Cooling towers by effectiveness towards the wet bulb."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from analytics.simulation.model import STEADY, MachineModel, Parameter, Port, Values
from analytics.simulation.pumps import electric
from analytics.simulation.water import EVAPORATION_KJ, capacity_flow


def _tower(_t: float, _x: Values, u: Values, p: Values) -> dict[str, Any]:
    """Units of transfer grow with the air and fall with the water (form of Braun, Klein and Mitchell 1989); without fan
    some air still rises."""
    fan = np.maximum(u["fan_speed"], 0.0) / 100.0
    air = np.maximum(fan, p["free_air"])
    water = np.maximum(u["flow"], 1e-3) / p["rated_flow"]
    units = p["units"] * air ** p["air_exponent"] / water ** p["water_exponent"]
    share = 1.0 - np.exp(-units)
    outlet = u["inlet_temperature"] - share * (u["inlet_temperature"] - u["wet_bulb"])
    heat = capacity_flow(np.maximum(u["flow"], 0.0)) * (u["inlet_temperature"] - outlet)
    return {
        "outlet_temperature": outlet,
        "heat": heat,
        "effectiveness": 100.0 * share,
        "approach": outlet - u["wet_bulb"],
        "evaporated": np.maximum(heat, 0.0) / EVAPORATION_KJ * 3.6,
        "shaft_power": p["fan_power"] * fan**3,
        "power": electric(p["fan_power"] * fan**3, p),
    }


COOLING_TOWER: Final = MachineModel(
    "cooling_tower",
    "Cooling tower by effectiveness towards the wet bulb, with the power of its fan",
    STEADY,
    (
        Port("inlet_temperature", "CEL", "Water in", (5.0, 60.0)),
        Port("flow", "MQH", "Water through it", (1.0, 1e5)),
        Port("wet_bulb", "CEL", "Wet-bulb temperature of the air", (-10.0, 32.0)),
        Port("fan_speed", "P1", "Share of the rated fan speed", (0.0, 100.0)),
    ),
    (
        Port("outlet_temperature", "CEL", "Water out"),
        Port("heat", "KWT", "Heat given to the air"),
        Port("effectiveness", "P1", "Share of the way to the wet bulb"),
        Port("approach", "KEL", "Water out above wet bulb"),
        Port("evaporated", "MQH", "Water that evaporates"),
        Port("shaft_power", "KWT", "At the fan's shaft"),
        Port("power", "KWT", "Electric power of the fan"),
    ),
    (
        Parameter("units", 1.2, 0.05, 10.0, None, "Units of transfer at rated air and water"),
        Parameter("air_exponent", 0.6, 0.0, 2.0, None, "They go with this power of the air"),
        Parameter("water_exponent", 0.4, 0.0, 2.0, None, "and with the inverse of this power of the water"),
        Parameter("rated_flow", 100.0, 0.1, 1e5, "MQH", "Rated water"),
        Parameter("free_air", 0.08, 0.001, 0.5, None, "Share of the rated air that rises without the fan"),
        Parameter("fan_power", 10.0, 0.01, 1e4, "KWT", "Shaft power at rated speed; goes with the cube of the speed"),
        Parameter("drive_efficiency", 0.92, 0.3, 1.0, None, "Shaft power over electric power of motor and drive"),
        Parameter("drive_losses", 0.2, 0.0, 1e3, "KWT", "Losses of motor and drive at any load"),
    ),
    _tower,
    cost_s=8e-6,
)
