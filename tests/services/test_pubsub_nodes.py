"""The PubSub configuration as a client browses it (Part 14, 9.1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from asyncua import Client, ua

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
