"""No test leaves a task behind, and no test file a thread or a process; what computes in a test takes one thread."""

from __future__ import annotations

import asyncio
import asyncio.runners
import gc
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

# As in the worker processes of the bridge: threads of OpenMP that share a processor wait for each other at every step.
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

_left_tasks: list[str] = []
_cancel_all_tasks = asyncio.runners._cancel_all_tasks  # type: ignore[attr-defined]


def _note_and_cancel(loop: asyncio.AbstractEventLoop) -> None:
    _left_tasks.extend(repr(task) for task in asyncio.all_tasks(loop) if not task.done())
    _cancel_all_tasks(loop)


asyncio.runners._cancel_all_tasks = _note_and_cancel  # type: ignore[attr-defined]


def _children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True) if _counts(child)}


def _counts(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and "resource_tracker" not in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False


def _threads() -> set[str]:
    pools = ("asyncio_", "ThreadPoolExecutor")
    return {f"{thread.name} {thread.ident}" for thread in threading.enumerate() if not thread.name.startswith(pools)}


class _Running:
    """What ran when a test file began."""

    path: Path | None = None
    threads: set[str]
    children: set[int]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note what runs before the first test of a file, and never again look for garbage in what files before it left:
    that stops all work for half a second in the end, which the bridge avoids in the same way."""
    if _Running.path != item.path:
        gc.collect()
        gc.freeze()
        _Running.path, _Running.threads, _Running.children = item.path, _threads(), _children()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Fail the test that left a task, and the last test of a file that left a thread or a process."""
    _left_tasks.clear()
    result = yield
    if _left_tasks:
        pytest.fail(f"left tasks behind: {_left_tasks}")
    if nextitem is not None and nextitem.path == item.path:
        return result
    deadline = time.monotonic() + 5.0
    while (_threads() - _Running.threads or _children() - _Running.children) and time.monotonic() < deadline:
        time.sleep(0.05)
    left = sorted(_threads() - _Running.threads) + [f"process {pid}" for pid in _children() - _Running.children]
    if left:
        pytest.fail(f"{item.path.name} left behind: {', '.join(left)}")
    return result
