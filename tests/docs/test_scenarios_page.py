"""The page on scenarios: its client and its commands run on the demo, its plant file loads, its keys are true."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from server.address_space.service_methods import SERVICE_METHODS
from server.config.diagnostics import SCENARIOS
from server.config.load import load_plant
from server.config.scenario_settings import ScenarioSettings
from tests.simulators.demo_run import COMMAND, PASSWORD, Uatwin, demo, seat
from tests.simulators.documents import ROOT, blocks

PAGE = ROOT / "docs/scenarios.md"


async def test_the_client_says_what_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole process of the demo at sixty times real time; its devices hear nothing of the command."""
    (code,), (shown,) = blocks(PAGE, "python"), blocks(PAGE, "text")
    monkeypatch.setenv("UATWIN_DEMO_PASSWORD", PASSWORD)
    with demo(tmp_path) as running:
        speed = await _speed(running)
        said, names = io.StringIO(), dict[str, Any]()
        exec(compile(code.replace("asyncio.run(main())", ""), str(PAGE), "exec"), names)
        with contextlib.redirect_stdout(said):
            await names["main"](running.endpoint)
        await asyncio.to_thread(_at_the_terminal, running.endpoint)
        assert await _speed(running) == speed
    assert said.getvalue().split() == shown.split()


def _at_the_terminal(endpoint: str) -> None:
    user = {"UATWIN_URL": endpoint, "UATWIN_USER": "operator", "UATWIN_PASSWORD": PASSWORD}
    (commands,) = blocks(PAGE, "bash")
    for line in commands.splitlines():
        arguments = [*COMMAND, *line.split()[1:]]
        done = subprocess.run(arguments, capture_output=True, text=True, env=os.environ | user, check=False, timeout=30)
        assert done.returncode == 0, (line, done.stdout, done.stderr)


async def _speed(running: Uatwin) -> object:
    async with seat(running.endpoint, "operator") as client:
        await client.until_all_good()
        return await client.value("PrimaryLoop/Pump1/SpeedSetpoint")


def test_the_plant_file_loads(tmp_path: Path) -> None:
    (text,) = blocks(PAGE, "yaml")
    (tmp_path / "plant.yaml").write_text(text)
    settings = load_plant(tmp_path / "plant.yaml").sections["scenarios"]
    assert (settings.most, settings.age_s) == (4, 1800.0)


def test_methods_and_keys_are_those_there_are() -> None:
    text = PAGE.read_text("utf-8")
    for method in SERVICE_METHODS[SCENARIOS]:
        assert f"| `{method.name}({', '.join(one.name for one in method.arguments)})` |" in text
    for key, field in ScenarioSettings.model_fields.items():
        assert f"  {key}: " in text
        assert f"({field.default:g}" in text
