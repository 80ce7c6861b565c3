"""`uatwin alarms`: the table of the rules, and how the alarms behave, with and without a running bridge."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from server.cli import app
from server.config.load import load_plant
from server.control import listening, socket_path
from server.remote import Remote
from tests.alarms.test_rules_over_the_wire import commit
from tests.analysis.conftest import PLANT, Hall, hall

RULES = """
server: {data_dir: pki-data}
rules:
  "{tag}High":
    input: "**/Bearing/*"
    high: 8
    deadband: 0.5
    severity: low
    cause: Wear
    response: Grease it
"""


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["alarms", *arguments])
    return result.exit_code, result.output


async def flutter(plant: Hall, path: str, times: int) -> None:
    """An alarm that comes and goes."""
    for _ in range(times):
        commit(plant, path, 8.5)
        commit(plant, path, 7.0)


@pytest.fixture(autouse=True)
def own_sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


async def test_the_running_bridge_says_which_alarms_come_most_often(tmp_path: Path) -> None:
    async with hall(tmp_path, text=PLANT + RULES) as plant:
        await flutter(plant, "Pump/Bearing/Vibration", 4)
        await flutter(plant, "Pump/Bearing/Temperature", 1)
        remote = Remote(plant.bridge, tmp_path / "plant.yaml")
        async with listening(socket_path("Hall"), remote.verbs):
            code, said = await asyncio.to_thread(run, str(tmp_path / "plant.yaml"))
            _, as_json = await asyncio.to_thread(run, str(tmp_path / "plant.yaml"), "--json")
    assert code == 0
    assert said.startswith("3 alarms of 3 kinds\n")
    assert "{tag}High: Pump/Bearing\n  when        Temperature > 8 (high), deadband 0.5" in said
    assert "  cause       Wear\n  response    Grease it\n" in said
    assert (
        "By the running bridge:\n  5 alarms within the last hour, 0 active, 1 chattering, 0 stale, 0 floods\n" in said
    )
    worst = [line.split() for line in said.splitlines() if line.startswith("  Pump/Bearing/")]
    assert worst[0] == ["Pump/Bearing/VibrationHigh", "4", "4", "4", "chattering"]
    assert worst[1] == ["Pump/Bearing/TemperatureHigh", "1", "1", "1"]
    data: dict[str, Any] = json.loads(as_json)
    assert {one["path"]: one["severities"] for one in data["alarms"]}["Pump/Bearing/VibrationHigh"] == {"high": 200}
    assert data["behaviour"]["worst"][0]["total"] == 4


async def test_without_a_bridge_the_kept_events_say_it(tmp_path: Path) -> None:
    async with hall(tmp_path, text=PLANT + RULES) as plant:
        await flutter(plant, "Pump/Bearing/Vibration", 3)
    code, said = await asyncio.to_thread(run, str(tmp_path / "plant.yaml"), "--hours", "2")
    assert code == 0
    assert "By the events of the last 2 h:\n  3 alarms, 1.5 an hour, 0 floods\n" in said
    assert next(line for line in said.splitlines() if "Pump/Bearing/V" in line).split()[:3] == [
        "Pump/Bearing/VibrationHigh", "3", "3",
    ]  # fmt: skip


def test_a_plant_without_a_past_and_a_wrong_file_are_told(tmp_path: Path) -> None:
    (tmp_path / "plant.yaml").write_text(PLANT + RULES)
    assert load_plant(tmp_path / "plant.yaml").name == "Hall"
    code, said = run(str(tmp_path / "plant.yaml"))
    assert code == 0
    assert "how the alarms behave is not known" in said
    (tmp_path / "plant.yaml").write_text(PLANT + RULES.replace("high: 8", "hihg: 8"))
    code, said = run(str(tmp_path / "plant.yaml"))
    assert code == 2
    assert "unknown key hihg; did you mean high?" in said
