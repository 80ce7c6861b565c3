"""What was wrong with what came for a tag is kept for that tag, whatever happens to others of its connection."""

from __future__ import annotations

from pathlib import Path

from drivers.readings import now_ticks
from drivers.status import Status
from tests.simulators.bridge import Bridge, bridge
from tests.simulators.coap_device import CoapDevice
from tests.simulators.modbus_device import ModbusDevice
from tests.simulators.mqtt_broker import MqttBroker
from tests.simulators.waiting import until

PLANT = """
plant: {{name: P}}
connections:
  line: {{driver: modbus, host: 127.0.0.1, port: {modbus}, timeout_s: 0.2, max_gap: 0}}
  broker: {{driver: mqtt, host: 127.0.0.1, port: {mqtt}}}
  mote: {{driver: coap, host: 127.0.0.1, port: {coap}, timeout_s: 1}}
twins:
  P:
    scope: asset
    rate_s: 0.1
    telemetry:
      Missing: {{type: Float, connection: line, point: {{address: 100}}}}
      Short: {{type: Float, connection: line, point: {{address: 200}}}}
      Well: {{type: Float, connection: line, point: {{address: 0}}}}
      Temperature: {{type: Float, connection: broker, point: {{topic: m/1, value: $.t}}}}
      Pressure: {{type: Float, connection: broker, point: {{topic: m/1, value: $.p}}}}
      Level: {{type: Float, connection: mote, point: {{path: /tank, value: $.level, observe: false}}}}
      Gone: {{type: Float, connection: mote, point: {{path: /gone, observe: false}}}}
"""


def text(p: Bridge, name: str) -> str:
    found = p.acquisition.fault_of(p.row[f"P/{name}"])
    if found is None:
        return ""
    assert 0 <= now_ticks() - found.ticks < 100_000_000
    return found.text


async def test_each_tag_keeps_its_own_last_error_over_all_protocols(tmp_path: Path) -> None:
    with MqttBroker() as broker:
        async with ModbusDevice() as device, CoapDevice() as mote:
            device.misbehave("exception", code=2, address=100)
            device.misbehave("wrong_length", address=200)
            mote.set("/tank", {"depth": 3})
            plant = PLANT.format(modbus=device.port, mqtt=broker.port, coap=mote.port)
            async with bridge(tmp_path, plant) as p:
                await until(lambda: p.acquisition.links["broker"].connected and p.good("P/Well"))
                await broker.publish("m/1", '{"t": "warm", "p": 3.5}')
                await until(lambda: p.good("P/Pressure") and text(p, "Temperature") and text(p, "Gone"))
                await broker.publish("m/2", "not for us")
                device.behave()
                await until(lambda: text(p, "Missing") and p.good("P/Short"))
                assert "holding 100..101: the device has no such address" in text(p, "Missing")
                assert "4 bytes were asked for and 3 came" in text(p, "Short"), "kept when it is well again"
                assert text(p, "Well") == text(p, "Pressure") == ""
                assert text(p, "Temperature").startswith("m/1: ")
                assert "the payload has no $.level" in text(p, "Level")
                assert "/gone: the device answers 4.04" in text(p, "Gone")
                await broker.publish("m/1", "{broken")
                await until(lambda: p.status("P/Pressure") is Status.BadDecodingError)
                assert text(p, "Pressure") == text(p, "Temperature") != ""
