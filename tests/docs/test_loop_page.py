"""The page on the loop: its commands, one after the other, on the demo's devices, and what they say."""

from __future__ import annotations

import asyncio
import shlex
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from server.cli import app
from tests.simulators.demo_past import known_demo
from tests.simulators.demo_run import PASSWORD
from tests.simulators.documents import ROOT, Shown, says, shown_commands

PAGE = ROOT / "docs/loop.md"
APPEARS_S = 45.0
"""The saving is worked out every 30 s."""


def ask(shown: Shown) -> tuple[int, str]:
    result = CliRunner().invoke(
        app, shlex.split(shown.command)[1:], env={"COLUMNS": "110", "UATWIN_PASSWORD": PASSWORD}
    )
    return result.exit_code, result.output


async def test_the_loop_is_closed_as_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    commands = shown_commands(PAGE)
    assert [one.command.split()[1] for one in commands] == [*["call"] * 5, "read"]
    async with known_demo(tmp_path):
        await until_all_are_good()
        for shown in commands:
            end = time.monotonic() + APPEARS_S
            code, said = await asyncio.to_thread(ask, shown)
            while shown.command.startswith("uatwin read") and code and time.monotonic() < end:
                await asyncio.sleep(0.5)
                code, said = await asyncio.to_thread(ask, shown)
            assert says(shown, said), f"{shown.command}\nis shown to say\n{shown.output}\nand says\n{said}"
            assert bool(code) == (": Bad" in shown.output)


async def until_all_are_good() -> None:
    """Until every device has told its setpoints."""
    end = time.monotonic() + 30.0
    while " 0  Good" not in (said := (await asyncio.to_thread(ask, Shown("uatwin read Cooling/BadTags", "")))[1]):
        assert time.monotonic() < end, said
        await asyncio.sleep(0.2)
