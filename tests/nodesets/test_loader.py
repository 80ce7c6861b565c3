from __future__ import annotations

import gc
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from asyncua import Server, ua

from nodesets.catalog import SHIPPED, TWIN, NodeSet
from nodesets.loader import NodeSetError, load
from nodesets.node_ids import TYPES_URI, TypeIds

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server() -> AsyncIterator[Server]:
    fresh = Server()
    await fresh.init()
    yield fresh
    await fresh.iserver.stop()


async def test_the_types_load_within_a_third_of_a_second_and_only_once(server: Server):
    gc.disable()  # as the bridge does while it starts
    try:
        started = time.thread_time()
        assert await load(server, SHIPPED) == {TYPES_URI: 2}
        assert time.thread_time() - started < 0.3, "it only computes: what others do on this computer does not count"
    finally:
        gc.enable()
    count = len(server.iserver.aspace.keys())
    assert await load(server, SHIPPED) == {TYPES_URI: 2}
    assert len(server.iserver.aspace.keys()) == count


async def test_the_four_scopes_stand_below_an_abstract_twin_type(server: Server):
    await load(server, SHIPPED)
    twin_type = server.get_node(ua.NodeId(TypeIds.TwinType, 2))
    assert (await twin_type.read_attribute(ua.AttributeIds.IsAbstract)).Value.Value is True
    subtypes = await twin_type.get_children(ua.ObjectIds.HasSubtype)
    names = {(await node.read_browse_name()).Name for node in subtypes}
    assert names == {"ComponentTwinType", "AssetTwinType", "SystemTwinType", "ProcessTwinType"}
    base = server.get_node(ua.ObjectIds.BaseObjectType)
    assert twin_type in await base.get_children(ua.ObjectIds.HasSubtype)


async def test_a_twin_type_declares_its_parts_with_their_modelling_rules(server: Server):
    await load(server, SHIPPED)
    twin_type = server.get_node(ua.NodeId(TypeIds.TwinType, 2))
    rules = {}
    for part in await twin_type.get_children(ua.ObjectIds.HasComponent):
        (rule,) = await part.get_referenced_nodes(ua.ObjectIds.HasModellingRule)
        rules[(await part.read_browse_name()).Name] = (await rule.read_browse_name()).Name
    assert rules == {
        "Identification": "Optional",
        "Telemetry": "Mandatory",
        "Commands": "Optional",
        "Analytics": "Optional",
        "Alarms": "Optional",
        "Diagnostics": "Optional",
        "<Twin>": "OptionalPlaceholder",
    }


async def test_the_namespace_describes_itself(server: Server):
    await load(server, SHIPPED)
    metadata = await server.nodes.namespaces.get_child(f"2:{TYPES_URI}")
    assert await (await metadata.get_child("NamespaceUri")).read_value() == TYPES_URI
    assert await (await metadata.get_child("NamespaceVersion")).read_value() == "1.0.0"


async def test_a_nodeset_whose_needs_are_not_there_is_refused_by_name(server: Server):
    machinery = NodeSet("urn:machinery", TWIN.path, needs=("http://opcfoundation.org/UA/DI/",))
    with pytest.raises(NodeSetError, match=r"needs http://opcfoundation\.org/UA/DI/"):
        await load(server, [machinery])


@pytest.mark.parametrize("content", ["", "<UANodeSet", "not XML at all"])
async def test_a_broken_file_is_named_in_the_error(server: Server, tmp_path: Path, content: str):
    path = tmp_path / "broken.NodeSet2.xml"
    path.write_text(content)
    with pytest.raises(NodeSetError, match=r"broken\.NodeSet2\.xml"):
        await load(server, [NodeSet("urn:broken", path)])


async def test_a_missing_file_is_named_in_the_error(server: Server, tmp_path: Path):
    with pytest.raises(NodeSetError, match="gone"):
        await load(server, [NodeSet("urn:gone", tmp_path / "gone.xml")])
