"""What node-opcua sees of proposals and modes on a hall of pumps behind a real Modbus device; the cases: advice.mjs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.interop.conftest import HERE, Plant, run_script
from tests.simulators.modbus_device import ModbusDevice
from tests.simulators.pump_hall import PASSWORD, put_running, works


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def report(plant: Plant, tmp_path_factory: Any) -> AsyncIterator[dict[str, Any]]:
    """What the script saw, and at last the setpoint of the device."""
    async with ModbusDevice() as device:
        put_running(device)
        async with works(tmp_path_factory.mktemp("advice"), device) as bridge:
            url = bridge.server.endpoint_url
            seen = await run_script(plant, HERE / "advice.mjs", url=url, password=PASSWORD)
            seen["an_operator_applies_it_once"]["detail"]["device"] = device.get(0, ">f4")
            yield seen


def test_the_mode_is_a_state_with_a_name(seen: Any) -> None:
    """Part 8, 5.3.3.3: EnumStrings name the values of a MultiStateDiscreteType."""
    assert seen == [1, ["advisory", "supervised", "autonomous"], False]


def test_a_proposal_writes_nothing(seen: Any) -> None:
    assert (seen["id"], seen["names"]) == ("Proposal-1", ["A/SpeedSetpoint", "B/SpeedSetpoint"])
    assert 0.0 < seen["low"] < seen["saving"]
    assert seen["now"] == 2000.0


def test_who_may_not_is_refused(seen: Any) -> None:
    *denied, unknown = seen
    assert denied == ["BadUserAccessDenied"] * 3
    assert (unknown["refused"], unknown["inputs"]) == ("BadInvalidArgument", ["BadNoMatch"])


def test_an_operator_applies_it_once(seen: Any) -> None:
    assert (seen["state"], seen["statuses"]) == ("Applied", ["Good", "Good"])
    assert seen["device"] == pytest.approx(seen["now"][0])
    assert seen["device"] < 2000.0
    assert (seen["again"], seen["by"]) == ("BadInvalidState", "operator")


def test_an_engineer_sets_the_mode(seen: Any) -> None:
    assert seen == [True, "autonomous", [1000, 1000], [200, 200], True]
