"""Starts what a benchmark measures as processes of their own, and talks to them by lines of JSON."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
_END_S: Final = 10.0
Result = dict[str, Any]


class ProcessEnded(RuntimeError):
    """A process of a benchmark ended early; what it said stands above."""


@asynccontextmanager
async def running(module: str, *arguments: object, quiet: bool = False) -> AsyncIterator[Process]:
    """`python -m module arguments` in the checkout; it is told to end by closing its stdin, then by force."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *map(str, arguments), stdin=PIPE, stdout=PIPE, cwd=ROOT,
        stderr=asyncio.subprocess.DEVNULL if quiet else None,
    )  # fmt: skip
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(_END_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def line(process: Process) -> Result:
    """The next line it prints, as JSON. Raises ProcessEnded."""
    assert process.stdout is not None
    said = await process.stdout.readline()
    if not said:
        raise ProcessEnded("a process of the benchmark ended early; its message stands above")
    result: Result = json.loads(said)
    return result


async def port_of(process: Process) -> int:
    """The port that a simulated device prints when it listens."""
    assert process.stdout is not None
    return int(await process.stdout.readline())


async def ask(process: Process) -> Result:
    """The line with which a process answers an empty one."""
    assert process.stdin is not None
    process.stdin.write(b"\n")
    await process.stdin.drain()
    return await line(process)


async def until(condition: Callable[[], object], within_s: float = 300.0) -> None:
    """Wait until a condition holds; raises ProcessEnded when it does not come to that."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise ProcessEnded(f"the benchmark did not end within {within_s:g} s")
        await asyncio.sleep(0.01)


def free_port() -> int:
    """A TCP port of this computer that nothing uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
