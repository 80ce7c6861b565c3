"""Models put together: wiring by tags, circles, choice by fidelity, FMUs and ONNX files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analytics.errors import NotAvailable
from analytics.simulation.choosing import Wish, compose, load
from analytics.simulation.integrate import run, settled
from analytics.simulation.model import Port
from analytics.simulation.system import ModelError, System
from analytics.simulation.wiring import ModelUse, Source, Term
from tests.simulators.fmus import GAIN, TIME_CONSTANT_S, build_fmu
from tests.simulators.onnx_files import build_onnx, expected


def tag(path: str, factor: float = 1.0, offset: float = 0.0) -> Source:
    """An input fed by a tag."""
    return Source((Term(path, "", factor, offset),))


def pump(name: str, other: str, **parameters: float) -> ModelUse:
    """A pump that shares its circuit with another."""
    return ModelUse(
        name,
        "pump",
        "pump",
        parameters,
        {"speed": tag(f"{name}/Speed"), "other_flow": tag(f"{other}/Flow")},
        {"flow": Term(f"{name}/Flow"), "power": Term(f"{name}/Power", "", 0.001)},
    )


def test_pumps_in_one_circuit_agree_on_its_head_at_one_moment_as_over_time() -> None:
    system = System([load(pump("A", "B")), load(pump("B", "A", shutoff=50.0))])
    assert set(system.inputs) == {"A/Speed", "B/Speed"}
    speeds = {"A/Speed": np.linspace(3000.0, 1500.0, 21), "B/Speed": 2500.0}
    course = run(system, np.linspace(0.0, 3600.0, 21), speeds)
    both = course.signals["A/Flow"] + course.signals["B/Flow"]
    p = system.parts[0].parameters
    for name, shutoff in (("A", 40.0), ("B", 50.0)):
        running = course.signals[f"{name}/Flow"] > 0.0
        head = p["resistance"] * both**2
        np.testing.assert_allclose(course.signals[f"{name}:head"][running], head[running], rtol=1e-7)
        offered = shutoff * (np.broadcast_to(speeds[f"{name}/Speed"], 21) / 3000.0) ** 2
        assert (offered[~running] <= head[~running] + 1e-9).all(), "the check valve is shut"
    assert (course.signals["A/Flow"][-1], course.signals["A/Flow"][0] > 0.0) == (0.0, True)
    power = course.ports[0, "power"]
    np.testing.assert_allclose(course.signals["A/Power"], 1000.0 * power, err_msg="the tag is in W, the port in kW")


def test_a_given_value_replaces_what_a_model_says() -> None:
    system = System([load(pump("A", "B")), load(pump("B", "A"))], forced=("A/Flow", "B:throttle"))
    assert {"A/Flow", "B:throttle"} <= set(system.inputs)
    course = run(system, np.zeros(1), {"A/Speed": 3000.0, "B/Speed": 3000.0, "A/Flow": 0.0, "B:throttle": 1.0})
    alone = System([load(pump("B", "C"))])
    assert course.signals["B/Flow"] == run(alone, np.zeros(1), {"B/Speed": 3000.0, "C/Flow": 0.0}).signals["B/Flow"]


def test_a_tag_that_two_models_give_and_a_port_that_none_gives_are_refused() -> None:
    with pytest.raises(ModelError, match=r"A/Flow is given by two models"):
        System([load(pump("A", "B")), load(pump("A", "C"))])
    with pytest.raises(ModelError, match=r"takes B:head, which no model in use gives"):
        System([load(ModelUse("S", "sum", "sum", {}, {"value": Source((Term("B", "head"),))}))])


def test_values_that_cannot_agree_are_an_error_and_not_a_number() -> None:
    """x = x + 1 has no solution."""
    circle = ModelUse("S", "sum", "sum", {}, {"value": Source((Term("S/X"),), 1.0)}, {"total": Term("S/X")})
    with pytest.raises(ModelError, match="feed each other"):
        run(System([load(circle)]), np.zeros(1), {})


def test_what_is_settled_no_longer_moves() -> None:
    tank = ModelUse("T", "volume", "volume", {}, {"flow": tag("F"), "inlet_temperature": tag("I"), "heat": tag("H")})
    system = System([load(tank)])
    said = settled(system, {"F": 18.0, "I": 10.0, "H": 100.0}, {"T:temperature": 50.0})
    assert said["T:temperature"] == pytest.approx(10.0 + 100.0 / (5.0 * 4.19), abs=1e-3)


def exchangers() -> list[ModelUse]:
    """A steady and a dynamic model of one machine."""
    inputs = {name: tag(f"X/{name}") for name in ("hot_inlet", "cold_inlet", "hot_flow", "cold_flow")}
    outputs = {"heat": Term("X/Heat"), "hot_outlet": Term("X/Out")}
    steady = ModelUse("X", "quick", "heat_exchanger", {}, inputs, outputs, {"hot_inlet": (0.0, 60.0)})
    dynamic = ModelUse("X", "true", "heat_exchanger_dynamic", {}, inputs, outputs, fidelity=1)
    return [dynamic, steady]


def names(uses: list[ModelUse], wish: Wish) -> list[str]:
    """Of the models that are used."""
    return [use.name for use in compose(uses, wish)[1]]


def test_the_lowest_fidelity_that_answers_is_the_default() -> None:
    values = {"X/hot_inlet": 50.0, "X/cold_inlet": 10.0, "X/hot_flow": 20.0, "X/cold_flow": 20.0}
    uses = exchangers()
    assert names(uses, Wish("X", "", (), values)) == ["quick"]
    assert names(uses, Wish("X", "true", (), values)) == ["true"], "asked for by name"
    assert names(uses, Wish("X", "", (), {**values, "X/hot_inlet": 80.0})) == ["true"], "the other would extrapolate"
    assert names(uses[1:], Wish("X", "", (), {**values, "X/hot_inlet": 80.0})) == ["quick"], "better than none"
    with pytest.raises(NotAvailable, match=r"no Good value of cold_flow; give it one in Names and Values"):
        compose(uses, Wish("X", "", (), {key: values[key] for key in list(values)[:3]}))
    missing = ModelUse("X", "gone", "fmu", {}, {}, {"heat": Term("X/Heat")}, file="/nowhere/x.fmu", fidelity=0)
    assert names([missing, uses[0]], Wish("X", "", (), values)) == ["true"], "its file is gone"
    with pytest.raises(NotAvailable, match="there is no file"):
        compose([missing], Wish("X", "", (), values))


def test_a_model_further_up_replaces_those_that_say_the_same() -> None:
    whole = ModelUse("P", "whole", "sum", {}, {"value": tag("P/In")}, {"total": Term("P/Out")})
    part = ModelUse("P/Part", "part", "sum", {}, {"value": tag("P/In", 2.0)}, {"total": Term("P/Out")})
    assert names([whole, part], Wish("P", "", (), {"P/In": 1.0})) == ["whole"]


@pytest.mark.parametrize("version", [2, 3])
def test_an_fmu_runs_as_part_of_a_system(tmp_path: Path, version: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """FMI 2.0.4 and 3.0.2, co-simulation: a first-order body, whose course is known; a sum takes its output."""
    file = build_fmu(tmp_path / "body.fmu", version)
    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(unpacked))
    body = ModelUse(
        "B",
        "body",
        "fmu",
        {"gain": 3.0},
        {"power": tag("B/Power")},
        {"temperature": Term("B/T")},
        file=str(file),
        fidelity=2,
    )
    plus = ModelUse("S", "sum", "sum", {}, {"value": Source((Term("B/T"),), 10.0)}, {"total": Term("S/T")})
    system, _ = compose([plus, body], Wish("B", "", (), {"B/Power": 20.0}))
    times = np.arange(0.0, 3601.0, 60.0)
    for _ in range(2):  # each run begins anew
        course = run(system, times, {"B/Power": 20.0})
        np.testing.assert_allclose(course.signals["B/T"], 60.0 * (1.0 - np.exp(-times / TIME_CONSTANT_S)), rtol=1e-9)
    np.testing.assert_allclose(course.signals["S/T"], course.signals["B/T"] + 10.0)
    assert run(system, times[:2], {"B/Power": 60.0}).extrapolated == ("B/Power",), "its description says 0 to 50"
    with pytest.raises(ModelError, match="refuses the step"):
        run(system, times[:3], {"B/Power": -2000.0})
    assert GAIN == 2.0
    assert not list(unpacked.iterdir()), "what was unpacked is gone"


@pytest.mark.parametrize("batch", ["n", 1])
def test_an_onnx_file_maps_inputs_to_outputs(tmp_path: Path, batch: str | int) -> None:
    file = build_onnx(tmp_path / "net.onnx", batch)
    ports = (Port("in1", None, "", (0.0, 10.0)), Port("in2", None, ""))
    net = ModelUse(
        "N", "net", "onnx", {}, {"in1": tag("A"), "in2": tag("B")}, {"out1": Term("N/Y")}, file=str(file),
        input_ports=ports, output_ports=(Port("out1", None, ""),),
    )  # fmt: skip
    system, _ = compose([net], Wish("N", "", (), {"A": 1.0, "B": 2.0}))
    a, b = np.linspace(-1.0, 11.0, 13), np.linspace(4.0, -4.0, 13)
    course = run(system, np.linspace(0.0, 3600.0, 13), {"A": a, "B": b})
    np.testing.assert_allclose(course.signals["N/Y"], expected(np.stack([a, b], axis=1)), rtol=1e-5, atol=1e-5)
    assert course.extrapolated == ("A",)


def test_an_onnx_file_that_does_not_fit_says_so(tmp_path: Path) -> None:
    file = build_onnx(tmp_path / "net.onnx")
    three = tuple(Port(f"in{number}", None, "") for number in range(3))
    use = ModelUse("N", "net", "onnx", file=str(file), input_ports=three, output_ports=(Port("out1", None, ""),))
    with pytest.raises(ModelError, match="takes 2 inputs, and the plant file gives it 3"):
        load(use)
    (tmp_path / "broken.onnx").write_bytes(b"nothing of the kind")
    broken = ModelUse("N", "net", "onnx", file=str(tmp_path / "broken.onnx"), input_ports=three[:2])
    with pytest.raises(NotAvailable, match="cannot be read"):
        load(broken)
