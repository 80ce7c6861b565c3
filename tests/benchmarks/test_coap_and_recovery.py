"""The benchmarks of CoAP ingestion and of recovery work, in small."""

from __future__ import annotations

import shutil

import pytest

from benchmarks import ingest_coap, recovery


async def test_observed_resources_are_counted_without_loss() -> None:
    (result,) = [one async for one in ingest_coap.run(devices=2, resources=20, period_s=0.1, seconds=1.0)]
    assert result["good"]
    assert (result["lost"], result["resources"]) == (0, 40)
    assert {"values_per_s", "cpu_us_per_value", "plain_cpu_us_per_value", "ratio", "late_p99_ms"} <= result.keys()


@pytest.mark.skipif(
    shutil.which("mosquitto") is None and shutil.which("mosquitto", path="/usr/sbin") is None,
    reason="mosquitto is not installed (Debian: apt-get install mosquitto)",
)
async def test_devices_of_every_protocol_come_back() -> None:
    (result,) = [one async for one in recovery.run(rounds=2)]
    assert result["rounds"] == 6
    assert result["good"], result
