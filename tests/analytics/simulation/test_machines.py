"""Models of machines against solutions worked out by hand, and against what must hold for any input."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.simulation.integrate import Course, run
from analytics.simulation.kinds import KINDS
from analytics.simulation.model import MachineModel
from analytics.simulation.parts import part_of
from analytics.simulation.system import System
from analytics.simulation.water import HEAT_KJ, capacity_flow
from analytics.simulation.wiring import ModelUse, Source

TRIES = settings(max_examples=60, deadline=None)


def alone(kind: str, inputs: dict[str, float], parameters: dict[str, float] | None = None) -> System:
    """One machine with constant inputs."""
    sources = {name: Source((), value) for name, value in inputs.items()}
    return System([part_of(ModelUse("M", kind, kind, parameters or {}, sources))])


def course(system: System, seconds: float, start: dict[str, float] | None = None, points: int = 101) -> Course:
    """It runs; start: of states by port."""
    return run(
        system, np.linspace(0.0, seconds, points), {}, {f"M:{name}": value for name, value in (start or {}).items()}
    )


def steady(kind: str, inputs: dict[str, Any], parameters: dict[str, float] | None = None) -> dict[str, Any]:
    """What a model says, states left out."""
    model = KINDS[kind]
    filled = {port.name: port.default for port in model.inputs if port.default is not None}
    return model.compute(0.0, {}, {**filled, **inputs}, {**model.defaults(), **(parameters or {})})


@pytest.mark.parametrize(("kind", "lift"), [("pump", "head"), ("fan", "pressure")])
@given(share=st.floats(0.1, 1.1), resistance=st.floats(0.1, 10.0))
@TRIES
def test_flow_lift_and_shaft_power_follow_the_affinity_laws_exactly(
    kind: str, lift: str, share: float, resistance: float
) -> None:
    rated = KINDS[kind].defaults()
    circuit = {"resistance": resistance * rated["resistance"], "static": 0.0}
    full = steady(kind, {"speed": rated["rated_speed"]}, circuit)
    part = steady(kind, {"speed": share * rated["rated_speed"]}, circuit)
    assert part["flow"] == pytest.approx(share * full["flow"], rel=1e-12)
    assert part[lift] == pytest.approx(share**2 * full[lift], rel=1e-9)
    assert part["shaft_power"] == pytest.approx(share**3 * full["shaft_power"], rel=1e-9)


@given(
    speed=st.floats(0.0, 3300.0),
    throttle=st.floats(0.5, 20.0),
    static=st.floats(0.0, 60.0),
    other=st.floats(0.0, 300.0),
)
@TRIES
def test_a_pump_stands_on_both_curves_and_gives_less_than_it_takes(
    speed: float, throttle: float, static: float, other: float
) -> None:
    p = {**KINDS["pump"].defaults(), "static": static}
    said = steady("pump", {"speed": speed, "throttle": throttle, "other_flow": other}, p)
    flow, head = float(said["flow"]), float(said["head"])
    needed = static + p["resistance"] * throttle * (flow + other) ** 2
    offered = p["shutoff"] * (speed / p["rated_speed"]) ** 2 - p["curve"] * flow**2
    if flow > 0.0:
        assert offered == pytest.approx(needed, rel=1e-7, abs=1e-7)
        assert head == pytest.approx(needed, rel=1e-7, abs=1e-7)
    else:
        assert p["shutoff"] * (speed / p["rated_speed"]) ** 2 <= needed + 1e-9, "the check valve is shut"
    hydraulic = 9.81 * flow / 3600.0 * head
    assert 0.0 <= hydraulic <= float(said["shaft_power"]) + 1e-12
    assert float(said["shaft_power"]) <= float(said["power"])


def test_a_motor_warms_up_as_a_first_order_body_does() -> None:
    inputs, p = {"shaft_power": 15.0, "ambient": 20.0}, {"rated_rise": 80.0, "time_constant": 900.0}
    told = course(alone("motor", inputs, p), 3600.0, {"winding": 20.0})
    exact = 20.0 + 80.0 * (1.0 - np.exp(-told.times / 900.0))
    np.testing.assert_allclose(told.signals["M:winding"], exact, rtol=1e-5)


@given(
    power=st.floats(0.0, 20.0), ambient=st.floats(-20.0, 45.0), winding=st.floats(0.0, 150.0), frame=st.floats(0, 90)
)
@settings(max_examples=15, deadline=None)
def test_a_motor_of_two_bodies_keeps_what_it_does_not_give_to_the_air(
    power: float, ambient: float, winding: float, frame: float
) -> None:
    p = KINDS["motor_two_body"].defaults()
    told = course(
        alone("motor_two_body", {"shaft_power": power, "ambient": ambient}),
        1800.0,
        {"winding": winding, "frame": frame},
        1801,
    )
    stored = p["winding_capacity"] * told.signals["M:winding"] + p["frame_capacity"] * told.signals["M:frame"]
    flows = told.signals["M:losses"] - told.signals["M:heat"]
    assert stored[-1] - stored[0] == pytest.approx(np.trapezoid(flows, told.times), rel=1e-3, abs=0.05)


@given(
    hot=st.floats(20.0, 90.0), cold=st.floats(1.0, 60.0), hot_flow=st.floats(0.0, 300.0),
    cold_flow=st.floats(0.0, 300.0), valve=st.floats(0.0, 100.0), ua=st.floats(0.1, 1000.0),
    fouling=st.floats(0.0, 0.1),
)  # fmt: skip
@TRIES
def test_a_heat_exchanger_neither_makes_heat_nor_crosses_temperatures(
    hot: float, cold: float, hot_flow: float, cold_flow: float, valve: float, ua: float, fouling: float
) -> None:
    inputs = {"hot_inlet": hot, "cold_inlet": cold, "hot_flow": hot_flow, "cold_flow": cold_flow, "valve": valve}
    said = steady("heat_exchanger", inputs, {"clean_ua": ua, "fouling": fouling})
    through = cold_flow * valve / 100.0
    if min(hot_flow, through) < 1e-6:
        return
    low, high = min(hot, cold) - 1e-6, max(hot, cold) + 1e-6
    assert low <= said["hot_outlet"] <= high
    assert low <= said["cold_outlet"] <= high
    assert capacity_flow(hot_flow) * (hot - said["hot_outlet"]) == pytest.approx(said["heat"], abs=1e-6, rel=1e-6)
    assert capacity_flow(through) * (said["cold_outlet"] - cold) == pytest.approx(said["heat"], abs=1e-6, rel=1e-6)
    assert capacity_flow(cold_flow) * (said["cold_mixed"] - cold) == pytest.approx(said["heat"], abs=1e-6, rel=1e-6)


def test_a_heat_exchanger_has_the_effectiveness_of_the_book() -> None:
    """Counter-flow, Kays and London: NTU 2 at a ratio of 0.5 gives 1 - e^-1 over 1 - e^-1 / 2; at a ratio of 1, 2/3."""
    ua = 2.0 * float(capacity_flow(50.0))
    half = steady(
        "heat_exchanger", {"hot_inlet": 60, "cold_inlet": 10, "hot_flow": 50, "cold_flow": 100}, {"clean_ua": ua}
    )
    even = steady(
        "heat_exchanger", {"hot_inlet": 60, "cold_inlet": 10, "hot_flow": 50, "cold_flow": 50}, {"clean_ua": ua}
    )
    assert half["effectiveness"] == pytest.approx(100 * (1 - math.exp(-1)) / (1 - 0.5 * math.exp(-1)), rel=1e-9)
    assert even["effectiveness"] == pytest.approx(100 * 2 / 3, rel=1e-6)


def test_a_dynamic_heat_exchanger_ends_where_the_steady_one_is() -> None:
    inputs = {"hot_inlet": 60.0, "cold_inlet": 10.0, "hot_flow": 40.0, "cold_flow": 60.0, "valve": 80.0}
    told = course(alone("heat_exchanger_dynamic", inputs), 3600.0, {"hot_outlet": 60.0, "cold_outlet": 10.0})
    said = steady("heat_exchanger", inputs)
    for name in ("hot_outlet", "cold_outlet", "cold_mixed", "heat"):
        assert told.signals[f"M:{name}"][-1] == pytest.approx(float(said[name]), rel=1e-4)


def test_a_tank_empties_at_once_and_mixes_as_calculus_says() -> None:
    """Level: a straight line. Temperature of 6 m3 with 12 m3/h through: T = Tin + (T0 - Tin) exp(-t / 1800 s)."""
    draining = course(alone("tank", {"outflow": 5.0}, {"volume": 10.0}), 3600.0, {"level": 80.0, "temperature": 20.0})
    np.testing.assert_allclose(draining.signals["M:level"], 80.0 - 50.0 * draining.times / 3600.0, atol=1e-6)
    through = {"inflow": 12.0, "outflow": 12.0, "inlet_temperature": 40.0}
    mixing = course(alone("tank", through, {"volume": 10.0}), 3600.0, {"level": 60.0, "temperature": 10.0})
    np.testing.assert_allclose(mixing.signals["M:temperature"], 40 - 30 * np.exp(-mixing.times / 1800.0), rtol=1e-5)


@given(
    inflow=st.floats(0.0, 40.0), outflow=st.floats(0.0, 40.0), losses=st.floats(0.0, 5.0), setpoint=st.floats(0, 100),
    most=st.floats(0.0, 20.0), level=st.floats(2.0, 98.0),
)  # fmt: skip
@settings(max_examples=25, deadline=None)
def test_a_tank_keeps_the_water_that_does_not_leave_and_never_more_than_it_holds(
    inflow: float, outflow: float, losses: float, setpoint: float, most: float, level: float
) -> None:
    inputs = {"inflow": inflow, "outflow": outflow, "losses": losses, "level_setpoint": setpoint}
    told = course(
        alone("tank", inputs, {"volume": 10.0, "make_up_most": most}),
        7200.0,
        {"level": level, "temperature": 20.0},
        721,
    )
    line = told.signals["M:level"]
    assert line.min() >= -0.05
    assert line.max() <= 100.05
    net = inflow + told.signals["M:make_up"] - told.signals["M:drawn"] - told.signals["M:overflow"]
    gained = np.trapezoid(net, told.times) / 3600.0
    assert (line[-1] - line[0]) / 100.0 * 10.0 == pytest.approx(gained, abs=0.2), "a step of the grid at a bound"


def test_water_that_is_heated_follows_the_exponential() -> None:
    """100 kW into 18 m3/h: 100 / 20.95 K above the inlet in the end, with the time constant of 1000 kg over 5 kg/s."""
    told = course(
        alone("volume", {"flow": 18.0, "inlet_temperature": 10.0, "heat": 100.0}), 1200.0, {"temperature": 10.0}
    )
    rise = 100.0 / (5.0 * HEAT_KJ)
    np.testing.assert_allclose(
        told.signals["M:temperature"], 10.0 + rise * (1 - np.exp(-told.times / 200.0)), rtol=1e-5
    )


def test_a_room_balances_its_heat_and_rests_where_its_resistances_say() -> None:
    inputs, p = {"outdoor": -5.0, "heat": 4.0, "solar": 300.0, "internal": 0.4}, KINDS["room"].defaults()
    told = course(alone("room", inputs), 200 * 3600.0, {"air": 15.0, "wall": 5.0}, 2001)
    stored = p["air_capacity"] * told.signals["M:air"] + p["wall_capacity"] * told.signals["M:wall"]
    put = np.trapezoid(told.signals["M:gains"] - told.signals["M:to_outdoors"], told.times) / 3600.0
    assert stored[-1] - stored[0] == pytest.approx(put, rel=1e-3)
    rested = course(alone("room", inputs), 3600.0)
    assert np.ptp(rested.signals["M:air"]) < 1e-4, "it begins where it would be after long"
    assert told.signals["M:air"][-1] == pytest.approx(rested.signals["M:air"][0], abs=0.5)


@pytest.mark.parametrize("kind", ["chiller", "chiller_gordon_ng"])
@given(
    entering=st.floats(6.0, 25.0), flow=st.floats(5.0, 200.0), warm=st.floats(15.0, 40.0),
    cooling_flow=st.floats(5.0, 200.0), setpoint=st.floats(4.0, 15.0), limit=st.floats(20.0, 100.0),
)  # fmt: skip
@TRIES
def test_a_chiller_rejects_what_it_takes_up_and_never_beats_carnot(
    kind: str, entering: float, flow: float, warm: float, cooling_flow: float, setpoint: float, limit: float
) -> None:
    inputs = {
        "entering": entering, "flow": flow, "condenser_entering": warm, "condenser_flow": cooling_flow,
        "setpoint": setpoint, "limit": limit,
    }  # fmt: skip
    said = {name: float(value) for name, value in steady(kind, inputs).items()}
    assert said["cooling"] == pytest.approx(capacity_flow(flow) * (entering - said["leaving"]), rel=1e-7, abs=1e-7)
    passed = capacity_flow(cooling_flow) * (said["condenser_leaving"] - warm)
    assert said["rejected"] == pytest.approx(passed, rel=1e-6, abs=1e-6)
    assert said["rejected"] == pytest.approx(said["cooling"] + said["power"], rel=1e-9)
    lift = said["condenser_leaving"] - said["leaving"]
    if kind == "chiller" and lift > 0.0:
        assert said["cop"] <= (said["leaving"] + 273.15) / lift


def test_gordon_ng_is_the_plane_that_its_figures_say() -> None:
    """(1/COP + 1) Te/Tc - 1 = a1 Te/Q + a2 (Tc - Te)/(Tc Q) + a3 (1/COP + 1) Q/Tc, temperatures of the water in."""
    p = {"a1": 0.02, "a2": 8.0, "a3": 0.03}
    said = steady(
        "chiller_gordon_ng",
        {"entering": 12, "flow": 70, "condenser_entering": 30, "condenser_flow": 80, "setpoint": 7},
        p,
    )
    cold, warm, heat, above = 285.15, 303.15, float(said["cooling"]), 1.0 / float(said["cop"]) + 1.0
    right = p["a1"] * cold / heat + p["a2"] * (warm - cold) / (warm * heat) + p["a3"] * above * heat / warm
    assert above * cold / warm - 1.0 == pytest.approx(right, rel=1e-9)


@given(inlet=st.floats(20.0, 50.0), wet=st.floats(0.0, 19.0), flow=st.floats(1.0, 300.0), fan=st.floats(0.0, 100.0))
@TRIES
def test_a_tower_stays_above_the_wet_bulb_and_its_fan_goes_with_the_cube(
    inlet: float, wet: float, flow: float, fan: float
) -> None:
    inputs = {"inlet_temperature": inlet, "wet_bulb": wet, "flow": flow}
    said = steady("cooling_tower", {**inputs, "fan_speed": fan})
    assert wet <= said["outlet_temperature"] <= inlet
    assert capacity_flow(flow) * (inlet - said["outlet_temperature"]) == pytest.approx(said["heat"], rel=1e-9)
    full = steady("cooling_tower", {**inputs, "fan_speed": 100.0})
    assert said["shaft_power"] == pytest.approx((fan / 100.0) ** 3 * full["shaft_power"], rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("model", [model for model in KINDS.values() if model.derivatives is None])
def test_a_steady_model_takes_many_moments_at_once(model: MachineModel) -> None:
    """The same as one after the other."""
    random = np.random.default_rng(1)
    low_high = {port.name: np.clip(port.range, -50.0, 100.0) for port in model.inputs}
    many = {name: random.uniform(low, high, 7) for name, (low, high) in low_high.items()}
    together = model.compute(0.0, {}, many, model.defaults())
    for at in range(7):
        one = model.compute(0.0, {}, {name: float(line[at]) for name, line in many.items()}, model.defaults())
        for name, value in one.items():
            assert np.broadcast_to(together[name], 7)[at] == pytest.approx(float(value), rel=1e-9, abs=1e-12)


def test_every_kind_says_what_it_is_and_gives_what_it_says() -> None:
    checks: list[Callable[[MachineModel], bool]] = [
        lambda model: bool(model.description) and model.fidelity in (0, 1),
        lambda model: all(one.low <= one.default <= one.high for one in model.parameters),
        lambda model: all(port.description for port in (*model.inputs, *model.given)),
        lambda model: not {port.name for port in model.outputs} & {port.name for port in model.states},
        lambda model: (model.derivatives is None) == (not model.states),
        lambda model: model.cost_s > 0.0,
    ]
    for model in KINDS.values():
        assert all(check(model) for check in checks), model.kind
        values = {port.name: 10.0 for port in model.inputs}
        said = model.compute(0.0, {port.name: 20.0 for port in model.states}, values, model.defaults())
        assert said.keys() == {port.name for port in model.outputs}, model.kind
