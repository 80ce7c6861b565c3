"""Chillers: power from a share of Carnot's efficiency, or from the model of Gordon and Ng."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from analytics.simulation.model import LUMPED, STEADY, MachineModel, Parameter, Port, Values
from analytics.simulation.water import HEAT_KJ, capacity_flow

_KELVIN: Final = 273.15
_LEAST: Final = 1e-9
_ROUNDS: Final = 5
_NUDGE: Final = 1e-4


def capacity(u: Values, p: Values) -> Any:
    """Share of the rated cooling that the control asks for, from what is needed to reach the setpoint."""
    needed = capacity_flow(u["flow"]) * (u["entering"] - u["setpoint"]) / p["rated_cooling"]
    wanted = np.minimum(np.maximum(needed, p["least_capacity"]), np.minimum(np.maximum(u["limit"], 0.0), 100.0) / 100.0)
    flows = (u["flow"] > _LEAST) & (u["condenser_flow"] > _LEAST)
    return wanted * (u["run"] > 0.5) * flows


def cooling_of(condenser_leaving: Any, share: Any, p: Values) -> Any:
    """Cooling, kW: the rated one, less what high condensing temperatures take away."""
    condensing = condenser_leaving + p["approach"] + p["approach_growth"] * share
    lost = p["derating"] * np.maximum(condensing - p["derating_from"], 0.0)
    return p["rated_cooling"] * share * np.maximum(1.0 - lost, 0.0)


def power_of(cooling: Any, leaving: Any, condenser_leaving: Any, share: Any, p: Values) -> Any:
    """Electric power, kW, at water temperatures behind evaporator and condenser: the refrigerant is colder and warmer
    than those by an approach that grows with the load, and a share of Carnot's efficiency is reached."""
    apart = p["approach"] + p["approach_growth"] * share
    lift = np.maximum(condenser_leaving - leaving + 2.0 * apart, p["least_lift"])
    efficiency = p["carnot_share"] * (leaving - apart + _KELVIN) / lift
    return cooling / efficiency + np.where(share > 0.0, p["fixed_power"], p["standby_power"])


def _told(share: Any, cooling: Any, power: Any) -> dict[str, Any]:
    return {
        "capacity": 100.0 * share,
        "cooling": cooling,
        "power": power,
        "cop": cooling / np.maximum(power, _LEAST),
        "rejected": cooling + power * (share > 0.0),
    }


def _leaving(u: Values, cooling: Any) -> Any:
    return u["entering"] - cooling / np.maximum(capacity_flow(u["flow"]), _LEAST)


def _condenser_leaving(u: Values, rejected: Any) -> Any:
    return u["condenser_entering"] + rejected / np.maximum(capacity_flow(u["condenser_flow"]), _LEAST)


def _steady(_t: float, _x: Values, u: Values, p: Values) -> dict[str, Any]:
    share = capacity(u, p)

    def at(warm: Any) -> tuple[Any, Any, Any, Any]:
        """What would come out, were the condenser's water to leave at that temperature, and that at which it would."""
        cooling = cooling_of(warm, share, p)
        leaving = _leaving(u, cooling)
        power = power_of(cooling, leaving, warm, share, p)
        return cooling, leaving, power, _condenser_leaving(u, cooling + power * (share > 0.0))

    warm = u["condenser_entering"] + 5.0
    for _ in range(_ROUNDS):  # Newton's method; nearly a straight line
        wrong = at(warm)[3] - warm
        slope = (at(warm + _NUDGE)[3] - warm - _NUDGE - wrong) / _NUDGE
        warm = warm - wrong / np.minimum(slope, -0.05)
    cooling, leaving, power, warm = at(warm)
    return {**_told(share, cooling, power), "leaving": leaving, "condenser_leaving": warm}


def _gordon_ng(_t: float, _x: Values, u: Values, p: Values) -> dict[str, Any]:
    share = capacity(u, p)
    cooling = p["rated_cooling"] * share
    cold, warm, heat = u["entering"] + _KELVIN, u["condenser_entering"] + _KELVIN, np.maximum(cooling, _LEAST)
    left = 1.0 + p["a1"] * cold / heat + p["a2"] * (warm - cold) / (warm * heat)
    inverse = left / np.maximum(cold / warm - p["a3"] * heat / warm, 0.05) - 1.0
    power = np.where(share > 0.0, cooling * np.maximum(inverse, 1e-3), p["standby_power"])
    told = _told(share, cooling, power)
    return {**told, "leaving": _leaving(u, cooling), "condenser_leaving": _condenser_leaving(u, told["rejected"])}


def _dynamic(_t: float, x: Values, u: Values, p: Values) -> dict[str, Any]:
    share = capacity(u, p)
    cooling = cooling_of(x["condenser_leaving"], share, p)
    return _told(share, cooling, power_of(cooling, x["leaving"], x["condenser_leaving"], share, p))


def _moves(t: float, x: Values, u: Values, p: Values) -> dict[str, Any]:
    now = _dynamic(t, x, u, p)
    cold = capacity_flow(u["flow"]) * (u["entering"] - x["leaving"]) - now["cooling"]
    warm = capacity_flow(u["condenser_flow"]) * (u["condenser_entering"] - x["condenser_leaving"]) + now["rejected"]
    return {
        "leaving": cold / (p["evaporator_mass"] * HEAT_KJ),
        "condenser_leaving": warm / (p["condenser_mass"] * HEAT_KJ),
    }


def _start(u: Values, p: Values) -> dict[str, Any]:
    steady = _steady(0.0, {}, u, p)
    return {"leaving": steady["leaving"], "condenser_leaving": steady["condenser_leaving"]}


_INPUTS: Final = (
    Port("entering", "CEL", "Chilled water coming back", (2.0, 30.0)),
    Port("flow", "MQH", "Of chilled water", (1.0, 1e5)),
    Port("condenser_entering", "CEL", "Cooling water in", (10.0, 45.0)),
    Port("condenser_flow", "MQH", "Of cooling water", (1.0, 1e5)),
    Port("setpoint", "CEL", "Wanted temperature of the chilled water going out", (3.0, 20.0)),
    Port("limit", "P1", "Highest share of the rated cooling", (10.0, 100.0), 100.0),
    Port("run", "C62", "1: it may run, 0: it may not", (0.0, 1.0), 1.0),
)
_OUTPUTS: Final = (
    Port("capacity", "P1", "Share of the rated cooling in use"),
    Port("cooling", "KWT", "Heat taken from the chilled water"),
    Port("power", "KWT", "Electric power"),
    Port("cop", "C62", "Cooling over electric power"),
    Port("rejected", "KWT", "Heat put into the cooling water"),
)
_LEAVING: Final = (
    Port("leaving", "CEL", "Chilled water going out", (2.0, 25.0)),
    Port("condenser_leaving", "CEL", "Cooling water going out", (10.0, 60.0)),
)
_RATIOS: Final = (("cop", "cooling", "power"),)
_RATED: Final = (
    Parameter("rated_cooling", 500.0, 0.1, 1e5, "KWT", "Cooling at full capacity"),
    Parameter("least_capacity", 0.1, 0.0, 1.0, None, "Least share of it while it runs"),
    Parameter("standby_power", 0.3, 0.0, 100.0, "KWT", "While it stands"),
)
_CARNOT: Final = (
    *_RATED,
    Parameter("carnot_share", 0.5, 0.1, 0.9, None, "Share of Carnot's efficiency that is reached"),
    Parameter("approach", 1.0, 0.0, 15.0, "KEL", "From water to refrigerant at no load"),
    Parameter("approach_growth", 3.5, 0.0, 20.0, "KEL", "What full load adds to it"),
    Parameter("least_lift", 8.0, 1.0, 40.0, "KEL", "Least difference that the compressor works against"),
    Parameter("fixed_power", 3.0, 0.0, 1e3, "KWT", "Losses at any load"),
    Parameter("derating", 0.01, 0.0, 0.1, None, "Share of the cooling lost for 1 K of condensing temperature above"),
    Parameter("derating_from", 35.0, 10.0, 60.0, "CEL", "this one"),
)

CHILLER: Final = MachineModel(
    "chiller",
    "Water-cooled chiller by a share of Carnot's efficiency; no storage of heat",
    STEADY,
    _INPUTS,
    (*_OUTPUTS, *_LEAVING),
    _CARNOT,
    _steady,
    ratios=_RATIOS,
    cost_s=4e-5,
)

CHILLER_DYNAMIC: Final = MachineModel(
    "chiller_dynamic",
    "The same with the water in evaporator and condenser",
    LUMPED,
    _INPUTS,
    _OUTPUTS,
    (
        *_CARNOT,
        Parameter("evaporator_mass", 1000.0, 1.0, 1e6, "KGM", "Water in the evaporator, metal counted as water"),
        Parameter("condenser_mass", 1000.0, 1.0, 1e6, "KGM", "Water in the condenser, metal counted as water"),
    ),
    _dynamic,
    _LEAVING,
    _moves,
    _start,
    _RATIOS,
    cost_s=0.05,
)

CHILLER_GORDON_NG: Final = MachineModel(
    "chiller_gordon_ng",
    "Water-cooled chiller by the universal model of Gordon and Ng (2000): three figures, linear in measurements",
    STEADY,
    _INPUTS,
    (*_OUTPUTS, *_LEAVING),
    (
        *_RATED,
        Parameter("a1", 0.03, -1.0, 10.0, None, "Entropy produced inside, kW/K"),
        Parameter("a2", 5.0, -1e3, 1e5, "KWT", "Heat that leaks"),
        Parameter("a3", 0.04, 0.0, 10.0, None, "Resistance of the heat exchangers, K/kW"),
    ),
    _gordon_ng,
    ratios=_RATIOS,
    cost_s=1.1e-5,
)
