"""The demo plant behaves like a cooling plant."""

from __future__ import annotations

import math

import pytest

from server.demo.faults import Fault
from server.demo.machines import RunState
from server.demo.physics import CoolingPlant, NotNow, OutOfRange
from server.demo.sensors import Instruments

PUMP1, PUMP2 = "PrimaryLoop/Pump1", "PrimaryLoop/Pump2"


@pytest.fixture(scope="module")
def steady() -> CoolingPlant:
    return CoolingPlant(seed=3)


@pytest.fixture
def plant() -> CoolingPlant:
    return CoolingPlant(seed=3)


def test_the_plant_starts_in_a_steady_state(plant: CoolingPlant) -> None:
    before = (plant.supply, plant.return_, plant.exchanger.hot_in, plant.tank.level, plant.tank.temperature)
    plant.step(60.0)
    after = (plant.supply, plant.return_, plant.exchanger.hot_in, plant.tank.level, plant.tank.temperature)
    assert after == pytest.approx(before, abs=0.15)
    assert plant.chiller.state is RunState.Running
    assert all(pump.state is RunState.Running for pump in plant.pumps.values())


def test_heat_taken_from_production_leaves_over_the_tower(steady: CoolingPlant) -> None:
    assert steady.exchanger.heat == pytest.approx(steady.load_kw, rel=0.02)
    assert steady.tower.heat == pytest.approx(steady.chiller.cooling + steady.chiller.power, rel=0.03)


def test_flow_head_and_power_follow_the_affinity_laws(plant: CoolingPlant) -> None:
    flow, head, power = plant.flow, plant.pump1.head, plant.pump1.motor.shaft_kw
    for path in (PUMP1, PUMP2):
        plant.command(f"{path}/SpeedSetpoint", 2700.0)
    plant.step(20.0)
    ratio = 2700.0 / 1800.0
    assert plant.flow == pytest.approx(flow * ratio, rel=0.01)
    assert plant.pump1.head == pytest.approx(head * ratio**2, rel=0.01)
    assert plant.pump1.motor.shaft_kw == pytest.approx(power * ratio**3, rel=0.02)


def test_a_faster_pump_runs_warmer(plant: CoolingPlant) -> None:
    before = plant.pump2.motor.winding
    plant.command(f"{PUMP2}/SpeedSetpoint", 2900.0)
    plant.step(400.0)
    assert plant.pump2.motor.winding > before + 10.0


def test_one_pump_alone_delivers_more_than_half(plant: CoolingPlant) -> None:
    both = plant.flow
    plant.command(f"{PUMP2}/Run", 0)
    plant.step(30.0)
    assert plant.pump2.state is RunState.Stopped
    assert both / 2 < plant.flow < both


def test_the_chiller_follows_its_setpoint(plant: CoolingPlant) -> None:
    plant.command("PrimaryLoop/Chiller/TemperatureSetpoint", 9.0)
    plant.step(900.0)
    assert plant.supply == pytest.approx(9.0, abs=0.2)


def test_the_chiller_trips_without_flow_and_refuses_to_start(plant: CoolingPlant) -> None:
    for path in (PUMP1, PUMP2):
        plant.command(f"{path}/Run", 0)
    plant.step(60.0)
    assert plant.chiller.state is RunState.Tripped
    assert plant.chiller.cause == "Low water flow"
    with pytest.raises(NotNow, match="reset it first"):
        plant.command("PrimaryLoop/Chiller/StartRequest", 1)
    plant.command("PrimaryLoop/Chiller/Reset", 1)
    with pytest.raises(NotNow, match="no chilled water flow"):
        plant.command("PrimaryLoop/Chiller/StartRequest", 1)


def test_less_fan_makes_warmer_water_and_a_dearer_chiller(plant: CoolingPlant) -> None:
    cop, water = plant.chiller.cop, plant.tank.temperature
    plant.command("SecondaryLoop/CoolingTower/FanSpeedSetpoint", 15.0)
    plant.step(900.0)
    assert plant.tank.temperature > water + 2.0
    assert plant.chiller.cop < cop - 0.3


def test_the_bearing_of_pump1_wears_until_it_seizes_and_is_replaced(plant: CoolingPlant) -> None:
    levels = []
    while plant.pump1.state is not RunState.Tripped and plant.now_s < 3600.0:
        plant.step(30.0)
        levels.append((plant.pump1.drive_end.vibration_rms, plant.pump1.drive_end.temperature))
    assert 600.0 < plant.now_s < 3000.0
    middle, end = levels[len(levels) // 2], levels[-2]
    assert levels[0][0] < middle[0] < end[0]
    assert end[0] > 4.5
    assert end[1] > levels[0][1] + 10.0
    assert plant.pump1.cause == "Bearing seized"
    plant.step(180.0)
    assert plant.pump1.state is RunState.Running
    assert plant.pump1.drive_end.wear < 0.1


def test_draining_the_tank_makes_pump3_trip_on_dry_running(plant: CoolingPlant) -> None:
    plant.command("SecondaryLoop/Tank/LevelSetpoint", 10.0)
    plant.command("SecondaryLoop/Tank/DrainValve/PositionSetpoint", 100.0)
    plant.step(900.0)
    assert plant.pump3.state is RunState.Tripped
    assert plant.pump3.cause == "Dry running"


def test_fouling_grows_and_goes_when_cleared(plant: CoolingPlant) -> None:
    hot = plant.exchanger.hot_in
    plant.inject(Fault.FouledExchanger)
    plant.step(30.0)
    early = plant.exchanger.fouling
    plant.step(900.0)
    assert 0.0 < early < plant.exchanger.fouling
    assert plant.exchanger.hot_in > hot + 2.0
    plant.inject(Fault.NoFault)
    plant.step(60.0)
    assert plant.exchanger.fouling < 0.01


def test_a_blocked_filter_costs_flow(plant: CoolingPlant) -> None:
    flow = plant.flow
    plant.inject(Fault.BlockedFilter)
    plant.step(300.0)
    assert plant.flow < 0.7 * flow


def test_a_stuck_sensor_shows_the_same_for_ever(plant: CoolingPlant) -> None:
    instruments = Instruments(plant)
    stuck, free = "PrimaryLoop/SupplyTemperature", "PrimaryLoop/ReturnTemperature"
    plant.inject(Fault.SensorStuck)
    before = dict(instruments.values)
    plant.step(1.0)
    instruments.read()
    assert instruments.values[stuck] == before[stuck]
    assert instruments.values[free] != before[free]


@pytest.mark.parametrize("value", [-1.0, 3000.5, math.nan, math.inf])
def test_a_value_out_of_range_is_refused(plant: CoolingPlant, value: float) -> None:
    with pytest.raises(OutOfRange):
        plant.command(f"{PUMP1}/SpeedSetpoint", value)


@pytest.mark.parametrize("fault", [9, -1, 1.5, math.nan])
def test_an_unknown_fault_is_refused(plant: CoolingPlant, fault: float) -> None:
    with pytest.raises(OutOfRange):
        plant.command("InjectFault", fault)


def test_the_same_seed_gives_the_same_plant() -> None:
    one, other = Instruments(CoolingPlant(5), 5), Instruments(CoolingPlant(5), 5)
    assert one.values == other.values


def test_every_command_shows_what_is_in_force(steady: CoolingPlant) -> None:
    assert steady.commands() <= set(Instruments(steady).values)
