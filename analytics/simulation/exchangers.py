"""Heat exchangers by effectiveness and number of transfer units (counter-flow), with fouling."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from analytics.simulation.model import LUMPED, STEADY, MachineModel, Parameter, Port, Values
from analytics.simulation.water import HEAT_KJ, capacity_flow

_LEAST: Final = 1e-9


def effectiveness(units: Any, ratio: Any) -> Any:
    """Share of the most heat that could pass, in counter-flow. units: UA over the smaller capacity flow; ratio: smaller
    over larger capacity flow (Kays and London, Compact Heat Exchangers, 1984)."""
    even = ratio > 1.0 - 1e-6
    spread = np.where(even, 0.5, 1.0 - ratio)
    decay = np.exp(-units * spread)
    return np.where(even, units / (1.0 + units), (1.0 - decay) / (1.0 - (1.0 - spread) * decay))


def transfer(u: Values, p: Values) -> dict[str, Any]:
    """Effectiveness, UA (kW/K), the capacity flows (kW/K) and the heat (kW) at the inlet temperatures."""
    hot = capacity_flow(np.maximum(u["hot_flow"], 0.0))
    cold = capacity_flow(np.maximum(u["cold_flow"], 0.0) * np.minimum(np.maximum(u["valve"], 0.0), 100.0) / 100.0)
    small, large = np.minimum(hot, cold), np.maximum(hot, cold)
    ua = 1.0 / (1.0 / p["clean_ua"] + p["fouling"])
    share = effectiveness(ua / np.maximum(small, _LEAST), small / np.maximum(large, _LEAST)) * (small > _LEAST)
    heat = share * small * (u["hot_inlet"] - u["cold_inlet"])
    return {"effectiveness": 100.0 * share, "ua": ua, "heat": heat, "_hot": hot, "_cold": cold}


def _steady(_t: float, _x: Values, u: Values, p: Values) -> dict[str, Any]:
    found = transfer(u, p)
    hot, cold, heat = found.pop("_hot"), found.pop("_cold"), found["heat"]
    return {
        **found,
        "hot_outlet": u["hot_inlet"] - heat / np.maximum(hot, _LEAST),
        "cold_outlet": u["cold_inlet"] + heat / np.maximum(cold, _LEAST),
        "cold_mixed": u["cold_inlet"] + heat / np.maximum(capacity_flow(u["cold_flow"]), _LEAST),
    }


def _dynamic(_t: float, x: Values, u: Values, p: Values) -> dict[str, Any]:
    found = transfer(u, p)
    found.pop("_hot")
    through = found.pop("_cold") / np.maximum(capacity_flow(u["cold_flow"]), _LEAST)
    return {**found, "cold_mixed": u["cold_inlet"] + through * (x["cold_outlet"] - u["cold_inlet"])}


def _moves(_t: float, x: Values, u: Values, p: Values) -> dict[str, Any]:
    """The water (with the metal, as water of the same capacity) on each side takes up what does not pass on."""
    found = transfer(u, p)
    hot = found["_hot"] * (u["hot_inlet"] - x["hot_outlet"]) - found["heat"]
    cold = found["_cold"] * (u["cold_inlet"] - x["cold_outlet"]) + found["heat"]
    return {"hot_outlet": hot / (p["hot_mass"] * HEAT_KJ), "cold_outlet": cold / (p["cold_mass"] * HEAT_KJ)}


def _start(u: Values, p: Values) -> dict[str, Any]:
    steady = _steady(0.0, {}, u, p)
    return {"hot_outlet": steady["hot_outlet"], "cold_outlet": steady["cold_outlet"]}


_INPUTS: Final = (
    Port("hot_inlet", "CEL", "Hot water in", (0.0, 99.0)),
    Port("cold_inlet", "CEL", "Cold water in", (0.0, 99.0)),
    Port("hot_flow", "MQH", "Of hot water", (0.0, 1e5)),
    Port("cold_flow", "MQH", "Of cold water, bypass included", (0.0, 1e5)),
    Port("valve", "P1", "Share of the cold water that does not take the bypass", (0.0, 100.0), 100.0),
)
_PARAMETERS: Final = (
    Parameter("clean_ua", 100.0, 1e-3, 1e6, None, "Heat for 1 K between the sides when clean, kW/K"),
    Parameter("fouling", 0.0, 0.0, 1.0, None, "Resistance that deposits add to 1 / clean_ua, K/kW"),
)
_HEAT: Final = (
    Port("heat", "KWT", "Heat handed over"),
    Port("effectiveness", "P1", "Share of the most that could be handed over"),
    Port("ua", None, "Heat for 1 K between the sides, kW/K"),
    Port("cold_mixed", "CEL", "Cold water behind the bypass"),
)
_OUTLETS: Final = (Port("hot_outlet", "CEL", "Hot water out"), Port("cold_outlet", "CEL", "Cold water out"))

HEAT_EXCHANGER: Final = MachineModel(
    "heat_exchanger",
    "Counter-flow heat exchanger for water, with fouling and a bypass on the cold side; no storage of heat",
    STEADY,
    _INPUTS,
    (*_HEAT, *_OUTLETS),
    _PARAMETERS,
    _steady,
    cost_s=1e-5,
)

HEAT_EXCHANGER_DYNAMIC: Final = MachineModel(
    "heat_exchanger_dynamic",
    "The same with the heat that water and metal on both sides hold",
    LUMPED,
    _INPUTS,
    _HEAT,
    (
        *_PARAMETERS,
        Parameter("hot_mass", 100.0, 0.1, 1e6, "KGM", "Water of the hot side, metal counted as water"),
        Parameter("cold_mass", 100.0, 0.1, 1e6, "KGM", "Water of the cold side, metal counted as water"),
    ),
    _dynamic,
    _OUTLETS,
    _moves,
    _start,
    cost_s=0.1,
)
