"""A plant of 50,000 tags that behave like those of the demo: its physics, faults and instrument noise included."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from drivers.data_types import DataType, to_cells
from drivers.readings import TICKS_PER_SECOND, UNIX_EPOCH_TICKS, Readings
from server.config.load import load_plant
from server.config.plant import Plant, Scope, Tag, Twin
from server.demo.launcher import Ports, write_plant_file
from server.demo.physics import CoolingPlant
from server.demo.sensors import Instruments

_PLANTS = 8
START_TICKS = UNIX_EPOCH_TICKS + 1_780_000_000 * TICKS_PER_SECOND


def courses(seconds: int) -> tuple[list[str], list[tuple[float, float] | None], npt.NDArray[np.float64]]:
    """Names and ranges of the demo's numeric tags, and their course: float64[tags of all simulated plants, seconds].

    One plant of the eight has a bearing that wears, one a filter that clogs; production changes in all of them.
    """
    with tempfile.TemporaryDirectory() as folder:
        demo = load_plant(write_plant_file(Path(folder), Ports()))
    ranges = {tag.path.partition("/")[2]: tag.range for tag in demo.tags if tag.range}
    plants = [CoolingPlant(seed) for seed in range(1, _PLANTS + 1)]
    seen = [Instruments(plant, seed) for seed, plant in enumerate(plants)]
    names = [name for name, value in seen[0].values.items() if not isinstance(value, str)]
    course = np.empty((_PLANTS, len(names), seconds))
    for second in range(seconds):
        for number, (plant, instruments) in enumerate(zip(plants, seen, strict=True)):
            if second == 20 + 5 * number:
                plant.command("ProductionLoad", 60.0 + 5 * number)
            if second == 10 and number < 2:
                plant.inject(1.0 + 3 * number)
            plant.step(1.0)
            instruments.read()
            course[number, :, second] = [float(instruments.values[name]) for name in names]
    return names, [ranges.get(name) for name in names], course.reshape(_PLANTS * len(names), seconds)


def plant_of(names: list[str], ranges: list[tuple[float, float] | None], tags: int) -> Plant:
    """`tags` Floats with those names and ranges in turn, 100 to an asset."""
    made = [
        Tag(
            row, f"Tag{row % 100}", f"Hall/Machine{row // 100}/Tag{row % 100}", DataType.Float, range=_span(ranges, row)
        )
        for row in range(tags)
    ]
    assets = tuple(_machine(number, made[100 * number : 100 * number + 100]) for number in range(tags // 100))
    hall = Twin("Hall", "Hall", Scope.process, "", "", {}, (), (), (), (), assets)
    return Plant("Bench", "", None, {}, (hall,), tuple(made))


def _machine(number: int, tags: list[Tag]) -> Twin:
    name = f"Machine{number}"
    return Twin(name, f"Hall/{name}", Scope.asset, "", "", {}, tuple(tags), (), (), (), ())


def _span(ranges: list[tuple[float, float] | None], row: int) -> tuple[float, float] | None:
    return ranges[row % len(ranges)]


def batches(course: npt.NDArray[np.float64], tags: int) -> Iterator[Readings]:
    """One batch a second: every tag has a value; copies of a plant run some seconds apart."""
    count, seconds = course.shape
    rows = np.arange(tags, dtype=np.int32)
    source, shift = rows % count, rows // count
    status = np.zeros(tags, np.uint32)
    for second in range(seconds):
        values = course[source, (second + 7 * shift) % seconds]
        ticks = np.full(tags, START_TICKS + second * TICKS_PER_SECOND, np.int64)
        yield Readings(rows, to_cells(values, DataType.Float), status, ticks)
