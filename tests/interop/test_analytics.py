"""What node-opcua is told of a bearing that wears, on the demo's plant file and physics; the cases: analytics.mjs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest_asyncio

from drivers.data_types import DataType, to_cells
from drivers.readings import Readings, now_ticks
from server.app import Bridge
from server.config.load import load_plant
from server.demo.faults import Fault
from server.demo.launcher import Ports, write_plant_file
from server.demo.physics import CoolingPlant
from server.demo.sensors import Instruments
from server.security.users import add_user
from server.services.options import UaServerOptions
from tests.interop.conftest import HERE, Plant, run_script
from tests.simulators.bridge import at_work

SECOND = 10_000_000
NORMAL_S, WORN_S = 900, 120
PASSWORD = "a long enough password"
PUMPS = ("PrimaryLoop/Pump1", "PrimaryLoop/Pump2")


def past() -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
    """The instruments of both pumps of the demo, one reading a second; then Pump2's bearing is damaged."""
    plant = CoolingPlant(seed=1)
    plant.pump1.drive_end.wear_per_s = plant.pump2.drive_end.wear_per_s
    instruments, rows = Instruments(plant), []
    for second in range(NORMAL_S + WORN_S):
        if second == NORMAL_S:
            plant.inject(Fault.BearingDamage)
        plant.command("PrimaryLoop/Pump2/SpeedSetpoint", 1800.0 + 100.0 * np.sin(second / 60.0))
        plant.command("PrimaryLoop/Pump1/SpeedSetpoint", 1800.0 + 100.0 * np.sin(second / 60.0))
        plant.step(1.0)
        instruments.read()
        rows.append(instruments.values)
    numeric = [path for path, one in rows[0].items() if path.startswith(PUMPS) and isinstance(one, float)]
    return {path: np.array([row[path] for row in rows], np.float64) for path in numeric}


def remember(bridge: Bridge, end: int) -> None:
    """Put it into the bridge, the last reading at `end`."""
    rows = {tag.path.removeprefix("Cooling/"): tag for tag in bridge.plant.tags}
    courses = {path: values for path, values in past().items() if path in rows}
    ticks = end - np.arange(NORMAL_S + WORN_S - 1, -1, -1) * SECOND
    for path, values in courses.items():
        cells = to_cells(values, rows[path].data_type)
        row = np.full(len(values), rows[path].row, np.int32)
        bridge.table.commit(Readings(row, cells, np.zeros(len(values), np.uint32), ticks))
    assert rows["PrimaryLoop/Pump2/DriveEndBearing/Vibration"].data_type is DataType.Float


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def report(plant: Plant, tmp_path_factory: Any) -> AsyncIterator[dict[str, Any]]:
    """What the script saw of a bridge of the demo's plant file, whose devices are away but whose past is there."""
    folder: Path = tmp_path_factory.mktemp("analytics")
    file = write_plant_file(folder, Ports(1, 1, 1))
    file.write_text(file.read_text("utf-8").partition("\npublish:")[0], "utf-8")
    await asyncio.to_thread(add_user, folder / "users.yaml", "engineer", PASSWORD, ["Engineer"])
    options = UaServerOptions(
        folder / "pki", "opc.tcp://127.0.0.1:0/demo", users_file=folder / "users.yaml", data_dir=folder / "data"
    )
    async with at_work(Bridge(load_plant(file), options)) as bridge:
        end = now_ticks() - 30 * SECOND
        remember(bridge, end)
        span = {"begin": end - (NORMAL_S + WORN_S - 1) * SECOND, "fault": end - (WORN_S + 5) * SECOND, "end": end}
        times = {name: moment(ticks) for name, ticks in span.items()}
        yield await run_script(
            plant, HERE / "analytics.mjs", url=bridge.server.endpoint_url, password=PASSWORD, **times
        )


def moment(ticks: int) -> str:
    """As JavaScript reads it."""
    return (datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks // 10)).isoformat(timespec="milliseconds")


def test_the_data_are_judged_first(seen: Any) -> None:
    assert seen["CheckedSignals"][:2] == ["Speed", "DriveEndBearing/Vibration"]
    assert seen["Usable"] == [True] * 4
    assert seen["GoodFractions"] == [100.0] * 4
    assert seen["Intervals"] == [1.0] * 4
    assert (seen["Valid"], seen["Reason"]) == (True, "")


def test_features_of_minutes(seen: Any) -> None:
    assert seen["Names"] == ["DriveEndBearing/Vibration__mean", "DriveEndBearing/Vibration__maximum"]
    assert seen["values"] == 2 * seen["windows"] == 2 * (NORMAL_S // 60 - 1)
    assert seen["Valid"]


def test_without_a_model_nothing_is_said(seen: Any) -> None:
    assert not seen["Valid"]
    assert seen["Reason"] == "the twin has no active Anomaly model; TrainModel(Anomaly) makes one"


def test_a_model_is_trained_and_becomes_active(seen: Any) -> None:
    assert seen == ["Anomaly-1", "Candidate", "", "Active", ["Active"], ["Speed"]]


def test_the_worn_bearing_is_found_and_nothing_else(seen: Any) -> None:
    assert seen["events"] == 1
    assert seen["top"].startswith("DriveEndBearing/")
    assert (seen["Valid"], seen["ModelId"]) == (True, "Anomaly-1")


def test_it_is_explained(seen: Any) -> None:
    assert all(signal.startswith("DriveEndBearing/") for signal in seen["Signals"][:2])
    assert seen["Actual"][0] > seen["Expected"][0] + 2 * seen["Tolerance"][0]
    assert " of DriveEndBearing is " in seen["Explanation"] or " of DriveEndBearing reaches " in seen["Explanation"]
    assert " at Speed 1" in seen["Explanation"]


def test_the_change_is_found_without_a_model_too(seen: Any) -> None:
    assert "DriveEndBearing/Vibration" in seen["ChangedSignals"]
    assert seen["After"][-1] > seen["Before"][-1]
    assert seen["Valid"]


def test_drift_is_told(seen: Any) -> None:
    assert seen["ModelId"] == "Anomaly-1"
    assert seen["Valid"] or "windows of 15 s have come since Anomaly-1 was trained" in seen["Reason"]


def test_the_future_is_told(seen: Any) -> None:
    """A bearing that is worn out soon; without readings of the last seconds nothing is forecast, and it says so."""
    health, life, forecast = seen["health"], seen["life"], seen["forecast"]
    assert health["HealthIndex"] < 20
    assert (health["WorstSignals"][0], health["WorstTwins"][0]) == (
        "DriveEndBearing/RemainingUsefulLife", "DriveEndBearing",
    )  # fmt: skip
    assert (life["Valid"], life["Drivers"], life["Unit"], life["Histories"]) == (True, ["Vibration"], "HUR", 0)
    assert 0 < life["Lower"] < life["RemainingUsefulLife"] < life["Upper"] < 1
    assert life["Explanation"].startswith("Vibration is")
    assert not forecast["Valid"]
    assert "no Good value" in forecast["Reason"]


def test_labels_are_remembered_and_maintenance_ends_a_baseline(seen: Any) -> None:
    after_fault, after_maintenance, reason = seen
    assert (after_fault, after_maintenance) == ([], ["Anomaly-1"])
    assert "baseline invalid since maintenance" in reason


def test_a_model_can_be_taken_away(seen: Any) -> None:
    assert seen == ["PK", True, "Retired"]


def test_all_pumps_of_a_loop_are_trained_in_one_call(seen: Any) -> None:
    assert seen["wasJob"]
    assert seen["Twins"] == ["Pump1", "Pump2"]
    assert seen["ModelIds"] == ["Anomaly-1", "Anomaly-2"]
    assert (seen["States"], seen["Reasons"]) == (["Candidate"] * 2, ["", ""])
    assert seen["Figures"] == 2 * len(seen["FigureNames"]) > 0
    assert (seen["Valid"], seen["Reason"], seen["DataQuality"]) == (True, "", 100)


WRONG = """
CheckDataQuality BadInvalidArgument 0 BadNoMatch
CheckDataQuality BadInvalidArgument 2 BadOutOfRange
CheckDataQuality BadInvalidArgument 0 BadTypeMismatch
CheckDataQuality BadArgumentsMissing
CheckDataQuality BadTooManyArguments
ExtractFeatures BadInvalidArgument 3 BadOutOfRange
ExtractFeatures BadInvalidArgument 5 BadOutOfRange
TrainModel BadInvalidArgument 0 BadNoMatch
TrainModel BadInvalidArgument 1 BadNoMatch
TrainModel BadInvalidArgument 2 BadNoMatch
TrainModel BadInvalidArgument 4 BadOutOfRange
TrainModel BadInvalidArgument 6 BadOutOfRange
DetectAnomalies BadInvalidArgument 2 BadNoMatch
DetectAnomalies BadInvalidArgument 1 BadOutOfRange
ExplainAnomaly BadInvalidArgument 0 BadOutOfRange
ExplainAnomaly BadInvalidArgument 1 BadTypeMismatch
DetectChangePoints BadInvalidArgument 3 BadOutOfRange
CheckDrift BadInvalidArgument 0 BadNoMatch
LabelEvent BadInvalidArgument 1 BadNoMatch
LabelEvent BadInvalidArgument 3 BadOutOfRange
ActivateModel BadInvalidArgument 0 BadNoMatch
GetModel BadInvalidArgument 0 BadNoMatch
ExportModel BadInvalidArgument 0 BadNoMatch
RetireModel BadInvalidArgument 0 BadNoMatch
TrainFleet BadInvalidArgument 1 BadNoMatch
"""


def test_wrong_inputs_are_named(seen: Any) -> None:
    """Part 4, 5.12.2.4 (Call Service result codes): which argument, and what is wrong with it."""
    said = [" ".join([name, status, *([str(index), bad] if bad else [])]) for name, status, index, bad in seen]
    assert said == WRONG.split("\n")[1:-1]


def test_who_may_not_is_refused(seen: Any) -> None:
    assert seen == ["BadUserAccessDenied", "BadUserAccessDenied", True]
