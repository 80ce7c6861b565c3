"""`uatwin demo` as node-opcua meets it; the cases are in demo.mjs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.interop.conftest import HERE, Plant, run_script
from tests.simulators.demo_run import PASSWORD, demo


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def report(plant: Plant, tmp_path_factory: Any) -> AsyncIterator[dict[str, Any]]:
    """What the script saw of a demo of its own."""
    folder: Path = tmp_path_factory.mktemp("demo")
    with demo(folder) as running:
        endpoint = await asyncio.to_thread(lambda: running.endpoint)
        yield await run_script(plant, HERE / "demo.mjs", url=endpoint, password=PASSWORD)


def test_the_tree_reads_like_the_plant(seen: Any) -> None:
    twins, process, pump = seen
    assert twins == ["Cooling"]
    assert process == [
        "Identification", "Telemetry", "Commands", "Analytics", "Alarms", "Diagnostics", "PrimaryLoop", "SecondaryLoop",
    ]  # fmt: skip
    assert pump[:10] == [
        "Identification", "Telemetry", "Commands", "Analytics", "Alarms", "Diagnostics",
        "DriveEndBearing", "NonDriveEndBearing", "Motor", "Impeller",
    ]  # fmt: skip


def test_values_of_all_protocols_change_at_all_scopes(seen: Any) -> None:
    assert seen == [], "those that did not change"


def test_anonymous_clients_read_and_never_write(seen: Any) -> None:
    assert seen == ["BadUserAccessDenied"] * 3


def test_devices_obey_and_refuse_over_every_protocol(seen: Any) -> None:
    good, bad, speed = seen
    assert good == ["Good"] * 3
    assert bad == ["BadOutOfRange"] * 3
    assert speed == "Good"


def test_a_lost_device_is_told_and_comes_back(seen: Any) -> None:
    assert seen == {"answers": ["Good", "Good"], "kept": True, "others": "Good"}


def test_its_alarms_are_acknowledged_and_shelved(seen: Any) -> None:
    """Part 9, 5.7.3 and 5.8.17: the demo's own rule, its device's own fault."""
    assert [one.split()[0] for one in seen["answers"]] == ["Good"] * 4
    assert "tripped" in seen["message"].lower()
