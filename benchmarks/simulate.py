"""Simulated hours a second of each kind of model, and of the demo plant made of them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from analytics.simulation.choosing import Wish, compose
from analytics.simulation.integrate import run as run_system
from analytics.simulation.kinds import KINDS
from analytics.simulation.model import MachineModel
from analytics.simulation.parts import part_of
from analytics.simulation.system import System
from analytics.simulation.water import HEAT_KJ
from analytics.simulation.wiring import ModelUse, Source, Term
from benchmarks.processes import Result
from benchmarks.simulate_accounts import EQUAL, STORED
from server.config.load import load_plant
from server.demo.physics import CoolingPlant
from server.demo.sensors import Instruments

PLANT = Path(__file__).parents[1] / "server" / "demo" / "plant.yaml"
STEP_S = 60.0
FINE_S = 2.0
CLOSE = 1e-4
Line = npt.NDArray[np.float64]
_INPUTS = {
    "hot_inlet": 50.0, "cold_inlet": 12.0, "hot_flow": 60.0, "cold_flow": 80.0, "outdoor": 2.0, "heat": 6.0,
    "entering": 12.0, "flow": 70.0, "condenser_entering": 25.0, "condenser_flow": 90.0, "setpoint": 7.0,
    "inlet_temperature": 30.0, "wet_bulb": 18.0, "fan_speed": 60.0, "shaft_power": 10.0, "inflow": 20.0,
    "outflow": 18.0, "value": 3.0, "numerator": 3.0, "denominator": 2.0,
}  # fmt: skip
"""Around which the inputs move; speed apart, which is a share of the rated one."""


async def run(hours: float = 24.0) -> AsyncIterator[Result]:
    """Each model with inputs that move all the time, in steps of a minute. Checked: what goes in is what comes out and
    what is stored; the demo's models stay where the plant's own physics stays."""
    for model in KINDS.values():
        yield _timed(model, hours)
    yield _demo(hours)


def _timed(model: MachineModel, hours: float) -> Result:
    times = np.arange(0.0, hours * 3600.0 + 1.0, STEP_S)
    sources = {port.name: Source((Term(f"M/{port.name}"),)) for port in model.inputs}
    system = System([part_of(ModelUse("M", model.kind, model.kind, {}, sources))])
    lines = dict(_moving(model, times))
    run_system(system, times[:3], {name: line[:3] for name, line in lines.items()})  # loads what is loaded once
    began = time.process_time()
    run_system(system, times, lines)
    took = time.process_time() - began
    wrong = _imbalance(model, system, lines)
    return {
        "model": model.kind,
        "fidelity": model.fidelity,
        "hours_per_s": round(hours / took, 1),
        "cpu_s_per_hour": float(f"{took / hours:.2g}"),
        "imbalance": float(f"{wrong:.1g}"),
        "good": wrong < CLOSE,
    }


def _moving(model: MachineModel, times: Line) -> Iterator[tuple[str, Line]]:
    """An hour's wave and a day's, of 10 % each."""
    wave = 1.0 + 0.1 * np.sin(times / 3600.0 * 2 * np.pi) + 0.1 * np.sin(times / 86_400.0 * 2 * np.pi)
    for port in model.inputs:
        if port.default is not None and port.name not in _INPUTS:
            yield f"M/{port.name}", np.full_like(times, port.default)
        else:
            middle = 0.8 * model.defaults()["rated_speed"] if port.name == "speed" else _INPUTS[port.name]
            yield f"M/{port.name}", middle * wave


def _imbalance(model: MachineModel, system: System, lines: dict[str, Line]) -> float:
    """What is made from nothing in an hour, as a share of what passes."""
    times = np.arange(0.0, 3601.0, FINE_S)
    fine = {name: np.interp(times, np.arange(len(line)) * STEP_S, line) for name, line in lines.items()}
    course = run_system(system, times, fine)
    u = {name.removeprefix("M/"): line for name, line in fine.items()}
    y = {name.removeprefix("M:"): line for name, line in course.signals.items()}
    p = system.parts[0].parameters
    if model.kind in EQUAL:
        one, other = EQUAL[model.kind](u, y, p)
        return float(np.abs(one / other - 1.0).max())
    gained, stored = STORED[model.kind](u, y, p)
    change = float(stored[-1] - stored[0])
    passed = float(np.trapezoid(np.abs(gained), times))
    return abs(float(np.trapezoid(gained, times)) - change) / max(passed, abs(change), 1e-9)


def _demo(hours: float) -> Result:
    """All models of the demo plant together, from the plant at rest."""
    physics = CoolingPlant(1)
    seen = {
        f"Cooling/{name}": float(one) for name, one in Instruments(physics).values.items() if not isinstance(one, str)
    }
    uses = tuple(use for twin in load_plant(PLANT).walk() for use in twin.models)
    system, chosen = compose(uses, Wish("Cooling", "", (), seen))
    times = np.arange(0.0, hours * 3600.0 + 1.0, STEP_S)
    wave = 1.0 + 0.1 * np.sin(times / 3600.0 * 2 * np.pi)
    lines = {
        name: seen[name] * (wave if name.endswith(("Speed", "Load", "WetBulbTemperature")) else 1.0)
        for name in system.inputs
    }
    start = {name: seen[name] for name in system.states}
    began = time.process_time()
    course = run_system(system, times, lines, start)
    took = time.process_time() - began
    held = run_system(system, times[:61], {name: seen[name] for name in system.inputs}, start)
    power = held.signals["Cooling/TotalPower"][-1]
    wrong = abs(power / physics.total_kw - 1.0)
    heat = course.signals["Cooling/CoolingLoad"]
    given = np.trapezoid(800.0 * lines["Cooling/ProductionLoad"] / 100.0 - heat, times)
    stored = 6000.0 * HEAT_KJ * np.ptp(course.signals["Cooling/ProductionTemperature"][[0, -1]])
    imbalance = abs(abs(given) - stored) / np.trapezoid(heat, times)
    return {
        "model": "demo plant",
        "models": len(chosen),
        "hours_per_s": round(hours / took, 1),
        "cpu_s_per_hour": float(f"{took / hours:.2g}"),
        "power_error": float(f"{wrong:.1g}"),
        "imbalance": float(f"{imbalance:.1g}"),
        "good": wrong < 0.02 and imbalance < CLOSE,
    }
