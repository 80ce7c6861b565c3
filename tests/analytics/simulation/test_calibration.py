"""Fitting with standard errors, what data can tell, and the names of parameters."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from analytics.arguments import Context
from analytics.errors import ArgumentError, NotAvailable
from analytics.process.stations import State, Station
from analytics.series import TICKS_PER_SECOND, Series
from analytics.simulation.calibrate import Mode, plan
from analytics.simulation.calibration_models import states_of, team_of
from analytics.simulation.calibration_run import Calibrated, run
from analytics.simulation.fitting import Problem, repetition
from analytics.simulation.identifiability import collinearity, findings
from analytics.simulation.parameters import known_parameters, tuned
from analytics.simulation.wiring import ModelUse, Source, Term

START = 10**15


def tag(path: str) -> Source:
    return Source((Term(path),))


PUMP = ModelUse(
    "P/Pump", "pump", "pump", {"shutoff": 52.0}, {"speed": tag("P/Pump/Speed")}, {"flow": Term("P/Pump/Flow")}
)
MOTOR = ModelUse(
    "P/Pump/Motor",
    "motor",
    "motor",
    {"time_constant": 300.0},
    {"shaft_power": Source((Term("P/Pump", "shaft_power"),)), "ambient": tag("P/Outdoor")},
    {"winding": Term("P/Pump/Motor/Winding")},
)
STEADY = ModelUse("P/X", "steady", "heat_exchanger", {}, {}, {"heat": Term("P/X/Heat")})
DYNAMIC = ModelUse("P/X", "dynamic", "heat_exchanger_dynamic", {}, {}, {"heat": Term("P/X/Heat")}, fidelity=1)
FILE = ModelUse("P/F", "fmu", "fmu", {"gain": 2.0}, {}, {"y": Term("P/F/Y")}, file="/nowhere.fmu")
USES = (PUMP, MOTOR, STEADY, DYNAMIC, FILE)


def _against(model: Callable[[np.ndarray], np.ndarray], measured: np.ndarray, p: np.ndarray) -> list[np.ndarray]:
    return [model(p) - measured]


@pytest.mark.parametrize("autocorrelation", [0.0, 0.9])
def test_the_interval_of_95_percent_holds_the_truth_also_where_residuals_hang_together(autocorrelation: float) -> None:
    """y = a exp(-b t) with AR(1) noise, a hundred times; the naive interval would hold a third at 0.9."""
    random = np.random.default_rng(2)
    times, true = np.linspace(0.0, 3.0, 300), np.array([5.0, 0.8])

    def model(p: np.ndarray) -> np.ndarray:
        return np.asarray(p[0] * np.exp(-p[1] * times))

    holding = 0
    for _ in range(100):
        noise = np.empty(len(times))
        noise[0] = random.normal()
        for at in range(1, len(times)):
            noise[at] = autocorrelation * noise[at - 1] + np.sqrt(1.0 - autocorrelation**2) * random.normal()
        measured = model(true) + 0.1 * noise
        low, high = np.array([0.1, 0.01]), np.array([100.0, 10.0])
        problem = Problem(partial(_against, model, measured), low, high, np.array([0.01]))
        fit = problem.solve(np.array([2.0, 2.0]), np.array([0.1]), lambda fraction: None)
        holding += bool((np.abs(fit.values - true) <= 1.97 * np.sqrt(np.diag(fit.covariance))).all())
    assert 78 <= holding <= 99, "both parameters at once: between 90 and 95 expected"


def test_readings_that_repeat_each_other_count_as_few() -> None:
    random = np.random.default_rng(1)
    assert repetition(random.normal(size=5000)) == pytest.approx(1.0, abs=0.2)
    assert repetition(np.repeat(random.normal(size=500), 10)) == pytest.approx(10.0, rel=0.3)
    assert repetition(np.zeros(10)) == 1.0


def test_parameters_that_stand_in_for_each_other_are_named_and_the_others_are_not() -> None:
    """The collinearity index of two columns at an angle is 1 / sqrt(1 - cos) (Brun et al. 2001)."""
    random = np.random.default_rng(3)
    a, b = np.linalg.qr(random.normal(size=(200, 2)))[0].T * 100.0
    assert collinearity(np.stack([a, b], axis=1))[0] == pytest.approx(1.0)
    assert collinearity(np.stack([a, a + b], axis=1))[0] == pytest.approx(1.0 / np.sqrt(1.0 - np.sqrt(0.5)))
    columns = np.stack([a, b, a + 0.01 * b, 1e-4 * b], axis=1)
    found = findings(columns, np.ones(4), ["one", "two", "three", "none"])
    assert [one.places for one in found] == [(3,), (0, 2)]
    assert "one and three only matter together" in found[1].reason


def test_parameters_are_called_by_path_and_by_model_where_several_have_them() -> None:
    known = known_parameters(USES, "P")
    assert known["Pump:resistance"].value == pytest.approx(0.5 * 40.0 / 100.0**2)
    assert known["Pump/Motor:time_constant"].value == 300.0
    assert {"X:steady.clean_ua", "X:dynamic.clean_ua", "X:hot_mass"} <= known.keys()
    assert tuned(["shutoff"], None, (PUMP, MOTOR), "P/Pump", 0)[0].key == "P/Pump:pump.shutoff"
    assert tuned(["pump.shutoff"], [1.0, 60.0], (PUMP, MOTOR), "P/Pump", 0)[0].high == 60.0
    for names, said in (
        (["X:clean_ua"], "may mean X:steady.clean_ua, X:dynamic.clean_ua"),
        (["X:steady.clean_ua", "X:dynamic.fouling"], "two models of the same tag"),
        (["F:gain"], "belong to the tool that made it"),
        (["Pump:speed"], "there are Pump:rated_speed, Pump:shutoff"),
    ):
        with pytest.raises(ArgumentError, match=said):
            tuned(names, None, USES, "P", 0)


def test_a_model_is_fed_by_measurements_and_only_ports_come_from_others() -> None:
    of_motor = team_of(tuned(["Pump/Motor:time_constant"], None, USES, "P", 0), USES)
    assert ([one.name for one in of_motor.uses], of_motor.outputs) == (["motor", "pump"], ("P/Pump/Motor/Winding",))
    of_pump = team_of(tuned(["Pump:shutoff"], None, USES, "P", 0), USES)
    assert ([one.name for one in of_pump.uses], of_pump.outputs) == (["pump"], ("P/Pump/Flow",))
    silent = ModelUse("P/Pump", "pump", "pump", {}, PUMP.inputs)
    through = team_of(tuned(["Pump:shutoff"], None, (silent, MOTOR), "P", 0), (silent, MOTOR))
    assert through.outputs == ("P/Pump/Motor/Winding",), "what it does shows there only"
    station = Station("Pump", "Pump/State", {0: State.running, 4: State.down, 5: State.setup})
    assert states_of(of_motor, [station], "P") == {"Pump/State": (0, 5)}


def calibrated(
    power: np.ndarray,
    winding: np.ndarray,
    *names: str,
    low: float = 1.0,
    high: float = 1e5,
    every: int = 1,
    **present: float,
) -> Calibrated:
    """Of a motor that is fed by tags, a reading each second, of the power one in so many. present: inputs without a
    past."""
    inputs = {"shaft_power": tag("M/Power"), **{name: tag(f"M/{name}") for name in present}}
    motor = ModelUse("M", "motor", "motor", {"time_constant": 300.0}, inputs, {"winding": Term("M/Winding")})
    ticks = START + np.arange(len(power), dtype=np.int64) * TICKS_PER_SECOND
    status = np.zeros(len(power), np.uint32)
    few = slice(None, None, every)
    series = {"Power": Series(ticks[few], power[few], status[few]), "Winding": Series(ticks, winding, status)}
    bounds = [low, high] if len(names) == 1 else []
    wanted = tuned(list(names), bounds, (motor,), "M", 0)
    end = int(ticks[-1])
    team = team_of(wanted, (motor,))
    known = {f"M/{name}": value for name, value in present.items()}
    return run(series, None, end, wanted, team, "M", {}, START, Mode.batch, {}, lambda fraction: None, known)


def warmed(power: np.ndarray, time_constant: float = 120.0) -> np.ndarray:
    """A winding whose losses go with the square of the load, with noise."""
    load = power / 15.0
    final = 20.0 + 80.0 * (0.2 * (load > 0.01) + 0.8 * load**2)
    line = np.empty(len(power))
    line[0] = final[0]
    for at in range(1, len(line)):
        line[at] = final[at - 1] + (line[at - 1] - final[at - 1]) * np.exp(-1.0 / time_constant)
    return np.asarray(line + 0.1 * np.random.default_rng(4).normal(size=len(line)))


def test_a_time_constant_comes_back_although_readings_are_missing_or_wild() -> None:
    power = np.repeat(np.random.default_rng(6).uniform(2.0, 15.0, 12), 300)
    winding = warmed(power)
    winding[700:760] = np.nan
    winding[2000:2005] = 900.0
    said = calibrated(power, winding, "time_constant")
    assert said.valid, said.reason
    assert said.better, said.reason
    assert said.results[3][0] == pytest.approx(120.0, rel=0.03)
    assert said.lesson is not None
    assert dict(said.lesson.trained.settings) == {"M:motor.time_constant": said.results[3][0]}
    assert said.lesson.trained.arrays["covariance"].shape == (1, 1)
    bound = calibrated(power, warmed(power), "time_constant", low=200.0)
    assert (bound.better, bound.results[8]) == (False, [True])
    assert "came to a bound" in bound.reason


def test_setpoints_that_are_told_on_change_or_never_do_not_make_it_coarser() -> None:
    power = np.repeat(np.random.default_rng(6).uniform(2.0, 15.0, 12), 300)
    said = calibrated(power, warmed(power), "time_constant", every=300, ambient=20.0)
    assert said.better, said.reason
    assert said.results[3][0] == pytest.approx(120.0, rel=0.03)
    assert said.reason == "ambient is taken as it is now, 20: there are no values of that time"


def test_what_never_moved_tells_nothing_and_the_reason_says_what_stood_still() -> None:
    still = np.full(3600, 8.0)
    said = calibrated(still, warmed(still), "rated_rise", "exponent")
    assert (said.valid, said.better, said.lesson) == (False, False, None)
    assert "rated_rise and exponent only matter together" in said.reason
    assert "Power stayed at 8" in said.reason
    assert said.results[7] == [False, False]
    with pytest.raises(NotAvailable, match="common values"):
        calibrated(still[:60], warmed(still[:60]), "time_constant")


def test_a_plan_reads_only_what_its_models_need() -> None:
    context = Context((), START, twin="P", machines=USES)
    job = plan((["Pump:shutoff"], None, START - 7200 * TICKS_PER_SECOND, None, ""), context)
    assert job.settings["mode"] is Mode.batch  # type: ignore[union-attr]
    assert job.long  # type: ignore[union-attr]


def test_where_a_model_jumps_there_is_no_slope() -> None:
    """As where a check valve opens: one of a hundred values jumps by 1 when the parameter passes 2."""
    x = np.linspace(0.5, 1.5, 100)

    def differences(p: np.ndarray) -> list[np.ndarray]:
        return [p[0] * x + (p[0] * x > 1.0000001 * 2.0 * x[40]) * (np.arange(100) == 40)]

    problem = Problem(differences, np.array([0.1]), np.array([10.0]), np.array([0.01]))
    slopes = problem.jacobian(np.array([2.0]), np.array([1.0]))[:, 0]
    np.testing.assert_allclose(np.delete(slopes, 40), np.delete(x, 40), rtol=1e-9)
    assert slopes[40] == 0.0
