"""What the terminal shows while the bridge runs: where it is, who may log in, what to try, and a live line."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from server.app import Figures
from server.config.plant import Plant
from server.demo.launcher import Ports

_LINE_EVERY_S: Final = 1.0
_PLAIN_EVERY_S: Final = 10.0
"""How often a line is printed where the output is no terminal."""
_TRY: Final = (
    "Connect UaExpert (or any OPC UA client) to the endpoint, policy None, anonymous",
    "Browse Objects > Twins > Cooling and drag Telemetry variables into the data view",
    "Log in as operator and write a speed to PrimaryLoop/Pump1/SpeedSetpoint; watch Flow and Power follow",
    "Write 9999 to it: BadOutOfRange. As anonymous: BadUserAccessDenied",
    "Call PrimaryLoop/Pump1/ExtractFeatures with empty arguments",
)


class Screen:
    """For one run. passwords and ports: of the demo, where it is one."""

    def __init__(self, plant: Plant, passwords: Mapping[str, str] | None = None, ports: Ports | None = None) -> None:
        self._plant = plant
        self._passwords = passwords
        self._ports = ports
        self._console = Console(highlight=False)
        self._started = asyncio.Event()

    def show_start(self, endpoint: str) -> None:
        """Called once clients can connect."""
        table = Table.grid(padding=(0, 2))
        table.add_row("endpoint", Text(endpoint, style="bold"))
        twins = sum(1 for _ in self._plant.walk())
        table.add_row("plant", f"{self._plant.name}: {twins} twins, {len(self._plant.tags)} tags")
        if self._ports is not None:
            ports = self._ports
            table.add_row("devices", f"Modbus TCP {ports.modbus}, MQTT {ports.mqtt}, CoAP {ports.coap} on 127.0.0.1")
        for number, (name, password) in enumerate((self._passwords or {}).items()):
            table.add_row("users" if number == 0 else "", f"{name:<9} {password}")
        if self._passwords:
            for number, line in enumerate(_TRY):
                table.add_row("try" if number == 0 else "", line)
        self._console.print(Panel(table, title="uatwin", title_align="left", expand=False))
        self._console.print("Ctrl-C stops.")
        self._started.set()

    async def watch(self, figures: Callable[[], Figures]) -> None:
        """Show the live line until cancelled."""
        await self._started.wait()
        if not self._console.is_terminal:
            while True:
                await self._line(figures, _PLAIN_EVERY_S, self._console.print)
        with Live(console=self._console, auto_refresh=False, transient=True) as live:
            while True:
                await self._line(figures, _LINE_EVERY_S, lambda text: live.update(text, refresh=True))

    async def _line(self, figures: Callable[[], Figures], every_s: float, show: Callable[[str], object]) -> None:
        before, since = figures().readings, time.monotonic()
        await asyncio.sleep(every_s)
        now = figures()
        rate = (now.readings - before) / (time.monotonic() - since)
        bad = f"{now.not_good} of {now.tags} tags not Good" if now.not_good else f"all {now.tags} tags Good"
        show(f"{rate:8.1f} readings/s   {now.clients} clients   {bad}")
