"""The loop as node-opcua closes it on the demo's devices; the cases: loop.mjs, the words for people: docs/loop.md."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.interop.conftest import HERE, Plant, run_script
from tests.simulators.demo_past import known_demo
from tests.simulators.demo_run import PASSWORD, seat

pytestmark = pytest.mark.timeout(120)


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def report(plant: Plant, tmp_path_factory: Any) -> AsyncIterator[dict[str, Any]]:
    """What the script saw of a demo that has a past."""
    folder = tmp_path_factory.mktemp("loop")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(folder))
        async with known_demo(folder) as bridge:
            url = bridge.server.endpoint_url
            async with seat(url) as client:
                await client.until_all_good()
            told = {"url": url, "password": PASSWORD, "case_ms": 60_000}
            yield await run_script(plant, HERE / "loop.mjs", longest_s=100.0, **told)


def test_the_models_are_calibrated(seen: Any) -> None:
    assert seen["ParameterNames"] == ["Pump1:resistance", "Pump2:shutoff"]
    assert seen["Identifiable"] == [True, True]
    assert seen["After"] == pytest.approx(seen["Before"], rel=0.01), "the demo's plant file is right"
    errors = zip(seen["SignalNames"], seen["RmseAfter"], seen["RmsePersistence"], strict=True)
    moving = {name: after / guess for name, after, guess in errors if not name.endswith("/Efficiency")}
    assert len(moving) == 6, "of both pumps; their efficiency keeps within the noise of its reading: a guess is as good"
    assert all(share < 0.5 for share in moving.values()), moving
    assert seen["Valid"]


def test_what_if_the_water_were_warmer(seen: Any) -> None:
    assert seen["energy"] < -10.0, "kWh in two hours"
    assert seen["now"] == [["Good", 7.0]], "the plant was not touched"


def test_a_better_way_is_proposed(seen: Any) -> None:
    assert seen["Valid"], seen["Reason"]
    assert seen["ProposalId"] == "Proposal-1"
    assert 0.0 < seen["SavingLow"] < seen["Saving"] < seen["SavingHigh"]
    assert seen["SavingPercent"] > 5.0
    assert seen["Binding"]


def test_who_may_not_does_not_apply_it(seen: Any) -> None:
    assert seen == "BadUserAccessDenied"


def test_an_operator_does_and_the_devices_obey(seen: Any) -> None:
    assert seen["State"] == "Applied"
    assert seen["Statuses"] == ["Good"] * seen["commands"]
    assert seen["commands"] >= 3


def test_the_saving_appears(seen: Any) -> None:
    assert seen["saved"] == pytest.approx(seen["promised"], rel=0.1)
