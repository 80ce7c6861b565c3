"""The command `uatwin` as a user runs it, in a process of its own, and what an OPC UA client does with it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import astuple
from pathlib import Path
from typing import Self

import psutil
from asyncua import Client, ua

from server.demo.launcher import Ports, write_plant_file

PASSWORD = "cool-water-7"
ANY_PORTS = ("--modbus-port", "0", "--mqtt-port", "0", "--coap-port", "0")
FREE_ENDPOINT = ("--endpoint", "opc.tcp://127.0.0.1:0/uatwin")
PLANT_NAMESPACE = "urn:uatwin:plant:Cooling"
COMMAND = (str(Path(sys.executable).with_name("uatwin")),)
READY_S = 40.0
HALTED = 11
"""StateNumber of a Program that has ended (Part 10, 5.2.3)."""


class Uatwin:
    """A running `uatwin`. Its output goes to files in the folder, so that it never waits for a reader."""

    def __init__(self, folder: Path, *arguments: str, command: Sequence[str] = COMMAND, **environment: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._out, self._err = folder / "stdout", folder / "stderr"
        self.tmp = folder / "tmp"
        self.tmp.mkdir()
        self.begun = time.monotonic()
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [*command, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={**os.environ, "TMPDIR": str(self.tmp), **environment},
            )

    @property
    def said(self) -> str:
        """What it has printed so far."""
        return self._out.read_text()

    @property
    def complained(self) -> str:
        """What it has printed on stderr so far."""
        return self._err.read_text()

    @property
    def endpoint(self) -> str:
        """The endpoint it has told; with port 0 the real one."""
        return self.wait_for(r"opc\.tcp://\S+")[0]

    @property
    def device_ports(self) -> Ports:
        """Where the demo's devices listen."""
        told = self.wait_for(r"Modbus TCP (\d+), MQTT (\d+), CoAP (\d+)")
        return Ports(*map(int, told.groups()))

    def wait_for(self, pattern: str, within_s: float = READY_S) -> re.Match[str]:
        """Wait until that has been printed."""
        end = time.monotonic() + within_s
        while (found := re.search(pattern, self.said)) is None:
            assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.complained}"
            assert time.monotonic() < end, f"{pattern} not told within {within_s:g} s: {self.said} {self.complained}"
            time.sleep(0.05)
        return found

    def children(self) -> list[psutil.Process]:
        """The processes it has started: devices, analytics workers."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self, number: signal.Signals = signal.SIGINT, within_s: float = 20.0) -> float:
        """Send a signal; returns the seconds until it ended."""
        begun = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(within_s)
        return time.monotonic() - begun

    def wait(self, within_s: float = 30.0) -> int:
        """Its exit code, once it has ended by itself."""
        return self.process.wait(within_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is not None:
            return
        left = self.children()
        try:
            self.stop()
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
                for child in left:
                    child.kill()


@contextmanager
def demo(folder: Path, *arguments: str) -> Iterator[Uatwin]:
    """`uatwin demo` on free ports with one password for all users, serving."""
    options = (*FREE_ENDPOINT, *ANY_PORTS, "--pki", str(folder / "pki"), *arguments)
    with Uatwin(folder, "demo", *options, UATWIN_DEMO_PASSWORD=PASSWORD) as process:
        assert process.endpoint
        yield process


@contextmanager
def bridge(folder: Path, ports: Ports, edit: Callable[[str], str] = lambda text: text) -> Iterator[Uatwin]:
    """`uatwin run` on the demo's plant file, edited, with devices on these ports, an operator, and security None."""
    folder.mkdir(parents=True, exist_ok=True)
    plant = write_plant_file(folder, ports)
    server = "server: {policies: [None], users_file: users.yaml}\n"
    plant.write_text(edit(plant.read_text()) + server)
    add = [*COMMAND, "users", "add", str(folder / "users.yaml"), "operator", "--role", "Operator"]
    subprocess.run(add, env={**os.environ, "UATWIN_PASSWORD": PASSWORD}, check=True, capture_output=True, timeout=30)
    with Uatwin(folder, "run", str(plant), *FREE_ENDPOINT, "--pki", str(folder / "pki")) as process:
        assert process.endpoint
        yield process


class Devices:
    """The demo's devices alone, in a process that can be killed and started again on its ports."""

    def __init__(self) -> None:
        self.ports = Ports(0, 0, 0)
        self.start()

    def start(self) -> None:
        """Returns when they listen, where they listened before."""
        ports = zip(("--modbus-port", "--mqtt-port", "--coap-port"), astuple(self.ports), strict=True)
        arguments = [text for option, port in ports for text in (option, str(port))]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "server.demo.process", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        self.ports = Ports(**json.loads(self._process.stdout.readline())["ports"])

    def kill(self) -> None:
        """As when the power fails."""
        self._process.kill()
        self._process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate(timeout=10)


class Seat:
    """A client in front of the demo's twins; paths are below the process twin `Cooling`."""

    def __init__(self, client: Client, namespace: int) -> None:
        self.client = client
        self._namespace = namespace

    def node_id(self, path: str) -> ua.NodeId:
        """The NodeId of `Cooling/<path>`, or of an absolute path (leading slash)."""
        full = path[1:] if path.startswith("/") else f"Cooling/{path}"
        return ua.NodeId(full, ua.Int16(self._namespace))

    async def read(self, *paths: str) -> list[ua.DataValue]:
        """Value, status and time of each."""
        nodes = [self.node_id(path) for path in paths]
        return list(await self.client.uaclient.read_attributes(nodes, ua.AttributeIds.Value))

    async def value(self, path: str) -> object:
        """The value of one that is Good."""
        (answer,) = await self.read(path)
        assert answer.StatusCode.is_good(), f"{path}: {answer.StatusCode.name}"
        return answer.Value.Value

    async def until_all_good(self, within_s: float = 30.0) -> None:
        """Wait until every device has said something."""
        end = time.monotonic() + within_s
        while (await self.read("BadTags"))[0].Value.Value != 0:
            assert time.monotonic() < end, f"{await self.read('BadTags')} after {within_s:g} s"
            await asyncio.sleep(0.1)

    async def status(self, path: str) -> str:
        """The StatusCode's name."""
        (answer,) = await self.read(path)
        return str(answer.StatusCode.name)

    async def write(self, path: str, value: object, kind: ua.VariantType = ua.VariantType.Float) -> str:
        """Write; returns the StatusCode's name."""
        item = ua.WriteValue(self.node_id(path), ua.AttributeIds.Value, Value=ua.DataValue(ua.Variant(value, kind)))
        (answer,) = await self.client.uaclient.write(ua.WriteParameters([item]))
        return str(answer.name)

    async def call(self, method: str, *arguments: ua.Variant) -> ua.CallMethodResult:
        """Call a method, given with the folder it stands in: `PrimaryLoop/Pump1/Commands/Start`."""
        folder, _, name = method.rpartition("/")
        twin = folder.rpartition("/")[0]
        owner = self.node_id(folder) if twin else self.node_id(f"/Cooling/{folder}")
        request = ua.CallMethodRequest(owner, self.node_id(f"{twin}/{name}" if twin else name), list(arguments))
        (answer,) = await self.client.uaclient.call([request])
        return answer

    async def start_worker(self) -> None:
        """Have the bridge start an analytics worker, as any call does."""
        null, zero = ua.Variant(), ua.Variant(0.0, ua.VariantType.Double)
        names = ua.Variant(["Speed"], ua.VariantType.String, is_array=True)
        features = ua.Variant("mean", ua.VariantType.String)
        arguments = (names, null, null, zero, zero, features)
        await self.results(await self.call("PrimaryLoop/Pump1/Analytics/ExtractFeatures", *arguments))

    async def results(self, answer: ua.CallMethodResult, within_s: float = 60.0) -> list[object]:
        """What an analytics method gives in the end: its outputs without the JobId, from its job if it became one."""
        *outputs, job = (variant.Value for variant in answer.OutputArguments)
        if job.is_null():
            return outputs
        end = time.monotonic() + within_s
        node = self.client.get_node(job)
        path = job.Identifier
        while await self.value(f"/{path}/CurrentState.Number") != HALTED:
            assert time.monotonic() < end, f"{path} does not end"
            await asyncio.sleep(0.1)
        assert await self.value(f"/{path}/Status") == ua.StatusCode(0), await self.value(f"/{path}/Reason")
        result = await node.get_child([f"{(await node.read_browse_name()).NamespaceIndex - 1}:Result"])
        return [await one.read_value() for one in await result.get_children()]


@asynccontextmanager
async def seat(
    endpoint: str, user: str | None = None, password: str = PASSWORD, timeout_s: float = 10.0
) -> AsyncIterator[Seat]:
    """A connected client; anonymous without a user."""
    client = Client(endpoint, timeout=timeout_s)
    if user is not None:
        client.set_user(user)
        client.set_password(password)
    async with client:
        yield Seat(client, await client.get_namespace_index(PLANT_NAMESPACE))
