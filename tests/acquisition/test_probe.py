"""Devices on real sockets, asked once: what `uatwin probe` reports of each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drivers.status import Status
from server.acquisition.probe import Answer, Probe, probe
from server.config.load import load_plant
from tests.simulators.coap_device import CoapDevice
from tests.simulators.modbus_device import ModbusDevice
from tests.simulators.mqtt_broker import MqttBroker

MODBUS = """
plant: {{name: P}}
connections:
  line: {{driver: modbus, host: 127.0.0.1, port: {port}, timeout_s: 0.2}}
twins:
  P:
    scope: asset
    connection: line
    telemetry:
      T: {{type: Float, unit: CEL, point: {{table: holding, address: 10}}}}
      N: {{type: UInt16, point: {{table: input, address: 0, scale: 2}}}}
      On: {{type: Boolean, states: [Off, On], point: {{table: coil, address: 3}}}}
      Name: {{type: String, point: {{address: 20, length: 2}}}}
      Far: {{type: Float, point: {{address: 100, unit: 9}}}}
      Far2: {{type: Float, point: {{address: 200, unit: 9, table: input}}}}
    commands:
      Set: {{type: UInt16, point: {{address: 50}}}}
"""


async def _probed(folder: Path, text: str, wait_s: float = 2.0) -> tuple[Probe, dict[str, Answer]]:
    (folder / "plant.yaml").write_text(text)
    (one,) = await probe(load_plant(folder / "plant.yaml"), wait_s=wait_s)
    return one, {answer.tag.name: answer for answer in one.answers}


async def test_modbus_tags_show_their_registers_as_they_came(tmp_path: Path) -> None:
    async with ModbusDevice(units=(1,)) as device:
        device.put(10, 21.5, ">f4")
        device.inputs[0] = 0x1234
        device.coils[3] = True
        device.put(20, b"PUMP", "S4")
        device.holding[50] = 7
        one, answers = await _probed(tmp_path, MODBUS.format(port=device.port))
    assert (answers["T"].raw, answers["T"].value, answers["T"].status) == ("41AC 0000", 21.5, Status.Good)
    assert (answers["N"].raw, answers["N"].value) == ("1234", 2 * 0x1234)
    assert (answers["On"].raw, answers["On"].value) == ("1", True)
    assert (answers["Name"].raw, answers["Name"].value) == ("5055 4D50", "PUMP")
    assert (answers["Set"].raw, answers["Set"].value) == ("0007", 7)
    assert answers["Far"].status == answers["Far2"].status
    assert answers["Far"].raw == ""
    assert not one.works
    assert (one.tags, one.good) == (6, 4)
    assert one.problems[0].endswith("P/Far, P/Far2")


async def test_mqtt_tags_show_the_payload_and_a_command_that_nobody_reports_is_no_failure(tmp_path: Path) -> None:
    text = """
plant: {{name: P}}
connections: {{broker: {{driver: mqtt, host: 127.0.0.1, port: {port}}}}}
twins:
  P:
    scope: asset
    connection: broker
    telemetry:
      T: {{type: Double, point: {{topic: p/t, value: $.v, retained: good}}}}
      Missing: {{type: Double, point: {{topic: p/missing}}}}
    commands:
      Set: {{type: Double, point: {{write_topic: p/set}}}}
"""
    with MqttBroker() as broker:
        await broker.publish("p/t", '{"v": 21.5,\n "unit": "C"}', "-r")
        one, answers = await _probed(tmp_path, text.format(port=broker.port), 0.5)
        assert (answers["T"].raw, answers["T"].value) == ('{"v": 21.5, "unit": "C"}', 21.5)
        assert answers["Set"].works
        assert answers["Missing"].status is None
        assert one.problems == ("no value came: P/Missing",)


async def test_coap_tags_show_the_payload_whether_polled_or_observed(tmp_path: Path) -> None:
    text = """
plant: {{name: P}}
connections: {{station: {{driver: coap, host: 127.0.0.1, port: {port}}}}}
twins:
  P:
    scope: asset
    connection: station
    telemetry:
      Polled: {{type: Double, point: {{path: /a, value: $.v, observe: false}}}}
      Observed: {{type: Double, point: {{path: /b, value: $.v}}}}
      Cbor: {{type: Double, point: {{path: /c, value: $.v}}}}
"""
    async with CoapDevice() as device:
        device.set("/a", {"v": 1.5})
        device.set("/b", {"v": 2.5})
        device.set("/c", {"v": 3}, format="cbor")
        one, answers = await _probed(tmp_path, text.format(port=device.port))
    assert one.works, one
    assert json.loads(answers["Polled"].raw) == {"v": 1.5}
    assert json.loads(answers["Observed"].raw) == {"v": 2.5}
    assert answers["Cbor"].raw == "A1 61 76 03"


async def test_a_device_that_is_not_there_is_told_with_its_reason(tmp_path: Path) -> None:
    async with ModbusDevice() as device:
        port = device.port
    one, answers = await _probed(tmp_path, MODBUS.format(port=port))
    assert not one.works
    assert str(port) in one.error
    assert answers["T"].status is None


@pytest.mark.parametrize("chosen", ["line"])
async def test_one_connection_can_be_chosen(tmp_path: Path, chosen: str) -> None:
    async with ModbusDevice() as device:
        text = MODBUS.format(port=device.port).replace(
            "connections:", "connections:\n  other: {driver: modbus, host: 127.0.0.1, port: 1}"
        )
        text = text.replace("Far2: {", "Far2: {connection: other, ")
        (tmp_path / "plant.yaml").write_text(text)
        probes = await probe(load_plant(tmp_path / "plant.yaml"), [chosen])
    assert [one.connection for one in probes] == ["line"]
