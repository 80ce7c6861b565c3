"""Energy that OptimizeSetpoints saves on the demo plant at equal cooling, measured by running its physics both ways."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analytics.arguments import Job
from analytics.catalog import CATALOG
from analytics.simulation.optimize import OPTIMIZE_SETPOINTS
from analytics.worker import Worker
from benchmarks.optimize_plant import Case, LivedPlant, Measured
from benchmarks.processes import Result

CASES = (
    Case(50.0, 14.0, 1),
    Case(60.0, 2.0, 2),
    Case(70.0, 14.0, 3),
    Case(70.0, 2.0, 4),
    Case(85.0, 14.0, 5),
    Case(85.0, 2.0, 6),
)
"""Half to high load, warm afternoons and cool nights."""


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds before the call, after it until the setpoints have settled, and of the measurement."""

    past_s: float = 7200.0
    settling_s: float = 3600.0
    measured_s: float = 7200.0


USUAL = Times()
EQUAL = 0.005
"""Share by which cooling may differ once the setpoints have settled."""


async def run(cases: Sequence[Case] = CASES, times: Times = USUAL) -> AsyncIterator[Result]:
    """In each case the aim of the plant file is asked for by an empty call, as an operator's. Checked: production gets
    the same cooling, and nothing that was to be kept is broken from the moment the setpoints are written."""
    worker = Worker(1)
    try:
        found = []
        for case in cases:
            found.append(await _one(case, worker, times))
            yield found[-1]
    finally:
        await worker.stop()
    yield {
        "cases": len(found),
        "saving": round(float(np.mean([one["saving"] for one in found])), 4),
        "worst_saving": min(one["saving"] for one in found),
        "predicted": round(float(np.mean([one["predicted"] for one in found])), 4),
        "violations": sum(one["violations"] for one in found),
        "interval_holds": sum(one["interval_holds"] for one in found),
        "good": all(one["violations"] == 0 for one in found),
    }


async def _one(case: Case, worker: Worker, times: Times) -> Result:
    usual, other = LivedPlant(case), LivedPlant(case)
    usual.live(times.past_s)
    other.live(times.past_s)
    job = CATALOG["OptimizeSetpoints"].plan(["", [], [], 0.0], other.context())  # type: ignore[misc]
    assert isinstance(job, Job)

    async def keywords() -> Mapping[str, Any]:
        return job.keywords(other.series(job.signals))

    answer = await worker.run(job.function, keywords, 600.0, long=True)
    names = [*(one.name for one in OPTIMIZE_SETPOINTS.own), "Valid", "Reason"]
    said = dict(zip(names, answer, strict=True))
    commands = dict(zip(said["Commands"], said["Proposed"].tolist(), strict=True))
    other.write({path: value for path, value in commands.items() if path})
    settling = (usual.live(times.settling_s), other.live(times.settling_s))
    before, after = usual.live(times.measured_s), other.live(times.measured_s)
    hours = times.measured_s / 3600.0
    saved = before.energy - after.energy
    broken = [*_broken(job, settling[1]), *_broken(job, after)]
    unequal = abs(after.cooling / before.cooling - 1.0)
    predicted = [said[name] * hours for name in ("SavingLow", "Saving", "SavingHigh")]
    return {
        "load": case.load, "hour": case.hour, "valid": said["Valid"],
        "setpoints": {path.rpartition("/")[0].rpartition("/")[2]: value for path, value in commands.items()},
        "kwh_before": round(before.energy, 1), "kwh_after": round(after.energy, 1),
        "saving": round(saved / before.energy, 4), "predicted": round(said["SavingPercent"] / 100.0, 4),
        "predicted_kwh": [round(one, 1) for one in predicted], "saved_kwh": round(saved, 1),
        "interval_holds": bool(predicted[0] <= saved <= predicted[2]),
        "cooling_differs": float(f"{unequal:.1g}"),
        "production_temperature": [round(one, 2) for one in after.spans["ProductionTemperature"]],
        "production_temperature_before": [round(one, 2) for one in before.spans["ProductionTemperature"]],
        "violations": len(broken), "broken": broken, "reason": said["Reason"],
        "good": bool(said["Valid"]) and unequal < EQUAL,
    }  # fmt: skip


def _broken(job: Job, measured: Measured) -> list[str]:
    """Constraints that readings broke, as they came, noise and all."""
    found = ["a machine tripped"] if measured.tripped else []
    for one in job.settings["constraints"]:  # type: ignore[attr-defined]
        low, high = measured.spans[one.name]
        if low < one.low or high > one.high:
            found.append(f"{one.text}: {low:.2f} to {high:.2f}")
    return found
