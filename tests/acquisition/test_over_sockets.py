"""Real devices on real sockets that die, fall silent and come back, while the others go on."""

from __future__ import annotations

import asyncio
import time

from drivers.link import LinkState
from drivers.status import Status
from tests.simulators.bridge import bridge
from tests.simulators.coap_device import CoapDevice
from tests.simulators.modbus_device import ModbusDevice
from tests.simulators.mqtt_broker import MqttBroker
from tests.simulators.waiting import until

LOST = Status.UncertainNoCommunicationLastUsableValue
STALE = Status.UncertainLastUsableValue

TWO_LINES = """
plant: {{name: P}}
connections:
  a: {{driver: modbus, host: 127.0.0.1, port: {a}, timeout_s: 0.2}}
  b: {{driver: modbus, host: 127.0.0.1, port: {b}, timeout_s: 0.2}}
twins:
  P:
    scope: asset
    rate_s: 0.1
    stale_s: 0.5
    telemetry:
      A: {{type: Float, connection: a, point: {{table: holding, address: 0}}}}
      B: {{type: Float, connection: b, point: {{table: holding, address: 0}}}}
"""


async def test_a_dead_modbus_device_is_uncertain_at_once_the_other_keeps_its_rate_and_it_comes_back(tmp_path):
    async with (
        ModbusDevice() as a,
        ModbusDevice() as b,
        bridge(tmp_path, TWO_LINES.format(a=a.port, b=b.port)) as p,
    ):
        a.put(0, 21.5, ">f4")
        await until(lambda: p.value("P/A") == 21.5 and p.good("P/A", "P/B"))
        await a.stop()
        assert await until(lambda: p.status("P/A") is LOST) < 0.5
        assert p.value("P/A") == 21.5
        before, began = b.requests, time.monotonic()
        await asyncio.sleep(1)
        assert abs((b.requests - before) / (time.monotonic() - began) - 10) < 2
        assert p.good("P/B")
        a.put(0, 22.5, ">f4")
        await a.start()
        assert await until(lambda: p.good("P/A")) < 0.4 + 1.0  # the back-off in force and a connect
        assert p.value("P/A") == 22.5
        assert p.acquisition.links["a"].reconnects == 1
        assert p.acquisition.links["b"].errors == {}


async def test_a_modbus_device_that_starts_late_is_found(tmp_path):
    async with ModbusDevice() as a, ModbusDevice() as b:
        await a.stop()
        async with bridge(tmp_path, TWO_LINES.format(a=a.port, b=b.port)) as p:
            await until(lambda: p.status("P/A") is Status.BadNoCommunication and p.good("P/B"))
            assert str(p.acquisition.links["a"].last_error).startswith("ConnectFailed: 127.0.0.1")
            await a.start()
            await until(lambda: p.good("P/A"))


async def test_a_connection_that_is_reset_is_made_again(tmp_path):
    async with (
        ModbusDevice() as a,
        ModbusDevice() as b,
        bridge(tmp_path, TWO_LINES.format(a=a.port, b=b.port)) as p,
    ):
        for kind in ("close", "reset", "half_frame", "garbage"):
            await until(lambda: p.good("P/A", "P/B"))
            a.misbehave(kind, times=1)
            await until(lambda: not p.good("P/A"))
            await until(lambda: p.good("P/A"))
        assert p.acquisition.links["b"].errors == {}


async def test_a_silent_modbus_device_is_uncertain_within_its_staleness_and_recovers(tmp_path):
    async with (
        ModbusDevice() as a,
        ModbusDevice() as b,
        bridge(tmp_path, TWO_LINES.format(a=a.port, b=b.port)) as p,
    ):
        await until(lambda: p.good("P/A", "P/B"))
        a.misbehave("silence")
        assert await until(lambda: not p.good("P/A")) < 0.5
        assert p.status("P/A") is STALE
        await until(lambda: p.status("P/A") is LOST)
        await asyncio.sleep(1.5)
        a.behave()
        await until(lambda: p.good("P/A"), within_s=3)
        assert p.acquisition.links["b"].errors == {}


LINE = """
plant: {{name: P}}
connections:
  line: {{driver: modbus, host: 127.0.0.1, port: {port}, timeout_s: 0.2}}
twins:
  P:
    scope: asset
    rate_s: 0.5
    stale_s: 1.5
    connection: line
    telemetry:
      U1: {{type: Float, point: {{table: holding, address: 0, unit: 1}}}}
      U2: {{type: Float, point: {{table: holding, address: 0, unit: 2}}}}
      U3: {{type: Float, point: {{table: holding, address: 0, unit: 3}}}}
      U4: {{type: Float, point: {{table: input, address: 0, unit: 4}}}}
"""


async def test_one_silent_unit_of_four_delays_its_line_by_its_timeouts_only(tmp_path):
    async with ModbusDevice(units=(1, 2, 3, 4)) as device, bridge(tmp_path, LINE.format(port=device.port)) as p:
        await until(lambda: p.good("P/U1", "P/U2", "P/U3", "P/U4"))
        device.misbehave("silence", unit=2)
        await until(lambda: p.status("P/U2") is LOST, within_s=3)
        device.log.clear()
        for _ in range(30):
            await asyncio.sleep(0.1)
            assert p.good("P/U1", "P/U3", "P/U4")
        asked = [request.unit for request in device.log]
        assert all(4 <= asked.count(unit) <= 8 for unit in (1, 3, 4))
        assert asked.count(2) <= 6
        device.behave()
        await until(lambda: p.good("P/U2"), within_s=3)


async def test_a_unit_that_is_not_there_is_bad_with_the_gateways_reason(tmp_path):
    async with ModbusDevice(units=(1, 2, 3)) as device, bridge(tmp_path, LINE.format(port=device.port)) as p:
        await until(lambda: p.good("P/U1", "P/U2", "P/U3"))
        await until(lambda: p.status("P/U4") is Status.BadNoCommunication)
        device.misbehave("wrong_unit", unit=3)
        await until(lambda: p.status("P/U3") is Status.BadCommunicationError)
        device.misbehave("exception", unit=1, code=4)
        await until(lambda: p.status("P/U1") is Status.BadDeviceFailure)
        device.behave()
        await until(lambda: p.good("P/U1", "P/U2", "P/U3"))


BROKER = """
plant: {{name: P}}
connections:
  broker: {{driver: mqtt, host: 127.0.0.1, port: {port}, keepalive_s: 1}}
twins:
  P:
    scope: asset
    rate_s: 0.5
    stale_s: 1
    connection: broker
    telemetry:
      T: {{type: Double, point: {{topic: plant/t}}}}
      Quiet: {{type: Double, point: {{topic: plant/quiet}}}}
"""


async def test_an_mqtt_broker_that_is_killed_and_started_again(tmp_path):
    with MqttBroker() as broker:
        async with bridge(tmp_path, BROKER.format(port=broker.port)) as p:
            link = p.acquisition.links["broker"]
            await until(lambda: p.status("P/Quiet") is Status.BadWaitingForInitialData and link.connected)
            await _say(broker, p, 21.5)
            broker.kill()
            assert await until(lambda: p.status("P/T") is LOST) < 1.0
            assert p.value("P/T") == 21.5
            assert p.status("P/Quiet") is Status.BadNoCommunication
            broker.start()
            await until(lambda: link.connected)
            await _say(broker, p, 22.5)
            assert link.reconnects == 1


async def test_an_mqtt_topic_that_goes_quiet_is_no_longer_good(tmp_path):
    with MqttBroker() as broker:
        async with bridge(tmp_path, BROKER.format(port=broker.port)) as p:
            await until(lambda: p.acquisition.links["broker"].connected)
            await _say(broker, p, 21.5)
            assert 0.9 < await until(lambda: p.status("P/T") is STALE) < 2.0
            assert p.value("P/T") == 21.5
            await _say(broker, p, 22.5)


async def test_a_last_will_keeps_the_last_value_readable(tmp_path):
    with MqttBroker() as broker:
        plant = BROKER.replace("keepalive_s: 1", "keepalive_s: 1, availability: {{topic: plant/lwt}}")
        async with bridge(tmp_path, plant.format(port=broker.port)) as p:
            await until(lambda: p.acquisition.links["broker"].connected)
            await _say(broker, p, 21.5)
            await broker.publish("plant/lwt", "offline")
            await until(lambda: p.status("P/T") is LOST)
            assert p.value("P/T") == 21.5
            assert p.status("P/Quiet") is Status.BadNoCommunication
            await broker.publish("plant/lwt", "online")
            await _say(broker, p, 22.5)


async def _say(broker, p, value):
    """Publish until it has arrived: a subscription takes a moment."""
    while p.value("P/T") != value or not p.good("P/T"):
        await broker.publish("plant/t", str(value))
        await asyncio.sleep(0.05)


COAP = """
plant: {{name: P}}
connections:
  station: {{driver: coap, host: 127.0.0.1, port: {port}, timeout_s: 0.4, retransmits: 1}}
twins:
  P:
    scope: asset
    rate_s: 0.2
    stale_s: 1
    connection: station
    telemetry:
      Observed: {{type: Double, point: {{path: /seen, value: $.t}}, stale_s: 3600}}
      Polled: {{type: Double, point: {{path: /asked, value: $.t, observe: false}}}}
"""


async def test_a_coap_device_that_is_switched_off_and_on_again(tmp_path):
    async with CoapDevice() as device:
        device.set("/seen", {"t": 1.0})
        device.set("/asked", {"t": 2.0})
        async with bridge(tmp_path, COAP.format(port=device.port)) as p:
            await until(lambda: p.good("P/Observed", "P/Polled"))
            await device.stop()
            await until(lambda: p.status("P/Observed") is LOST and p.status("P/Polled") is LOST)
            assert (p.value("P/Observed"), p.value("P/Polled")) == (1.0, 2.0)
            device.set("/seen", {"t": 3.0})
            await device.start()
            await until(lambda: p.good("P/Observed", "P/Polled"))
            assert p.value("P/Observed") == 3.0
            device.set("/seen", {"t": 4.0})
            await until(lambda: p.value("P/Observed") == 4.0)


async def test_the_bridge_tells_about_its_connections(tmp_path):
    async with (
        ModbusDevice() as a,
        ModbusDevice() as b,
        bridge(tmp_path, TWO_LINES.format(a=a.port, b=b.port)) as p,
    ):
        await until(lambda: p.good("P/A", "P/B"))
        await a.stop()
        await until(lambda: not p.good("P/A"))
        p.diagnostics.update()
        assert p.value("Connections/a/State") != LinkState.Connected
        assert p.value("Connections/b/State") == LinkState.Connected
        assert str(p.value("Connections/a/LastError")).startswith(("LinkLost", "ConnectFailed"))
        assert p.value("Connections/b/Requests") >= 1
        assert 0 < p.value("Connections/b/LatencyP50") < 200
        assert (p.value("P/BadTags"), p.value("P/GoodFraction")) == (1, 50.0)
