"""The benchmark of quick features checks its own work."""

from __future__ import annotations

from benchmarks import features


async def test_edge_and_minimal_are_measured_in_one_run_and_agree() -> None:
    (result,) = [one async for one in features.run(sensors=20, samples=60)]
    assert result["edge_features"] > result["minimal_features"] == 10
    assert 0 < result["edge_ms"] < result["minimal_ms"]
    assert result["agree"]
