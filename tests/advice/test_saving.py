"""What applied proposals save is counted, and not where it cannot be known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from drivers.status import Status
from tests.advice.conftest import SECOND, A, B, Hall, hall
from tests.simulators.modbus_device import ModbusDevice
from tests.simulators.waiting import until


def by_cubes(_twin: Any, arguments: Any) -> tuple[Any, ...]:
    """Models of two pumps: 1 kW at 1000 rpm, by the cube of the speed."""
    _, before, now = arguments
    power = [sum((one / 1000.0) ** 3 for one in some) for some in (before, now)]
    return (*power, ["pumps"], True, "")


async def count(it: Hall, seconds: float = 30.0) -> None:
    it.clock[0] += round(seconds * SECOND)
    await it.advice.savings.count()


async def test_power_and_energy_are_counted_from_before_the_first_application(
    tmp_path: Path, device: ModbusDevice
) -> None:
    async with hall(tmp_path, device) as it:
        it.answers["Counterfactual"] = by_cubes
        assert it.bridge.status("Hall/PowerSaved") is Status.BadNotConnected
        await it.call("ApplyProposal", it.propose({A: 1000.0}))
        assert it.bridge.status("Hall/PowerSaved") is Status.BadDataUnavailable, "it is being worked out"
        await count(it)
        assert (it.shown("PowerSaved"), it.shown("EnergySaved")) == (7.0, 0.0)
        await count(it, 36.0)
        assert it.shown("EnergySaved") == pytest.approx(0.07)
        assert (it.shown("EnergySavedLow"), it.shown("EnergySavedHigh")) == (
            pytest.approx(0.035),
            pytest.approx(0.105),
        ), "the proposal was to save 2, from 1 to 3"
        await it.call("ApplyProposal", it.propose({A: 2000.0, B: 1000.0}))
        assert it.asked[-1][1] == [["A/SpeedSetpoint"], [2000.0], [1000.0]]
        await count(it, 36.0)
        assert it.asked[-1][1] == [["B/SpeedSetpoint"], [2000.0], [1000.0]], "what is back is not asked about"
        assert it.shown("EnergySaved") == pytest.approx(0.14)
        await it.bridge.write(B, 2000.0)
        await count(it, 36.0)
        assert (it.shown("PowerSaved"), it.bridge.status("Hall/PowerSaved")) == (0.0, Status.Good), "all is back"
        assert it.shown("EnergySaved") == pytest.approx(0.175)
        await count(it, 360.0)
        assert it.shown("EnergySaved") == pytest.approx(0.175)


async def test_it_stops_honestly_and_goes_on_after_a_restart(tmp_path: Path, device: ModbusDevice) -> None:
    async with hall(tmp_path, device) as it:
        it.answers["Counterfactual"] = by_cubes
        await it.call("ApplyProposal", it.propose({A: 1000.0}))
        await count(it)
        await count(it)
        so_far = it.shown("EnergySaved")
        it.answers["Counterfactual"] = lambda *_: (
            0.0,
            0.0,
            [],
            False,
            "the models would be used beyond their validity",
        )
        await count(it)
        assert it.bridge.status("Hall/PowerSaved") is Status.BadDataUnavailable
        assert "beyond their validity" in (await it.call("GetOptimization"))[14]
        it.answers["Counterfactual"] = by_cubes
        await count(it)
        assert it.shown("EnergySaved") == so_far, "nothing is added up over what is not known"
        await device.stop()
        await until(lambda: not it.bridge.good(A))
        await count(it)
        assert (await it.call("GetOptimization"))[14] == "A/SpeedSetpoint has no Good value"
        await device.start()
        await until(lambda: it.bridge.good(A))
        await count(it)
    async with hall(tmp_path, device) as it:
        it.answers["Counterfactual"] = by_cubes
        assert it.shown("EnergySaved") == so_far
        await count(it, 3600.0)
        assert (it.shown("PowerSaved"), it.shown("EnergySaved")) == (7.0, so_far), "not over the time it was away"
        await count(it, 36.0)
        assert it.shown("EnergySaved") == pytest.approx(so_far + 0.07)
