"""The benchmark of the history runs, small, says what it should say, and finds its own work right."""

from __future__ import annotations

from benchmarks import history


async def test_history_is_measured_in_and_out_and_compared() -> None:
    (result,) = [one async for one in history.run(tags=200, seconds=40, day_tags=100, day_s=300, stock_s=0.2)]
    assert result["good"]
    assert result["values"] == 200 * 40
    for key in ("values_per_s", "stock_values_per_s", "plain_values_per_s", "read_hour_ms", "processed_day_ms"):
        assert result[key] > 0
    assert 0 < result["bytes_per_value"] < result["plain_bytes_per_value"]
    assert result["float32_bytes_per_value"] < result["double_bytes_per_value"]
