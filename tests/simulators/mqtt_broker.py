"""A real MQTT broker (mosquitto) on a free port, that can be stopped, killed, frozen and started again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

_SBIN = "/usr/sbin"


def program(name: str) -> str:
    """The path of a program of mosquitto's; skips the test where it is not installed."""
    found = shutil.which(name) or shutil.which(name, path=_SBIN)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: apt-get install mosquitto mosquitto-clients)")
    return found


def free_port() -> int:
    """A TCP port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class MqttBroker:
    """mosquitto on 127.0.0.1 in a temporary folder; a context manager. users: password by name, nobody else gets in.

    acl: lines of an ACL file. tls: (ca, cert, key) files. persistent: what it keeps survives it, see `saved`.
    options: further lines of mosquitto.conf.
    """

    def __init__(
        self,
        *,
        users: Mapping[str, str] | None = None,
        acl: str = "",
        tls: tuple[str, str, str] | None = None,
        persistent: bool = False,
        options: str = "",
    ) -> None:
        self._program = program("mosquitto")
        self.port = free_port()
        self._folder = tempfile.TemporaryDirectory(prefix="mosquitto-")
        self._process: subprocess.Popen[bytes] | None = None
        self._listeners: list[asyncio.subprocess.Process] = []
        folder = Path(self._folder.name)
        lines = [f"listener {self.port} 127.0.0.1", "max_queued_messages 0", "max_inflight_messages 1000", options]
        if os.geteuid() == 0:
            lines.append("user root")
        self._saved = folder / "mosquitto.db"
        if persistent:
            lines += ["persistence true", f"persistence_location {folder}/", "autosave_interval 600"]
        if tls is not None:
            lines += [f"cafile {tls[0]}", f"certfile {tls[1]}", f"keyfile {tls[2]}"]
        if acl:
            (folder / "acl").write_text(acl)
            (folder / "acl").chmod(0o600)
            lines.append(f"acl_file {folder / 'acl'}")
        lines += self._user_lines(folder, users)
        self._config = folder / "mosquitto.conf"
        self._config.write_text("\n".join(lines) + "\n")

    def _user_lines(self, folder: Path, users: Mapping[str, str] | None) -> list[str]:
        if users is None:
            return ["allow_anonymous true"]
        path = folder / "users"
        path.touch(0o600)
        for name, password in users.items():
            subprocess.run(
                [program("mosquitto_passwd"), "-b", str(path), name, password], check=True, capture_output=True
            )
        return ["allow_anonymous false", f"password_file {path}"]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        for listener in self._listeners:
            if listener.returncode is None:  # its test failed before it closed it
                with contextlib.suppress(ProcessLookupError):
                    os.kill(listener.pid, signal.SIGKILL)
        self._folder.cleanup()

    def start(self) -> None:
        """Start, or start again on the same port; returns once it listens."""
        self._process = subprocess.Popen(
            [self._program, "-c", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self._process.poll() is not None:
                raise RuntimeError(f"mosquitto ended with exit code {self._process.returncode}")
            time.sleep(0.01)
        raise RuntimeError("mosquitto does not listen after 10 s")

    def stop(self) -> None:
        """End it as an operator would."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, without a goodbye to its clients."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Let it live and answer nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.wait(10)
        self._process = None

    async def saved(self) -> None:
        """Have what it keeps written to the disk, and wait for that."""
        assert self._process is not None
        self._saved.unlink(missing_ok=True)
        self._process.send_signal(signal.SIGUSR1)
        deadline = time.monotonic() + 10
        while not self._saved.exists():  # it appears whole: mosquitto writes another file and renames it
            assert time.monotonic() < deadline, "mosquitto did not save within 10 s"
            await asyncio.sleep(0.01)

    async def publish_lines(self, topic: str, payloads: Sequence[str]) -> None:
        """Publish many messages of one line each with QoS 1; goes on where the broker is restarted meanwhile."""
        process = await asyncio.create_subprocess_exec(
            *(program("mosquitto_pub"), "-p", str(self.port), "-t", topic, "-q", "1", "-l"), stdin=subprocess.PIPE
        )
        await process.communicate("\n".join(payloads).encode())

    async def publish(self, topic: str, payload: str | bytes, *options: str) -> None:
        """Publish with mosquitto_pub; options as on its command line ("-r", "-q", "1")."""
        data = payload.encode() if isinstance(payload, str) else payload
        process = await asyncio.create_subprocess_exec(
            program("mosquitto_pub"),
            *("-h", "127.0.0.1", "-p", str(self.port), "-t", topic, "-s" if data else "-n", *options),
            stdin=subprocess.PIPE,
        )
        await process.communicate(data)
        assert process.returncode == 0, f"mosquitto_pub ended with exit code {process.returncode}"

    async def listen(self, topic: str, *options: str) -> Listener:
        """Subscribe with mosquitto_sub; subscribed when this returns. Close the listener."""
        process = await asyncio.create_subprocess_exec(
            *(program("stdbuf"), "-oL", program("mosquitto_sub")),  # its lines at once, though they go into a pipe
            *("-h", "127.0.0.1", "-p", str(self.port), "-t", topic, "-v", "-d", *options),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        listener = Listener(process)
        self._listeners.append(process)
        await listener.line(b"Subscribed")
        return listener


class Listener:
    """A running mosquitto_sub."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def line(self, start: bytes) -> bytes:
        """The next line it writes that begins so, within 10 s."""
        assert self._process.stdout is not None
        async with asyncio.timeout(10):
            while line := await self._process.stdout.readline():
                if line.startswith(start):
                    return line.rstrip(b"\n")
        raise AssertionError(f"mosquitto_sub ended before it wrote {start!r}")

    async def payload(self, topic: str) -> bytes:
        """The payload of the next message on a topic."""
        start = topic.encode() + b" "
        return (await self.line(start))[len(start) :]

    async def close(self) -> None:
        """End it."""
        self._process.kill()
        await self._process.communicate()


_ANONYMOUS = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}


class PurePythonBroker:
    """amqtt (MQTT 3.1.1) in this process, for machines without mosquitto; an asynchronous context manager."""

    def __init__(self) -> None:
        self.port = free_port()

    async def __aenter__(self) -> Self:
        from amqtt.broker import Broker  # imported late: it takes half a second

        listener = {"default": {"type": "tcp", "bind": f"127.0.0.1:{self.port}"}}
        self._broker = Broker({"listeners": listener, "plugins": _ANONYMOUS})
        await self._broker.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._broker.shutdown()
