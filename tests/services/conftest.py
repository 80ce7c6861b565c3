"""The small plant behind our server on a real socket, with users, and clients of both kinds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest_asyncio
from asyncua import Client, ua
from asyncua.common.node import Node

from drivers.data_types import DataType
from drivers.readings import Readings, now_ticks
from drivers.status import Status
from server.address_space import Argument, HistoryView, MethodView, TwinSpace
from server.alarms.conditions import Conditions
from server.alarms.definitions import AlarmDefinition, Transitions
from server.config.history import HistorySettings
from server.config.plant import CommandMethod, Plant, Twin
from server.history.history import History
from server.security.roles import User
from server.security.users import add_user
from server.services.options import Limits, UaServerOptions
from server.services.ua_server import UaServer
from server.tags.table import TagTable
from tests.simulators.plants import small_plant, table_for
from tests.simulators.raw_client import RawClient

PASSWORD = "a long enough password"
USERS = {
    "viewer": ["Observer"],
    "operator": ["Operator"],
    "engineer": ["Engineer"],
    "admin": ["ConfigureAdmin", "SecurityAdmin"],
}
MEAN = MethodView(
    "Mean",
    "Mean of some numbers",
    (Argument("Numbers", DataType.Double, value_rank=1), Argument("Scale", DataType.Double)),
    (Argument("Mean", DataType.Double),),
)


@dataclass
class RecordedCommands:
    """Accepts every command, after `gate` has opened; remembers what came."""

    seen: list[tuple[Any, Any, str]] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    status: int = 0
    words: str = ""

    async def order(self, row: int, value: Any, user: User) -> tuple[int, str]:
        await self.gate.wait()
        self.seen.append((row, value, user.name))
        return self.status, self.words

    async def call(self, method: CommandMethod, arguments: Sequence[Any], user: User) -> int:
        await self.gate.wait()
        self.seen.append((method.name, list(arguments), user.name))
        return self.status


class MeanMethod:
    """The one analytics method."""

    async def call(self, twin: Twin, method: MethodView, arguments: Sequence[Any], session: Any) -> Any:
        numbers, scale = arguments
        if not numbers:
            result = ua.CallMethodResult(StatusCode=ua.StatusCode(ua.StatusCodes.BadInvalidArgument))
            result.InputArgumentResults = [ua.StatusCode(ua.StatusCodes.BadOutOfRange), ua.StatusCode(0)]
            return result
        return [ua.Variant(sum(numbers) / len(numbers) * scale, ua.VariantType.Double)]


@dataclass(repr=False)
class Served:
    """A plant that is being served."""

    plant: Plant
    table: TagTable
    space: TwinSpace
    server: UaServer
    commands: RecordedCommands

    @property
    def url(self) -> str:
        return self.server.endpoint_url

    def node_id(self, path: str) -> ua.NodeId:
        return self.space.node_id(path)

    def row(self, path: str) -> int:
        row = self.space.row_of(self.node_id(path))
        assert row >= 0
        return row

    def set(self, path: str, value: float, status: int = Status.Good) -> None:
        """Commit one Double."""
        cells = np.array([value]).view(np.uint64)
        rows, ticks = np.array([self.row(path)], np.int32), np.array([now_ticks()])
        self.table.commit(Readings(rows, cells, np.array([status], np.uint32), ticks))

    def find(self, path: str, level: int, value: float = 0.0, quality: int = Status.Good) -> int:
        """Have a rule find these Levels of an alarm violated; the source's time."""
        conditions, ticks = self.space.conditions, now_ticks() - 50_000
        number = conditions.find(path)
        assert number is not None
        columns = ((number, np.int32), (level, np.uint8), (quality, np.uint32), (ticks, np.int64), (value, np.float64))
        found = Transitions(*(np.array([one], kind) for one, kind in columns))
        conditions.apply(found, conditions.definitions)
        return ticks

    def client(self, user: str = "", policy: str = "") -> Client:
        """An asyncua client, not connected yet."""
        client = Client(self.url, timeout=20)
        if user:
            client.set_user(user)
            client.set_password(PASSWORD)
        return client

    def node(self, client: Client, path: str) -> Node:
        return client.get_node(self.node_id(path))

    def raw(self) -> RawClient:
        return RawClient(self.server.port)


async def serve(
    folder: Path,
    limits: Limits | None = None,
    historized: Sequence[str] = (),
    alarms: Sequence[AlarmDefinition] = (),
    **options: Any,
) -> Served:
    """A started server; the caller stops it. historized: paths of tags whose values are kept."""
    plant = small_plant()
    if historized:
        plant = replace(plant, sections={"history": HistorySettings(paths=frozenset(historized))})
    table = table_for(plant)
    history = History(plant, table, folder) if historized else None
    past = HistoryView(history.historized) if history else None
    space = TwinSpace(plant, table, lambda _twin: (MEAN,), Conditions(alarms), past=past)
    users = folder / "users.yaml"
    for name, roles in USERS.items():
        if not users.exists() or name not in users.read_text():
            add_user(users, name, PASSWORD, roles)
    told = UaServerOptions(
        pki_dir=folder / "pki",
        endpoint_url="opc.tcp://127.0.0.1:0/uatwin",
        application_uri="urn:test:uatwin",
        users_file=users,
        limits=limits or Limits(),
    )
    commands = RecordedCommands()
    commands.gate.set()
    server = UaServer(replace(told, **options), table, space, commands, MeanMethod(), history)
    await server.start()
    if history is not None:
        server.spawn(history.run())
    return Served(plant, table, space, server, commands)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def served(tmp_path_factory: Any) -> AsyncIterator[Served]:
    """One server for the tests of a file."""
    running = await serve(tmp_path_factory.mktemp("server"))
    try:
        yield running
    finally:
        await running.server.stop()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def anonymous(served: Served) -> AsyncIterator[Client]:
    """A client without a name."""
    async with served.client() as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def operator(served: Served) -> AsyncIterator[Client]:
    """A client of the operator."""
    async with served.client("operator") as client:
        yield client
