"""GetHealth, PredictRemainingUsefulLife and Forecast called by a client, on the bearing of the demo's physics."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from asyncua import ua

from analytics.degradation import KIND
from analytics.latest import LATEST, REMAINING_LIFE
from drivers.data_types import DataType, to_cells
from drivers.readings import Readings, now_ticks
from server.demo.machines import Bearing
from tests.analysis.conftest import SECOND, Hall, hall, no_time, text, texts, times

AGES = (600, 850, 1220)
"""Seconds that each bearing has run; the limit is reached after about 1,270."""
RULE = "rules: {Wear: {input: Vibration, high: 4.5, severity: high}}"
VIBRATION = "type: Double, unit: C16, range: [0, 20], stale_s: 10000"
TEMPERATURE = "type: Double, unit: CEL, range: [0, 90], stale_s: 10000"
PLANT = (
    "plant: {name: Hall}\nconnections: {device: {driver: modbus, host: 127.0.0.1, port: 1}}\n"
    "twins:\n  Line:\n    scope: system\n    connection: device\n    children:\n"
    + "".join(
        f"""
      Pump{age}:
        scope: asset
        components:
          Bearing:
            scope: component
            connection: device
            telemetry:
              Vibration: {{{VIBRATION}, point: {{table: input, address: {age}}}}}
              Temperature: {{{TEMPERATURE}, point: {{table: input, address: {age + 4}}}}}
            {RULE}
"""
        for age in AGES
    )
)


def course(seconds: int, noise: float = 1.0) -> npt.NDArray[np.float64]:
    """float64[seconds, 2]: vibration and temperature of a bearing that wears as the demo's does."""
    bearing, random = Bearing(wear_per_s=0.004), np.random.default_rng(1)
    rows = []
    for _ in range(seconds):
        bearing.step(1.0, 0.6, 20.0)
        rows.append((bearing.vibration_rms, bearing.temperature))
    return np.array(rows) + noise * random.normal(size=(seconds, 2)) * [0.05, 0.2]


def remember(plant: Hall, bearing: str, values: npt.NDArray[np.float64]) -> None:
    """The past of a bearing, one reading a second up to now."""
    rows = [plant.bridge.space.row_of(plant.node_id(f"{bearing}/{name}")) for name in ("Vibration", "Temperature")]
    count, ticks = len(values), now_ticks() - np.arange(len(values) - 1, -1, -1) * SECOND
    cells = to_cells(values.reshape(-1), DataType.Double)
    good = np.zeros(values.size, np.uint32)
    plant.bridge.table.commit(Readings(np.tile(np.array(rows, np.int32), count), cells, good, np.repeat(ticks, 2)))


def number(value: float) -> ua.Variant:
    return ua.Variant(value, ua.VariantType.Double)


def bearing_of(age: int) -> str:
    return f"Line/Pump{age}/Bearing"


async def test_the_worn_bearing_has_a_remaining_life_that_shrinks_and_is_forecast_and_unwell(folder: Path) -> None:
    whole = course(max(AGES))
    true = int(np.argmax(course(1500, noise=0.0)[:, 0] > 4.5))
    async with hall(folder, "viewer", text=PLANT) as plant:

        async def looked_at() -> set[str]:
            return {(await plant.read(f"{bearing_of(age)}/{REMAINING_LIFE}")).StatusCode.name for age in AGES}

        await plant.until(looked_at, {"BadDataUnavailable"})  # the first round of live results; the next is in 5 min
        begun = time.monotonic()
        for age in AGES:
            remember(plant, bearing_of(age), whole[:age])
        found = [
            await plant.results(f"{bearing_of(age)}/PredictRemainingUsefulLife", text(), number(99.0)) for age in AGES
        ]
        late = time.monotonic() - begun  # seconds that passed since what was remembered was "now"
        left = [one["RemainingUsefulLife"] * 3600 for one in found]
        assert all(one["Valid"] for one in found), found
        assert left == sorted(left, reverse=True)
        assert abs(left[-1] - (true - AGES[-1])) < 0.3 * (true - AGES[-1]) + late
        for age, one in zip(AGES, found, strict=True):
            assert one["Lower"] * 3600 <= true - age <= one["Upper"] * 3600 + late
            assert (one["Method"], one["Unit"], one["Drivers"]) == ("Trend", "HUR", ["Vibration"])
        assert "limit of 4.5" in found[-1]["Explanation"]

        (live,) = (one for one in LATEST if one.name == REMAINING_LIFE)
        for twin in plant.bridge.plant.walk():
            await plant.bridge.live.refresh(live, twin)
        assert await looked_at() == {"Good"}

        async def known() -> bool:
            await plant.bridge.health.update()
            return all([(await plant.read(f"{bearing_of(age)}/HealthScore")).StatusCode.is_good() for age in AGES])

        await plant.until(known, True)
        scores = [await plant.value(f"{bearing_of(age)}/HealthScore") for age in AGES]
        assert scores == sorted(scores, reverse=True)
        assert scores[-1] < scores[0]
        health = await plant.results("Line/GetHealth")
        assert health["WorstTwins"][:2] == [f"Pump{AGES[-1]}", f"Pump{AGES[-1]}/Bearing"]
        assert np.isfinite(health["Trend"])
        assert "half" in health["Rule"]

        ahead = await plant.results(
            f"{bearing_of(AGES[-1])}/Forecast", text("Vibration"), number(250.0), number(5.0), number(0.0)
        )
        assert ahead["Limit"] == 4.5
        assert abs(ahead["TimeToLimit"] - (true - AGES[-1])) < 60
        assert ahead["ErrorRatio"] < 1.0
        assert len(ahead["Times"]) == len(ahead["Values"]) == 50
        assert ahead["DataQuality"] > 99.0


async def test_what_cannot_be_known_is_good_and_not_valid_and_a_wrong_argument_has_its_status(folder: Path) -> None:
    """Part 4, 5.12.2.4: the call is BadInvalidArgument, the status of each argument says why."""
    async with hall(folder, text=PLANT) as plant:
        empty = await plant.results(f"{bearing_of(600)}/PredictRemainingUsefulLife", text(), number(0.0))
        assert not empty["Valid"]
        assert "too few" in empty["Reason"]
        assert np.isnan(empty["RemainingUsefulLife"])
        for path, arguments, index, status in (
            ("PredictRemainingUsefulLife", (text("Nobody-1"), number(0.0)), 0, "BadNoMatch"),
            ("PredictRemainingUsefulLife", (text(), number(0.9)), 1, "BadOutOfRange"),
            ("Forecast", (text("Flow"), number(60.0), number(1.0), number(0.0)), 0, "BadNoMatch"),
            ("Forecast", (text("Vibration"), number(-60.0), number(1.0), number(0.0)), 1, "BadOutOfRange"),
        ):
            answer = await plant.call(f"{bearing_of(600)}/{path}", *arguments)
            assert answer.StatusCode.name == "BadInvalidArgument"
            assert answer.InputArgumentResults[index].name == status
        assert not (await plant.results(f"{bearing_of(600)}/GetHealth"))["Valid"]


async def test_a_limit_of_its_own_is_taught_and_histories_are_refused_while_there_are_too_few(folder: Path) -> None:
    async with hall(folder, text=PLANT) as plant:
        remember(plant, bearing_of(AGES[-1]), course(AGES[-1]))

        def asked(kind: str, *options: str) -> tuple[Any, ...]:
            return (text(kind), texts("Vibration"), texts(), no_time(), no_time(), times(), texts(*options))

        path = bearing_of(AGES[-1])
        trained = await plant.results(f"{path}/TrainModel", *asked(KIND, "High=6", "Activate=true"))
        assert trained["State"] == "Active", trained
        later = await plant.results(f"{path}/PredictRemainingUsefulLife", text(), number(0.0))
        assert later["ModelId"] == "Degradation-1"
        assert "limit of 6 " in later["Explanation"]
        few = await plant.results(f"{path}/TrainModel", *asked("RemainingLife"))
        assert not few["Valid"]
        assert "0 histories that end in a failure" in few["Reason"]
