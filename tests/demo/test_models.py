"""The demo's models against the demo's own physics: what if, run both ways."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analytics.simulation.choosing import Wish, compose
from analytics.simulation.integrate import run, settled
from analytics.simulation.naming import overrides
from server.config.load import load_plant
from server.demo.physics import CoolingPlant
from server.demo.sensors import Instruments

PLANT = Path(__file__).parents[2] / "server" / "demo" / "plant.yaml"
CHANGES = {
    "PrimaryLoop/Pump1/SpeedSetpoint": 1500.0,
    "PrimaryLoop/Pump2/SpeedSetpoint": 2100.0,
    "PrimaryLoop/Chiller/TemperatureSetpoint": 8.5,
    "SecondaryLoop/Pump3/SpeedSetpoint": 1800.0,
    "SecondaryLoop/CoolingTower/FanSpeedSetpoint": 75.0,
    "ProductionLoad": 55.0,
}
AFTER_S = 3600.0


def seen(physics: CoolingPlant) -> dict[str, float]:
    """What the instruments show, without their noise being of weight: the mean of many readings."""
    instruments = Instruments(physics)
    rows = []
    for _ in range(200):
        instruments.read()
        rows.append(
            {f"Cooling/{name}": float(one) for name, one in instruments.values.items() if not isinstance(one, str)}
        )
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


@pytest.fixture
def physics() -> CoolingPlant:
    """The plant at rest, under a sky that does not change, with bearings that do not wear."""
    plant = CoolingPlant(1)
    plant.weather.step = lambda dt_s: None  # type: ignore[method-assign]
    for pump in plant.pumps.values():
        pump.drive_end.wear_per_s = pump.non_drive_end.wear_per_s = 0.0
    plant.step(600.0)
    return plant


def test_what_the_models_say_of_a_change_is_what_the_plant_then_does(physics: CoolingPlant) -> None:
    uses = tuple(use for twin in load_plant(PLANT).walk() for use in twin.models)
    before = seen(physics)
    given = overrides(list(CHANGES), list(CHANGES.values()), uses, "Cooling", 0)
    assert given["Cooling/PrimaryLoop/Pump1/Speed"] == 1500.0, "a command stands for the tag that it sets"
    system, chosen = compose(uses, Wish("Cooling", "", tuple(given), {**before, **given}))
    assert "dynamic" not in {use.name for use in chosen}, "the steady chiller answers, and is cheaper"
    inputs = {name: {**before, **given}[name] for name in system.inputs}
    start = {name: before[name] for name in system.states}
    course = run(system, np.linspace(0.0, AFTER_S, 61), inputs, start)
    assert course.extrapolated == ()
    for path, value in CHANGES.items():
        physics.command(path, value)
    physics.step(AFTER_S)
    after = seen(physics)
    said = {name: line[-1] for name, line in course.signals.items() if name in after}
    assert len(said) >= 40
    wrong = {
        name: (value, after[name]) for name, value in said.items() if abs(value - after[name]) > 0.01 * abs(after[name])
    }
    assert not wrong, "all within 1 %"
    assert abs(after["Cooling/TotalPower"] - before["Cooling/TotalPower"]) > 10.0, "the change was one"
    rest = settled(system, inputs, start)
    assert rest["Cooling/TotalPower"] == pytest.approx(after["Cooling/TotalPower"], rel=0.01)


def test_the_pump_alone_knows_that_its_power_goes_with_the_cube(physics: CoolingPlant) -> None:
    uses = tuple(use for twin in load_plant(PLANT).walk() for use in twin.models if use.twin.endswith("/Pump3"))
    values = seen(physics)
    system, _ = compose(uses, Wish("Cooling/SecondaryLoop/Pump3", "", (), values))
    speeds = np.array([1000.0, 2000.0])
    course = run(system, np.array([0.0, 60.0]), {system.inputs[0]: speeds})
    shaft = course.signals["Cooling/SecondaryLoop/Pump3:shaft_power"]
    assert shaft[1] / shaft[0] == pytest.approx(8.0)
    assert course.signals["Cooling/SecondaryLoop/Pump3/Power"][1] == pytest.approx(
        physics.pump3.motor.electric_kw, rel=1e-3
    )
