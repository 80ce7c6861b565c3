"""The running demo's bearing as node-opcua follows it: damaged, detected, explained, and with less and less time left.

The demo's physics run twelve times as fast, so that what takes minutes is seen in one; its time stamps are real.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.interop.conftest import HERE, Plant, run_script
from tests.simulators.demo_run import PASSWORD, demo

HIGH, HIGH_HIGH = 2.8, 4.5
"""Its alarm limits in mm/s; the second one is where its life ends."""
pytestmark = pytest.mark.timeout(120)


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def report(plant: Plant, tmp_path_factory: Any) -> AsyncIterator[dict[str, Any]]:
    """What the script saw of a demo of its own."""
    folder: Path = tmp_path_factory.mktemp("bearing")
    with demo(folder, "--speed", "12") as running:
        endpoint = await asyncio.to_thread(lambda: running.endpoint)
        script = HERE / "bearing.mjs"
        told = {"url": endpoint, "password": PASSWORD, "case_ms": 60_000, "high": HIGH, "highHigh": HIGH_HIGH}
        yield await run_script(plant, script, longest_s=100.0, **told)


def test_it_is_trained_once_enough_is_known_of_normal_operation(seen: Any) -> None:
    assert seen["State"] == "Active"
    assert seen["refused"] >= 1, "the demo has only begun"
    assert "a model needs" in seen["why"] or "Good" in seen["why"]


def test_the_fault_is_injected_as_an_operator_would(seen: Any) -> None:
    assert seen == [pytest.approx(0.5, abs=0.5), "Good"]


def test_the_score_rises_by_itself(seen: Any) -> None:
    assert seen > 1.0


def test_the_damage_is_detected(seen: Any) -> None:
    assert seen.startswith("DriveEndBearing/")


def test_it_is_explained(seen: Any) -> None:
    assert seen["Signals"][0].startswith("DriveEndBearing/")
    assert seen["Actual"][0] > seen["Expected"][0]
    assert " of DriveEndBearing " in seen["Explanation"]


def test_its_remaining_life_shrinks(seen: Any) -> None:
    """And is about what it really has."""
    said = seen["said"]
    hours = [one["hours"] for one in said]
    assert hours[0] > hours[1] > hours[2] > 0.0
    assert all(one["Lower"] < one["hours"] < one["Upper"] for one in said)
    assert said[0]["Drivers"][0] == "Vibration"
    assert f"reaches its limit of {HIGH_HIGH} mm/s" in said[0]["Explanation"]
    assert 0.5 < hours[0] / seen["really"] < 2.0
