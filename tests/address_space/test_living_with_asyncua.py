"""What asyncua itself does with the nodes: added ones, linked methods, other namespaces."""

from __future__ import annotations

import pytest
from asyncua import Server, ua

from server.address_space import AddressSpaceError, TwinSpace
from tests.address_space.conftest import Served, analytics_methods
from tests.simulators.plants import small_plant, table_for

pytestmark = pytest.mark.asyncio(loop_scope="module")

PUMP = "Cooling/Loop1/Pump1"


async def test_a_node_added_below_a_twin_is_seen_by_clients(served: Served):
    alarm = await served.server.get_node(served.space.node_id(PUMP)).add_object(3, "OverTemperature")
    assert alarm.nodeid.NamespaceIndex == 3
    assert isinstance(alarm.nodeid.Identifier, int)
    names = [(await child.read_browse_name()).Name for child in await served.node(PUMP).get_children()]
    assert "OverTemperature" in names
    await served.server.delete_nodes([alarm])


async def test_a_method_of_the_plant_can_be_linked_to_a_function(served: Served):
    called: list[object] = []

    async def start(parent: ua.NodeId) -> list[ua.Variant]:
        called.append(parent)
        return []

    served.server.link_method(served.server.get_node(served.space.node_id(f"{PUMP}/Start")), start)
    commands = served.node(f"{PUMP}/Commands")
    await commands.call_method(served.node(f"{PUMP}/Start"))
    assert called == [commands.nodeid]


async def test_namespaces_out_of_place_are_refused():
    server = Server()
    await server.init()
    await server.register_namespace("urn:somebody:else")
    plant = small_plant()
    with pytest.raises(AddressSpaceError, match="install the plant before other namespaces"):
        await TwinSpace(plant, table_for(plant), analytics_methods).install(server)
    await server.iserver.stop()
