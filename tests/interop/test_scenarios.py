"""What node-opcua is told of a scenario; the cases: scenarios.mjs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from tests.interop.conftest import HERE, Plant, run_script
from tests.scenarios.conftest import PASSWORD, works


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def report(plant: Plant, tmp_path_factory: Any) -> AsyncIterator[dict[str, Any]]:
    """What the script saw of a plant of one device."""
    async with works(tmp_path_factory.mktemp("scenarios"), trust_all_certificates=True) as hall:
        seen = await run_script(plant, HERE / "scenarios.mjs", url=hall.bridge.server.endpoint_url, password=PASSWORD)
        assert hall.written() == 0
        yield seen


def test_a_copy_is_made_commanded_watched_and_removed(seen: Any) -> None:
    assert (seen["id"], seen["node"], seen["models"], seen["reason"]) == ("Node", "Scenarios/Node", 3, "")
    assert (seen["written"], seen["removed"], seen["gone"]) == ("Good", "Good", "BadNodeIdUnknown")
    assert seen["plant"] == 8000.0
    assert {"Telemetry", "Analytics", "Pump"} <= set(seen["seen"])


def test_what_is_wrong_is_named(seen: Any) -> None:
    assert seen == [
        ["BadInvalidArgument", "BadBrowseNameInvalid"],
        ["BadInvalidArgument", "BadOutOfRange"],
        ["BadInvalidArgument", "BadOutOfRange"],
    ]


def test_who_may_not_is_refused(seen: Any) -> None:
    assert seen == "BadUserAccessDenied"
