"""Continuous calibrations by a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from analytics.errors import FunctionFailed
from analytics.simulation.calibrate import CALIBRATE
from server.analysis.calibrating import FILE, Calibrating, Continuous, every_s
from server.config.load import load_plant
from server.config.plant import Twin
from tests.analysis.conftest import PLANT, SECOND

BEGIN = 134_000_000_000_000_000


class Plant:
    """Two twins, a clock, and what was called."""

    def __init__(self, folder: Path) -> None:
        (folder / "plant.yaml").write_text(PLANT)
        self.twins = {twin.path: twin for twin in load_plant(folder / "plant.yaml").walk()}
        self.now = BEGIN
        self.called: list[tuple[str, Sequence[Any]]] = []
        self.asked = asyncio.Event()
        self.answer: Sequence[Any] | Exception = (*CALIBRATE.nothing()[:-1], True, True, "", "Calibration-7", 1.0, "")

    async def call(self, twin: Twin, name: str, arguments: Sequence[Any]) -> Sequence[Any]:
        """The server's own call of a method."""
        assert name == "Calibrate"
        self.called.append((twin.path, arguments))
        self.asked.set()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def test_each_is_made_when_it_is_due_over_a_window_that_moves_on(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    told: list[str] = []
    calibrating = Calibrating(tmp_path, lambda: plant.now)
    calibrating.on_change(told.append)
    await calibrating.begin(Continuous("Pump", ("mass",), (1.0, 2.0), 3600.0, every_s(3600.0), "engineer"))
    await calibrating.begin(Continuous("Gone", ("mass",), (), 3600.0, 600.0))
    await calibrating.make_due(plant.call, plant.twins.get)
    assert not plant.called, "the call that began it made the first one"
    plant.now += 900 * SECOND
    await calibrating.make_due(plant.call, plant.twins.get)
    await calibrating.make_due(plant.call, plant.twins.get)
    begin = plant.now - 3600 * SECOND
    assert plant.called == [("Pump", (("mass",), (1.0, 2.0), begin, plant.now, "Batch"))]
    assert "Calibration-7 is active" in calibrating.told("Pump")
    assert "no such twin" in calibrating.told("Gone")
    assert told.count("Pump") == 2
    plant.answer = FunctionFailed("it broke")
    plant.now += 900 * SECOND
    await calibrating.make_due(plant.call, plant.twins.get)
    assert "it broke" in calibrating.told("Pump"), "and it goes on"

    again = Calibrating(tmp_path, lambda: plant.now)
    await again.open()
    assert again.told("Pump") == calibrating.told("Pump")
    assert await again.end("Pump")
    assert not await again.end("Pump")
    assert again.told("Pump") == ""
    (tmp_path / FILE).write_text("{")
    await again.open()
    assert again.told("Gone") != "", "what cannot be read changes nothing"


async def test_it_sleeps_until_something_is_due_and_ends_when_it_is_told(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    calibrating = Calibrating(None, lambda: plant.now)
    running = asyncio.create_task(calibrating.run(plant.call, plant.twins.get))
    await asyncio.sleep(0)
    plant.now -= 1000 * SECOND
    await calibrating.begin(Continuous("Pump", ("mass",), (), 3600.0, 900.0))
    plant.now += 1000 * SECOND
    await calibrating.begin(Continuous("Lamp", ("mass",), (), 3600.0, 900.0))  # wakes it
    await asyncio.wait_for(plant.asked.wait(), 10.0)
    assert [path for path, _ in plant.called] == ["Pump"]
    running.cancel()
    await asyncio.wait([running])


@pytest.mark.parametrize(("window", "every"), [(600.0, 300.0), (86_400.0, 21_600.0), (1e7, 86_400.0)])
def test_the_period_is_a_quarter_of_the_window_within_reason(window: float, every: float) -> None:
    assert every_s(window) == every
