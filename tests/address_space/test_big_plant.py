"""What 50,000 tags with EURange and EngineeringUnits cost."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncIterator

import psutil
import pytest
import pytest_asyncio
from asyncua import Client, ua
from asyncua.common.node import Node

from server.address_space import TwinSpace
from server.config.plant import Plant
from tests.address_space.conftest import Served, analytics_methods, start
from tests.simulators.plants import big_plant, table_for
from tests.simulators.stopwatch import Stopwatch

pytestmark = pytest.mark.asyncio(loop_scope="module")

TAGS = 50_000


class Handler:
    """Keeps the values it is told."""

    def __init__(self) -> None:
        self.values: asyncio.Queue[object] = asyncio.Queue()

    def datachange_notification(self, _node: Node, value: object, _data: object) -> None:
        self.values.put_nowait(value)


@pytest.fixture(scope="module")
def plant() -> Plant:
    return big_plant(TAGS)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def big(plant: Plant) -> AsyncIterator[Served]:
    table = table_for(plant)
    server, space, url = await start(plant, table)
    try:
        async with Client(url) as client:
            yield Served(plant, table, space, server, client)
    finally:
        await server.stop()


async def test_indexing_50000_tags_takes_under_half_a_second_and_300_bytes_each(plant: Plant):
    table = table_for(plant)
    watch = Stopwatch()
    TwinSpace(plant, table, analytics_methods)
    assert watch.seconds < 0.5
    tracemalloc.start()
    space = TwinSpace(plant, table, analytics_methods)
    cost, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert space.row_of(space.node_id(plant.tags[-1].path)) == TAGS - 1
    assert cost / TAGS < 300


async def test_touching_the_nodes_of_10000_tags_stays_within_60_mb(big: Served):
    process = psutil.Process()
    gc.collect()
    before = process.memory_info().rss
    for tag in big.plant.tags[::5]:
        for path in (tag.path, f"{tag.path}.EURange", f"{tag.path}.EngineeringUnits"):
            assert big.server.iserver.aspace.get(big.space.node_id(path)) is not None
        await asyncio.sleep(0)  # else the client, which has been told nothing for seconds, gives the server up
    gc.collect()
    assert process.memory_info().rss - before < 60e6


async def test_a_variable_is_made_in_well_under_a_millisecond(big: Served):
    nodes = big.server.iserver.aspace
    watch = Stopwatch()
    for tag in big.plant.tags[:5000]:
        nodes.get(big.space.node_id(tag.path))
    assert watch.seconds / 5000 < 0.5e-3


async def test_browsing_a_twin_with_500_children_is_quick(big: Served):
    line = big.node("Hall/Line")
    watch = Stopwatch()
    references = await line.get_references(ua.ObjectIds.HasComponent, ua.BrowseDirection.Forward)
    assert watch.seconds < 0.5
    assert sum(ref.BrowseName.Name.startswith("Machine") for ref in references) == 500


async def test_the_last_tag_is_served_like_the_first(big: Served):
    for tag in (big.plant.tags[0], big.plant.tags[-1]):
        assert await big.node(f"{tag.path}.EURange").read_value() == ua.Range(0.0, 100.0)
        assert (await big.node(f"{tag.path}.EngineeringUnits").read_value()).DisplayName.Text == "°C"


async def test_a_subscription_to_a_property_outlives_the_eviction_of_its_node(big: Served):
    handler, path = Handler(), f"{big.plant.tags[0].path}.EURange"
    subscription = await big.client.create_subscription(50, handler)
    handle = await subscription.subscribe_data_change(big.node(path))
    assert await asyncio.wait_for(handler.values.get(), 5) == ua.Range(0.0, 100.0)
    node_id = big.space.node_id(path)
    nodes = big.server.iserver.aspace
    watched = nodes[node_id]
    for tag in big.plant.tags[:5000]:
        nodes.get(big.space.node_id(tag.path))
    assert nodes[node_id] is watched
    await subscription.unsubscribe(handle)
    assert not watched.attributes[ua.AttributeIds.Value].datachange_callbacks
    await subscription.delete()
