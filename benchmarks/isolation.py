"""Reads and notifications of a bridge while a worker computes Comprehensive features, against the same at rest."""

from __future__ import annotations

import asyncio
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import Final

from asyncua import ua

from benchmarks.bridge import bridge
from benchmarks.lean_client import LeanClient
from benchmarks.plants import machines
from benchmarks.processes import Result, ask, port_of, running

_MACHINE: Final = "Hall/Machine1"
_TAGS: Final = "ns=3;s=Hall/Machine1/Sensor{n}"
_ITEMS: Final = 100
_FIRST_S: Final = 15.0
"""Until there is something to compute from."""
_PERIOD_S: Final = 0.103
"""Of the polls. No multiple of the publishing interval of 10 ms: with one, a run keeps the same wait between poll and
publish from its start to its end, and its figure says more about that wait (2 to 11 ms) than about the worker."""


async def run(machine_count: int = 10, rounds: int = 6, phase_s: float = 16.0) -> AsyncIterator[Result]:
    """Phases at rest and at work take turns, so that what else the computer does troubles both alike. ratio: p99 at
    work over p99 at rest, medians of the phases; the worse of reads and notifications."""
    async with AsyncExitStack() as stack:
        port = await port_of(await stack.enter_async_context(running("tests.simulators.modbus_device")))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="uatwin-bench-")))
        last = machines(folder / "plant.yaml", 100 * machine_count, port, rate_s=_PERIOD_S)
        served = await stack.enter_async_context(bridge("run", folder / "plant.yaml"))
        await asyncio.to_thread(served.wait_for, last)
        clients = {
            kind: await stack.enter_async_context(running("benchmarks.latency_client", kind, served.url, _TAGS, _ITEMS))
            for kind in ("read", "notify")
        }
        await asyncio.sleep(_FIRST_S)
        seen: dict[bool, list[dict[str, Result]]] = {False: [], True: []}
        busy_cpu = 0.0
        for _ in range(rounds):
            for at_work in (False, True):
                job = await asyncio.to_thread(_begin, served.url) if at_work else ""
                await asyncio.sleep(2.0)
                before = served.worker_cpu_s()
                seen[at_work].append(await _phase(clients, phase_s))
                busy_cpu += (served.worker_cpu_s() - before) * at_work
                if at_work:
                    await asyncio.to_thread(_end, served.url, job)
        yield _result(seen, busy_cpu / (rounds * phase_s))


async def _phase(clients: dict[str, Process], seconds: float) -> dict[str, Result]:
    for client in clients.values():
        await ask(client)
    await asyncio.sleep(seconds)
    return {kind: await ask(client) for kind, client in clients.items()}


def _result(seen: dict[bool, list[dict[str, Result]]], worker_share: float) -> Result:
    told: Result = {}
    ratios = {}
    for kind in ("read", "notify"):
        rest, work = ([one[kind]["p99_ms"] for one in seen[at_work]] for at_work in (False, True))
        ratios[kind] = median(work) / median(rest)
        told |= {
            f"{kind}_ratio": round(ratios[kind], 2),
            f"{kind}_rest_p99_ms": round(median(rest), 2),
            f"{kind}_work_p99_ms": round(median(work), 2),
        }
    worked = worker_share > 0.3
    return {"ratio": round(max(ratios.values()), 2), **told, "worker_share": round(worker_share, 2), "good": worked}


def _begin(url: str) -> str:
    """Call for Comprehensive features in many windows; the path of the job."""
    with LeanClient(url) as client:
        client.log_in()
        arguments = [
            ua.Variant([], ua.VariantType.String, is_array=True),
            ua.Variant(),
            ua.Variant(),
            ua.Variant(5.0, ua.VariantType.Double),
            ua.Variant(1.0, ua.VariantType.Double),
            ua.Variant("Comprehensive", ua.VariantType.String),
        ]
        (answer,) = client.call(_call(f"{_MACHINE}/Analytics", f"{_MACHINE}/ExtractFeatures", arguments)).Results
        answer.StatusCode.check()
        return str(answer.OutputArguments[-1].Value.Identifier)


def _end(url: str, job: str) -> None:
    with LeanClient(url) as client:
        client.log_in()
        client.call(_call(job, f"{job}/Halt", []))


def _call(owner: str, method: str, arguments: list[ua.Variant]) -> ua.CallRequest:
    request = ua.CallRequest()
    request.Parameters.MethodsToCall = [ua.CallMethodRequest(_node(owner), _node(method), arguments)]
    return request


def _node(path: str) -> ua.NodeId:
    return ua.NodeId.from_string(f"ns=3;s={path}")
