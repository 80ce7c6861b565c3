"""FMUs: their own solver or ours, events, start values, and what is said of files that cannot be used."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from analytics.simulation.choosing import load
from analytics.simulation.fmu import CoSimulation, ModelExchange
from analytics.simulation.fmu_description import FmuError, describe_fmu
from analytics.simulation.integrate import Course, run
from analytics.simulation.system import ModelError, System
from analytics.simulation.wiring import ModelUse, Source, Term
from server.config.errors import PlantFileError
from server.config.load import load_plant
from tests.simulators.fmus import BOTH, GAIN, TIME_CONSTANT_S, build_fmu, describe

EXCHANGE = ("ModelExchange",)
TIMES = np.arange(0.0, 3601.0, 60.0)


def body(file: Path, **parameters: float) -> System:
    """The body alone."""
    use = ModelUse(
        "B",
        "body",
        "fmu",
        parameters,
        {"power": Source((Term("B/Power"),))},
        {"temperature": Term("B/T")},
        file=str(file),
    )
    return System([load(use)])


def course(system: System, power: object = 20.0) -> np.ndarray:
    """Temperatures at TIMES."""
    found: Course = run(system, TIMES, {"B/Power": power})  # type: ignore[dict-item]
    return found.signals["B/T"]


def warming(t: np.ndarray, power: float = 20.0) -> np.ndarray:
    """From 0, without events: the solution of tau y' = gain u - y."""
    return GAIN * power * (1.0 - np.exp(-t / TIME_CONSTANT_S))


@pytest.fixture(scope="module", params=[2, 3])
def file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For model exchange alone, of FMI 2.0 or 3.0."""
    return build_fmu(tmp_path_factory.mktemp("fmu") / "body.fmu", request.param, EXCHANGE)


def test_the_equations_of_an_fmu_for_model_exchange_are_solved_here(file: Path) -> None:
    system = body(file)
    assert isinstance(system.parts[0].stepper, ModelExchange)
    for _ in range(2):  # each run begins anew
        np.testing.assert_allclose(course(system), warming(TIMES), rtol=1e-5, atol=1e-6)
    steps = np.where(TIMES < 1800.0, 20.0, 0.0)
    cooling = np.where(TIMES <= 1800.0, warming(TIMES), warming(np.array(1800.0)) * np.exp((1800.0 - TIMES) / 600.0))
    np.testing.assert_allclose(course(system, steps), cooling, rtol=1e-5, atol=1e-6, err_msg="inputs are held by step")


def test_an_event_happens_when_it_happens_and_not_at_the_next_step(file: Path) -> None:
    """FMI 2.0, 3.1.1 and FMI 3.0, 3.1.1: state events, where an indicator changes its sign, and time events."""
    trips = -TIME_CONSTANT_S * np.log(1.0 - 30.0 / 40.0)
    assert trips % 60.0 > 1.0, "between two steps"
    tripped = np.where(trips > TIMES, warming(TIMES), 30.0 * np.exp((trips - TIMES) / TIME_CONSTANT_S))
    np.testing.assert_allclose(course(body(file, limit=30.0)), tripped, rtol=1e-5, atol=1e-6)
    cooled = np.where(TIMES < 1000.0, warming(TIMES), warming(TIMES - 1000.0))
    np.testing.assert_allclose(course(body(file, cooled_at=1000.0)), cooled, rtol=1e-5, atol=1e-6)


def test_an_fmu_that_refuses_or_ends_says_so(file: Path) -> None:
    with pytest.raises(ModelError, match=r"body of B refuses the step from 0 s on: fmi\dGet\w+ failed with status 3"):
        course(body(file), np.where(TIMES < 30.0, -2000.0, 0.0))
    with pytest.raises(ModelError, match="body of B ends the simulation at 600 s"):
        course(body(file), np.where(TIMES == 600.0, 999.0, 0.0))
    system = body(file, tau=0.0)
    with pytest.raises(ModelError, match="derivatives that are no numbers at 0 s"):
        course(system, 0.0)


def test_what_can_do_both_brings_its_own_solver_and_takes_start_values(tmp_path: Path) -> None:
    system = body(build_fmu(tmp_path / "both.fmu", 2, BOTH), temperature=10.0)
    assert isinstance(system.parts[0].stepper, CoSimulation)
    wanted = warming(TIMES) + 10.0 * np.exp(-TIMES / TIME_CONSTANT_S)
    np.testing.assert_allclose(course(system), wanted, rtol=1e-9, err_msg='initial="exact": its start can be set')


def test_a_library_that_cannot_be_loaded_says_what_is_missing(tmp_path: Path) -> None:
    file = build_fmu(tmp_path / "body.fmu", 3)
    with zipfile.ZipFile(tmp_path / "broken.fmu", "w") as archive, zipfile.ZipFile(file) as whole:
        for name in whole.namelist():
            archive.writestr(name, b"no library" if name.endswith(".so") else whole.read(name))
    with pytest.raises(ModelError, match=r"body of B does not start: .*Body\.so: (file too short|invalid ELF header)"):
        course(body(tmp_path / "broken.fmu"))


def described(path: Path, version: int, interfaces: tuple[str, ...], more: str = "") -> Path:
    """An FMU that is its description only."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("modelDescription.xml", describe(version, interfaces, more))
    return path


CLOCK = '<Clock name="tick" valueReference="20" causality="input" intervalVariability="constant" intervalDecimal="1"/>'


def test_clocks_and_other_kinds_of_fmu_are_refused_in_words(tmp_path: Path) -> None:
    """FMI 3.0: an importer has to tick input clocks in model exchange; without event mode the FMU does it itself."""
    with pytest.raises(FmuError, match=r"it has the clock tick, which .* export it for co-simulation"):
        describe_fmu(str(described(tmp_path / "clocked.fmu", 3, EXCHANGE, CLOCK)))
    assert describe_fmu(str(described(tmp_path / "own.fmu", 3, BOTH, CLOCK))).words["tick"] == "a clock"
    with pytest.raises(FmuError, match="neither CoSimulation nor ModelExchange"):
        describe_fmu(str(described(tmp_path / "scheduled.fmu", 3, ("ScheduledExecution",))))


WRONG = """
plant: {{name: Hall}}
connections: {{device: {{driver: modbus, host: 127.0.0.1, port: 1}}}}
twins:
  B:
    scope: asset
    connection: device
    telemetry: {{T: {{type: Double, point: {{address: 0}}}}}}
    model:
      fmu: {file}
      inputs: {{above: T, tick: 1}}
      outputs: {{power: T}}
      parameters: {{layers: 3, tau: 0, temperature: 5, gein: 1}}
"""


def test_what_a_plant_file_wants_of_an_fmu_and_it_has_not_is_told_for_all(tmp_path: Path) -> None:
    described(tmp_path / "body.fmu", 3, BOTH, CLOCK)
    (tmp_path / "plant.yaml").write_text(WRONG.format(file="body.fmu"))
    with pytest.raises(PlantFileError) as caught:
        load_plant(tmp_path / "plant.yaml")
    told = [line.partition(": ")[2] for line in str(caught.value).splitlines()]
    assert told == [
        "above of body.fmu is an inner variable, not one of its inputs",
        "tick of body.fmu is a clock, not one of its inputs",
        "power of body.fmu is an input, not one of its outputs",
        "layers of body.fmu is an array, and a port is one number, not one of its parameters",
        "tau is 0; right is from 1 to inf",
        "body.fmu has no parameter gein; did you mean gain?",
    ]
