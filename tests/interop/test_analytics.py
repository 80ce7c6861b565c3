"""Analytics as node-opcua meets them; the cases are in analytics.mjs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.analysis.conftest import PASSWORD, course, hall
from tests.interop.conftest import HERE, Plant, run_script

TEXT, TIME = 12, 13


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def report(plant: Plant, tmp_path_factory: Any) -> AsyncIterator[dict[str, Any]]:
    """What the script saw of a bridge of its own."""
    folder: Path = tmp_path_factory.mktemp("hall")
    async with hall(folder, trust_all_certificates=True) as served:
        served.remember(course(1800))
        url = served.bridge.server.endpoint_url
        yield await run_script(plant, HERE / "analytics.mjs", url=url, password=PASSWORD)


def test_methods_and_variables_stand_under_analytics(seen: Any) -> None:
    names, arguments = seen
    assert {"AnomalyScore", "ExtractFeatures", "TrainModel", "DetectAnomalies", "Models", "Jobs"} <= set(names)
    assert arguments == [
        ["Kind", TEXT, -1],
        ["Signals", TEXT, 1],
        ["ContextSignals", TEXT, 1],
        ["Start", TIME, -1],
        ["End", TIME, -1],
        ["Exclude", TIME, 1],
        ["Options", TEXT, 1],
    ]


def test_a_model_is_trained_activated_and_judges(seen: Any) -> None:
    before, trained, found, state = seen
    assert before == [False, "the twin has no active Anomaly model; TrainModel(Anomaly) makes one"]
    assert (trained, found, state) == ("Active", [True, "Anomaly-1"], ["Good", "Active"])


def test_rights_are_told(seen: Any) -> None:
    """Part 3, 5.7: UserExecutable is enforced by Call."""
    assert seen == [False, "BadUserAccessDenied"]


def test_wrong_arguments_are_named(seen: Any) -> None:
    """Part 4, 5.11.2.4: inputArgumentResults."""
    assert seen == ["BadInvalidArgument", ["BadNoMatch", *["Good"] * 6]]


def test_a_long_call_is_a_program(seen: Any) -> None:
    """Part 10, 5.2.3: Running is 13, Halted 11."""
    assert seen == [True, ["Good"], ["Good", 11], "BadRequestCancelledByClient"]
