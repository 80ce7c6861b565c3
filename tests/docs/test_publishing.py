"""README and the page about publishing: their mosquitto lines, said to the demo, bring what they show."""

from __future__ import annotations

import asyncio
import re
import shlex
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulators.demo_run import Uatwin, demo
from tests.simulators.documents import ROOT, blocks

PAGES = [ROOT / "README.md", ROOT / "docs/publishing.md"]
WARM_S = 30.0
"""A demo that has just started has not judged the health of its twins."""
pytestmark = pytest.mark.skipif(shutil.which("mosquitto_sub") is None, reason="mosquitto-clients are not installed")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Uatwin]:
    with demo(tmp_path_factory.mktemp("publishing")) as process:
        yield process


def shown(page: Path) -> list[tuple[str, str]]:
    """Command and what it is shown to print."""
    (block,) = (block for block in blocks(page, "console") if "mosquitto_sub" in block)
    return re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)


def _like(claimed: str) -> re.Pattern[str]:
    """Numbers, times and what is left out differ each time."""
    pattern = re.escape(claimed.strip()).replace(r"\.\.\.", ".*?")
    pattern = re.sub(r"\d{4}\\-\d\d\\-\d\dT[\d:\\.]+Z", r"\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z", pattern)
    return re.compile(pattern.replace("1800\\.0", r"\d+(\.\d+)?"), re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
async def test_every_line_brings_what_is_shown(running: Uatwin, page: Path) -> None:
    answers = None
    for command, claimed in shown(page):
        program, *arguments = shlex.split(command.replace("11883", str(running.device_ports.mqtt)))
        if "/set" in command and program == "mosquitto_pub":
            topic = arguments[arguments.index("-t") + 1]
            where = ["-h", "127.0.0.1", "-p", str(running.device_ports.mqtt), "-t", f"{topic}/result", "-C", "1"]
            answers = await _start("mosquitto_sub", where)
            await asyncio.sleep(0.5)  # until it has subscribed, which it does not say
        of_order = answers if claimed and "/result" in command else None
        said = await _said(of_order or await _start(program, arguments))
        end = time.monotonic() + WARM_S
        while not of_order and "BadDataUnavailable" in said and time.monotonic() < end:
            await asyncio.sleep(0.5)
            said = await _said(await _start(program, arguments))
        if claimed.strip():
            assert _like(claimed).fullmatch(said), f"{command}\nsays\n{said}"


async def _said(process: asyncio.subprocess.Process) -> str:
    return (await asyncio.wait_for(process.communicate(), 30))[0].decode().strip()


async def _start(program: str, arguments: list[str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(program, *arguments, stdout=asyncio.subprocess.PIPE)
