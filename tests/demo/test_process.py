"""The demo plant's process over its real sockets, asked by plain pymodbus, paho and aiocoap clients."""

from __future__ import annotations

import asyncio
import json
import queue
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator

import aiocoap
import paho.mqtt.client as paho
import psutil
import pytest
import pytest_asyncio
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusIOException

from server.demo.launcher import DemoFailed, DemoProcess, Ports, start_demo_process

pytestmark = pytest.mark.asyncio(loop_scope="module")
FREE = Ports(0, 0, 0)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demo() -> AsyncIterator[DemoProcess]:
    process = await start_demo_process(FREE)
    yield process
    await process.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def modbus(demo: DemoProcess) -> AsyncIterator[AsyncModbusTcpClient]:
    client = AsyncModbusTcpClient("127.0.0.1", port=demo.ports.modbus, timeout=1, retries=0)
    assert await client.connect()
    yield client
    client.close()


@pytest_asyncio.fixture(loop_scope="module")
async def coap(demo: DemoProcess) -> AsyncIterator[Callable[..., object]]:
    context = await aiocoap.Context.create_client_context(transports=["simple6"])

    async def ask(code: aiocoap.Code, path: str, payload: bytes = b"") -> aiocoap.Message:
        uri = f"coap://127.0.0.1:{demo.ports.coap}/{path}"
        async with asyncio.timeout(3.0):
            return await context.request(aiocoap.Message(code=code, uri=uri, payload=payload)).response

    yield ask
    await context.shutdown()


class Listener:
    """Every message of the broker, in order."""

    def __init__(self, port: int) -> None:
        self.messages: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self.client.on_message = lambda client, data, message: self.messages.put((message.topic, message.payload))
        self.client.connect("127.0.0.1", port)
        self.client.subscribe("cooling/#", 1)
        self.client.loop_start()

    async def until(self, topic: str, accept: Callable[[bytes], bool] = lambda _: True) -> bytes:
        end = time.monotonic() + 5.0
        while time.monotonic() < end:
            try:
                at, payload = self.messages.get_nowait()
            except queue.Empty:
                await asyncio.sleep(0.02)
                continue
            if at == topic and accept(payload):
                return payload
        raise AssertionError(f"nothing fitting on {topic}")

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def mqtt(demo: DemoProcess) -> Iterator[Listener]:
    listener = Listener(demo.ports.mqtt)
    yield listener
    listener.close()


def _process(pid: int) -> list[psutil.Process]:
    return [psutil.Process(pid)] if psutil.pid_exists(pid) else []


async def speed(client: AsyncModbusTcpClient, address: int = 0) -> float:
    answer = await client.read_input_registers(address, count=2, device_id=2)
    return float(client.convert_from_registers(answer.registers, client.DATATYPE.FLOAT32))


async def set_speed(client: AsyncModbusTcpClient, rpm: float) -> int:
    answer = await client.write_registers(0, client.convert_to_registers(rpm, client.DATATYPE.FLOAT32), device_id=2)
    return answer.exception_code if answer.isError() else 0


async def test_a_written_speed_changes_the_flow_of_the_pump(modbus: AsyncModbusTcpClient) -> None:
    flow = await speed(modbus, address=2)
    assert await set_speed(modbus, 2100.0) == 0
    async with asyncio.timeout(6.0):
        while await speed(modbus) < 2080.0:
            pass
    assert await speed(modbus, address=2) > flow * 1.1
    assert await set_speed(modbus, 1800.0) == 0


async def test_the_drive_refuses_a_speed_out_of_range_with_exception_3(modbus: AsyncModbusTcpClient) -> None:
    assert await set_speed(modbus, 3001.0) == 3


async def test_a_unit_that_is_not_there_answers_with_exception_11(modbus: AsyncModbusTcpClient) -> None:
    answer = await modbus.read_input_registers(0, count=2, device_id=99)
    assert answer.exception_code == 11


async def test_a_dead_drive_is_silent_and_the_others_answer(modbus: AsyncModbusTcpClient) -> None:
    await modbus.write_register(52, 6, device_id=20)
    try:
        with pytest.raises(ModbusIOException, match="No response"):
            await modbus.read_input_registers(0, count=2, device_id=3)
        assert not (await modbus.read_input_registers(0, count=2, device_id=1)).isError()
    finally:
        await modbus.write_register(52, 0, device_id=20)
    assert not (await modbus.read_input_registers(0, count=2, device_id=3)).isError()


async def test_vibration_is_published_with_time_and_quality(mqtt: Listener) -> None:
    message = json.loads(await mqtt.until("cooling/vibration/pump1/drive_end"))
    assert set(message) == {"ts", "rms", "peak", "kurtosis", "temperature", "quality"}
    assert message["quality"] == "good"
    assert message["peak"] > message["rms"] > 0


async def test_a_fan_command_comes_back_on_its_state_topic(mqtt: Listener) -> None:
    await mqtt.until("cooling/tower/fan/state")
    mqtt.client.publish("cooling/tower/fan/set", "71.5", qos=1)
    await mqtt.until("cooling/tower/fan/state", lambda payload: payload == b"71.5")


@pytest.mark.parametrize("payload", ["101", "-1", "nan", "fast"])
async def test_a_wrong_fan_command_changes_nothing_and_says_why(mqtt: Listener, payload: str) -> None:
    before = await mqtt.until("cooling/tower/fan/state")
    mqtt.client.publish("cooling/tower/fan/set", payload, qos=1)
    complaint = json.loads(await mqtt.until("cooling/gateway/error"))
    assert complaint["topic"] == "cooling/tower/fan/set"
    assert await mqtt.until("cooling/tower/fan/state") == before


async def test_a_dead_gateway_leaves_its_last_will_and_comes_back(mqtt: Listener, modbus: AsyncModbusTcpClient) -> None:
    await modbus.write_register(52, 7, device_id=20)
    try:
        assert await mqtt.until("cooling/gateway/availability", lambda payload: payload == b"offline")
    finally:
        await modbus.write_register(52, 0, device_id=20)
    assert await mqtt.until("cooling/gateway/availability", lambda payload: payload == b"online")
    await mqtt.until("cooling/power/main")


async def test_the_station_tells_the_weather_and_the_tank(coap: Callable[..., object]) -> None:
    weather = json.loads((await coap(aiocoap.GET, "weather")).payload)
    assert -40 < weather["temperature"] < 60
    pack = json.loads((await coap(aiocoap.GET, "tank")).payload)
    assert [record["n"] for record in pack] == ["level", "temperature", "volume"]
    assert pack[0]["bn"] == "tank/"


async def test_a_setpoint_is_put_and_read_back(coap: Callable[..., object]) -> None:
    assert (await coap(aiocoap.PUT, "tank/level_setpoint", b"64.5")).code is aiocoap.CHANGED
    assert json.loads((await coap(aiocoap.GET, "tank/level_setpoint")).payload)["value"] == 64.5
    assert (await coap(aiocoap.PUT, "tank/level_setpoint", b'{"value": 70}')).code is aiocoap.CHANGED


@pytest.mark.parametrize("payload", [b"96", b"9", b"full", b"{}", b"NaN", b""])
async def test_a_wrong_setpoint_is_a_bad_request(coap: Callable[..., object], payload: bytes) -> None:
    answer = await coap(aiocoap.PUT, "tank/level_setpoint", payload)
    assert answer.code is aiocoap.BAD_REQUEST
    assert answer.payload


async def test_an_observer_is_told_every_second(demo: DemoProcess) -> None:
    context = await aiocoap.Context.create_client_context(transports=["simple6"])
    uri = f"coap://127.0.0.1:{demo.ports.coap}/weather"
    request = context.request(aiocoap.Message(code=aiocoap.GET, uri=uri, observe=0))
    times = [json.loads((await request.response).payload)["t"]]
    async with asyncio.timeout(5.0):
        async for notification in request.observation:
            times.append(json.loads(notification.payload)["t"])
            if len(times) == 3:
                break
    request.observation.cancel()
    await context.shutdown()
    assert times == sorted(set(times))


async def test_a_taken_port_is_named_with_its_option() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(DemoFailed, match=f"port {port} \\(MQTT\\) is taken; choose another with --mqtt-port"):
            await start_demo_process(Ports(0, port, 0))


async def test_a_taken_port_ends_the_process_with_exit_code_2() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "server.demo.process", "--modbus-port", "0", "--mqtt-port", "0"]
        ended = await asyncio.to_thread(
            subprocess.run, [*command, "--coap-port", port], capture_output=True, text=True, timeout=20
        )
    assert ended.returncode == 2
    assert ended.stderr.strip() == f"port {port} (CoAP) is taken; choose another with --coap-port"
    assert ended.stdout == ""


async def test_it_stops_within_two_seconds_and_frees_its_ports() -> None:
    process = await start_demo_process(FREE)
    begun = time.monotonic()
    await process.stop()
    assert time.monotonic() - begun < 2.0
    assert await process.wait() == 0
    assert not psutil.pid_exists(process.pid)
    again = await start_demo_process(process.ports)
    await again.stop()
    assert again.ports == process.ports


async def test_it_ends_when_its_parent_dies() -> None:
    code = (
        "import asyncio, os; from server.demo.launcher import *\n"
        "async def main():\n"
        "    demo = await start_demo_process(Ports(0, 0, 0)); print(demo.pid, flush=True); os._exit(9)\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, timeout=20
    )
    gone = await asyncio.to_thread(psutil.wait_procs, _process(int(parent.stdout)), timeout=5.0)
    assert not gone[1]
