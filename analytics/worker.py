"""Runs analytics functions in processes of their own: the server never computes and never loads their libraries."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from typing import Any, Final

from analytics.errors import ArgumentError, FunctionFailed, WorkerDied, WorkerOutOfMemory, WorkerTimeout
from analytics.frames import receive, send

_log = logging.getLogger(__name__)
_ONE_THREAD: Final = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
_COMMAND: Final = (sys.executable, "-W", "ignore", "-m", "analytics.worker_process")
_RESTART_S: Final = 1.0
_LONGEST_RESTART_S: Final = 30.0


class Worker:
    """A pool of worker processes. Build, `start`, `run` any number of times, `stop`.

    count: processes. memory_mb: most memory of each. command: what is started, with memory_mb added as its argument.
    """

    def __init__(self, count: int = 1, memory_mb: int = 2000, command: Sequence[str] = _COMMAND) -> None:
        self.ready_s: float | None = None
        """Seconds the last start took until the worker could be used; None before the first."""
        self.started = 0
        """Processes started so far; beyond `count` they replaced one that died or was ended."""
        self._count = count
        self._command = (*command, str(memory_mb))
        self._idle: asyncio.Queue[Process] = asyncio.Queue()
        self._up: set[Process] = set()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def ready(self) -> bool:
        """Whether a process is up; it may be busy."""
        return bool(self._up)

    async def start(self) -> None:
        """Begin to start the processes; returns at once, a call before they are ready waits."""
        self._tasks = [asyncio.create_task(self._keep(number)) for number in range(self._count)]

    async def run(self, function_name: str, kwargs: Mapping[str, Any], timeout_s: float) -> Any:
        """The result of a function of `analytics.jobs`.

        timeout_s covers waiting for a free worker too. Raises ArgumentError, FunctionFailed, WorkerOutOfMemory;
        WorkerTimeout and WorkerDied (at once, not at the time-out). Cancelling it, or a time-out, ends the process,
        and another one is started.
        """
        try:
            async with asyncio.timeout(timeout_s):
                process = await self._free()
                try:
                    answer = await _ask(process, function_name, kwargs)
                except BaseException:
                    _kill(process)  # what it is busy with cannot be stopped otherwise
                    raise
        except TimeoutError as error:
            raise WorkerTimeout(f"{function_name} did not end within {timeout_s:g} s") from error
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise WorkerDied(f"the worker process died while it ran {function_name}") from error
        self._idle.put_nowait(process)
        return _result(answer)

    async def stop(self) -> None:
        """End all processes; a call that is running gets WorkerDied, one that waits its time-out."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def _free(self) -> Process:
        while True:
            process = await self._idle.get()
            if process.returncode is None:
                return process

    async def _keep(self, number: int) -> None:
        """Start one process again whenever it has ended."""
        wait_s = _RESTART_S
        while True:
            if await self._live():
                wait_s = _RESTART_S
                _log.warning("analytics worker %d ended; starting it again", number)
                continue
            _log.error("analytics worker %d cannot start; trying again in %.0f s", number, wait_s)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_RESTART_S)

    async def _live(self) -> bool:
        """One process from its start to its end; whether it ever got ready."""
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env={**os.environ, **_ONE_THREAD},
            start_new_session=True,  # Ctrl-C is for the bridge, which ends it in turn
        )
        self.started += 1
        log = asyncio.create_task(_log_errors(process))
        try:
            assert process.stdout is not None
            greeting: Any = await receive(process.stdout)
            self.ready_s = greeting[1]
            self._up.add(process)
            self._idle.put_nowait(process)
            await process.wait()
            return True
        except asyncio.IncompleteReadError:
            return False
        finally:
            self._up.discard(process)
            _kill(process)
            await process.wait()
            await log
            await _close(process)


async def _ask(process: Process, function_name: str, kwargs: Mapping[str, Any]) -> Any:
    assert process.stdin is not None
    assert process.stdout is not None
    await send(process.stdin, (function_name, dict(kwargs)))
    return await receive(process.stdout)


def _result(answer: Any) -> Any:
    match answer:
        case ("result", value):
            return value
        case ("argument", index, status, message):
            raise ArgumentError(index, status, message)
        case ("memory", text):
            raise WorkerOutOfMemory(text)
        case (_, text):
            raise FunctionFailed(text)


def _kill(process: Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()


async def _close(process: Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
        with contextlib.suppress(ConnectionError):
            await process.stdin.wait_closed()


async def _log_errors(process: Process) -> None:
    """Pass on what it says on stderr until it ends, so that the pipe never fills."""
    assert process.stderr is not None
    while said := await process.stderr.read(1 << 16):
        _log.warning("analytics worker: %s", said.decode(errors="replace").rstrip())
