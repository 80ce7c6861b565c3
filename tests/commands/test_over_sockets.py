"""Commands to real devices on real sockets: what the client is told is what the device did."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from drivers.status import Status
from tests.simulators.bridge import Bridge, bridge
from tests.simulators.coap_device import CoapDevice
from tests.simulators.modbus_device import ModbusDevice
from tests.simulators.mqtt_broker import MqttBroker, program
from tests.simulators.stopwatch import Stopwatch
from tests.simulators.waiting import until

PUMP = """
plant: {{name: P}}
connections:
  line: {{driver: modbus, host: 127.0.0.1, port: {port}, timeout_s: 0.2}}
twins:
  P:
    scope: asset
    rate_s: 0.2
    connection: line
    telemetry:
      Level: {{type: Float, unit: P1, range: [0, 100], point: {{table: input, address: 0}}}}
    commands:
      Speed: {{type: Float, range: [0, 3000], point: {{table: holding, address: 10}},
               confirm: read_back, tolerance: 1, within_s: 0.6}}
      Power: {{type: Int16, range: [0, 100], clamp: true, point: {{table: holding, address: 20}}}}
      Run: {{type: Boolean, states: [Stop, Run], point: {{table: coil, address: 0}},
             interlock: [{{tag: Level, above: 10, message: Tank level is below 10 %}}]}}
    methods:
      Start: {{writes: {{Speed: $Speed, Run: Run}}}}
"""


async def test_a_modbus_write_is_good_when_the_device_has_it(tmp_path):
    async with ModbusDevice() as device, bridge(tmp_path, PUMP.format(port=device.port)) as p:
        await until(lambda: p.good("P/Speed", "P/Power"))
        assert await p.write("P/Speed", 1500.0) is Status.Good
        assert device.get(10, ">f4") == 1500.0
        assert p.value("P/Speed") == 1500.0
        assert await p.write("P/Power", 250) is Status.GoodClamped
        assert device.holding[20] == 100
        assert p.value("P/Power") == 100
        assert await p.write("P/Speed", 3001.0) is Status.BadOutOfRange
        assert await p.write("P/Speed", True) is Status.BadTypeMismatch
        assert await p.write("P/Level", 50.0) is Status.BadNotWritable
        assert device.get(10, ">f4") == 1500.0


async def test_an_interlock_over_a_modbus_tag(tmp_path):
    async with ModbusDevice() as device, bridge(tmp_path, PUMP.format(port=device.port)) as p:
        device.put(0, 5.0, ">f4", table="inputs")
        await until(lambda: p.value("P/Level") == 5.0)
        assert await p.write("P/Run", True) is Status.BadInvalidState
        assert p.audits[-1].reason == "Tank level is below 10 %"
        device.put(0, 50.0, ">f4", table="inputs")
        await until(lambda: p.value("P/Level") == 50.0)
        assert await p.write("P/Run", True) is Status.Good
        assert device.coils[0]


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        ("exception", 1, Status.BadNotSupported),
        ("exception", 2, Status.BadConfigurationError),
        ("exception", 3, Status.BadOutOfRange),
        ("exception", 4, Status.BadDeviceFailure),
        ("silence", 0, Status.BadTimeout),
        ("wrong_unit", 0, Status.BadCommunicationError),
        ("reset", 0, Status.BadNoCommunication),
        ("close", 0, Status.BadNoCommunication),
    ],
)
async def test_what_a_modbus_device_does_to_a_write_reaches_the_client(tmp_path, kind, code, status):
    async with ModbusDevice() as device, bridge(tmp_path, PUMP.format(port=device.port)) as p:
        await until(lambda: p.good("P/Power"))
        device.misbehave(kind, function=6, code=code)
        assert await p.write("P/Power", 50) is status
        assert device.holding[20] != 50 or kind in ("wrong_unit", "reset", "close")
        assert p.audits[-1].status is status
        assert p.audits[-1].reason
        device.behave()
        await until(lambda: p.acquisition.links["line"].connected)
        assert await p.write("P/Power", 60) is Status.Good


async def test_a_modbus_device_that_acknowledges_and_does_nothing_is_found_out(tmp_path):
    async with ModbusDevice() as device, bridge(tmp_path, PUMP.format(port=device.port)) as p:
        device.put(10, 700.0, ">f4")
        await until(lambda: p.value("P/Speed") == 700.0)
        device.misbehave("ignore_write")
        assert await p.write("P/Speed", 1500.0) is Status.BadTimeout
        assert p.audits[-1].reason == "acknowledged, but the device shows 700.0 within 0.6 s"
        assert p.value("P/Speed") == 700.0


async def test_a_write_to_a_dead_modbus_device_fails_at_once(tmp_path):
    async with ModbusDevice() as device, bridge(tmp_path, PUMP.format(port=device.port)) as p:
        await until(lambda: p.good("P/Power"))
        await device.stop()
        await until(lambda: not p.good("P/Power"))
        watch = Stopwatch()
        assert await p.write("P/Power", 50) is Status.BadNoCommunication
        assert watch.seconds < 0.1


async def test_a_modbus_method_stops_at_the_interlock(tmp_path):
    async with ModbusDevice() as device, bridge(tmp_path, PUMP.format(port=device.port)) as p:
        (start,) = (method for twin in p.plant.walk() for method in twin.methods)
        await until(lambda: p.good("P/Level"))
        assert (await p.commands.call(start, [1200.0], "anna")).status == Status.BadInvalidState
        assert device.get(10, ">f4") == 1200.0
        device.put(0, 50.0, ">f4", table="inputs")
        await until(lambda: p.value("P/Level") == 50.0)
        assert (await p.commands.call(start, [1300.0], "anna")).status == Status.Good
        assert device.coils[0]
        outcome = await p.commands.call(start, [9000.0], "anna")
        assert (outcome.status, outcome.argument_status) == (Status.BadInvalidArgument, (Status.BadOutOfRange,))


FAN = """
plant: {{name: P}}
connections:
  broker: {{driver: mqtt, host: 127.0.0.1, port: {port}, version: 5}}
twins:
  P:
    scope: asset
    connection: broker
    commands:
      Speed: {{type: Double, range: [0, 100], confirm: read_back, tolerance: 0.5, within_s: 1,
               point: {{topic: fan/state, write_topic: fan/set}}}}
      Lamp: {{type: Double, point: {{write_topic: lamp/set, retain: true}}}}
"""


@asynccontextmanager
async def fan(broker: MqttBroker) -> AsyncIterator[None]:
    """A device made of mosquitto's own clients: it runs at the speed it is set to, but never faster than 50."""
    at = f"-h 127.0.0.1 -p {broker.port}"
    script = (
        f"{program('mosquitto_sub')} {at} -t fan/set | "
        f'while read v; do [ "${{v%.*}}" -gt 50 ] && v=50; {program("mosquitto_pub")} {at} -t fan/state -m "$v"; done'
    )
    process = await asyncio.create_subprocess_shell(script, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def test_an_mqtt_device_confirms_by_its_state_topic(tmp_path):
    with MqttBroker() as broker:
        async with bridge(tmp_path, FAN.format(port=broker.port)) as p:
            await until(lambda: p.acquisition.links["broker"].connected)
            assert await p.write("P/Speed", 40.0) is Status.BadNoCommunication  # MQTT 5: nobody listens
            async with fan(broker):
                assert await _once_there(p, 40.0) is Status.Good
                assert p.value("P/Speed") == 40.0
                assert await p.write("P/Speed", 60.0) is Status.BadTimeout
                assert p.audits[-1].reason == "acknowledged, but the device shows 50.0 within 1 s"
                assert p.value("P/Speed") == 50.0


async def _once_there(p: Bridge, speed: float) -> Status:
    """Write until a device listens."""
    for _ in range(100):
        status = await p.write("P/Speed", speed)
        if status is not Status.BadNoCommunication:
            return status
        await asyncio.sleep(0.05)
    raise AssertionError("no device came")


async def test_an_mqtt_command_without_a_state_topic_shows_what_was_acknowledged_and_stays_good(tmp_path):
    with MqttBroker() as broker:
        async with bridge(tmp_path, FAN.format(port=broker.port)) as p:
            await until(lambda: p.acquisition.links["broker"].connected)
            assert await p.write("P/Lamp", 1.0) is Status.Good
            assert (p.value("P/Lamp"), p.status("P/Lamp")) == (1.0, Status.Good)
            broker.kill()
            await until(lambda: not p.acquisition.links["broker"].connected)
            assert await p.write("P/Lamp", 2.0) is Status.BadNoCommunication
            assert p.value("P/Lamp") == 1.0


TANK = """
plant: {{name: P}}
connections:
  station: {{driver: coap, host: 127.0.0.1, port: {port}, timeout_s: 0.4, retransmits: 1}}
twins:
  P:
    scope: asset
    rate_s: 0.2
    connection: station
    commands:
      Valve: {{type: Double, range: [0, 100], confirm: read_back, tolerance: 0.5, within_s: 0.8,
               point: {{path: /valve, observe: false}}}}
"""


async def test_a_coap_device_obeys_refuses_and_stays_silent(tmp_path):
    async with CoapDevice() as device:
        device.set("/valve", 10.0)
        async with bridge(tmp_path, TANK.format(port=device.port)) as p:
            await until(lambda: p.value("P/Valve") == 10.0)
            assert await p.write("P/Valve", 55.0) is Status.Good
            assert float(device.value("/valve")) == 55.0
            assert p.value("P/Valve") == 55.0
            device.misbehave("/valve", code=0x83, writes_only=True)
            assert await p.write("P/Valve", 60.0) is Status.BadUserAccessDenied
            device.misbehave("/valve", silence=True, writes_only=True)
            assert await p.write("P/Valve", 60.0) is Status.BadTimeout
            device.behave()
            assert await p.write("P/Valve", 60.0) is Status.Good
