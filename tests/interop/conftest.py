"""node-opcua at the other end: each module runs the script of its name once, and judges what its cases saw."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from asyncua import ua

from server.alarms.machine import Happening
from server.services.events import EventDraft
from server.services.twin_events import twin_event
from tests.services.conftest import PASSWORD, Served, serve
from tests.simulators.history_client import commit
from tests.simulators.plants import ALARMS
from tests.simulators.stopwatch import queued_s

HERE = Path(__file__).parent
KEPT = ("Cooling/Loop1/Tank/EachDouble", "Cooling/Loop1/Tank/EachBoolean")
NODE = shutil.which("node")
_LONGEST_S = 50.0
_LONGEST_LINE = 2**24


@dataclass
class Plant:
    """The server, and what a script can have it do."""

    served: Served
    pki: Path

    def set(self, path: str, value: float, status: int = 0) -> None:
        self.served.set(path, float(value), status)

    def emit(self, path: str, message: str, severity: int, event_type: int = ua.ObjectIds.SystemEventType) -> None:
        draft = twin_event(self.served.space, path, ua.NodeId(event_type), message, severity)
        self.served.server.events.emit(draft.finish())

    def emit_write(self, message: str, severity: int, fields: dict[str, int]) -> None:
        """An AuditWriteUpdateEvent of the Server object."""
        kind = ua.NodeId(ua.ObjectIds.AuditWriteUpdateEventType)
        more = {name: ua.Variant(value, ua.VariantType.UInt32) for name, value in fields.items()}
        source = ua.NodeId(ua.ObjectIds.Server)
        self.served.server.events.emit(EventDraft(kind, source, "Server", message, severity, more=more).finish())

    def find(self, path: str, level: int, value: float) -> None:
        """Have a rule find these limits of an alarm violated."""
        self.served.find(path, level, value)

    def clear_alarms(self) -> None:
        """Let all alarms be as if nothing had happened to them."""
        conditions = self.served.space.conditions
        for definition in conditions.definitions:
            self.served.find(definition.path, 0)
            number = conditions.find(definition.path)
            assert number is not None
            for happening in (Happening.acknowledge, Happening.confirm, Happening.unshelve):
                event_id = conditions.event_id(definition.path, conditions.states[number])
                conditions.act(number, happening, "test", event_id=event_id)

    def keep(self, path: str, values: list[tuple[str, float, int]]) -> None:
        """Values of the past as a driver brings them: (time of the tests' day, value, StatusCode)."""
        commit(self.served, path, values)

    def cut(self) -> int:
        """Drop every connection as a broken network would."""
        channels = list(self.served.server.channels.values())
        for channel in channels:
            channel.connection.abort("was cut off by a test")
        return len(channels)

    def queued_ms(self) -> float:
        """For how long the server has waited for a processor that others had."""
        return 1000.0 * queued_s()

    def hold(self) -> None:
        """Commands wait from now on."""
        self.served.commands.gate.clear()

    def release(self) -> None:
        self.served.commands.gate.set()

    def commands(self) -> list[Any]:
        return [[str(where), value, user] for where, value, user in self.served.commands.seen]

    def requests(self) -> int:
        """How many requests all sessions have sent."""
        return sum(session.requests.total() for session in self.served.server.sessions)

    def subscriptions(self) -> int:
        return len(self.served.server.subscriptions.by_id)


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def plant(tmp_path_factory: Any) -> AsyncIterator[Plant]:
    if NODE is None:
        pytest.skip("node is not installed")
    if not (HERE / "node_modules" / "node-opcua-client").is_dir():
        pytest.skip("node-opcua-client is not installed: npm install --no-package-lock in tests/interop")
    served = await serve(tmp_path_factory.mktemp("server"), alarms=ALARMS, historized=KEPT, trust_all_certificates=True)
    try:
        yield Plant(served, Path(tmp_path_factory.mktemp("client")))
    finally:
        await served.server.stop()


async def run_script(plant: Plant, script: Path, longest_s: float = _LONGEST_S, **more: Any) -> dict[str, Any]:
    """What each case of a script printed, by its name."""
    assert NODE is not None
    told = json.dumps({"url": plant.served.url, "pki": str(plant.pki), "password": PASSWORD} | more)
    process = await asyncio.create_subprocess_exec(
        NODE, str(script), told, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL, limit=_LONGEST_LINE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    cases: dict[str, Any] = {}
    try:
        async with asyncio.timeout(longest_s):
            async for line in process.stdout:
                if not line.startswith(b"{"):
                    continue  # node-opcua prints warnings of its own
                said = json.loads(line)
                if "case" in said:
                    cases[said["case"]] = said
                elif "ask" in said:
                    answer = getattr(plant, said["ask"])(*said["args"])
                    process.stdin.write(json.dumps(answer).encode() + b"\n")
    finally:
        if process.returncode is None:
            process.kill()
        process.stdin.close()
        await process.wait()
    return cases


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def report(request: pytest.FixtureRequest, plant: Plant) -> dict[str, Any]:
    name = Path(str(request.node.path)).stem.removeprefix("test_")
    return await run_script(plant, HERE / f"{name}.mjs")


@pytest.fixture
def seen(request: pytest.FixtureRequest, report: dict[str, Any]) -> Any:
    """What the case with the test's name saw; the test fails when the case did."""
    said = report.get(request.node.name.removeprefix("test_"))
    assert said is not None, f"the script has no such case; it has {sorted(report)}"
    assert said["ok"], said["detail"]
    return said["detail"]
