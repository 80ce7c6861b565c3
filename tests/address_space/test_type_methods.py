"""The types declare the analytics methods that the twins have."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio
from asyncua import Node, Server, ua

from analytics.catalog import CATALOG
from analytics.function import Argument
from nodesets.catalog import SHIPPED
from nodesets.loader import load

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server() -> AsyncIterator[Server]:
    fresh = Server()
    await fresh.init()
    await load(fresh, SHIPPED)
    yield fresh
    await fresh.iserver.stop()


def shape(arguments: Sequence[Argument]) -> list[tuple[str, int, int]]:
    return [(argument.name, int(argument.data_type), argument.value_rank) for argument in arguments]


def declared_shape(arguments: Sequence[ua.Argument]) -> list[tuple[str, int, int]]:
    return [(argument.Name, argument.DataType.Identifier, argument.ValueRank) for argument in arguments]


async def held(method: Node, name: str) -> list[ua.Argument]:
    """The arguments of one direction; a method without any has no such property (Part 3, 5.7)."""
    properties = {(await one.read_browse_name()).Name: one for one in await method.get_properties()}
    return list(await properties[name].read_value()) if name in properties else []


@pytest.mark.parametrize("name", CATALOG)
async def test_the_twin_type_declares_every_analytics_method_with_its_arguments(server: Server, name: str):
    types = await server.nodes.base_object_type.get_child(["2:TwinType", "2:Analytics"])
    method = await types.get_child(f"2:{name}")
    for name_of_list, arguments in (
        ("InputArguments", CATALOG[name].arguments),
        ("OutputArguments", CATALOG[name].results),
    ):
        declared = await held(method, name_of_list)
        assert declared_shape(declared) == shape(arguments)
