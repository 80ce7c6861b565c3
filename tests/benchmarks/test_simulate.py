"""The benchmark of simulation, small: it runs, balances, and has its keys."""

from __future__ import annotations

from analytics.simulation.kinds import KINDS
from benchmarks import simulate


async def test_simulate_times_every_kind_and_the_demo_and_checks_what_they_keep() -> None:
    results = [one async for one in simulate.run(hours=1.0)]
    assert [one["model"] for one in results] == [*KINDS, "demo plant"]
    for one in results:
        assert one["good"], one
        assert float(str(one["hours_per_s"])) > 0.0
