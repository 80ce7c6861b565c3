"""Calibrate as an OPC UA client sees it: parameters that come back, are used, are refused, and stay over a restart."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asyncua import ua

from analytics.simulation.pumps import PUMP
from drivers.data_types import DataType, to_cells
from drivers.readings import Readings, now_ticks
from tests.analysis.conftest import SECOND, Hall, hall, no_time, text, texts

PLANT = """
plant: {name: Works}
connections:
  device: {driver: modbus, host: 127.0.0.1, port: 1, reconnect_first_s: 1000, reconnect_last_s: 1000}
x-tag: &tag {type: Double, stale_s: 100000}
twins:
  Hall:
    scope: system
    connection: device
    telemetry:
      Total: {<<: *tag, unit: KWT, point: {table: input, address: 40}}
    model: {kind: sum, inputs: {value: Pump/Power}, outputs: {total: Total}}
    children:
      Pump:
        scope: asset
        model:
          kind: pump
          parameters: {shutoff: 52, rated_speed: 3000, resistance: 0.0015}
          inputs: {speed: Speed}
          outputs: {flow: Flow, power: Power, head: Head}
        process: {state: State, running: [Running], down: [Tripped]}
        telemetry:
          Speed: {<<: *tag, unit: RPM, point: {table: input, address: 4}}
          Flow: {<<: *tag, unit: MQH, point: {table: input, address: 8}}
          Power: {<<: *tag, unit: KWT, point: {table: input, address: 12}}
          Head: {<<: *tag, unit: MTR, point: {table: input, address: 16}}
          State: {type: UInt16, stale_s: 100000, states: [Running, Tripped], point: {table: input, address: 20}}
      Lamp:
        scope: asset
        telemetry:
          Lit: {type: Boolean, point: {table: discrete, address: 1}}
"""
TRUE = 0.0021
SECONDS = 1800


def remember(plant: Hall, resistance: float = TRUE) -> None:
    """Half an hour up to now, each second: a pump whose speed jumps, with noise; it trips and stands for a minute."""
    random = np.random.default_rng(5)
    speed = np.repeat(random.uniform(1200.0, 2900.0, SECONDS // 60), 60)
    state = np.zeros(SECONDS)
    state[600:660] = 1.0
    u = {"speed": speed, "other_flow": np.zeros(SECONDS), "throttle": np.ones(SECONDS)}
    said = PUMP.compute(0.0, {}, u, {**PUMP.defaults(), "shutoff": 52.0, "resistance": resistance})
    columns = {"Speed": speed, **{name: said[name.lower()] for name in ("Flow", "Power", "Head")}}
    columns = {name: line * (1.0 + 0.002 * random.normal(size=SECONDS)) for name, line in columns.items()}
    for line in (columns["Flow"], columns["Power"], columns["Head"]):
        line[600:660] = 0.0  # while the last speed is still shown
    columns["State"] = state
    ticks = now_ticks() - np.arange(SECONDS - 1, -1, -1) * SECOND
    for name, line in columns.items():
        row = plant.bridge.space.row_of(plant.node_id(f"Hall/Pump/{name}"))
        kind = DataType.UInt16 if name == "State" else DataType.Double
        plant.bridge.table.commit(
            Readings(np.full(SECONDS, row, np.int32), to_cells(line, kind), np.zeros(SECONDS, np.uint32), ticks)
        )


def asking(
    *parameters: str, bounds: tuple[float, ...] = (), start: Any = None, end: Any = None, mode: str = ""
) -> tuple[ua.Variant, ...]:
    """The arguments of Calibrate."""
    limits = ua.Variant(list(bounds), ua.VariantType.Double, is_array=True)
    times = [no_time() if one is None else ua.Variant(one, ua.VariantType.DateTime) for one in (start, end)]
    return texts(*parameters), limits, *times, text(mode)


def double(value: float) -> ua.Variant:
    return ua.Variant(value, ua.VariantType.Double)


def doubles(*values: float) -> ua.Variant:
    return ua.Variant(list(values), ua.VariantType.Double, is_array=True)


async def test_a_parameter_comes_back_is_used_by_all_says_so_and_outlives_a_restart(folder: Path) -> None:
    async with hall(folder, text=PLANT) as plant:
        remember(plant)
        said = await plant.results("Hall/Calibrate", *asking("Pump:resistance"))
        assert (said["Valid"], said["Activated"], said["ModelId"]) == (True, True, "Calibration-1"), said["Reason"]
        assert (said["ParameterNames"], said["Before"]) == (["Pump:resistance"], [0.0015])
        assert said["After"][0] == pytest.approx(TRUE, rel=0.01)
        assert said["Low"][0] < TRUE < said["High"][0]
        assert (said["Identifiable"], said["AtBound"]) == ([True], [False])
        assert said["SignalNames"] == ["Pump/Flow", "Pump/Power", "Pump/Head"]
        assert said["SignalUnits"] == ["MQH", "KWT", "MTR"]
        assert np.all(np.array(said["RmseAfter"])[[0, 2]] < 0.1 * np.array(said["RmseBefore"])[[0, 2]])
        assert np.all(np.array(said["RmseAfter"]) < said["RmsePersistence"])
        assert "left out" in said["Reason"], "it stood for a minute"
        assert said["DataQuality"] > 99.0
        assert await plant.value("Hall/Models/Calibration-1/State") == "Active"
        ran = await plant.results("Hall/Pump/Predict", texts(), doubles(), text())
        assert ran["Models"] == ["pump (pump, fidelity 0, Calibration-1 of /Hall)"]
        assert ran["ModelId"] == "", "it is none of the pump's own"
        for name, more in (("Simulate", (no_time(), double(60.0), double(0.0), text())), ("Predict", (text(),))):
            ran = await plant.results(f"Hall/{name}", texts(), doubles(), *more)
            assert (ran["Valid"], ran["ModelId"]) == (True, "Calibration-1"), ran["Reason"]
    async with hall(folder, text=PLANT) as plant:
        listed = await plant.results("Hall/ListSimulationModels")
        assert f"resistance = {said['After'][0]:g}" in listed["Parameters"][1]
        assert listed["ModelId"] == "Calibration-1"
        await plant.results("Hall/RetireModel", text("Calibration-1"))
        listed = await plant.results("Hall/ListSimulationModels")
        assert "resistance = 0.0015" in listed["Parameters"][1], "that of the plant file again"
        assert listed["ModelId"] == ""


async def test_what_the_data_cannot_tell_or_what_is_no_better_is_never_activated(folder: Path) -> None:
    async with hall(folder, text=PLANT) as plant:
        remember(plant)
        both = await plant.results("Hall/Pump/Calibrate", *asking("shutoff", "curve"))
        assert (both["Valid"], both["Activated"], both["Identifiable"]) == (False, False, [False, False])
        assert "shutoff and curve only matter together" in both["Reason"]
        assert "Draft" in (await plant.results("Hall/Pump/ListModels", text()))["States"]
        refused = await plant.results("Hall/Pump/ActivateModel", text("Calibration-1"))
        assert not refused["Valid"]
        bound = await plant.results("Hall/Pump/Calibrate", *asking("resistance", bounds=(0.001, 0.0017)))
        assert (bound["Valid"], bound["Activated"], bound["AtBound"]) == (True, False, [True])
        assert "resistance came to a bound" in bound["Reason"]
        assert await plant.value(f"Hall/Pump/Models/{bound['ModelId']}/State") == "Candidate"
        by_hand = await plant.call("Hall/Pump/ActivateModel", text(bound["ModelId"]))
        assert (by_hand.StatusCode.name, by_hand.OutputArguments) == ("BadInvalidState", []), "not by hand either"
        assert await plant.value(f"Hall/Pump/Models/{bound['ModelId']}/State") == "Candidate"
        good = await plant.results("Hall/Pump/Calibrate", *asking("resistance"))
        assert good["Activated"], good["Reason"]
        again = await plant.results("Hall/Pump/Calibrate", *asking("resistance"))
        assert (again["Valid"], again["Activated"]) == (True, False)
        assert "no better than before" in again["Reason"]
        chosen = await plant.results("Hall/Pump/ActivateModel", text(again["ModelId"]))
        assert chosen["State"] == "Active", "no harm is done: an engineer may prefer it"
        assert chosen["Reason"].startswith("on what was held out it is no better than before")
        await plant.results("Hall/Pump/ActivateModel", text(good["ModelId"]))
        assert await plant.value(f"Hall/Pump/Models/{good['ModelId']}/State") == "Active"
        other = await plant.results("Hall/Pump/Calibrate", *asking("best_efficiency", bounds=(0.5, 0.9)))
        assert other["Valid"], other["Reason"]
        listed = await plant.results("Hall/Pump/ListSimulationModels")
        assert f"resistance = {good['After'][0]:g}" in listed["Parameters"][0], "that of the active one stays"
        late = datetime.now(UTC) - timedelta(hours=20)
        empty = await plant.results(
            "Hall/Pump/Calibrate", *asking("resistance", start=late, end=late + timedelta(hours=1))
        )
        assert (empty["Valid"], "no" in empty["Reason"]) == (False, True)


async def test_wrong_arguments_have_their_status_and_help(folder: Path) -> None:
    """Part 4, 5.12.2: BadInvalidArgument, and for each argument what is wrong with it."""
    async with hall(folder, text=PLANT) as plant:
        now = datetime.now(UTC)
        for at, status, arguments in (
            (0, "BadInvalidArgument", asking()),
            (0, "BadNoMatch", asking("resistence")),
            (0, "BadNoMatch", asking("Pump:head")),
            (0, "BadInvalidArgument", asking("resistance", "pump.resistance")),
            (0, "BadTypeMismatch", (text("resistance"), *asking()[1:])),
            (1, "BadInvalidArgument", asking("resistance", bounds=(0.1,))),
            (1, "BadOutOfRange", asking("resistance", bounds=(0.2, 0.1))),
            (1, "BadOutOfRange", asking("resistance", bounds=(-1.0, 0.1))),
            (1, "BadOutOfRange", asking("resistance", bounds=(0.0, float("nan")))),
            (2, "BadOutOfRange", asking("resistance", start=now + timedelta(days=1))),
            (3, "BadOutOfRange", asking("resistance", start=now - timedelta(hours=1), end=now - timedelta(hours=2))),
            (4, "BadNoMatch", asking("resistance", mode="Always")),
        ):
            answer = await plant.call("Hall/Pump/Calibrate", *arguments)
            assert answer.StatusCode.name == "BadInvalidArgument", arguments
            assert [one.name for one in answer.InputArgumentResults][at] == status, arguments
        assert "Calibrate" not in await plant.children("Hall/Lamp/Analytics"), "it has no model"
        none = await plant.results("Hall/Pump/Calibrate", *asking("resistance"))
        assert (none["Valid"], "Good value" in none["Reason"]) == (False, True), none["Reason"]
    async with hall(folder, "operator", text=PLANT) as plant:
        answer = await plant.call("Hall/Pump/Calibrate", *asking("resistance"))
        assert answer.StatusCode.name == "BadUserAccessDenied"


async def test_a_continuous_calibration_is_seen_outlives_a_restart_and_is_ended(folder: Path) -> None:
    async with hall(folder, text=PLANT) as plant:
        idle = await plant.results("Hall/Pump/Calibrate", *asking(mode="Stop"))
        assert (idle["Valid"], "not calibrated continuously" in idle["Reason"]) == (False, True)
        remember(plant)
        start = datetime.now(UTC) - timedelta(seconds=SECONDS)
        said = await plant.results("Hall/Pump/Calibrate", *asking("resistance", start=start, mode="continuous"))
        assert said["Activated"], said["Reason"]
        schedule = await plant.value("Hall/Pump/Models/Calibration-1/Schedule")
        assert schedule.startswith("resistance: every 0:07:30 over the last 0:30:00, next at ")
    async with hall(folder, text=PLANT) as plant:
        assert await plant.value("Hall/Pump/Models/Calibration-1/Schedule") == schedule
        remember(plant)
        one = plant.bridge.calibrating.of("Hall/Pump")
        assert one is not None
        await plant.bridge.calibrating.begin(replace(one, every_s=0.5))

        async def anew() -> bool:
            models = [name for name in await plant.children("Hall/Pump/Models") if name != "Calibration-1"]
            told = await plant.read(f"Hall/Pump/Models/{models[-1]}/Schedule") if models else None
            return told is not None and told.StatusCode.is_good() and "no better than before" in str(told.Value.Value)

        await plant.until(anew, True)
        ended = await plant.results("Hall/Pump/Calibrate", *asking(mode="Stop"))
        assert ended["Valid"]
        assert "Schedule" not in await plant.children("Hall/Pump/Models/Calibration-1")
