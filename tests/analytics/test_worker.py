"""The worker pool: real processes, that work, fail, die and come back."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
import pytest_asyncio

from analytics.arguments import Context
from analytics.errors import ArgumentError, FunctionFailed, NotAvailable, WorkerDied, WorkerOutOfMemory, WorkerTimeout
from analytics.extract import EXTRACT_FEATURES
from analytics.series import TICKS_PER_SECOND, Series
from analytics.worker import Keywords, Worker

JOBS = """
import os, sys, time
import numpy as np
from analytics import worker_process
from analytics.errors import ArgumentError, NotAvailable

def fail(): raise ZeroDivisionError("by nothing")
def refuse(): raise ArgumentError(2, 0x803C0000, "too small")
def die(): os._exit(1)
def sleep(seconds): time.sleep(seconds)
def eat(): return np.ones(1 << 30)
def double(values): print("to stderr"); return values * 2
def about(): return os.getpid(), os.nice(0), os.environ["OMP_NUM_THREADS"]
def policy(): return os.getpid(), os.sched_getscheduler(0)
def decline(): raise NotAvailable("too few windows")
def burn():
    while True: pass
def walk(steps, progress):
    for step in range(steps):
        progress(step / steps)
        time.sleep(0.21)

jobs = (fail, refuse, die, sleep, eat, double, about, decline, burn, walk, policy)
worker_process.JOBS = {job.__name__: job for job in jobs}
worker_process.main()
"""


@pytest.fixture
def command(tmp_path: Path) -> tuple[str, ...]:
    script = tmp_path / "jobs.py"
    script.write_text(JOBS)
    return (sys.executable, str(script))


def given(**keywords: object) -> Keywords:
    """What a call brings, already there."""

    async def get() -> dict[str, object]:
        return keywords

    return get


@pytest_asyncio.fixture
async def worker(command: tuple[str, ...]) -> AsyncIterator[Worker]:
    worker = Worker(count=1, command=command, memory_mb=500)
    yield worker
    await worker.stop()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10.0):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_arrays_go_there_and_back(worker: Worker) -> None:
    values = np.arange(2_000_000.0)
    np.testing.assert_array_equal(await worker.run("double", given(values=values), 20.0), values * 2)


async def test_a_worker_is_humble(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    pid, nice, threads = await worker.run("about", given(), 20.0)
    assert pid != os.getpid()
    assert nice >= 10
    assert threads == "1"


async def test_long_work_takes_only_what_nobody_else_wants(worker: Worker) -> None:
    quick, normal = await worker.run("policy", given(), 20.0)
    long, idle = await worker.run("policy", given(), 20.0, long=True)
    assert (normal, idle) == (os.SCHED_OTHER, os.SCHED_IDLE)
    assert (await worker.run("policy", given(), 20.0))[0] == quick != long
    assert (await worker.run("policy", given(), 20.0, long=True))[0] == long


async def test_a_wrong_argument_comes_back_as_such(worker: Worker) -> None:
    with pytest.raises(ArgumentError, match="too small") as caught:
        await worker.run("refuse", given(), 20.0)
    assert (caught.value.index, caught.value.status) == (2, 0x803C0000)


async def test_a_failure_is_told_and_does_not_cost_the_worker(worker: Worker) -> None:
    with pytest.raises(FunctionFailed, match="fail failed: ZeroDivisionError: by nothing"):
        await worker.run("fail", given(), 20.0)
    await worker.run("about", given(), 20.0)
    assert worker.started == 1


async def test_a_job_that_eats_all_memory_is_stopped(worker: Worker) -> None:
    with pytest.raises(WorkerOutOfMemory):
        await worker.run("eat", given(), 20.0)
    await worker.run("about", given(), 20.0)


async def test_the_caller_hears_at_once_that_a_worker_died_and_the_next_call_works(worker: Worker) -> None:
    with pytest.raises(WorkerDied, match="died while it ran die"):
        await worker.run("die", given(), 20.0)
    await worker.run("about", given(), 20.0)
    assert worker.started == 2


async def test_a_killed_idle_worker_is_replaced(worker: Worker) -> None:
    pid, *_ = await worker.run("about", given(), 20.0)
    os.kill(pid, signal.SIGKILL)
    await until(lambda: not worker.processes)
    assert (await worker.run("about", given(), 20.0))[0] != pid


async def test_nothing_runs_before_the_first_call_and_after_the_idle_time(command: tuple[str, ...]) -> None:
    worker = Worker(command=command, idle_s=0.1)
    assert worker.started == 0
    await worker.run("about", given(), 20.0)
    await until(lambda: not worker.processes)
    await worker.run("about", given(), 20.0)
    assert worker.started == 2
    await worker.stop()


async def test_an_honest_refusal_comes_back_as_such(worker: Worker) -> None:
    with pytest.raises(NotAvailable, match="too few windows"):
        await worker.run("decline", given(), 20.0)


async def test_progress_is_told_while_it_runs(worker: Worker) -> None:
    told: list[float] = []
    await worker.run("walk", given(steps=4), 20.0, progress=told.append)
    assert told == [0.0, 0.25, 0.5, 0.75]


async def test_a_job_that_uses_too_much_processor_time_is_ended(command: tuple[str, ...]) -> None:
    worker = Worker(command=command, cpu_s=0.5)
    await worker.run("about", given(), 20.0)
    with pytest.raises(WorkerTimeout, match="processor time"):
        await worker.run("burn", given(), 20.0)
    await worker.run("about", given(), 20.0)
    await worker.stop()


async def test_short_work_finds_a_way_beside_long_work(command: tuple[str, ...]) -> None:
    worker = Worker(count=2, command=command)
    long = [asyncio.create_task(worker.run("sleep", given(seconds=30), 60.0, long=True)) for _ in range(2)]
    await asyncio.sleep(0)
    await worker.run("about", given(), 10.0)
    assert worker.started == 2
    for one in long:
        one.cancel()
    await asyncio.wait(long)
    await worker.stop()


async def test_a_caller_with_many_calls_does_not_keep_others_waiting(worker: Worker) -> None:
    done: list[str] = []

    async def call(owner: str) -> None:
        await worker.run("about", given(), 20.0, owner=owner)
        done.append(owner)

    await asyncio.gather(*(call("busy") for _ in range(4)), call("other"))
    assert done.index("other") <= 1


async def test_a_job_that_takes_too_long_is_ended(worker: Worker) -> None:
    await worker.run("about", given(), 20.0)
    with pytest.raises(WorkerTimeout, match=r"did not end within 0\.2 s"):
        await worker.run("sleep", given(seconds=30), 0.2)
    await worker.run("about", given(), 20.0)
    assert worker.started == 2


async def test_a_cancelled_call_frees_the_worker(worker: Worker) -> None:
    await worker.run("about", given(), 20.0)
    call = asyncio.create_task(worker.run("sleep", given(seconds=30), 60.0))
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await worker.run("about", given(), 20.0)


async def test_the_event_loop_goes_on_while_a_worker_works(worker: Worker) -> None:
    await worker.run("about", given(), 20.0)
    call = asyncio.create_task(worker.run("sleep", given(seconds=0.5), 20.0))
    turns = 0
    while not call.done():
        await asyncio.sleep(0.005)
        turns += 1
    assert turns > 30


async def test_calls_wait_for_their_turn(worker: Worker) -> None:
    answers = await asyncio.gather(*(worker.run("double", given(values=np.array([n])), 20.0) for n in range(20)))
    assert [int(answer[0]) for answer in answers] == [2 * n for n in range(20)]
    assert worker.started == 1


async def test_stopping_leaves_no_process(command: tuple[str, ...]) -> None:
    worker = Worker(count=2, command=command)
    pid, *_ = await worker.run("about", given(), 20.0)
    calls = [asyncio.create_task(worker.run("sleep", given(seconds=30), 60.0)) for _ in range(2)]
    await until(lambda: worker.started == 2)
    await worker.stop()
    for call in calls:
        with pytest.raises(WorkerDied):
            await call
    assert not psutil.pid_exists(pid)
    assert not worker.processes


async def test_a_worker_that_cannot_start_is_told_at_once(tmp_path: Path) -> None:
    broken = Worker(command=(sys.executable, str(tmp_path / "nothing.py")))
    with pytest.raises(WorkerDied, match="cannot start"):
        await broken.run("about", given(), 20.0)
    await broken.stop()


async def test_the_real_worker_extracts_features_with_tsfresh() -> None:
    worker = Worker()
    ticks = np.arange(1, 31, dtype=np.int64) * TICKS_PER_SECOND
    series = {"Flow": Series(ticks, np.sin(np.arange(30.0)), np.zeros(30, np.uint32)), "Silent": Series.empty()}
    context = Context(tuple(series), int(ticks[-1]))
    answers = {}
    for features in ("Edge", "Minimal", "abs_energy,autocorrelation__lag_2,mean", "autocorrelation__lag_x", "bogus"):
        try:
            job = EXTRACT_FEATURES.plan(([], None, None, 0.0, 0.0, features), context)
            answers[features] = await worker.run(job.function, given(**job.keywords(series)), 50.0)
        except ArgumentError as error:
            answers[features] = error
    await worker.stop()
    assert answers["Edge"][3:] == answers["Minimal"][3:] == (True, "no value in that time: Silent")
    edge = dict(zip(answers["Edge"][0], answers["Edge"][2], strict=True))
    minimal = dict(zip(answers["Minimal"][0], answers["Minimal"][2], strict=True))
    shared = sorted(name for name in set(edge) & set(minimal) if name.startswith("Flow"))
    assert "Flow__root_mean_square" in shared
    np.testing.assert_allclose([edge[name] for name in shared], [minimal[name] for name in shared])
    names, _, values, *_ = answers["abs_energy,autocorrelation__lag_2,mean"]
    assert names[1] == "Flow__autocorrelation__lag_2"
    assert np.isfinite(values[:3]).all()
    assert np.isnan(values[3:]).all()
    for wrong in ("bogus", "autocorrelation__lag_x"):
        assert isinstance(answers[wrong], ArgumentError)
        assert answers[wrong].index == 5
