"""The bridge as users start it (`uatwin run`, `uatwin demo`), in a process that is measured from outside."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import psutil
from asyncua import ua

from benchmarks.lean_client import LeanClient
from benchmarks.processes import ROOT, ProcessEnded, free_port

_TRY_EVERY_S = 0.02
_MB = 2**20


@dataclass
class Bridge:
    """A running bridge. began: `time.perf_counter()` just before it was started."""

    process: Process
    url: str
    began: float = field(default_factory=time.perf_counter)

    def wait_for(self, node_id: str, timeout_s: float = 180.0) -> float:
        """Connect and read as soon as it lets us, until a node has a Good value; seconds since the start."""
        while (passed := time.perf_counter() - self.began) < timeout_s:
            if self.process.returncode is not None:
                raise ProcessEnded("the bridge ended early; its message stands above")
            try:
                with LeanClient(self.url, timeout_s=timeout_s - passed) as client:
                    client.log_in()
                    while not _is_good(client.read(node_id)[0]):
                        time.sleep(_TRY_EVERY_S)
                    return time.perf_counter() - self.began
            except ConnectionRefusedError:
                time.sleep(_TRY_EVERY_S)
        raise ProcessEnded(f"the bridge did not serve {node_id} within {timeout_s:g} s")

    def memory_mb(self) -> tuple[float, float]:
        """Resident memory of the bridge, and of its analytics worker (0 while there is none)."""
        process = psutil.Process(self.process.pid)
        children = process.children(recursive=True)
        workers = [one.memory_info().rss for one in children if "analytics.worker_process" in " ".join(one.cmdline())]
        return process.memory_info().rss / _MB, sum(workers) / _MB

    def cpu_s(self) -> float:
        """CPU seconds it has used so far."""
        return _cpu_s(psutil.Process(self.process.pid))

    def worker_cpu_s(self) -> float:
        """CPU seconds that its analytics workers have used so far."""
        return sum(_cpu_s(child) for child in psutil.Process(self.process.pid).children())


@asynccontextmanager
async def bridge(*arguments: object) -> AsyncIterator[Bridge]:
    """`uatwin arguments --endpoint ...`, ended by SIGTERM."""
    url = f"opc.tcp://127.0.0.1:{free_port()}/uatwin"
    with tempfile.TemporaryDirectory(prefix="uatwin-bench-") as pki:
        options = *map(str, arguments), "--endpoint", url, "--pki", pki
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "server", *options, stdout=DEVNULL, cwd=ROOT
        )
        try:
            yield Bridge(process, url)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _is_good(value: ua.DataValue) -> bool:
    status = value.StatusCode
    return value.Value is not None and (status is None or status.is_good())
