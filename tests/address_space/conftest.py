"""The small plant behind a stock asyncua server on a real socket, with a client."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

import pytest_asyncio
from asyncua import Client, Server
from asyncua.common.node import Node

from drivers.data_types import DataType
from drivers.driver import Fault
from server.address_space import Argument, MethodView, TwinSpace
from server.config.plant import Plant, Twin
from server.tags.table import TagTable
from tests.simulators.plants import small_plant, table_for

EXTRACT_FEATURES = MethodView(
    "ExtractFeatures",
    "Statistics of a window of recent values",
    (Argument("Window", DataType.Double, description="Length of the window", unit="SEC"),),
    (
        Argument("Names", DataType.String, value_rank=1, description="Names of the features"),
        Argument("Values", DataType.Double, value_rank=1, description="Their values"),
    ),
)


def analytics_methods(_twin: Twin) -> Sequence[MethodView]:
    return (EXTRACT_FEATURES,)


@dataclass
class Served:
    """A plant that is being served, and a client of it."""

    plant: Plant
    table: TagTable
    space: TwinSpace
    server: Server
    client: Client
    faults: dict[int, Fault] = field(default_factory=dict)

    def node(self, path: str) -> Node:
        """The client's node with that path."""
        return self.client.get_node(self.space.node_id(path))


async def start(
    plant: Plant, table: TagTable, faults: Mapping[int, Fault] | None = None
) -> tuple[Server, TwinSpace, str]:
    """A started server with the plant and its URL; the caller stops it. faults: last errors by row."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"opc.tcp://127.0.0.1:{probe.getsockname()[1]}"
    server = Server()
    await server.init()
    server.set_endpoint(url)
    known = {} if faults is None else faults
    space = TwinSpace(plant, table, analytics_methods, faults=known.get)
    await space.install(server)
    await server.start()
    return server, space, url


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def served() -> AsyncIterator[Served]:
    """One server and client for the tests of a file."""
    plant = small_plant()
    table = table_for(plant)
    faults: dict[int, Fault] = {}
    server, space, url = await start(plant, table, faults)
    try:
        async with Client(url) as client:
            yield Served(plant, table, space, server, client, faults)
    finally:
        await server.stop()
