"""The worker's own side: runs one job after the other until its stdin closes.

`python -m analytics.worker_process MEMORY_MB CPU_S`, started by `analytics.worker` only. Heavy libraries are loaded by
the first job that needs them.
"""

from __future__ import annotations

import inspect
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Final

from analytics.errors import ArgumentError, NotAvailable
from analytics.frames import receive_now, send_now
from analytics.jobs import JOBS

_NICENESS: Final = 10
_PROGRESS_S: Final = 0.2
logger = logging.getLogger("analytics.worker")


def serve(
    requests: BinaryIO, responses: BinaryIO, jobs: Mapping[str, Callable[..., Any]], cpu_s: float = float("inf")
) -> None:
    """Say ("ready",), then answer each (name, keywords, long) with any number of ("progress", fraction) and one of
    ("result", value), ("argument", index, status, message), ("unavailable", text), ("memory", text), ("failed", text).
    Returns when the other end closes. cpu_s: a job that uses more processor time ends the process."""
    send_now(responses, ("ready",))
    while True:
        try:
            request: Any = receive_now(requests)
        except EOFError:
            return
        name, keywords, long = request
        _limit_cpu(cpu_s)
        if long:
            _stand_back()
        job = jobs[name]
        if "progress" in inspect.signature(job).parameters:
            keywords["progress"] = _Progress(responses)
        send_now(responses, _answer(name, job, keywords))


class _Progress:
    """Passes on how far a job is, not more often than somebody would look."""

    def __init__(self, responses: BinaryIO) -> None:
        self._responses = responses
        self._next = 0.0

    def __call__(self, fraction: float) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _PROGRESS_S
            send_now(self._responses, ("progress", min(max(float(fraction), 0.0), 1.0)))


def _answer(name: str, job: Callable[..., Any], keywords: Mapping[str, Any]) -> tuple[Any, ...]:
    try:
        return ("result", job(**keywords))
    except ArgumentError as error:
        return ("argument", error.index, error.status, error.message)
    except NotAvailable as error:
        return ("unavailable", str(error))
    except MemoryError:
        return ("memory", f"{name} needs more memory than a worker has")
    except Exception as error:  # whatever a job does wrong must reach its caller, and not cost the worker
        logger.exception("%s failed", name)
        return ("failed", f"{name} failed: {type(error).__name__}: {error}")


def _limit_cpu(cpu_s: float) -> None:
    if sys.platform != "win32" and cpu_s < float("inf"):
        import resource

        soft = int(time.process_time() + cpu_s) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _stand_back() -> None:
    """From now on take only what nobody else wants, so that whoever wakes up has the core at once. For good: without
    privileges there is no way back."""
    if sys.platform == "linux" and os.sched_getscheduler(0) != os.SCHED_IDLE:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def _humble(memory_mb: int) -> None:
    """Give way to the bridge, and never take the memory it needs."""
    if sys.platform != "win32":
        import resource

        os.nice(_NICENESS)
        resource.setrlimit(resource.RLIMIT_DATA, (memory_mb << 20, memory_mb << 20))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Standard output is the channel; whatever else is printed goes to standard error."""
    _humble(int(sys.argv[1]))
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("tsfresh").setLevel(logging.ERROR)  # it tells at each call which optional library it has not
    responses = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, responses, JOBS, float(sys.argv[2]))


if __name__ == "__main__":
    main()
