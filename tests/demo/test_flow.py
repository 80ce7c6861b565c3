"""What the demo's plant file says of its flows, on an hour of its physics: OEE of the cooling, balances of heat and
water."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analytics.arguments import Context, Job
from analytics.catalog import CATALOG
from analytics.jobs import JOBS
from analytics.series import TICKS_PER_SECOND, Series
from server.analysis.surroundings import survey
from server.config.load import load_plant
from server.demo.faults import Fault
from server.demo.physics import CoolingPlant
from server.demo.sensors import Instruments
from tests.simulators.flow_line import BEGIN

STEP_S = 5.0
STEPS = 720
FILE = Path(__file__).parents[2] / "server/demo/plant.yaml"
Course = dict[str, Series]


def hour(events: Sequence[tuple[int, Callable[[CoolingPlant], None]]] = ()) -> Course:
    """What all instruments show, every 5 s; events happen at steps."""
    plant = CoolingPlant(seed=3)
    instruments = Instruments(plant, 3)
    happening = dict(events)
    shown: list[dict[str, Any]] = []
    for step in range(STEPS + 1):
        if step in happening:
            happening[step](plant)
        plant.step(STEP_S)
        instruments.read()
        shown.append(dict(instruments.values))
    ticks = BEGIN + np.arange(STEPS + 1, dtype=np.int64) * round(STEP_S * TICKS_PER_SECOND)
    numbers = [name for name, value in shown[0].items() if isinstance(value, (int, float))]
    return {
        name: Series(ticks, np.array([float(one[name]) for one in shown]), np.zeros(len(ticks), np.uint32))
        for name in numbers
    }


def told(course: Course, twin: str, name: str, *more: object) -> dict[str, Any]:
    """The results of a function on that hour."""
    at = next(one for one in load_plant(FILE).walk() if one.path == twin)
    around = survey(at)
    end = BEGIN + round(STEPS * STEP_S * TICKS_PER_SECOND)
    context = Context(tuple(around.rows), end, around.about, stations=around.stations)
    function = CATALOG[name]
    assert function.needs(context)
    assert function.plan is not None
    job = function.plan([BEGIN, end, *more], context)
    assert isinstance(job, Job)
    start = f"{twin}/".removeprefix("Cooling/")
    series = {signal: course[f"{start}{signal}"] for signal in job.signals}
    longest = dict.fromkeys(job.settings["asked"].longest_s, 2 * STEP_S)  # type: ignore[attr-defined]
    keywords = job.keywords(series)
    object.__setattr__(keywords["asked"], "longest_s", longest)
    names = [one.name for one in function.results[: len(function.own) + 2]]
    return dict(zip(names, JOBS[job.function](**keywords), strict=True))


@pytest.fixture(scope="module")
def quiet() -> Course:
    return hour()


def test_heat_closes_and_the_blow_down_without_a_meter_is_what_water_is_missing(quiet: Course) -> None:
    """physics: 0.1 kg/s are blown down all the time, 0.36 m3 in an hour, and no instrument shows it."""
    result = told(quiet, "Cooling", "GetMaterialBalance")
    assert result["Nodes"] == [".", "SecondaryLoop"]
    heat, water = result["Missing"]
    assert abs(heat) < result["Uncertainty"][0] < 40
    assert water == pytest.approx(0.36, abs=0.05)
    assert result["Uncertainty"][1] < 0.1
    assert "Heat: " in result["Summary"]
    assert "it closes within the uncertainty of the meters." in result["Summary"]
    assert "m³ missing at SecondaryLoop" in result["Summary"]
    assert result["AmountUnits"] == ["KWH", "MTQ"]


def test_water_let_out_on_purpose_is_told_and_not_missing() -> None:
    course = hour([(100, lambda plant: plant.command("SecondaryLoop/Tank/DrainValve/PositionSetpoint", 5.0))])
    result = told(course, "Cooling/SecondaryLoop", "GetMaterialBalance")
    assert result["Lost"][0] > 2.0
    assert result["Missing"][0] == pytest.approx(0.36, abs=0.12)


def test_a_chiller_that_trips_costs_availability_of_the_process() -> None:
    course = hour([(360, lambda plant: plant.inject(float(Fault.ChillerTrip)))])
    result = told(course, "Cooling", "GetOEE", ())
    assert result["Constraint"] == "."
    assert result["Availability"] == pytest.approx(50, abs=1)
    assert result["Effectiveness"] == pytest.approx(70, abs=12)
    assert result["LossKinds"][0] == "Breakdowns"
    assert result["Units"] == [
        ".", "PrimaryLoop/Pump1", "PrimaryLoop/Pump2", "PrimaryLoop/Chiller", "SecondaryLoop/Pump3",
    ]  # fmt: skip
    own, worn, spare, chiller, third = result["UnitAvailability"]
    assert (own, spare, chiller, third) == pytest.approx((50, 100, 50, 100), abs=1)
    assert 80 < worn < 100, "the bearing of Pump1 seized in that hour, and was replaced"
