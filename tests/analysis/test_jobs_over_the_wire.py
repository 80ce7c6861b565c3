"""Jobs as an OPC UA client sees them: a Program with Progress, Result and an end that can be asked for (Part 10)."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
from asyncua import Client, ua

from tests.analysis.conftest import Hall, client_of, course, hall, no_time, text, texts
from tests.simulators.stopwatch import Stopwatch

READY, RUNNING, HALTED = 12, 13, 11
"""StateNumbers of ProgramStateMachineType (Part 10, 5.2.3)."""


def features(names: str, window: float = 0.0) -> tuple[ua.Variant, ...]:
    """The arguments of ExtractFeatures."""
    number = ua.VariantType.Double
    return texts(), no_time(), no_time(), ua.Variant(window, number), ua.Variant(0.0, number), text(names)


async def start(plant: Hall, names: str = "Comprehensive", window: float = 30.0) -> str:
    """The path of a job that takes long."""
    watch = Stopwatch()
    answer = await plant.call("Pump/ExtractFeatures", *features(names, window))
    assert watch.seconds < 1.0
    outputs = [one.Value for one in answer.OutputArguments]
    assert outputs[-5] is False, "not valid yet"
    assert "longer than a call may" in outputs[-4]
    assert outputs[-1].Identifier.startswith("Pump/Jobs/ExtractFeatures-")
    return str(outputs[-1].Identifier)


async def test_a_long_call_becomes_a_program_that_can_be_cancelled_within_a_second(folder: Path) -> None:
    """Part 10, 5.2.2: CurrentState and LastTransition of a ProgramStateMachineType; Halt ends it from Running."""
    async with hall(folder) as plant:
        plant.remember(course(1800))
        events = await Heard.on(plant.client, plant.node_id("Pump"))
        job = await start(plant)
        assert await plant.children("Pump/Jobs") == [job.rpartition("/")[2]]
        kind = await plant.client.get_node(plant.node_id(job)).read_type_definition()
        supertype = await plant.client.get_node(kind).get_parent()
        assert supertype is not None
        assert supertype.nodeid == ua.NodeId(ua.ObjectIds.ProgramStateMachineType)
        await plant.until(lambda: plant.value(f"{job}/CurrentState.Number"), RUNNING)
        assert await plant.value(f"{job}/LastTransition.Number") == 2
        assert await plant.value(f"{job}.AutoDelete") is True
        assert await plant.value(f"{job}/CalledBy") == "engineer"
        assert await plant.value(f"{job}/Result/Valid") is False
        async with client_of(plant.bridge, "viewer") as other:
            request = ua.CallMethodRequest(plant.node_id(job), plant.node_id(f"{job}/Cancel"), [])
            assert (await other.uaclient.call([request]))[0].StatusCode.name == "BadUserAccessDenied"
        watch = Stopwatch()
        request = ua.CallMethodRequest(plant.node_id(job), ua.NodeId(ua.ObjectIds.ProgramStateMachineType_Halt), [])
        assert (await plant.client.uaclient.call([request]))[0].StatusCode.is_good()
        assert watch.seconds < 1.0
        assert await plant.state(job) == "Halted"
        assert (await plant.value(f"{job}/Status")).name == "BadRequestCancelledByClient"
        assert (await plant.client.uaclient.call([request]))[0].StatusCode.name == "BadInvalidState"
        await plant.until(_processes(plant), 0)
        await plant.until(events.transitions, ["RunningToHalted"])
        await events.stop()


async def test_results_of_a_job_stay_readable_and_short_calls_go_on_beside_it(folder: Path) -> None:
    async with hall(folder) as plant:
        plant.remember(course(120))
        job = await start(plant, "Minimal", 60.0)
        assert (await plant.results("Pump/ExtractFeatures", *features("mean")))["Valid"]
        await plant.until(lambda: plant.state(job), "Halted")
        assert await plant.value(f"{job}/Progress") == 100.0
        assert (await plant.value(f"{job}/Status")).is_good()
        names = await plant.value(f"{job}/Result/Names")
        assert "Bearing/Vibration__root_mean_square" in names
        assert len(await plant.value(f"{job}/Result/Values")) == len(names) * len(
            await plant.value(f"{job}/Result/Times")
        )
        assert await plant.value(f"{job}/Result/Valid") is True


async def test_a_worker_that_dies_is_told_at_once_and_the_next_call_works(folder: Path) -> None:
    async with hall(folder) as plant:
        plant.remember(course(1800))
        job = await start(plant)
        await plant.until(_processes(plant), 1)
        (pid,) = plant.bridge.worker.processes
        await plant.until(_is_busy(pid), True)
        watch = Stopwatch()
        os.kill(pid, signal.SIGKILL)
        await plant.until(lambda: plant.state(job), "Halted")
        assert watch.seconds < 2.0
        assert (await plant.value(f"{job}/Status")).name == "BadResourceUnavailable"
        assert "died" in await plant.value(f"{job}/Reason")
        assert (await plant.results("Pump/ExtractFeatures", *features("mean")))["Valid"]


async def test_no_caller_gets_more_than_ten_jobs_and_they_end_with_the_bridge(folder: Path) -> None:
    async with hall(folder) as plant:
        plant.remember(course(600))
        jobs = [await start(plant) for _ in range(10)]
        answer = await plant.call("Pump/ExtractFeatures", *features("Minimal"))
        assert answer.StatusCode.name == "BadTooManyOperations"
        states = [await plant.state(job) for job in jobs]
        assert states.count("Ready") >= 8, "at most one long call at a time is at work"
        async with client_of(plant.bridge, "operator") as other:
            quick = await Hall(plant.bridge, other).results("Pump/ExtractFeatures", *features("mean"))
            assert quick["Valid"], "others are served beside them"


def _processes(plant: Hall) -> Callable[[], Awaitable[int]]:
    async def number() -> int:
        return len(plant.bridge.worker.processes)

    return number


def _is_busy(pid: int) -> Callable[[], Awaitable[bool]]:
    """Whether it has loaded tsfresh, which the job asks for: it takes more memory than an idle one."""

    async def busy() -> bool:
        return psutil.Process(pid).memory_info().rss > 80 << 20

    return busy


class Heard:
    """The transitions of jobs that a subscriber of a twin hears."""

    def __init__(self) -> None:
        self._names: list[str] = []

    @classmethod
    async def on(cls, client: Client, node_id: ua.NodeId) -> Heard:
        """Listen."""
        heard = cls()
        heard._subscription = await client.create_subscription(50, heard)
        clause = [
            ua.SimpleAttributeOperand(ua.NodeId(ua.ObjectIds.TransitionEventType), [ua.QualifiedName("Transition")], 13)
        ]
        wanted = ua.EventFilter(SelectClauses=clause)
        await heard._subscription.subscribe_events(client.get_node(node_id), evfilter=wanted)
        return heard

    _subscription: Any

    def event_notification(self, event: Any) -> None:
        """One has come."""
        self._names.append(event.Transition.Text)

    async def transitions(self) -> list[str]:
        """So far, without the first."""
        await asyncio.sleep(0)
        return [name for name in self._names if name.endswith("Halted")]

    async def stop(self) -> None:
        """Listen no more."""
        await self._subscription.delete()
