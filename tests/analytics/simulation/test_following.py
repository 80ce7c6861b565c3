"""Whether models follow the plant: on the demo's physics, with its own models."""

from __future__ import annotations

from typing import Any

import pytest

from analytics.errors import NotAvailable
from analytics.series import TICKS_PER_SECOND
from analytics.simulation.following import plan, run
from benchmarks.optimize_plant import Case, LivedPlant
from server.demo.faults import Fault


def judged(lived: LivedPlant, recent_s: float) -> tuple[Any, ...]:
    job = plan([recent_s], lived.context())
    return run(lived.series(job.signals), job.start_ticks, job.end_ticks, **job.settings)  # type: ignore[arg-type]


def test_a_plant_that_is_well_is_followed_through_a_change_and_one_with_a_fault_is_not() -> None:
    lived = LivedPlant(Case(70.0, 9.0, 3))
    lived.live(600.0)
    lived.plant.command("PrimaryLoop/Pump1/SpeedSetpoint", 1650.0)
    lived.live(600.0)
    assert judged(lived, 900.0) == (True, "", True, "")
    lived.plant.inject(Fault.BlockedFilter)
    lived.live(600.0)
    follows, why, valid, _ = judged(lived, 900.0)
    assert (follows, valid) == (False, True)
    assert "off by" in why


def test_nothing_is_said_of_a_past_that_is_not_known() -> None:
    lived = LivedPlant(Case(70.0, 9.0, 3))
    lived.live(30.0)
    with pytest.raises(NotAvailable, match="less than a minute"):
        judged(lived, 30.0)
    with pytest.raises(NotAvailable, match="less than a minute"):
        run({}, 0, 40 * TICKS_PER_SECOND, (), "Hall", {}, {})
