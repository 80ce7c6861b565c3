"""What a user sees: the start screen and the live line in a terminal, and what it suggests to try."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from asyncua import ua

from tests.simulators.demo_run import ANY_PORTS, COMMAND, FREE_ENDPOINT, PASSWORD, seat

_CONTROL: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
Kind = ua.VariantType


class Terminal:
    """A terminal of some columns in which a command runs, and all it has shown so far."""

    def __init__(self, columns: int, *command: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "UATWIN_DEMO_PASSWORD": PASSWORD}
        environment.pop("COLUMNS", None)
        self._raw = b""
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @property
    def lines(self) -> list[str]:
        """What was written, line by line, without colours; each state of a line that is written again is one."""
        text = _CONTROL.sub("", self._raw.decode(errors="replace"))
        return [line.rstrip() for line in re.split(r"[\r\n]+", text)]

    async def until(self, pattern: str, within_s: float = 40.0) -> re.Match[str]:
        """Wait until a line shows that."""
        async with asyncio.timeout(within_s):
            while True:
                for line in self.lines:
                    if found := re.search(pattern, line):
                        return found
                await asyncio.sleep(0.05)

    def press_ctrl_c(self) -> int:
        """The exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(10)

    def close(self) -> None:
        """End what runs."""
        if self.process.poll() is None:
            self.press_ctrl_c()
        self._reader.join()
        os.close(self._master)

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # the other end is closed
            while data := os.read(self._master, 1 << 16):
                self._raw += data


@contextmanager
def _terminal(columns: int, folder: Path) -> Iterator[Terminal]:
    terminal = Terminal(columns, *COMMAND, "demo", *FREE_ENDPOINT, *ANY_PORTS, "--pki", str(folder / "pki"))
    try:
        yield terminal
    finally:
        terminal.close()


def _check_layout(terminal: Terminal, columns: int) -> None:
    lines = terminal.lines
    assert max(map(len, lines)) <= columns
    shown = "\n".join(lines)
    for word in ("endpoint", "plant", "devices", "pki", "viewer", "operator", "engineer", "admin", "Ctrl-C stops."):
        assert word in shown
    assert len([line for line in lines if "╮" in line or "╯" in line]) == 2


async def test_the_screen_fits_80_columns_and_its_line_lives(tmp_path: Path) -> None:
    with _terminal(80, tmp_path) as terminal:
        await terminal.until(r"\d+ readings/s   0 clients   no alarms, all 150 tags Good")
        _check_layout(terminal, 80)
        async with seat((await terminal.until(r"opc\.tcp://\S+"))[0]):
            await terminal.until(r"1 client  ")
        assert terminal.press_ctrl_c() == 0


async def test_what_it_suggests_to_try_works_word_by_word(tmp_path: Path) -> None:
    with _terminal(120, tmp_path) as terminal:
        endpoint = (await terminal.until(r"opc\.tcp://\S+"))[0]
        await terminal.until("Ctrl-C stops.")
        _check_layout(terminal, 120)
        panel = [line.strip("│ ") for line in terminal.lines if line.startswith("│")]
        told = " ".join(" ".join(panel).split())
        assert "security None, anonymous" in told
        async with seat(endpoint) as client:
            await client.until_all_good()
            assert "Browse Objects > Twins > Cooling, down to Pump1 under PrimaryLoop" in told
            node = client.client.nodes.objects
            for name in ("Twins", "Cooling", "PrimaryLoop", "Pump1", "Telemetry"):
                (node,) = [one for one in await node.get_children() if (await one.read_browse_name()).Name == name]
            assert len(await node.get_children()) == 9
            assert "Write to it as viewer or anonymous: BadUserAccessDenied" in told
            assert await client.write("PrimaryLoop/Pump1/SpeedSetpoint", 2100.0) == "BadUserAccessDenied"
            assert "ExtractFeatures with nothing filled in" in told
        async with seat(endpoint, "operator") as client:
            assert "Log in as operator and write 2100 to Pump1 > Commands > SpeedSetpoint" in told
            assert await client.write("PrimaryLoop/Pump1/SpeedSetpoint", 2100.0) == "Good"
            assert "Write 9999 to it: BadOutOfRange" in told
            assert await client.write("PrimaryLoop/Pump1/SpeedSetpoint", 9999.0) == "BadOutOfRange"
            assert "Call Cooling > Commands > Inject with 8: the CoAP station dies" in told
            assert (await client.call("Commands/Inject", ua.Variant(8, Kind.UInt16))).StatusCode.name == "Good"
            await terminal.until(r"1 alarm: station, 14 of 150 tags not Good")
            assert (await client.status("OutdoorTemperature")).startswith("Uncertain")
            assert "ClearFaults revives it" in told
            assert (await client.call("Commands/ClearFaults")).StatusCode.name == "Good"
            await client.until_all_good()
