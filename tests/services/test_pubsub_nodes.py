"""The PubSub configuration as a client browses it (Part 14, 9.1)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from asyncua import Client, ua

from server.config.load import load_plant
from tests.publish.test_publishers import PLANT
from tests.simulators.bridge import serving

PUBLISH = """
  cloud: {broker: {host: 127.0.0.1, port: 1}, interval_s: 0.25, pubsub: {publisher_id: edge1, key_frame_s: 10}}
  plain: {broker: {host: 127.0.0.1, port: 1}, json: {}}
"""


async def told(client: Client, node: Any) -> dict[str, Any]:
    """Names and values of the Variables below a node."""
    children = await node.get_children(nodeclassmask=ua.NodeClass.Variable)
    return {(await child.read_browse_name()).Name: await child.read_value() for child in children}


async def test_connections_groups_and_writers_stand_under_publish_subscribe(tmp_path: Path) -> None:
    """Part 14, 9.1.3, 9.1.5, 9.1.6 and 9.1.7: HasPubSubConnection, HasWriterGroup, HasDataSetWriter."""
    file = tmp_path / "plant.yaml"
    file.write_text(PLANT.format(publish=PUBLISH), "utf-8")
    async with serving(file, tmp_path / "pki") as bridge, Client(bridge.server.endpoint_url) as client:
        top = client.get_node(ua.ObjectIds.PublishSubscribe)
        (connection,) = await top.get_referenced_nodes(ua.ObjectIds.HasPubSubConnection)
        assert (await connection.read_browse_name()).Name == "cloud"
        assert await connection.read_type_definition() == ua.NodeId(ua.ObjectIds.PubSubConnectionType)
        assert (await told(client, connection))["PublisherId"] == "edge1"
        address = await connection.get_child("0:Address")
        assert (await told(client, address))["Url"] == "mqtt://127.0.0.1:1"
        (group,) = await connection.get_referenced_nodes(ua.ObjectIds.HasWriterGroup)
        values = await told(client, group)
        assert (values["WriterGroupId"], values["PublishingInterval"], values["KeepAliveTime"]) == (1, 250.0, 30_000.0)
        (writer,) = await group.get_referenced_nodes(ua.ObjectIds.HasDataSetWriter)
        assert (await writer.read_browse_name()).Name == "Pump"
        assert (await told(client, writer))["KeyFrameCount"] == 40
        state = await (await writer.get_child("0:Status")).get_child("0:State")
        assert await state.read_value() in (1, 4)  # Paused or PreOperational: there is no broker
        publishers = client.get_node(ua.NodeId("Publishers", bridge.space.namespace_index))
        names = [(await node.read_browse_name()).Name for node in await publishers.get_children()]
        assert names == ["cloud", "plain"]
        assert "QueuedValues" in await told(client, client.get_node(ua.NodeId("Publishers/plain", 3)))


async def names_of(client: Client, node: int, reference: int) -> list[str]:
    """What a node of the standard leads to, by BrowseName."""
    found = await client.get_node(node).get_referenced_nodes(reference, ua.BrowseDirection.Forward)
    return [(await one.read_browse_name()).Name for one in found]


async def test_publishers_that_come_and_go_with_a_reload_are_found_at_once(tmp_path: Path) -> None:
    """Part 3, 7.11 and 7.18: what Objects organizes, who notifies; Part 14, 9.1.3: the PubSubConnections."""
    file, turn, objects = tmp_path / "plant.yaml", asyncio.Lock(), ua.ObjectIds.ObjectsFolder
    file.write_text(PLANT.format(publish="").removesuffix("publish:\n\n"), "utf-8")
    async with serving(file, tmp_path / "pki", turn) as bridge, Client(bridge.server.endpoint_url) as client:
        before = await names_of(client, objects, ua.ObjectIds.Organizes)
        assert "Publishers" not in before
        alone = load_plant(file)
        async with turn:
            file.write_text(PLANT.format(publish=PUBLISH), "utf-8")
            await bridge.adopt(load_plant(file))
        assert await names_of(client, objects, ua.ObjectIds.Organizes) == [*before, "Publishers"]
        assert "Publishers" in await names_of(client, ua.ObjectIds.Server, ua.ObjectIds.HasNotifier)
        publish = ua.ObjectIds.PublishSubscribe, ua.ObjectIds.HasPubSubConnection
        assert await names_of(client, *publish) == ["cloud"]
        async with turn:
            await bridge.adopt(alone)
        assert await names_of(client, objects, ua.ObjectIds.Organizes) == before
        assert await names_of(client, *publish) == []
