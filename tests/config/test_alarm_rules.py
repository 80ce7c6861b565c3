"""Rules of the plant file: which alarms they make."""

from __future__ import annotations

from typing import Any

import pytest

from server.config.alarm_definitions import AlarmDefinition, AlarmType, Kind, Level, OnBad
from server.config.check_report import report_data

PLANT = """
types:
  Motor:
    scope: asset
    parameters: {n: {}, most: {default: 80}}
    connection: line1
    telemetry:
      Temperature: {type: Float, unit: CEL, rate_s: 2, point: {address: "{n * 10}"}}
      State: {type: UInt16, states: [Off, On, Tripped], point: {address: "{n * 10 + 2}"}}
      Running: {type: Boolean, point: {table: coil, address: "{n}"}}
    commands:
      Setpoint: {type: Float, unit: CEL, point: {address: "{n * 10 + 4}"}}
    rules:
      Hot: {input: Temperature, high: "{most}", high_high: 90, deadband: 2, on_delay_s: 300, off_delay_s: 10,
            severity: {high: low, high_high: 950}, message: "{value} {unit} in motor {n}", on_bad: reset,
            needs_confirm: true, longest_shelve_s: 60, enabled: false, cause: c, consequence: d, response: e}
      All: {input: Temperature, low: 5, high: 60, exclusive: false, severity: high}
      Rise: {input: Temperature, rate_per: minute, high: 6}
      Off: {input: Temperature, setpoint: Setpoint, low: -3, high: 3, unit: °C}
      Tripped: {input: State, state: Tripped}
      NotOn: {input: State, normal: On}
      Still: {input: Running, normal: true}
      Silent: {input: Temperature, no_signal_s: 30}
      Dry: {expression: "Running and Temperature > other.T + 1", tags: {other.T: ../M1/Temperature}}
      Doubtful: {input: Temperature, quality: [flat_line, gap]}
twins:
  Hall:
    scope: process
    children:
      "M{n}": {type: Motor, instances: {n: 1..3}}
rules:
  "{tag}Any": {input: "**/M[12]/*", no_signal_s: 5}
  "Every{tag}": {input: "Hall/*/T?mperature", low: 0}
  Sum: {expression: "Hall.M1.Running and Hall.M2.Running"}
"""


@pytest.fixture(name="alarms")
def fixture_alarms(load: Any) -> dict[str, AlarmDefinition]:
    return {
        one.path: one
        for one in load(PLANT.replace('  "{tag}Any": {input: "**/M[12]/*", no_signal_s: 5}\n', "")).sections["rules"]
    }


def test_a_type_gives_each_of_its_machines_its_alarms(alarms: dict[str, AlarmDefinition]) -> None:
    names = ["Hot", "All", "Rise", "Off", "Tripped", "NotOn", "Still", "Silent", "Dry", "Doubtful", "EveryTemperature"]
    assert {path for path in alarms if path.startswith("Hall/M2/")} == {f"Hall/M2/{name}" for name in names}
    assert alarms["Hall/M2/Hot"] == AlarmDefinition(
        "Hall/M2/Hot", "Hot", "Hall/M2", AlarmType.exclusive_level, "Hall/M2/Temperature",
        {Level.high: 200, Level.high_high: 950}, {Level.high: 80.0, Level.high_high: 90.0}, deadband=2.0,
        on_delay_s=300.0, off_delay_s=10.0, message="{value} {unit} in motor 2", needs_confirm=True, enabled=False,
        longest_shelve_s=60.0, origin="Hot", on_bad=OnBad.reset, cause="c", consequence="d", response="e",
    )  # fmt: skip


def test_the_keys_of_a_rule_say_what_it_watches(alarms: dict[str, AlarmDefinition]) -> None:
    kinds = {path.removeprefix("Hall/M1/"): (one.kind, one.type) for path, one in alarms.items() if "/M1/" in path}
    assert kinds["All"] == (Kind.limits, AlarmType.non_exclusive_level)
    assert kinds["Rise"] == (Kind.rate_of_change, AlarmType.exclusive_rate_of_change)
    assert kinds["Off"] == (Kind.deviation, AlarmType.exclusive_deviation)
    assert kinds["Tripped"] == kinds["NotOn"] == (Kind.state, AlarmType.off_normal)
    assert kinds["Silent"] == (Kind.no_signal, AlarmType.system_off_normal)
    assert kinds["Dry"] == (Kind.expression, AlarmType.off_normal)
    assert kinds["Doubtful"] == (Kind.quality, AlarmType.off_normal)


def test_numbers_are_in_the_units_of_the_definition(alarms: dict[str, AlarmDefinition]) -> None:
    rise, off = alarms["Hall/M3/Rise"], alarms["Hall/M3/Off"]
    assert rise.limits == {Level.high: 0.1}, "per second"
    assert rise.window_s == 20.0, "ten times rate_s"
    assert off.setpoint_path == "Hall/M3/Setpoint"
    assert off.tags == ("Hall/M3/Temperature", "Hall/M3/Setpoint")
    assert (alarms["Hall/M1/Tripped"].abnormal, alarms["Hall/M1/NotOn"].normal) == (2.0, 1.0)
    assert alarms["Hall/M1/Still"].normal == 1.0
    assert alarms["Hall/M1/All"].severities == {Level.low: 700, Level.high: 700}


def test_machines_of_a_type_share_an_expression_over_tags_of_their_own(alarms: dict[str, AlarmDefinition]) -> None:
    second, third = alarms["Hall/M2/Dry"], alarms["Hall/M3/Dry"]
    assert second.expression == third.expression == "Running and Temperature > other_T + 1.0"
    assert second.inputs["Temperature"] == "Hall/M2/Temperature"
    assert {one.inputs["other_T"] for one in (second, third)} == {"Hall/M1/Temperature"}


def test_a_rule_of_the_section_belongs_to_the_twin_of_its_tags(alarms: dict[str, AlarmDefinition]) -> None:
    assert alarms["Hall/Sum"].owner == "Hall"
    assert alarms["Hall/M1/EveryTemperature"].owner == "Hall/M1"
    assert alarms["Hall/M1/EveryTemperature"].origin == "Every{tag}"


def test_each_connection_has_its_alarm_unless_the_file_says_otherwise(load: Any) -> None:
    twins = "twins: {T: {scope: asset}}\n"
    (lost,) = load(twins).sections["rules"]
    assert (lost.path, lost.owner, lost.input_path) == (
        "Connections/line1/ConnectionLost", "Connections/line1", "Connections/line1/State",
    )  # fmt: skip
    assert (lost.type, lost.normal, lost.on_delay_s, lost.severities) == (
        AlarmType.system_off_normal, 2.0, 10.0, {Level.active: 700},
    )  # fmt: skip
    (off,) = load(twins + "rules: {ConnectionLost: {enabled: false}}").sections["rules"]
    assert not off.enabled
    assert load(twins + 'rules: {ConnectionLost: {connection: "other*"}}').sections["rules"] == ()
    both = load(twins + "rules: {Away: {connection: line1, on_delay_s: 600, severity: urgent}}").sections["rules"]
    assert {one.name: one.on_delay_s for one in both} == {"Away": 600.0, "ConnectionLost": 10.0}


def test_check_counts_the_alarms(load: Any) -> None:
    plant = load(PLANT.replace('  "{tag}Any": {input: "**/M[12]/*", no_signal_s: 5}\n', ""))
    assert report_data(plant)["alarms"] == len(plant.sections["rules"]) == 3 * 11 + 1 + 1
