"""Known parameters of the demo's physics from its noisy instruments, and those that nobody could tell refused."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace

from analytics.series import Series
from analytics.simulation.calibrate import Mode
from analytics.simulation.calibration_models import states_of, team_of
from analytics.simulation.calibration_run import Calibrated
from analytics.simulation.calibration_run import run as calibrate
from analytics.simulation.parameters import tuned
from benchmarks.calibrate_plant import START, end_of, models, past
from benchmarks.processes import Result
from server.demo.physics import CoolingPlant

WITHIN = 0.05
HOURS, SEED = 6.0, 7
CLEAN_UA, HOT_MASS, RATED_KW = 96.0, 7500.0, 820.0
"""What is otherwise in the physics than in the plant file: 120 kW/K, 6000 kg, 900 kW."""
_OFF = 1.3
"""What the models begin with, over the truth, where the plant file has the truth."""
P1, P3, X, C = (
    "PrimaryLoop/Pump1", "SecondaryLoop/Pump3", "PrimaryLoop/HeatExchanger", "PrimaryLoop/Chiller",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """Parameters that are looked for at once, with their truths, NaN: nobody can tell. begin: what the models have at
    first; those not named have _OFF of the truth. still: while nothing moves."""

    machine: str
    truths: Mapping[str, float]
    begin: Mapping[str, float]
    refused: bool = False
    still: bool = False


CASES = (
    Case("pump circuit", {f"{P1}:resistance": 19260 / 3600**2}, {}),
    Case(
        "pump", {f"{P1}:resistance": 19260 / 3600**2, f"{P1}:shutoff": 52.0, f"{P1}:curve": 28400 / 3600**2}, {},
    ),
    Case("pump efficiency", {f"{P1}:best_flow": 0.0222 * 3600, f"{P1}:best_efficiency": 0.78}, {}),
    Case("cooling water pump", {f"{P3}:resistance": 17400 / 3600**2}, {}),
    Case("heat exchanger", {f"{X}:clean_ua": CLEAN_UA}, {f"{X}:clean_ua": 120.0}),
    Case("fouled heat exchanger", {f"{X}:fouling": 1 / CLEAN_UA - 1 / 120.0}, {f"{X}:fouling": 0.0}),
    Case("chiller", {f"{C}:steady.rated_cooling": RATED_KW}, {f"{C}:steady.rated_cooling": 900.0}),
    Case("production circuit", {"mass": HOT_MASS}, {"mass": 6000.0}),
    Case("motor", {f"{P1}/Motor:time_constant": 180.0, f"{P1}/Motor:rated_rise": 80.0}, {}),
    Case(
        "chiller with its water",
        {f"{C}:dynamic.carnot_share": 0.52, f"{C}:evaporator_mass": 2500.0, f"{C}:condenser_mass": 2500.0},
        {},
    ),
    Case("pump without valves", {f"{P3}:shutoff": 60.0, f"{P3}:curve": 8390 / 3600**2}, {}, refused=True),
    Case(
        "area or deposit", {f"{X}:clean_ua": 120.0, f"{X}:fouling": 0.0}, {f"{X}:fouling": 0.001}, refused=True,
    ),
    Case("cool condenser", {f"{C}:steady.derating": 0.01}, {}, True, True),
    Case("pump at one speed", {f"{P1}:shutoff": 52.0, f"{P1}:curve": 28400 / 3600**2}, {}, True, True),
    Case("motor at one load", {f"{P1}/Motor:rated_rise": 80.0, f"{P1}/Motor:exponent": 1.6}, {}, True, True),
)  # fmt: skip


async def run(hours: float = HOURS, cases: Sequence[Case] = CASES) -> AsyncIterator[Result]:
    """Each case on hours of the past, each second with the noise of the demo's instruments, with trips of a worn pump
    in it; an hour where nothing moves for those at rest."""
    plant = CoolingPlant(SEED)
    plant.exchanger.clean_ua, plant.exchanger.hot_mass, plant.chiller.rated_kw = CLEAN_UA, HOT_MASS, RATED_KW
    moving = past(plant, hours, SEED, moving=True)
    idle = CoolingPlant(SEED)
    idle.pump1.drive_end.wear_per_s = 0.0  # a trip would move everything
    resting = past(idle, min(hours, 1.0), SEED, moving=False)
    worst, found, refused = 0.0, 0, 0
    for case in cases:
        began = time.process_time()
        said = _asked(case, resting if case.still else moving)
        took = time.process_time() - began
        if case.refused:
            good = not said.valid and said.lesson is None
            refused += good
            yield {
                "machine": case.machine,
                "refused": good,
                "reason": said.reason,
                "cpu_s": round(took, 1),
                "good": good,
            }
            continue
        values = dict(zip(said.results[0], said.results[3].tolist(), strict=True))
        errors = {name: abs(values[name] / truth - 1.0) for name, truth in case.truths.items()}
        worst = max(worst, *errors.values())
        good = said.valid and said.better and max(errors.values()) < WITHIN
        found += good
        yield {
            "machine": case.machine, "parameters": len(errors), "worst_error": round(max(errors.values()), 4),
            "activated": said.better, "cpu_s": round(took, 1), "good": good,
        }  # fmt: skip
    wanted = [case.refused for case in cases]
    yield {
        "worst_error": round(worst, 4), "found": found, "refused": refused, "of": len(cases),
        "good": worst < WITHIN and found == wanted.count(False) and refused == wanted.count(True),
    }  # fmt: skip


def _asked(case: Case, series: Mapping[str, Series]) -> Calibrated:
    """As Calibrate on the process plans and runs it, on models with the figures that the case begins with."""
    uses, stations = models()
    begin = {name: case.begin.get(name, _OFF * truth) for name, truth in case.truths.items()}
    for one in tuned(list(case.truths), (), uses, "Cooling", 0):
        fresh = {one.parameter.name: begin[one.name]}
        uses = tuple(
            replace(use, parameters={**use.parameters, **fresh})
            if (use.twin, use.name) == (one.use.twin, one.use.name)
            else use
            for use in uses
        )
    wanted = tuned(list(case.truths), (), uses, "Cooling", 0)
    team = team_of(wanted, uses)
    states = states_of(team, stations, "Cooling")
    return calibrate(
        series, None, end_of(series), wanted, team, "Cooling", states, START, Mode.batch, {}, lambda fraction: None
    )
