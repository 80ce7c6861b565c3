"""The benchmark of calibration, the quick half of it on less of the past."""

from __future__ import annotations

from benchmarks import calibrate


async def test_known_parameters_come_back_and_unknowable_ones_are_refused() -> None:
    quick = [one for one in calibrate.CASES if one.machine not in ("motor", "chiller with its water", "cool condenser")]
    quick = [one for one in quick if not one.machine.startswith(("production", "pump at", "motor at"))]
    *cases, last = [one async for one in calibrate.run(hours=2.0, cases=quick)]
    assert [one["machine"] for one in cases] == [one.machine for one in quick]
    for one in cases:
        assert one["good"], one
    assert last["worst_error"] < 0.05
    assert (last["found"], last["refused"], last["of"]) == (7, 2, 9)
