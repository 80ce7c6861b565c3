"""The page on the loop: its commands, one after the other, on the demo's devices, and what they say."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from pathlib import Path

import pytest

from server.advice.saving import PERIOD_S
from server.app import Bridge
from tests.simulators.demo_past import known_demo
from tests.simulators.documents import ROOT, says, shown_commands
from tests.simulators.mqtt_broker import program
from tests.simulators.terminal import ask, wait_until_all_are_good

PAGE = ROOT / "docs/loop.md"
APPEARS_S = 15.0
"""The saving is worked out each second here."""


async def test_the_loop_is_closed_as_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    commands = shown_commands(PAGE)
    assert [one.command.split()[1] for one in commands] == [*["call"] * 5, "read"]
    assert "within half a minute the saving appears" in PAGE.read_text("utf-8")
    assert PERIOD_S <= 30.0
    async with known_demo(tmp_path) as bridge:
        await asyncio.to_thread(wait_until_all_are_good)
        for shown in commands:
            end = time.monotonic() + APPEARS_S
            code, said = await asyncio.to_thread(ask, shown)
            while shown.command.startswith("uatwin read") and code and time.monotonic() < end:
                await asyncio.sleep(0.5)
                code, said = await asyncio.to_thread(ask, shown)
            assert says(shown, said), f"{shown.command}\nis shown to say\n{shown.output}\nand says\n{said}"
            assert bool(code) == (": Bad" in shown.output)
        assert await _heard(bridge, "uns/Cooling/PowerSaved") == ["Good", "kW"]


async def _heard(bridge: Bridge, topic: str) -> list[str]:
    """Quality and unit of what a subscriber of the plant's broker hears."""
    (port,) = {of.spec.broker.port for of in bridge.plant.sections["publish"]}
    where = ("-h", "127.0.0.1", "-p", str(port), "-t", topic, "-C", "1", "-W", "20")
    process = await asyncio.create_subprocess_exec(program("mosquitto_sub"), *where, stdout=subprocess.PIPE)
    body = json.loads((await process.communicate())[0])
    return [body["quality"], body["unit"]]
