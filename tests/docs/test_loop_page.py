"""The page on the loop: its commands, one after the other, on the demo's devices, and what they say."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from tests.simulators.demo_past import known_demo
from tests.simulators.documents import ROOT, says, shown_commands
from tests.simulators.terminal import ask, wait_until_all_are_good

PAGE = ROOT / "docs/loop.md"
APPEARS_S = 45.0
"""The saving is worked out every 30 s."""


async def test_the_loop_is_closed_as_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    commands = shown_commands(PAGE)
    assert [one.command.split()[1] for one in commands] == [*["call"] * 5, "read"]
    async with known_demo(tmp_path):
        await asyncio.to_thread(wait_until_all_are_good)
        for shown in commands:
            end = time.monotonic() + APPEARS_S
            code, said = await asyncio.to_thread(ask, shown)
            while shown.command.startswith("uatwin read") and code and time.monotonic() < end:
                await asyncio.sleep(0.5)
                code, said = await asyncio.to_thread(ask, shown)
            assert says(shown, said), f"{shown.command}\nis shown to say\n{shown.output}\nand says\n{said}"
            assert bool(code) == (": Bad" in shown.output)
