"""OptimizeSetpoints on plants whose best setting can be worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analytics.arguments import Context, Job, Part, Signal
from analytics.errors import ArgumentError, NotAvailable
from analytics.models import Model, ModelRecord, ModelState
from analytics.series import TICKS_PER_SECOND, Series
from analytics.simulation.aim import Aim
from analytics.simulation.calibrated import COVARIANCE, KIND, PARAMETERS
from analytics.simulation.choosing import load
from analytics.simulation.integrate import settled
from analytics.simulation.model import Port
from analytics.simulation.optimize import OPTIMIZE_SETPOINTS, plan, run
from analytics.simulation.steady import steady, told
from analytics.simulation.system import System
from analytics.simulation.wiring import ModelUse, Source, Term
from tests.simulators.fmus import build_fmu

NOW = 10_000 * TICKS_PER_SECOND
NAMES = [*(one.name for one in OPTIMIZE_SETPOINTS.own), "Valid", "Reason"]


def tag(path: str, command: str = "") -> Source:
    """An input fed by a tag."""
    return Source((Term(path, "", 1.0, 0.0, command),))


def pump(name: str, other: str) -> ModelUse:
    """A pump that shares its circuit with another."""
    inputs = {"speed": tag(f"Hall/{name}/Speed", f"Hall/{name}/Setpoint"), "other_flow": tag(f"Hall/{other}/Flow")}
    outputs = {"flow": Term(f"Hall/{name}/Flow"), "power": Term(f"Hall/{name}/Power")}
    return ModelUse(f"Hall/{name}", "pump", "pump", {"rated_power": 11.0}, inputs, outputs)


ALONE = ModelUse(
    "Hall/A",
    "pump",
    "pump",
    {},
    {"speed": tag("Hall/A/Speed", "Hall/A/Setpoint")},
    {"flow": Term("Hall/A/Flow"), "power": Term("Hall/A/Power")},
)
MOTOR = ModelUse(
    "Hall/A/Motor",
    "motor",
    "motor",
    {"time_constant": 600.0},
    {"shaft_power": Source((Term("Hall/A", "shaft_power"),)), "ambient": tag("Hall/Outdoor", "Hall/Heater")},
    {"winding": Term("Hall/A/Motor/Winding")},
)
FLOW = ModelUse(
    "Hall",
    "flow",
    "sum",
    {},
    {"value": Source((Term("Hall/A/Flow"), Term("Hall/B/Flow")))},
    {"total": Term("Hall/Flow")},
)
RPM, KWT, MQH = Signal("RPM", (0.0, 3000.0), command=True), Signal("KWT"), Signal("MQH", (0.0, 200.0))
ABOUT = {
    "A/Setpoint": RPM, "B/Setpoint": RPM, "A/Speed": Signal("RPM", (0.0, 3000.0)), "B/Speed": Signal("RPM"),
    "A/Power": KWT, "B/Power": KWT, "A/Flow": MQH, "B/Flow": MQH, "Flow": MQH, "A/Motor/Winding": Signal("CEL"),
    "Outdoor": Signal("CEL", (-20.0, 50.0)), "Heater": Signal("CEL", (0.0, 40.0), analog=False, command=True),
}  # fmt: skip
PRESENT = {
    "A/Setpoint": 1400.0, "A/Speed": 1399.0, "B/Setpoint": 1400.0, "B/Speed": 1401.0, "Outdoor": 20.0, "Heater": 20.0,
    "A/Motor/Winding": 40.0,
}  # fmt: skip


def asked(
    uses: tuple[ModelUse, ...],
    arguments: tuple[Any, ...],
    series: Mapping[str, Series] | None = None,
    models: tuple[Model, ...] = (),
    **more: Any,
) -> dict[str, Any]:
    """The results by name."""
    job = plan(arguments, context(uses, **more))
    assert isinstance(job, Job)
    keywords: dict[str, Any] = job.keywords(series or {})
    return dict(zip(NAMES, run(**keywords, progress=print_nothing, models=models), strict=True))


def print_nothing(_fraction: float) -> None:
    """Nobody wants to know."""


def context(uses: tuple[ModelUse, ...], scope: str = "system", **more: Any) -> Context:
    """A hall with pumps."""
    known = {"machines": uses, "present": PRESENT, **more}
    return Context((), NOW, ABOUT, "Hall", scope, (Part("A", "asset"),), **known)


def speed_for(flow: float) -> float:
    """By the affinity laws flow goes with the speed in a circuit without static head."""
    system = System([load(ALONE)])
    return 1400.0 * flow / settled(system, {"Hall/A/Speed": 1400.0})["Hall/A/Flow"]


def measured(rmse: float, uses: tuple[ModelUse, ...] = (ALONE,)) -> dict[str, Series]:
    """Two hours of a plant whose power is now above, now below what its models say."""
    ticks = NOW - TICKS_PER_SECOND * np.arange(7200, -1, -60)
    system = System([load(use) for use in uses])
    inputs = {"Hall/A/Speed": 1400.0, "Hall/B/Speed": 1400.0, "Hall/Outdoor": 20.0}
    known = inputs | settled(system, inputs)
    wave = np.where(np.arange(len(ticks)) // 2 % 2, rmse, -rmse)
    status = np.zeros(len(ticks), np.uint32)
    return {
        name.removeprefix("Hall/"): Series(ticks, value + wave * (name == "Hall/A/Power"), status)
        for name, value in known.items()
        if ":" not in name
    }


def test_a_pump_runs_no_faster_than_the_flow_needs() -> None:
    said = asked((ALONE,), ("", [], ["A/Flow >= 50"], 0.0), measured(0.0))
    assert said["Valid"], said["Reason"]
    assert (said["Names"], said["Commands"], said["Units"]) == (["A/Setpoint"], ["Hall/A/Setpoint"], ["RPM"])
    least = speed_for(50.0)
    assert least <= said["Proposed"][0] < least + 10.0, "the next step of 10 that keeps it"
    assert said["Current"] == [1400.0]
    assert "A/Flow >= 50: it comes to 50" in said["Binding"][0]
    kpis = dict(zip(said["KpiNames"], said["Kpis"], strict=True))
    assert said["ObjectiveUnit"] == "KWH"
    assert said["ObjectiveProposed"] == pytest.approx(kpis["Energy(A/Power)"]), "of an hour"
    assert said["Saving"] == pytest.approx(said["ObjectiveNow"] - said["ObjectiveProposed"])
    assert said["SavingPercent"] == pytest.approx(100.0 * said["Saving"] / said["ObjectiveNow"])
    again = asked((ALONE,), ("", [], ["A/Flow >= 50"], 0.0), measured(0.0))
    assert all(np.array_equal(said[name], again[name]) for name in NAMES if "Kpi" not in name), (
        "nothing is left to chance"
    )


def test_the_aim_of_the_plant_file_stands_in_for_empty_arguments() -> None:
    aim = Aim("min A/Power", ("A/Setpoint 1200..1400",), ("A/Flow >= 20",), 0.0)
    said = asked((ALONE,), ("", [], [], 0.0), measured(0.0), aim=aim)
    assert said["Proposed"] == [1200.0]
    assert said["Binding"] == ["A/Setpoint is at its lowest, 1200: as given"]
    assert said["ObjectiveUnit"] == "KWT"
    other = asked((ALONE,), ("max A/Flow", ["A/Setpoint"], ["A/Power <= 1000"], 0.0), measured(0.0), aim=aim)
    assert other["Proposed"] == [3000.0]
    assert other["Binding"] == ["A/Setpoint is at its highest, 3000: what the command takes"]
    assert other["Saving"] == pytest.approx(other["ObjectiveProposed"] - other["ObjectiveNow"]), "a gain"


def test_two_pumps_are_as_good_as_any_that_a_fine_grid_finds_and_what_saves_nothing_stays() -> None:
    uses = (FLOW, pump("A", "B"), pump("B", "A"), MOTOR)
    variables = ["A/Setpoint 700..1600", "B/Setpoint 700..1600", "Heater"]
    said = asked(uses, ("", variables, ["Flow >= 50"], 0.0), measured(0.0, uses))
    assert said["Valid"], said["Reason"]
    assert said["Proposed"][2] == 20.0, "the heater warms the motor and saves nothing"
    system = System([load(use) for use in uses])
    first, second = (one.ravel() for one in np.meshgrid(*[np.arange(700.0, 1601.0, 10.0)] * 2))
    inputs: dict[str, Any] = {"Hall/A/Speed": first, "Hall/B/Speed": second, "Hall/Outdoor": 20.0}
    signals, _ = told(system, steady(system, inputs, {}, len(first)), inputs)
    power = (signals["Hall/A/Power"] + signals["Hall/B/Power"])[signals["Hall/Flow"] >= 50.0]
    assert said["ObjectiveProposed"] <= power.min() * 1.002
    assert dict(zip(said["KpiNames"], said["Kpis"], strict=True))["Mean(Flow)"] >= 50.0
    whole = asked(uses, ("min Mean(A/Motor/Winding)", ["Heater 5..30"], ["A/Motor/Winding >= 31.5"], 0.0))
    assert whole["Proposed"][0] == round(whole["Proposed"][0]), "a command of an integer type takes whole numbers"


def test_margins_keep_a_constraint_for_the_plant_and_not_only_for_its_models() -> None:
    rough = asked((ALONE,), ("max A/Flow", [], ["A/Power <= 3"], 0.0), measured(0.1))
    exact = asked((ALONE,), ("max A/Flow", [], ["A/Power <= 3"], 0.0), measured(0.0))
    power = [dict(zip(one["KpiNames"], one["Kpis"], strict=True))["Mean(A/Power)"] for one in (rough, exact)]
    assert power[1] == pytest.approx(3.0, abs=0.07)
    assert power[0] <= 3.0 - 4 * 0.1
    assert "are for the models' error" in rough["Binding"][0]


def test_what_cannot_be_kept_is_named_with_how_near_it_comes() -> None:
    said = asked((ALONE,), ("", ["A/Setpoint 1000..1400"], ["A/Flow >= 500"], 0.0), measured(0.0))
    assert not said["Valid"]
    most = 1400.0 / speed_for(1.0)
    assert f"A/Flow >= 500 cannot be kept, the nearest is {most:.4g}" in said["Reason"]
    assert np.array_equal(said["Proposed"], said["Current"])
    assert math.isnan(said["Saving"])
    conflict = asked((ALONE,), ("", [], ["A/Flow >= 60", "A/Power <= 0.1"], 0.0), measured(0.0))
    assert not conflict["Valid"]
    assert "cannot be kept" in conflict["Reason"]
    rough = asked((ALONE,), ("", ["A/Setpoint 1400..1450"], ["A/Power <= 3"], 0.0), measured(1.0))
    assert "A/Power <= 3 cannot be kept for certain: it comes to " in rough["Reason"]
    assert "the models have lately been off; ask again when they follow the plant" in rough["Reason"]


def test_an_input_that_is_known_since_a_moment_only_is_told_as_the_reason() -> None:
    """What a model with a state says after a gap in its inputs rests on nothing."""
    series = measured(0.0, (ALONE, MOTOR))
    late = series["Outdoor"]
    series["Outdoor"] = Series(late.ticks[-3:], late.values[-3:], late.status[-3:])
    said = asked((ALONE, MOTOR), ("", [], ["A/Flow >= 50"], 0.0), series)
    assert not said["Valid"]
    assert "the past: A/Power was not measured together with all that the models take" in said["Reason"]


def test_over_a_horizon_a_motor_may_run_hotter_than_it_could_for_ever() -> None:
    """The winding follows with a time constant of ten minutes."""
    arguments = "max A/Flow", ["A/Setpoint 800..2900"], ["A/Motor/Winding <= 41"]
    steadily = asked((ALONE, MOTOR), (*arguments, 0.0))
    shortly = asked((ALONE, MOTOR), (*arguments, 300.0))
    assert steadily["Proposed"][0] < shortly["Proposed"][0]
    assert "Winding <= 41" in " ".join(steadily["Binding"])
    hot = {**PRESENT, "A/Motor/Winding": 55.0}
    cooling = asked((ALONE, MOTOR), (*arguments, 3600.0), present=hot)
    assert "A/Motor/Winding <= 41 is not kept now, it is 55" in cooling["Reason"]
    assert cooling["Proposed"][0] < 2900.0, "it is kept in the end"


def test_the_interval_follows_from_covariance_and_recent_error() -> None:
    """Power at the shaft over an efficiency: the saving goes with its inverse (delta method)."""
    found = {"Hall/A:pump.drive_efficiency": 0.92}
    record = ModelRecord("Calibration-1", KIND, "Hall/A", 1, ModelState.active, 1, 0, 0, (), (), found, {}, "")
    arrays = {PARAMETERS: np.array(["Hall/A:pump.drive_efficiency"]), COVARIANCE: np.array([[0.02**2]])}
    arguments = ("", ["A/Setpoint"], ["A/Flow >= 40"], 0.0)
    exact = asked((ALONE,), arguments, measured(1e-9))
    assert exact["SavingHigh"] - exact["SavingLow"] == pytest.approx(0.0, abs=1e-6)
    said = asked((ALONE,), arguments, measured(1e-9), (Model(record, arrays),))
    own, below = (
        plan(arguments, context((ALONE,), **one)) for one in ({"models": [record]}, {"below": {"A": [record]}})
    )
    assert (own.model, below.models) == ("Calibration-1", ("A/Calibration-1",)), "the results carry its id"
    efficiency = load(ALONE).parameters["drive_efficiency"]
    half = 1.96 * abs(said["Saving"]) * 0.02 / efficiency
    assert said["SavingHigh"] - said["Saving"] == pytest.approx(half, rel=0.01)
    rough = asked((ALONE,), arguments, measured(0.2))
    assert rough["SavingHigh"] - rough["Saving"] == pytest.approx(1.96 * 0.2, rel=0.2)
    small = asked((ALONE,), ("", ["A/Setpoint 1390..1400"], [], 0.0), measured(0.2))
    assert "the interval includes 0" in small["Reason"]


def test_without_a_past_or_with_models_that_do_not_follow_nothing_is_valid() -> None:
    bare = asked((ALONE,), ("", [], ["A/Flow >= 50"], 0.0))
    assert (bare["Valid"], math.isnan(bare["SavingLow"])) == (False, True)
    assert "the models could be compared with 0 s of the past only; 120 s more are needed" in bare["Reason"]
    series = measured(0.0)
    power = series["A/Power"]
    series["A/Power"] = Series(power.ticks, 2.0 * power.values, power.status)
    wrong = asked((ALONE,), ("", [], ["A/Flow >= 50"], 0.0), series)
    assert not wrong["Valid"]
    assert "calibrate them first" in wrong["Reason"]
    assert "do not follow A/Power well" in wrong["Reason"]


def test_a_process_may_not_save_by_doing_less() -> None:
    """Commands of the process itself say what is wanted of it: they change only where they are named."""
    motor = replace(MOTOR, inputs={**MOTOR.inputs, "ambient": tag("Hall/Heater")})
    job = plan(("", [], [], 0.0), context((ALONE, motor), "process"))
    commands: Any = job.settings["variables"]
    assert [one.name for one in commands] == ["A/Setpoint"]


@pytest.mark.parametrize(
    ("index", "arguments", "said"),
    [
        (1, ("", ["A/Flow"], [], 0.0), 'no model takes "A/Flow"'),
        (1, ("", ["A/Setpoint", "A/Speed"], [], 0.0), "are the same"),
        (1, ("", ["A/Motor/Winding"], [], 0.0), "where a run begins"),
        (1, ("", ["A/Setpoint 10-20"], [], 0.0), "is no variable"),
        (1, ("", ["A/Setpoint 3100..3200"], [], 0.0), "has no values"),
        (1, ("", ["Outdoor 60..70"], [], 0.0), "has no values"),
        (0, ("min Sped", [], [], 0.0), "nothing is called"),
        (2, ("", [], ["A/Flow"], 0.0), "is no constraint"),
        (3, ("", [], [], -1.0), "right is from 0"),
    ],
)
def test_wrong_arguments_say_what_is_right(index: int, arguments: tuple[Any, ...], said: str) -> None:
    with pytest.raises(ArgumentError) as error:
        plan(arguments, context((ALONE, MOTOR)))
    assert (error.value.index, said in error.value.message) == (index, True), error.value.message


def test_a_command_without_a_good_value_is_no_begin() -> None:
    with pytest.raises(NotAvailable, match="no Good value of A/Setpoint"):
        plan(("", [], [], 0.0), context((ALONE,), present={}))


def test_steady_states_found_at_once_are_those_of_long_runs() -> None:
    system = System([load(pump("A", "B")), load(pump("B", "A")), load(MOTOR)])
    speeds = np.array([800.0, 1100.0, 1500.0])
    inputs: dict[str, Any] = {"Hall/A/Speed": speeds, "Hall/B/Speed": 1200.0, "Hall/Outdoor": 20.0}
    signals, _ = told(system, steady(system, inputs, {}, 3), inputs)
    for number, speed in enumerate(speeds):
        alone = settled(system, {**inputs, "Hall/A/Speed": float(speed)})
        for name, value in alone.items():
            assert signals[name][number] == pytest.approx(value, rel=1e-4, abs=1e-4), name


def test_models_that_go_on_by_steps_need_a_horizon(tmp_path: Path) -> None:
    build_fmu(tmp_path / "body.fmu", 2)
    ports = {"power": tag("Hall/Heater")}, {"temperature": Term("Hall/Body/Temperature")}
    takes, gives = (Port("power", "KWT", "Heat", (0.0, 50.0)),), (Port("temperature", "CEL", "Warm"),)
    body = ModelUse(
        "Hall/Body", "body", "fmu", {}, *ports, file=str(tmp_path / "body.fmu"), input_ports=takes, output_ports=gives
    )
    arguments = "max Body/Temperature", ["Heater 5..30"], ["Body/Temperature <= 25"]
    with pytest.raises(NotAvailable, match="give a Horizon"):
        asked((body,), (*arguments, 0.0))
