from __future__ import annotations

import pytest
from asyncua import ua
from asyncua.common.node import Node

from server.config.plant import Twin
from tests.address_space.conftest import Served

pytestmark = pytest.mark.asyncio(loop_scope="module")

HIERARCHICAL = ua.ObjectIds.HierarchicalReferences
FORWARD, INVERSE = ua.BrowseDirection.Forward, ua.BrowseDirection.Inverse
PUMP = "Cooling/Loop1/Pump1"


async def below(node: Node) -> dict[str, str]:
    """Path of the NodeId by BrowseName of what a node is composed of, in order."""
    found = await node.get_references(ua.ObjectIds.Aggregates, FORWARD)
    found += await node.get_references(ua.ObjectIds.Organizes, FORWARD)
    return {ref.BrowseName.Name: ref.NodeId.Identifier for ref in found}


def expected_paths(twin: Twin) -> set[str]:
    """Paths of the tags and methods of a twin."""
    return {entry.path for entry in (*twin.telemetry, *twin.commands, *twin.methods)}


async def test_the_tree_reads_like_the_plant(served: Served):
    objects = await below(served.client.nodes.objects)
    assert objects["Twins"] == "Twins"
    assert objects["Connections"] == "Connections"
    assert await below(served.node("Twins")) == {"Cooling": "Cooling"}
    assert list(await below(served.node("Cooling"))) == ["Telemetry", "Analytics", "Loop1"]
    assert await below(served.node("Cooling/Loop1")) == {
        "Telemetry": "Cooling/Loop1/Telemetry",
        "Analytics": "Cooling/Loop1/Analytics",
        "Pump1": PUMP,
        "Tank": "Cooling/Loop1/Tank",
    }
    parts = ["Identification", "Telemetry", "Commands", "Analytics", "DriveEndBearing"]
    assert list(await below(served.node(PUMP))) == parts
    assert await below(served.node(f"{PUMP}/Commands")) == {
        name: f"{PUMP}/{name}" for name in ("SpeedSetpoint", "Run", "Start", "SetSpeed")
    }
    assert await below(served.node(f"{PUMP}/Analytics")) == {
        name: f"{PUMP}/{name}" for name in ("ExtractFeatures", "Models", "Jobs")
    }
    assert await below(served.node("Connections")) == {"line1": "Connections/line1"}
    assert set(await below(served.node("Connections/line1"))) == {"Driver", "State", "LastError"}


async def test_every_tag_and_method_is_reached_from_objects(served: Served):
    seen: set[str] = set()
    waiting = [served.client.nodes.objects]
    while waiting:
        for ref in await waiting.pop().get_references(HIERARCHICAL, FORWARD):
            if ref.NodeId.NamespaceIndex == served.space.namespace_index and ref.NodeId.Identifier not in seen:
                seen.add(ref.NodeId.Identifier)
                waiting.append(served.client.get_node(ref.NodeId))
    for twin in served.plant.walk():
        assert expected_paths(twin) <= seen
    assert {tag.path for tag in served.plant.tags} <= seen


async def test_every_reference_can_be_followed_back(served: Served):
    waiting, seen = [served.node("Twins"), served.node("Connections")], set()
    while waiting:
        node = waiting.pop()
        seen.add(node.nodeid)
        for ref in await node.get_references():
            if ref.NodeId.NamespaceIndex == 2 or ref.ReferenceTypeId == ua.NodeId(ua.ObjectIds.HasTypeDefinition):
                continue
            target = served.client.get_node(ref.NodeId)
            back = await target.get_references(ref.ReferenceTypeId, includesubtypes=False)
            assert any(other.NodeId == node.nodeid and other.IsForward != ref.IsForward for other in back), ref
            if ref.NodeId.NamespaceIndex == 3 and ref.NodeId not in seen:
                waiting.append(target)


async def test_reference_descriptions_say_what_their_target_says_of_itself(served: Served):
    for path in (PUMP, f"{PUMP}/Telemetry", f"{PUMP}/Speed", f"{PUMP}/Commands", "Twins", "Connections/line1"):
        for ref in await served.node(path).get_references():
            target = served.client.get_node(ref.NodeId)
            assert ref.BrowseName == await target.read_browse_name()
            assert ref.DisplayName == await target.read_display_name()
            assert ref.NodeClass == await target.read_node_class()
            if ref.NodeClass in (ua.NodeClass.Object, ua.NodeClass.Variable):
                assert ref.TypeDefinition == await target.read_type_definition()


async def test_twins_have_the_type_of_their_scope(served: Served):
    scopes = {
        "Cooling": "ProcessTwinType",
        "Cooling/Loop1": "SystemTwinType",
        PUMP: "AssetTwinType",
        f"{PUMP}/DriveEndBearing": "ComponentTwinType",
    }
    for path, expected in scopes.items():
        kind = served.client.get_node(await served.node(path).read_type_definition())
        assert await kind.read_browse_name() == ua.QualifiedName(expected, 2)


async def test_plant_relations_stand_on_both_sides(served: Served):
    tank = "Cooling/Loop1/Tank"
    for name in ("Controls", "IsPhysicallyConnectedTo"):
        reference_type = ua.NodeId(getattr(ua.ObjectIds, name))
        (ahead,) = await served.node(PUMP).get_references(reference_type, FORWARD)
        (back,) = await served.node(tank).get_references(reference_type, INVERSE)
        assert (ahead.NodeId.Identifier, back.NodeId.Identifier) == (tank, PUMP)


async def test_twins_and_connections_take_event_subscriptions_and_the_server_leads_to_them(served: Served):
    """Part 3, 7.18: notifiers of the Server object; between twins HasComponent alone: a browser shows each once."""
    for path in (f"{PUMP}/DriveEndBearing", PUMP, "Cooling/Loop1", "Cooling", "Connections/line1"):
        assert ua.EventNotifier.SubscribeToEvents in await served.node(path).read_event_notifier()
    server = served.client.get_node(ua.ObjectIds.Server)
    notifiers = await server.get_references(ua.ObjectIds.HasNotifier, FORWARD)
    assert [one.BrowseName.Name for one in notifiers] == ["Twins", "Connections"]


async def test_following_all_hierarchical_references_shows_each_child_once(served: Served):
    found = await served.node(PUMP).get_references(ua.ObjectIds.HierarchicalReferences, FORWARD)
    targets = [one.NodeId for one in found if one.ReferenceTypeId.Identifier != ua.ObjectIds.Controls]
    assert len(targets) == len(set(targets))


async def test_a_browse_path_leads_to_the_node(served: Served):
    node = await served.client.nodes.objects.get_child(
        ["2:Twins", "3:Cooling", "3:Loop1", "3:Pump1", "2:Telemetry", "3:Speed", "0:EURange"]
    )
    assert node.nodeid == served.space.node_id(f"{PUMP}/Speed.EURange")


async def test_paths_that_stand_for_nothing_are_no_nodes(served: Served):
    known = [f"{PUMP}/Speed", f"{PUMP}", f"{PUMP}/Telemetry", f"{PUMP}/Start", "Connections/line1"]
    strange = [f"{path}{end}" for path in known for end in (".NoSuch", "/NoSuch", ".", "/", ".EnumStrings")]
    strange += ["", "/", ".", "Cooling/Identification", "Cooling/Commands", f"{PUMP}/Start.InputArguments"]
    strange += [f"{PUMP}/Diagnostics", f"{PUMP}/Identification/Location", "Connections/line2"]
    for path in strange:
        value = await served.node(path).read_attribute(ua.AttributeIds.NodeClass, raise_on_bad_status=False)
        assert value.StatusCode.value == ua.StatusCodes.BadNodeIdUnknown, path


async def test_numeric_and_opaque_node_ids_of_the_plants_namespace_are_unknown(served: Served):
    for identifier in (1, b"Cooling"):
        value = await served.client.get_node(ua.NodeId(identifier, 3)).read_attribute(
            ua.AttributeIds.NodeClass, raise_on_bad_status=False
        )
        assert value.StatusCode.value == ua.StatusCodes.BadNodeIdUnknown
        assert served.space.row_of(ua.NodeId(identifier, 3)) == -1


async def test_namespaces_have_their_places(served: Served):
    assert (await served.client.get_namespace_array())[2:] == ["urn:uatwin:types", "urn:uatwin:plant:Cooling"]
