"""The demo plant's own physics as a stretch of the past: its instruments each second while setpoints jump, or rest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from random import Random

import numpy as np

from analytics.process.stations import Station
from analytics.series import TICKS_PER_SECOND, Series
from analytics.simulation.wiring import ModelUse
from server.config.load import load_plant
from server.demo.physics import CoolingPlant
from server.demo.sensors import Instruments

PLANT = Path(__file__).parents[1] / "server" / "demo" / "plant.yaml"
START = 134_000_000_000_000_000
_RANGES = {
    "ProductionLoad": (50.0, 90.0),
    "PrimaryLoop/Pump1/SpeedSetpoint": (1400.0, 2400.0),
    "PrimaryLoop/Pump2/SpeedSetpoint": (1400.0, 2400.0),
    "PrimaryLoop/Chiller/TemperatureSetpoint": (6.0, 9.0),
    "PrimaryLoop/HeatExchanger/ControlValve/PositionSetpoint": (60.0, 100.0),
    "SecondaryLoop/Pump3/SpeedSetpoint": (1500.0, 2500.0),
    "SecondaryLoop/CoolingTower/FanSpeedSetpoint": (40.0, 90.0),
}
"""Where each setpoint jumps to, evenly, after 10 to 30 minutes, evenly."""


def past(plant: CoolingPlant, hours: float, seed: int, moving: bool) -> dict[str, Series]:
    """By the names of tags on the process; with the noise of the demo's instruments."""
    random, instruments = Random(seed), Instruments(plant, seed)
    due = {path: random.uniform(60.0, 900.0) if moving else np.inf for path in _RANGES}
    columns: dict[str, list[float]] = {
        name: [] for name, value in instruments.values.items() if not isinstance(value, str)
    }
    for second in range(round(hours * 3600.0)):
        for path, (low, high) in _RANGES.items():
            if second >= due[path]:
                plant.command(path, random.uniform(low, high))
                due[path] = second + random.uniform(600.0, 1800.0)
        plant.step(1.0)
        instruments.read()
        for name, column in columns.items():
            column.append(float(instruments.values[name]))
    ticks = START + np.arange(round(hours * 3600.0), dtype=np.int64) * TICKS_PER_SECOND
    good = np.zeros(len(ticks), np.uint32)
    return {name: Series(ticks, np.array(column), good) for name, column in columns.items()}


def models() -> tuple[tuple[ModelUse, ...], tuple[Station, ...]]:
    """Of the demo's plant file."""
    twins = list(load_plant(PLANT).walk())
    stations = tuple(twin.process.seen_from("Cooling") for twin in twins if twin.process is not None)
    return tuple(use for twin in twins for use in twin.models), stations


def end_of(series: Mapping[str, Series]) -> int:
    """The last moment."""
    return max(int(one.ticks[-1]) for one in series.values())
