"""Rules through an OPC UA client: the plant file's at work, and those that are added, tried and removed at run time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asyncua import ua

from drivers.data_types import DataType, to_cells
from drivers.readings import Readings, now_ticks
from server.app import Bridge
from server.config.load import load_plant
from server.services.options import UaServerOptions
from tests.analysis.conftest import PLANT, Hall, course, hall, text

SECOND = 10_000_000
RULES = """
rules:
  "{tag}High": {input: "**/Bearing/*", high: 8, high_high: 9, deadband: 0.5}
"""
ADDED = "Hot: {input: Pump/Speed, high: 5.5, deadband: 0.2, severity: high}"


async def call(hall: Hall, name: str, *arguments: ua.Variant) -> list[Any]:
    request = ua.CallMethodRequest(hall.node_id("Rules"), hall.node_id(f"Rules/{name}"), list(arguments))
    (answer,) = await hall.client.uaclient.call([request])
    answer.StatusCode.check()
    return [one.Value for one in answer.OutputArguments]


def commit(hall: Hall, path: str, value: float) -> None:
    row = hall.bridge.space.row_of(hall.node_id(path))
    cells = to_cells([value], DataType.Double)
    """A value, which the rules look at before the dead device is noticed."""
    status, ticks = np.zeros(1, np.uint32), np.array([now_ticks()])
    hall.bridge.table.commit(Readings(np.array([row], np.int32), cells, status, ticks))
    hall.bridge.alarms.evaluate()


async def test_a_rule_of_the_plant_file_raises_its_alarm_and_ends_it(tmp_path: Path) -> None:
    async with hall(tmp_path, "viewer", text=PLANT + RULES) as plant:
        commit(plant, "Pump/Bearing/Vibration", 8.5)
        await plant.until(lambda: plant.value("Rules/ActiveAlarms"), 1)
        assert plant.bridge.following.conditions.state("Pump/Bearing/VibrationHigh").level == 4
        commit(plant, "Pump/Bearing/Vibration", 7.8)
        assert plant.bridge.alarms.hygiene.active == 1, "7.8 is within the deadband"
        commit(plant, "Pump/Bearing/Vibration", 7.4)
        await plant.until(lambda: plant.value("Rules/ActiveAlarms"), 0)
        assert await plant.value("Rules/AlarmsPerHour") == 1
        paths, conditions, added = await call(plant, "ListRules")
        listed = dict(zip(paths, conditions, strict=True))
        assert listed["Pump/Bearing/VibrationHigh"] == "Vibration > 8 (high), > 9 (high_high)"
        assert not any(added)
        assert await plant.value("Rules/Alarms") == len(paths) == 3


async def test_engineers_add_try_and_remove_rules_that_outlive_a_restart(tmp_path: Path) -> None:
    async with hall(tmp_path) as plant:
        plant.remember(course(3600))
        end = datetime.now(UTC) + timedelta(seconds=1)
        span = [ua.Variant(one, ua.VariantType.DateTime) for one in (end - timedelta(hours=1), end)]
        alarms, per_day, active_s, longest_s, readings, reason = await call(plant, "TestRule", text(ADDED), *span)
        assert reason == ""
        assert 3590 <= readings <= 3600
        assert 5 <= alarms <= 60
        assert per_day == pytest.approx(alarms * 24, rel=0.01)
        assert 0 < longest_s <= active_s < 3600
        paths, reason = await call(plant, "AddRule", text(ADDED))
        assert (paths, reason) == (["Pump/Hot"], "")
        assert await plant.value("Pump/Hot/EnabledState.Id") is True
        assert (await call(plant, "AddRule", text(ADDED)))[1] == (
            "there is a rule Hot already; remove it first, or choose another name"
        )
        again = await call(plant, "TestRule", text("Pump/Hot"), *span)
        assert again[:5] == [alarms, per_day, active_s, longest_s, readings]
    async with hall(tmp_path) as plant:
        paths, _, added = await call(plant, "ListRules")
        assert [path for path, one in zip(paths, added, strict=True) if one] == ["Pump/Hot"]
        assert await call(plant, "RemoveRule", text("Pump/Hot")) == [""]
        assert "Pump/Hot" not in (await call(plant, "ListRules"))[0]
        assert "at run time is called Pump/Hot" in (await call(plant, "RemoveRule", text("Pump/Hot")))[0]
        reason = (await call(plant, "RemoveRule", text("Connections/device/ConnectionLost")))[0]
        assert reason.endswith("comes from the plant file; change it there, and uatwin reload")


WRONG = {
    "Hot: {input: Pump/Spede, high: 5}": "Rule:1:14: there is no tag Pump/Spede (that is /Pump/Spede); ",
    "Hot: {input: Pump/Speed, high: 5, low: 6}": "Rule:1:32: high 5 must be above low 6",
    "Hot: [": "Rule:2:1: is not YAML: ",
    "Hot": 'the text is the text "Hot"; it must be like HighLoad: {',
    "Speed: {input: Pump/Speed, high: 5}": "Rule:1:8: there is already something called Speed below Pump; ",
}
"""Rules, and what is said of them."""


async def test_a_wrong_rule_is_not_taken_and_says_why(tmp_path: Path) -> None:
    async with hall(tmp_path) as plant:
        for rule, reason in WRONG.items():
            paths, said = await call(plant, "AddRule", text(rule))
            assert paths == []
            assert said.startswith(reason), said


async def test_only_engineers_change_rules_and_everybody_sees_them(tmp_path: Path) -> None:
    async with hall(tmp_path, "operator") as plant:
        for name, arguments in (("AddRule", [text(ADDED)]), ("RemoveRule", [text("Hot")])):
            request = ua.CallMethodRequest(plant.node_id("Rules"), plant.node_id(f"Rules/{name}"), arguments)
            (answer,) = await plant.client.uaclient.call([request])
            assert answer.StatusCode.value == ua.StatusCodes.BadUserAccessDenied
        children = await plant.children("Rules")
        assert {"AddRule", "TestRule", "RemoveRule", "ListRules", "AlarmsPerHour", "Chattering", "Flooding"} <= {
            *children
        }
        objects = await plant.client.nodes.objects.get_children()
        assert plant.node_id("Rules") in [one.nodeid for one in objects]
        node = plant.client.get_node(plant.node_id("Rules/AddRule"))
        assert [one.Name for one in (await (await node.get_child("0:InputArguments")).read_value())] == ["Rule"]


async def test_each_measured_tag_says_whether_its_values_can_be_believed(tmp_path: Path) -> None:
    async with hall(tmp_path, "viewer") as plant:
        assert await plant.value("Pump/Speed.DataQuality") == "Good"

        async def quality() -> Any:
            commit(plant, "Pump/Speed", 11.0)
            return await plant.value("Pump/Speed.DataQuality")

        await plant.until(quality, "OutOfRange")
        await plant.until(lambda: plant.value("Pump/QualityProblems"), 1)
        properties = await plant.client.get_node(plant.node_id("Pump/Running")).get_properties()
        assert "DataQuality" not in [(await one.read_browse_name()).Name for one in properties]


async def test_rules_that_were_added_go_on_over_a_reload_and_wait_for_their_tags(tmp_path: Path) -> None:
    async with hall(tmp_path) as plant:
        await call(plant, "AddRule", text('"{tag}Any": {input: "**/Bearing/*", high: 8}'))
        commit(plant, "Pump/Bearing/Vibration", 8.5)
        await plant.until(lambda: plant.value("Rules/ActiveAlarms"), 1)
        without = PLANT.replace("          Vibration: {<<: *tag, point: {table: input, address: 12}}\n", "")
        (tmp_path / "less.yaml").write_text(without)
        await plant.bridge.adopt(load_plant(tmp_path / "less.yaml"))
        paths = (await call(plant, "ListRules"))[0]
        assert {*paths} == {"Pump/Bearing/TemperatureAny", "Connections/device/ConnectionLost"}
        await plant.bridge.adopt(load_plant(tmp_path / "plant.yaml"))
        assert "Pump/Bearing/VibrationAny" in (await call(plant, "ListRules"))[0]


def test_a_file_of_rules_that_cannot_be_read_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "plant.yaml").write_text(PLANT)
    rules = tmp_path / "pki-data" / "rules" / "rules.yaml"
    rules.parent.mkdir(parents=True)
    rules.write_text("Hot: {input: Pump/Gone, high: 5}\nWarm: {input: Pump/Speed, high: 5}\n")
    bridge = Bridge(
        load_plant(tmp_path / "plant.yaml"), UaServerOptions(tmp_path / "pki", "opc.tcp://127.0.0.1:0/hall")
    )
    asyncio.run(bridge.rules.open())
    assert "the rule Hot, which was added at run time, is not evaluated" in caplog.text
    assert [one.path for one in bridge.alarms.definitions if one.at_run_time] == ["Pump/Warm"]
    assert list(bridge.rules.rules) == ["Hot", "Warm"], "it stays in the file until it is removed"
