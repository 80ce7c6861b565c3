"""A plant file that changes while its bridge runs, and the frames of a connection that runs."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from pathlib import Path

from asyncua import Client, Node, ua

from tests.simulators.demo_run import COMMAND, FREE_ENDPOINT, Uatwin
from tests.simulators.modbus_device import ModbusDevice
from tests.simulators.subscriber import Subscriber, values
from tests.simulators.waiting import until

PLANT = """
plant: {{name: {name}}}
server: {{policies: [None]}}
connections:
  first: {{driver: modbus, host: 127.0.0.1, port: {first}}}
  second: {{driver: modbus, host: 127.0.0.1, port: {second}}}
twins:
  A: {{scope: asset, connection: first, telemetry: {{One: {{type: Float, point: {{address: 0}}, rate_s: 0.1}}}}}}
  B: {{scope: asset, connection: second, telemetry: {{Two: {{type: Float, point: {{address: 0}}, rate_s: 0.1}}}}}}
"""
MORE = "  C: {scope: asset, connection: second, telemetry: {Three: {type: Float, point: {address: 10}, rate_s: 0.1}}}\n"


async def uatwin(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return await asyncio.to_thread(subprocess.run, [*COMMAND, *arguments], capture_output=True, text=True, timeout=30)


async def wait_for(node: Node, status: int) -> None:
    """Wait until the node's value has that status."""
    for _ in range(500):
        shown = (await node.read_data_value(raise_on_bad_status=False)).StatusCode
        if (shown.value if shown is not None else 0) == status:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{node} does not show {ua.StatusCode(status).name}")


async def wait_good(node: Node) -> None:
    await wait_for(node, ua.StatusCodes.Good)


async def test_a_changed_plant_is_taken_over_without_dropping_sessions_or_other_devices(tmp_path: Path):
    async with ModbusDevice() as first, ModbusDevice() as second:
        file = tmp_path / "plant.yaml"
        text = PLANT.format(name=f"Reload{first.port}", first=first.port, second=second.port)
        file.write_text(text)
        first.put(0, 1.5, ">f4")
        second.put(10, 3.5, ">f4")
        with Uatwin(tmp_path / "run", "run", str(file), *FREE_ENDPOINT, "--pki", str(tmp_path / "pki")) as bridge:
            endpoint = await asyncio.to_thread(lambda: bridge.endpoint)
            port = int(endpoint.split(":")[2].split("/")[0])
            async with Client(endpoint) as client, Subscriber(port) as subscriber:
                one, two, three = (client.get_node(f"ns=3;s={path}") for path in ("A/One", "B/Two", "C/Three"))
                await wait_good(one)
                await wait_good(two)
                await subscriber.connect()
                made = await subscriber.subscribe(50)
                await subscriber.monitor(made.SubscriptionId, subscriber.item(one.nodeid), subscriber.item(two.nodeid))
                assert len(values(await subscriber.next())) == 2
                connections = first.accepted

                file.write_text(text + MORE)
                told = await uatwin("reload", str(file))
                assert told.returncode == 0, told.stderr
                assert "connections begun anew: second" in told.stdout
                await wait_good(three)
                assert await three.read_value() == 3.5
                assert first.accepted == connections, "a connection that did not change is left alone"
                first.put(0, 2.5, ">f4")
                while (1, 2.5, 0) not in values(await subscriber.next()):
                    pass

                file.write_text(text)
                bridge.process.send_signal(signal.SIGHUP)
                status = ua.StatusCodes.BadNodeIdUnknown
                await wait_for(three, status)
                await wait_good(two)
                await subscriber.call(ua.CloseSessionRequest())


async def test_a_file_with_errors_is_refused_whole_and_the_old_one_goes_on(tmp_path: Path):
    async with ModbusDevice() as device:
        file = tmp_path / "plant.yaml"
        text = PLANT.format(name=f"Refuse{device.port}", first=device.port, second=device.port)
        file.write_text(text)
        with Uatwin(tmp_path / "run", "run", str(file), *FREE_ENDPOINT, "--pki", str(tmp_path / "pki")) as bridge:
            async with Client(await asyncio.to_thread(lambda: bridge.endpoint)) as client:
                one = client.get_node("ns=3;s=A/One")
                await wait_good(one)
                file.write_text(text + MORE.replace("scope: asset", "scope: machine"))
                told = await uatwin("reload", str(file))
                assert told.returncode == 2
                assert f"{file}:10:14: scope: machine" in told.stderr
                bridge.process.send_signal(signal.SIGHUP)
                await until(lambda: "not taken over" in bridge.complained)
                await wait_good(one)


async def test_the_frames_of_a_running_connection_are_shown(tmp_path: Path):
    async with ModbusDevice() as device:
        file = tmp_path / "plant.yaml"
        name = f"Trace{device.port}"
        file.write_text(PLANT.format(name=name, first=device.port, second=device.port))
        with Uatwin(tmp_path / "run", "run", str(file), *FREE_ENDPOINT, "--pki", str(tmp_path / "pki")) as bridge:
            await asyncio.to_thread(lambda: bridge.endpoint)
            told = await uatwin("trace", "first", "--plant", name, "--seconds", "1")
            assert told.returncode == 0, told.stderr
            assert " ->   12 " in told.stdout, "a read request: MBAP and PDU"
            assert " <-   13 " in told.stdout, "its answer: two registers"
            wrong = await uatwin("trace", "third", "--plant", name)
            assert (wrong.returncode, wrong.stderr) == (2, "no such connection; there are first, second\n")


async def test_nobody_to_ask_is_told(tmp_path: Path):
    file = tmp_path / "plant.yaml"
    file.write_text(PLANT.format(name="NobodyRunsThis", first=502, second=503))
    told = await uatwin("reload", str(file))
    assert told.returncode == 1
    assert "no bridge of plant NobodyRunsThis runs here" in told.stderr
