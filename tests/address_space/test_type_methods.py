"""The types declare the analytics methods that the twins have."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio
from asyncua import Server, ua

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


@pytest.mark.parametrize("name", CATALOG)
async def test_the_twin_type_declares_every_analytics_method_with_its_arguments(server: Server, name: str):
    types = await server.nodes.base_object_type.get_child(["2:TwinType", "2:Analytics"])
    method = await types.get_child(f"2:{name}")
    inputs = await (await method.get_child("InputArguments")).read_value()
    outputs = await (await method.get_child("OutputArguments")).read_value()
    assert declared_shape(inputs) == shape(CATALOG[name].arguments)
    assert declared_shape(outputs) == shape(CATALOG[name].results)
