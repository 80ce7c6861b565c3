"""The demo's simulated plant with a past, as its operators leave it or with other setpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from analytics.arguments import Context
from analytics.series import TICKS_PER_SECOND, Series
from server.analysis.surroundings import survey
from server.config.load import load_plant
from server.config.plant import Twin
from server.demo.machines import RunState
from server.demo.physics import CoolingPlant
from server.demo.sensors import Instruments

PLANT = Path(__file__).parents[1] / "server" / "demo" / "plant.yaml"
TWIN = "Cooling"
STEP_S = 5.0
"""From one reading of the instruments to the next."""
ORIGIN_TICKS = 134_000_000_000_000_000
"""When the simulated plant starts: some day in 2025, for its past needs a date."""


@dataclass(frozen=True, slots=True)
class Case:
    """load: percent of full production. hour: of the day at which the plant starts. seed: of weather and noise."""

    load: float
    hour: float
    seed: int


@dataclass
class Past:
    """What the instruments have shown, by path below the twin."""

    ticks: list[int] = field(default_factory=list)
    values: dict[str, list[float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measured:
    """Of a stretch of time, by the plant's own meters: electric energy and heat taken from production, kWh; lowest and
    highest reading of each signal that matters; whether a machine tripped."""

    energy: float
    cooling: float
    spans: Mapping[str, tuple[float, float]]
    tripped: bool


class LivedPlant:
    """The plant at a constant load. Bearings do not wear: Pump1's seizes within the hour otherwise, whoever runs it.
    Two of the same case are the same plant in the same weather until one is told something else."""

    def __init__(self, case: Case) -> None:
        self.plant = CoolingPlant(case.seed)
        self.plant.weather.hour = case.hour
        self.plant.command("ProductionLoad", case.load)
        for pump in self.plant.pumps.values():
            pump.drive_end.wear_per_s = pump.non_drive_end.wear_per_s = 0.0
        self._instruments = Instruments(self.plant, case.seed)
        self.past = Past()

    def live(self, seconds: float) -> Measured:
        """Go on, and note what the instruments show."""
        energy, cooling = self.plant.energy_kwh["Main"], 0.0
        begin, tripped = len(self.past.ticks), False
        for _ in range(round(seconds / STEP_S)):
            self.plant.step(STEP_S)
            cooling += self.plant.exchanger.heat * STEP_S / 3600.0
            self._instruments.read()
            self._note()
            tripped |= RunState.Tripped in (self.plant.chiller.state, *(one.state for one in self.plant.pumps.values()))
        spans = {name: (min(line[begin:]), max(line[begin:])) for name, line in self.past.values.items()}
        return Measured(self.plant.energy_kwh["Main"] - energy, cooling, spans, tripped)

    def write(self, commands: Mapping[str, float]) -> None:
        """By path of the plant, as the devices take them."""
        for path, value in commands.items():
            self.plant.command(path.removeprefix(f"{TWIN}/"), value)

    def _note(self) -> None:
        self.past.ticks.append(ORIGIN_TICKS + round(self.plant.now_s * TICKS_PER_SECOND))
        for name, value in self._instruments.values.items():
            if not isinstance(value, str):
                self.past.values.setdefault(name, []).append(float(value))

    def series(self, names: tuple[str, ...]) -> dict[str, Series]:
        """The past of these signals."""
        ticks = np.array(self.past.ticks, np.int64)
        status = np.zeros(len(ticks), np.uint32)
        return {name: Series(ticks, np.array(self.past.values[name]), status) for name in names}

    def context(self) -> Context:
        """What the server would know of the twin now, from the demo's plant file."""
        twins = list(load_plant(PLANT).walk())
        twin = next(one for one in twins if one.path == TWIN)
        return _context(twin, twins, {name: line[-1] for name, line in self.past.values.items()}, self.past.ticks[-1])


def _context(twin: Twin, twins: list[Twin], shown: Mapping[str, float], now: int) -> Context:
    tags = {tag.path: tag for one in twins for tag in (*one.telemetry, *one.commands)}
    around = survey(twin, tag_at=tags.get)
    return Context(
        tuple(around.rows),
        now,
        around.about,
        twin.path,
        twin.scope,
        around.parts,
        machines=around.machines,
        present={name: shown[name] for name in around.bound},
        aim=twin.optimization.aim if twin.optimization is not None else None,
    )
