"""Runs analytics functions in processes of their own: the server never computes and never loads their libraries."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from analytics.errors import (
    ArgumentError,
    FunctionFailed,
    NotAvailable,
    WorkerDied,
    WorkerOutOfMemory,
    WorkerTimeout,
)
from analytics.frames import receive, send
from analytics.lanes import Lanes

_log = logging.getLogger(__name__)
ENVIRONMENT: Final = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
) | {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(64 << 20)}
"""Of a worker: one thread, and memory of arrays that is used again rather than given back and asked for each time,
which halves the time of small ones (glibc, mallopt(3))."""
_COMMAND: Final = (sys.executable, "-W", "ignore", "-m", "analytics.worker_process")
_START_S: Final = 30.0
Keywords = Callable[[], Awaitable[Mapping[str, Any]]]
_OUT_OF_CPU: Final = -int(getattr(signal, "SIGXCPU", 24))


class Worker:
    """A pool of worker processes. Build, `run` any number of times, `stop`.

    A process starts when there is work and none is free, up to `count`, and ends after idle_s without work, which gives
    its memory back. memory_mb: most memory of each. cpu_s: most processor time of one call. command: what is started,
    with memory_mb and cpu_s added as its arguments.
    """

    def __init__(
        self,
        count: int = 2,
        memory_mb: int = 2000,
        cpu_s: float = 3600.0,
        idle_s: float = 300.0,
        command: Sequence[str] = _COMMAND,
    ) -> None:
        self.started = 0
        """Processes started so far."""
        self._command = (*command, str(memory_mb), str(cpu_s))
        self._idle_s = idle_s
        self._lanes = Lanes(count)
        self._idle: dict[bool, list[tuple[Process, asyncio.TimerHandle]]] = {False: [], True: []}
        self._up: dict[Process, asyncio.Task[None]] = {}

    @property
    def processes(self) -> Sequence[int]:
        """The ids of those that are up."""
        return [process.pid for process in self._up]

    async def run(
        self,
        function_name: str,
        keywords: Keywords,
        timeout_s: float,
        *,
        owner: str = "",
        long: bool = False,
        progress: Callable[[float], None] = lambda fraction: None,
    ) -> Any:
        """The result of a function of `analytics.jobs`.

        keywords: what it is called with, asked for when it is its turn, so that what waits holds no data. timeout_s
        covers waiting for a free worker too. owner: callers wait in turn, not one behind all of another's calls. long:
        leave one process to short calls. progress: called with what the function tells.

        Raises ArgumentError, NotAvailable, FunctionFailed, WorkerOutOfMemory; WorkerTimeout and
        WorkerDied (at once, not at the time-out). Cancelling it, or a time-out, ends the process.
        """
        try:
            async with asyncio.timeout(timeout_s), self._lanes.turn(owner, long):
                answer = await self._ask(function_name, await keywords(), long, progress)
        except TimeoutError as error:
            raise WorkerTimeout(f"{function_name} did not end within {timeout_s:g} s") from error
        return _result(answer)

    async def stop(self) -> None:
        """End all processes; a call that is running gets WorkerDied."""
        for process in self._up:
            _kill(process)
        await asyncio.gather(*self._up.values(), return_exceptions=True)

    async def _ask(self, name: str, keywords: Mapping[str, Any], long: bool, progress: Callable[[float], None]) -> Any:
        process = self._take(long) or await self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            await send(process.stdin, (name, dict(keywords), long))
            while (answer := _message(await receive(process.stdout)))[0] == "progress":
                progress(answer[1])
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            await process.wait()
            if process.returncode == _OUT_OF_CPU:
                raise WorkerTimeout(f"{name} used all the processor time that a call may use") from error
            raise WorkerDied(f"the worker process died while it ran {name}") from error
        except BaseException:
            _kill(process)  # what it is busy with cannot be stopped otherwise
            raise
        ends = asyncio.get_running_loop().call_later(self._idle_s, _kill, process)
        self._idle[long].append((process, ends))
        return answer

    def _take(self, long: bool) -> Process | None:
        """The idle process used last, so that the others age; one that has done long work gives way to everybody for
        good, and gets no other."""
        while self._idle[long]:
            process, ends = self._idle[long].pop()
            ends.cancel()
            if process.returncode is None:
                return process
        return None

    async def _start(self) -> Process:
        """A new process, once it is ready. Raises WorkerDied."""
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env={**os.environ, **ENVIRONMENT},
            start_new_session=True,  # Ctrl-C is for the bridge, which ends it in turn
        )
        self.started += 1
        self._up[process] = asyncio.create_task(self._attend(process))
        try:
            assert process.stdout is not None
            async with asyncio.timeout(_START_S):
                await receive(process.stdout)
        except (asyncio.IncompleteReadError, TimeoutError) as error:
            _kill(process)
            raise WorkerDied("a worker process cannot start; the log has what it said") from error
        except BaseException:
            _kill(process)
            raise
        return process

    async def _attend(self, process: Process) -> None:
        """Log what it says until it ends, so that the pipe never fills; then close what is left of it."""
        assert process.stderr is not None
        while said := await process.stderr.read(1 << 16):
            _log.warning("analytics worker: %s", said.decode(errors="replace").rstrip())
        await process.wait()
        self._up.pop(process, None)
        for idle in self._idle.values():
            for one in [one for one in idle if one[0] is process]:
                one[1].cancel()
                idle.remove(one)
        if process.stdin is not None:
            process.stdin.close()
            with contextlib.suppress(ConnectionError):
                await process.stdin.wait_closed()


def _message(received: Any) -> tuple[Any, ...]:
    assert isinstance(received, tuple)
    return received


def _result(answer: tuple[Any, ...]) -> Any:
    match answer:
        case ("result", value):
            return value
        case ("argument", index, status, message):
            raise ArgumentError(index, status, message)
        case ("unavailable", text):
            raise NotAvailable(text)
        case ("memory", text):
            raise WorkerOutOfMemory(text)
        case (_, text):
            raise FunctionFailed(text)


def _kill(process: Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
