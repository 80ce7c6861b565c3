"""The worker's own side: loads the heavy libraries, then runs one job after the other until its stdin closes.

`python -m analytics.worker_process MEMORY_MB`, started by `analytics.worker` only.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from analytics.errors import ArgumentError
from analytics.frames import receive_now, send_now
from analytics.jobs import JOBS

HEAVY = ("pandas", "sklearn", "analytics.tsfresh_features")
_NICENESS = 10
logger = logging.getLogger("analytics.worker")


def serve(
    requests: BinaryIO, responses: BinaryIO, jobs: Mapping[str, Callable[..., Any]], heavy: tuple[str, ...] = HEAVY
) -> None:
    """Say ("ready", seconds it took), then answer each (name, keywords) with ("result", value), ("argument", index,
    status, message), ("memory", text) or ("failed", text). Returns when the other end closes."""
    begun = time.perf_counter()
    for name in heavy:
        importlib.import_module(name)
    send_now(responses, ("ready", time.perf_counter() - begun))
    while True:
        try:
            request: Any = receive_now(requests)
        except EOFError:
            return
        name, keywords = request
        send_now(responses, _answer(name, jobs[name], keywords))


def _answer(name: str, job: Callable[..., Any], keywords: Mapping[str, Any]) -> tuple[Any, ...]:
    try:
        return ("result", job(**keywords))
    except ArgumentError as error:
        return ("argument", error.index, error.status, error.message)
    except MemoryError:
        return ("memory", f"{name} needs more memory than a worker has")
    except Exception as error:  # whatever a job does wrong must reach its caller, and not cost the worker
        logger.exception("%s failed", name)
        return ("failed", f"{name} failed: {type(error).__name__}: {error}")


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
    serve(sys.stdin.buffer, responses, JOBS)


if __name__ == "__main__":
    main()
