"""What the terminal shows while the bridge runs: where it is, who may log in, what to try, and a live line."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

from rich.console import Console
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from server.app import Figures
from server.config.plant import Plant
from server.demo.launcher import Ports
from server.services.options import POLICY_NONE, UaServerOptions

_LINE_EVERY_S: Final = 1.0
_PLAIN_EVERY_S: Final = 10.0
"""How often a line is printed where the output is no terminal."""
_WIDEST: Final = 100
_CONNECT: Final = "Connect UaExpert, or any OPC UA client, to the endpoint: security None, anonymous"
_CONNECT_SECURELY: Final = (
    "Connect UaExpert, or any OPC UA client, to the endpoint: Basic256Sha256. The first try is refused; move the "
    "client's certificate from rejected/certs to trusted/certs and try again"
)
_TRY: Final = (
    "Browse Objects > Twins > Cooling, down to Pump1 under PrimaryLoop, and drag its Telemetry into the data view",
    "Log in as operator and write 2100 to Pump1 > Commands > SpeedSetpoint: Speed, Flow and Power follow in seconds",
    "Write 9999 to it: BadOutOfRange. Write to it as viewer or anonymous: BadUserAccessDenied",
    "Call Pump1 > Analytics > ExtractFeatures with nothing filled in: features of the last minutes",
    "Call Cooling > Commands > Inject with 8: the CoAP station dies, its tags turn Uncertain. ClearFaults revives it",
)


class Screen:
    """For one run. passwords and ports: of the demo, where it is one."""

    def __init__(
        self,
        plant: Plant,
        options: UaServerOptions,
        passwords: Mapping[str, str] | None = None,
        ports: Ports | None = None,
    ) -> None:
        self._plant = plant
        self._options = options
        self._passwords = passwords or {}
        self._ports = ports
        self._console = Console(highlight=False)
        self._started = asyncio.Event()

    def show_start(self, endpoint: str) -> None:
        """Called once clients can connect."""
        table = Table.grid(padding=(0, 2))
        table.add_row("endpoint", Text(_reachable(endpoint), style="bold", overflow="fold"))
        if POLICY_NONE not in self._options.policies:
            table.add_row("", "signed or encrypted connections only")
        twins = sum(1 for _ in self._plant.walk())
        tags = sum(len(connection.tags) for connection in self._plant.connections.values())
        table.add_row("plant", f"{self._plant.name}: {_count(twins, 'twin')}, {_count(tags, 'tag')}")
        if self._ports is not None:
            ports = self._ports
            table.add_row("devices", f"Modbus TCP {ports.modbus}, MQTT {ports.mqtt}, CoAP {ports.coap} on 127.0.0.1")
        table.add_row("pki", Text(str(self._options.pki_dir.absolute()), overflow="fold"))
        table.add_row("users", self._users())
        if self._ports is not None:
            table.add_row("try", self._hints())
        width = min(self._console.width, _WIDEST)
        self._console.print(Panel(table, title="uatwin", title_align="left", expand=False, width=None), width=width)
        self._console.print("Ctrl-C stops.")
        self._started.set()

    async def watch(self, figures: Callable[[], Figures]) -> None:
        """Show the live line until cancelled."""
        await self._started.wait()
        if not self._console.is_terminal:
            while True:
                await self._line(figures, _PLAIN_EVERY_S, self._console.print)
        with _live(self._console) as live:
            while True:
                await self._line(figures, _LINE_EVERY_S, lambda text: live.update(text, refresh=True))

    def _users(self) -> Table | str:
        if not self._passwords:
            return str(self._options.users_file or "nobody can log in or write: the plant file names no users_file")
        table = Table.grid(padding=(0, 2))
        for name, password in self._passwords.items():
            table.add_row(name, Text(password, style="bold"), "reads" if name == "viewer" else "reads and writes")
        return table

    def _hints(self) -> Table:
        table = Table.grid(padding=(0, 1))
        first = _CONNECT if POLICY_NONE in self._options.policies else _CONNECT_SECURELY
        for number, line in enumerate((first, *_TRY), 1):
            table.add_row(str(number), line)
        return table

    async def _line(self, figures: Callable[[], Figures], every_s: float, show: Callable[[Text], object]) -> None:
        before, since = figures().readings, time.monotonic()
        await asyncio.sleep(every_s)
        now = figures()
        show(line_of(now, (now.readings - before) / (time.monotonic() - since)))


def line_of(now: Figures, rate: float) -> Text:
    """The live line. rate: readings per second. An alarm is a connection with tags that are not Good."""
    line = Text(f"{rate:,.0f} readings/s   {_count(now.clients, 'client')}   ", no_wrap=True, overflow="ellipsis")
    if now.not_good:
        alarms = f"{_count(len(now.troubled), 'alarm')}: {', '.join(now.troubled)}"
        return line.append(f"{alarms}, {now.not_good} of {now.tags} tags not Good", style="bold red")
    return line.append(f"no alarms, all {now.tags} tags Good", style="green")


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' if number != 1 else ''}"


def _reachable(endpoint: str) -> str:
    """The endpoint as a client can enter it: all addresses are reached by this computer's name."""
    host = urlsplit(endpoint).hostname or ""
    return endpoint.replace(host, socket.gethostname(), 1) if host in ("0.0.0.0", "::") else endpoint


@contextmanager
def _live(console: Console) -> Iterator[Live]:
    """A line that stays at the bottom of the terminal, with what is logged there above it."""
    on_terminal = [
        handler
        for handler in logging.getLogger().handlers
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stderr and sys.stderr.isatty()
    ]
    before = sys.stderr
    with Live(console=console, auto_refresh=False, transient=True, redirect_stderr=bool(on_terminal)) as live:
        for handler in on_terminal:
            handler.setStream(sys.stderr)
        try:
            yield live
        finally:
            for handler in on_terminal:
                handler.setStream(before)
