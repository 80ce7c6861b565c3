"""The demo plant as a process: its physics and its three devices, from the ready line on stdout to a clean end.

`python -m server.demo.process --modbus-port N --mqtt-port N --coap-port N`; port 0 takes any free one. Runs until
SIGTERM, SIGINT, or until a pipe on its stdin closes because the parent has gone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import socket
import stat
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict

from server.demo.coap_station import CoapStation
from server.demo.launcher import Ports
from server.demo.modbus_device import ModbusDevice
from server.demo.mqtt_gateway import MqttGateway
from server.demo.physics import CoolingPlant
from server.demo.sensors import Instruments

HOST = "127.0.0.1"
STEP_S = 0.2
PUBLISH_S = 1.0


class PortTaken(Exception):
    """A port that something else uses; the message names the way out."""


class DemoPlant:
    """Physics, instruments and devices, stepped by the wall clock times speed. What is fast is also told more often."""

    def __init__(self, seed: int = 1, speed: float = 1.0) -> None:
        self.plant = CoolingPlant(seed)
        self.instruments = Instruments(self.plant, seed)
        self._speed = speed
        self._modbus = ModbusDevice(self.plant, self.instruments, self.instruments.read)
        self._mqtt = MqttGateway(self.plant, self.instruments, self.instruments.read)
        self._coap = CoapStation(self.plant, self.instruments, self.instruments.read)

    async def start(self, wanted: Ports) -> Ports:
        """Open all three; returns the ports in use. Raises PortTaken, and then nothing is left open."""
        ports = Ports(
            _free_port("Modbus", "--modbus-port", wanted.modbus, socket.SOCK_STREAM),
            _free_port("MQTT", "--mqtt-port", wanted.mqtt, socket.SOCK_STREAM),
            _free_port("CoAP", "--coap-port", wanted.coap, socket.SOCK_DGRAM),
        )
        try:
            await self._modbus.start(HOST, ports.modbus)
            await self._mqtt.start(HOST, ports.mqtt)
            await self._coap.start(HOST, ports.coap)
        except OSError as error:  # taken between the probe and now
            await self.stop()
            raise PortTaken(f"a port of {ports} was taken just now; start again ({error})") from error
        return ports

    async def stop(self) -> None:
        """Close all three."""
        await self._modbus.stop()
        await self._mqtt.stop()
        await self._coap.stop()

    async def run(self) -> None:
        """Step and publish until cancelled, by fixed times so that neither drifts."""
        async with asyncio.TaskGroup() as group:
            group.create_task(_every(STEP_S, self._step))
            group.create_task(_every(min(PUBLISH_S, max(PUBLISH_S / self._speed, STEP_S)), self._publish))

    async def _step(self) -> None:
        self.plant.step(STEP_S * self._speed)
        self.instruments.read()

    async def _publish(self) -> None:
        await self._mqtt.publish()
        await self._coap.notify()


async def _every(period_s: float, action: Callable[[], Awaitable[None]]) -> None:
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        await action()
        due = max(due + period_s, loop.time())
        await asyncio.sleep(due - loop.time())


def _free_port(name: str, option: str, port: int, kind: socket.SocketKind) -> int:
    """The port itself when it is free, or any free one for 0."""
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise PortTaken(f"port {port} ({name}) is taken; choose another with {option}") from error
        return int(probe.getsockname()[1])


async def _parent_gone() -> None:
    """Returns when the pipe on stdin closes; never for a terminal or a file."""
    mode = os.fstat(0).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        await asyncio.Event().wait()
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(0, "rb", 0))
    try:
        while await reader.read(1024):
            pass
    finally:
        transport.close()


async def _serve(demo: DemoPlant, wanted: Ports) -> None:
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    ports = await demo.start(wanted)
    print(json.dumps({"ready": True, "ports": asdict(ports)}), flush=True)
    ends = [asyncio.ensure_future(item) for item in (told.wait(), _parent_gone(), demo.run())]
    try:
        done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in ends:
            task.cancel()
        await asyncio.gather(*ends, return_exceptions=True)
        await demo.stop()


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 after a clean end, 2 when a port is taken."""
    parser = argparse.ArgumentParser(prog="python -m server.demo.process", description=__doc__)
    defaults = Ports()
    parser.add_argument("--modbus-port", type=int, default=defaults.modbus)
    parser.add_argument("--mqtt-port", type=int, default=defaults.mqtt)
    parser.add_argument("--coap-port", type=int, default=defaults.coap)
    parser.add_argument("--speed", type=float, default=1.0, help="simulated seconds per second")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.ERROR)
    try:
        demo = DemoPlant(given.seed, given.speed)
        asyncio.run(_serve(demo, Ports(given.modbus_port, given.mqtt_port, given.coap_port)))
    except PortTaken as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:  # before the loop took the signal over
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
