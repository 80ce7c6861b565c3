"""Starts the demo plant in a process of its own and ends it; writes the plant file that fits its ports."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

_log = logging.getLogger(__name__)
_STOP_S = 1.2


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the three devices listen on 127.0.0.1; 0: any free port."""

    modbus: int = 5020
    mqtt: int = 11883
    coap: int = 15683


class DemoFailed(Exception):
    """The demo plant did not come up; the message is for the user."""


class DemoProcess:
    """A running demo plant. ports: where its devices listen."""

    def __init__(self, process: Process, ports: Ports) -> None:
        self.ports = ports
        self._process = process
        self._log = asyncio.create_task(_log_errors(process))

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def wait(self) -> int:
        """Returns its exit code once it has ended, whatever the reason."""
        return await self._process.wait()

    async def stop(self) -> None:
        """End it within 2 s, by force if need be; idempotent."""
        await _end(self._process)
        await self._log


async def start_demo_process(
    ports: Ports | None = None, *, speed: float = 1.0, seed: int = 1, ready_s: float = 20.0
) -> DemoProcess:
    """Start the plant and return once its devices listen.

    speed: simulated seconds per second. ready_s: how long it may take. Raises DemoFailed; then nothing is left running.
    """
    wanted = ports or Ports()
    command = ["--modbus-port", wanted.modbus, "--mqtt-port", wanted.mqtt, "--coap-port", wanted.coap]
    arguments = ["-m", "server.demo.process", *map(str, command), "--speed", str(speed), "--seed", str(seed)]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        stdin=PIPE,  # it ends when this closes, so it never outlives us
        stdout=PIPE,
        stderr=PIPE,
        start_new_session=True,  # Ctrl-C is for the bridge, which ends it in turn
    )
    try:
        return DemoProcess(process, await _ready(process, ready_s))
    except BaseException:
        await _end(process)
        raise


def write_plant_file(folder: Path, ports: Ports) -> Path:
    """The demo's plant file with these ports filled in; returns its path."""
    standard = Ports()
    real = {standard.modbus: ports.modbus, standard.mqtt: ports.mqtt, standard.coap: ports.coap}
    text = files("server.demo").joinpath("plant.yaml").read_text(encoding="utf-8")
    text = re.sub(r"\bport: (\d+)", lambda match: f"port: {real[int(match[1])]}", text)
    path = folder / "plant.yaml"
    path.write_text(text, encoding="utf-8")
    return path


async def _ready(process: Process, ready_s: float) -> Ports:
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(ready_s):
            line = await process.stdout.readline()
    except TimeoutError as error:
        raise DemoFailed(f"the demo plant was not ready within {ready_s:g} s; is this computer overloaded?") from error
    if not line:
        said = (await process.stderr.read()).decode(errors="replace").strip().splitlines()
        code = await process.wait()
        raise DemoFailed(said[-1] if said else f"the demo plant ended with exit code {code}")
    return Ports(**json.loads(line)["ports"])


async def _end(process: Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(_STOP_S):
                await process.wait()
        except TimeoutError:
            process.kill()
    await process.wait()
    if process.stdin is not None:
        process.stdin.close()
        with contextlib.suppress(ConnectionError):
            await process.stdin.wait_closed()


async def _log_errors(process: Process) -> None:
    """Pass on what it says on stderr until it ends, so that the pipe never fills."""
    assert process.stderr is not None
    while said := await process.stderr.read(1 << 16):
        _log.warning("demo plant: %s", said.decode(errors="replace").rstrip())
