"""The MQTT benchmark runs, small, and finds its own work right."""

from __future__ import annotations

import pytest

from benchmarks import ingest_mqtt
from tests.simulators.mqtt_broker import program


async def test_ingest_mqtt_counts_every_value_and_compares_with_plain_paho() -> None:
    program("mosquitto")
    one, wide = [one async for one in ingest_mqtt.run(rate=1_000, wide_rate=50, seconds=1)]
    assert (one["values_per_message"], wide["values_per_message"]) == (1, 100)
    for result in (one, wide):
        assert result["good"]
        assert result["lost"] == 0
        assert result["plain_lost"] == 0
        assert result["values_per_s"] == pytest.approx(1_000 if result is one else 5_000, rel=0.2)
        assert result["cpu_us_per_value"] > 0
        assert result["ratio"] > 0
        assert result["late_p99_ms"] > 0
