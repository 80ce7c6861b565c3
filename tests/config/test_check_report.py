"""What `uatwin check` prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from server.config.check_report import check

GOOD = """
plant: {name: P}
connections:
  line1: {driver: modbus, host: 192.0.2.1}
  broker: {driver: mqtt, host: 192.0.2.2}
types:
  Pump:
    scope: asset
    parameters: {n: {}}
    connection: line1
    telemetry: {Speed: {type: Float, point: {address: "{n * 2}"}}}
    commands: {Run: {type: Boolean, point: {table: coil, address: "{n}"}}}
twins:
  Hall:
    scope: system
    telemetry: {Power: {type: Double, connection: broker, point: {topic: hall/power}}}
    children:
      Pump{n}: {type: Pump, instances: {n: 1..20}}
      Other: {scope: asset}
"""


@pytest.fixture
def plant(tmp_path: Path) -> Path:
    path = tmp_path / "plant.yaml"
    path.write_text(GOOD, "utf-8")
    return path


def test_the_report_shows_equal_twins_once_and_the_plan_of_each_connection(
    plant: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(plant, as_json=False) == 0
    out = capsys.readouterr().out
    assert "22 twins, 41 tags (20 of them commands)" in out
    assert "Pump1 .. Pump20 (20)" in out
    assert "Pump7" not in out
    assert "Connection line1 (modbus): 40 tags" in out
    assert "Connection broker (mqtt): 1 tag, 1 of them pushed" in out
    assert "requests/s" in out
    assert "load" in out


def test_the_json_report_has_the_same_numbers(plant: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(plant, as_json=True) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["good"], report["twins"], report["tags"], report["commands"]) == (True, 22, 41, 20)
    assert report["scopes"] == {"system": {"twins": 1, "tags": 1}, "asset": {"twins": 21, "tags": 40}}
    line1, broker = report["connections"]
    assert sum(request["tags"] for request in line1["requests"]) == 40
    assert line1["requests_per_s"] == pytest.approx(sum(1 / request["rate_s"] for request in line1["requests"]))
    assert 0 < line1["load"] < 1
    assert broker["pushed_tags"] == 1
    assert report["tree"][0]["children"][0]["count"] == 20


def test_errors_go_to_stderr_and_the_exit_code_is_2(plant: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plant.write_text(GOOD.replace("type: Double", "type: Duoble").replace("1..20", "20..1"), "utf-8")
    assert check(plant, as_json=False) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"{plant}:16:31: type: Duoble is not one of" in captured.err
    assert "2 errors in" in captured.err
    assert check(plant, as_json=True) == 2
    assert [error["line"] for error in json.loads(capsys.readouterr().out)["errors"]] == [16, 18]
