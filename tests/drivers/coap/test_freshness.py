"""A device that notifies on change only is Good as long as it promised, and not a moment longer than it answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from drivers import coap
from drivers.driver import Vouching
from server.acquisition.acquisition import Acquisition
from server.config.load import load_plant
from server.tags.table import TagTable
from tests.drivers.coap.helpers import until
from tests.simulators.coap_device import CoapDevice

GOOD, UNCERTAIN = 0, 1
PLANT = """plant: {{name: Yard}}
connections:
  tank: {{driver: coap, host: {device.host}, port: {device.port}, timeout_s: 0.5, {settings}}}
twins:
  Tank:
    scope: asset
    connection: tank
    telemetry:
      Level: {{type: Double, point: {{path: /level{point}}}, rate_s: 0.1{tag}}}
"""


def plant_file(folder: Path, device: CoapDevice, settings: str, point: str = "", tag: str = "") -> Path:
    file = folder / "plant.yaml"
    file.write_text(PLANT.format(device=device, settings=settings, point=point, tag=tag))
    return file


@asynccontextmanager
async def running(file: Path) -> AsyncIterator[TagTable]:
    plant = load_plant(file)
    table = TagTable([tag.data_type for tag in plant.tags], [tag.array_length for tag in plant.tags])
    task = asyncio.create_task(Acquisition(plant, table).run())
    try:
        yield table
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.mark.parametrize(
    ("settings", "point", "tag", "stale_s"),
    [
        ("max_age_s: 60", "", "", 62.5),
        ("max_age_s: 5, grace_s: 1", "", "", 6.5),
        ("max_age_s: 60", ", observe: false", "", 3.0),
        ("max_age_s: 60", "", ", stale_s: 7", 7.0),
    ],
)
async def test_an_observed_tag_waits_as_long_as_its_driver_trusts_a_silence(
    device: CoapDevice, tmp_path: Path, settings: str, point: str, tag: str, stale_s: float
) -> None:
    assert isinstance(coap, Vouching)
    plant = load_plant(plant_file(tmp_path, device, settings, point, tag))
    assert plant.tags[0].stale_s == stale_s


async def test_a_value_that_does_not_change_stays_good_beyond_its_rate(device: CoapDevice, tmp_path: Path) -> None:
    device.set("/level", "2.5")
    statuses: set[int] = set()
    async with running(plant_file(tmp_path, device, "max_age_s: 1.5, grace_s: 0.2")) as table:
        await until(lambda: int(table.status[0]) >> 30 == GOOD)
        table.on_commit(lambda batch: statuses.update(batch.status.tolist()))
        asked = device.requests["GET", "/level"]
        await until(lambda: device.requests["GET", "/level"] == asked + 2)  # two confirmations, 3.4 s
        await until(lambda: bool(statuses))
        assert statuses == {0}


async def test_a_silent_device_turns_its_tags_uncertain_after_the_trusted_silence(
    device: CoapDevice, tmp_path: Path
) -> None:
    device.set("/level", "2.5")
    async with running(plant_file(tmp_path, device, "max_age_s: 0.4, grace_s: 0.1")) as table:
        await until(lambda: int(table.status[0]) >> 30 == GOOD)
        device.misbehave(silence=True)
        await until(lambda: int(table.status[0]) >> 30 == UNCERTAIN)
        assert table.python_value(0) == 2.5
