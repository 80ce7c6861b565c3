"""The benchmark of optimisation, small: it saves on the demo's own physics, breaks nothing, and has its keys."""

from __future__ import annotations

from benchmarks import optimize
from benchmarks.optimize_plant import Case


async def test_optimising_the_demo_saves_by_its_own_meters_and_breaks_nothing() -> None:
    times = optimize.Times(past_s=900.0, settling_s=2700.0, measured_s=600.0)
    one, both = [one async for one in optimize.run((Case(70.0, 14.0, 3),), times)]
    assert one["good"], one
    assert both["good"]
    assert one["saving"] == both["saving"] == both["worst_saving"] > 0.08
    assert abs(one["saving"] - one["predicted"]) < 0.02
    assert (both["violations"], one["broken"]) == (0, [])
