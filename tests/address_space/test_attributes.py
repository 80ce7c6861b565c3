from __future__ import annotations

import pytest
from asyncua import ua
from asyncua.common.node import Node

from nodesets.units import unit_id
from tests.address_space.conftest import Served

pytestmark = pytest.mark.asyncio(loop_scope="module")

PUMP = "Cooling/Loop1/Pump1"
TANK = "Cooling/Loop1/Tank"
BASE = ("NodeId", "NodeClass", "BrowseName", "DisplayName", "Description", "WriteMask", "UserWriteMask")
VARIABLE = ("Value", "DataType", "ValueRank", "ArrayDimensions", "AccessLevel", "UserAccessLevel", "AccessLevelEx")
OF_CLASS = {
    ua.NodeClass.Object: (*BASE, "EventNotifier"),
    ua.NodeClass.Variable: (*BASE, *VARIABLE, "Historizing"),
    ua.NodeClass.Method: (*BASE, "Executable", "UserExecutable"),
}
TYPES = {
    "NodeId": ua.VariantType.NodeId,
    "NodeClass": ua.VariantType.Int32,
    "BrowseName": ua.VariantType.QualifiedName,
    "DisplayName": ua.VariantType.LocalizedText,
    "Description": ua.VariantType.LocalizedText,
    "WriteMask": ua.VariantType.UInt32,
    "UserWriteMask": ua.VariantType.UInt32,
    "EventNotifier": ua.VariantType.Byte,
    "DataType": ua.VariantType.NodeId,
    "ValueRank": ua.VariantType.Int32,
    "ArrayDimensions": ua.VariantType.UInt32,
    "AccessLevel": ua.VariantType.Byte,
    "UserAccessLevel": ua.VariantType.Byte,
    "AccessLevelEx": ua.VariantType.UInt32,
    "MinimumSamplingInterval": ua.VariantType.Double,
    "Historizing": ua.VariantType.Boolean,
    "Executable": ua.VariantType.Boolean,
    "UserExecutable": ua.VariantType.Boolean,
}


async def attribute(node: Node, name: str) -> ua.DataValue:
    return await node.read_attribute(getattr(ua.AttributeIds, name), raise_on_bad_status=False)


async def value(node: Node, name: str) -> object:
    return (await attribute(node, name)).Value.Value


@pytest.mark.parametrize(
    "path",
    [
        *("Twins", "Connections", "Connections/line1", "Connections/line1.Driver", "Connections/line1/State"),
        *(PUMP, f"{PUMP}/Telemetry", f"{PUMP}/Identification", f"{PUMP}/Identification/Manufacturer"),
        *(f"{PUMP}/Speed", f"{PUMP}/Speed.EURange", f"{PUMP}/Speed.EngineeringUnits", f"{PUMP}/Spectrum"),
        *(f"{PUMP}/Running.TrueState", f"{PUMP}/Mode.EnumStrings", f"{PUMP}/Selector.EnumValues"),
        *(f"{PUMP}/Start", f"{PUMP}/SetSpeed.InputArguments", f"{PUMP}/ExtractFeatures", f"{PUMP}/SpeedSetpoint"),
    ],
)
async def test_a_node_has_all_attributes_of_its_class_with_their_types(served: Served, path: str):
    node = served.node(path)
    node_class = await node.read_node_class()
    assert await value(node, "NodeId") == served.space.node_id(path)
    for name in OF_CLASS[node_class]:
        read = await attribute(node, name)
        assert read.StatusCode.value not in (ua.StatusCodes.BadAttributeIdInvalid, ua.StatusCodes.BadNodeIdUnknown)
        if name in TYPES:
            assert read.Value.VariantType is TYPES[name], name
    assert await value(node, "WriteMask") == 0


async def test_a_tag_describes_itself(served: Served):
    node = served.node(f"{PUMP}/Speed")
    assert await value(node, "BrowseName") == ua.QualifiedName("Speed", 3)
    assert await value(node, "DataType") == ua.NodeId(ua.ObjectIds.Float)
    assert await value(node, "ValueRank") == -1
    assert await value(node, "ArrayDimensions") in (None, [])
    assert await value(node, "AccessLevel") == 1
    assert await value(node, "MinimumSamplingInterval") == 500.0
    bearing = served.node(f"{PUMP}/DriveEndBearing/Temperature")
    assert await value(bearing, "Description") == ua.LocalizedText("Outer ring")


async def test_a_command_can_be_read_and_written(served: Served):
    for name in ("AccessLevel", "UserAccessLevel", "AccessLevelEx"):
        assert await value(served.node(f"{PUMP}/SpeedSetpoint"), name) == 3


async def test_an_array_has_its_rank_and_length(served: Served):
    node = served.node(f"{PUMP}/Spectrum")
    assert await value(node, "ValueRank") == 1
    assert await value(node, "ArrayDimensions") == [4]


async def test_what_the_bridge_computes_itself_has_no_shortest_sampling_interval(served: Served):
    assert await value(served.node(f"{PUMP}/HealthScore"), "MinimumSamplingInterval") == 0.0


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"{PUMP}/Speed", "AnalogUnitRangeType"),
        (f"{PUMP}/Spectrum", "AnalogUnitType"),
        (f"{PUMP}/HealthScore", "AnalogItemType"),
        (f"{PUMP}/Running", "TwoStateDiscreteType"),
        (f"{PUMP}/Mode", "MultiStateDiscreteType"),
        (f"{PUMP}/Selector", "MultiStateValueDiscreteType"),
        (f"{TANK}/EachString", "BaseDataVariableType"),
        (f"{TANK}/EachBoolean", "BaseDataVariableType"),
    ],
)
async def test_a_tag_has_the_variable_type_of_part_8_and_all_its_mandatory_properties(
    served: Served, path: str, expected: str
):
    node = served.node(path)
    kind = served.client.get_node(await node.read_type_definition())
    assert (await kind.read_browse_name()).Name == expected
    mandatory = set()
    while (await kind.read_browse_name()).Name != "BaseVariableType":
        for declared in await kind.get_properties():
            (rule,) = await declared.get_referenced_nodes(ua.ObjectIds.HasModellingRule)
            if rule.nodeid == ua.NodeId(ua.ObjectIds.ModellingRule_Mandatory):
                mandatory.add((await declared.read_browse_name()).Name)
        (kind,) = await kind.get_referenced_nodes(ua.ObjectIds.HasSubtype, ua.BrowseDirection.Inverse)
    present = {(await child.read_browse_name()).Name for child in await node.get_properties()}
    assert mandatory <= present


async def test_ranges_and_units_are_those_of_the_plant(served: Served):
    assert await served.node(f"{PUMP}/Speed.EURange").read_value() == ua.Range(0.0, 3000.0)
    units = await served.node(f"{PUMP}/DriveEndBearing/Temperature.EngineeringUnits").read_value()
    assert units.NamespaceUri == "http://www.opcfoundation.org/UA/units/un/cefact"
    assert units.UnitId == 4408652 == unit_id("CEL")
    assert units.DisplayName.Text == "°C"
    assert units.Description.Text == "degree Celsius"


async def test_states_have_their_names(served: Served):
    assert (await served.node(f"{PUMP}/Running.FalseState").read_value()).Text == "Stopped"
    assert (await served.node(f"{PUMP}/Running.TrueState").read_value()).Text == "Running"
    names = await served.node(f"{PUMP}/Mode.EnumStrings").read_value()
    assert [name.Text for name in names] == ["Off", "Manual", "Automatic"]
    values = await served.node(f"{PUMP}/Selector.EnumValues").read_value()
    assert [(item.Value, item.DisplayName.Text) for item in values] == [(0, "Local"), (1, "Remote")]


async def test_properties_carry_a_source_timestamp(served: Served):
    read = await served.node(f"{PUMP}/Speed.EURange").read_data_value()
    assert read.SourceTimestamp is not None
    assert read.ServerTimestamp is not None


async def test_identification_has_values_of_the_right_type(served: Served):
    base = f"{PUMP}/Identification"
    assert await served.node(f"{base}/Manufacturer").read_value() == ua.LocalizedText("Acme")
    assert await served.node(f"{base}/SerialNumber").read_value() == "SN-1"
    year = await served.node(f"{base}/YearOfConstruction").read_data_value()
    assert (year.Value.Value, year.Value.VariantType) == (2021, ua.VariantType.UInt16)
    assert await served.node(f"{base}/Model").read_browse_name() == ua.QualifiedName("Model", 2)


async def test_an_analytics_method_says_what_it_takes_and_gives(served: Served):
    (window,) = await served.node(f"{PUMP}/ExtractFeatures.InputArguments").read_value()
    assert (window.Name, window.DataType, window.ValueRank) == ("Window", ua.NodeId(ua.ObjectIds.Double), -1)
    assert window.Description.Text == "Length of the window [s]"
    names, values = await served.node(f"{PUMP}/ExtractFeatures.OutputArguments").read_value()
    assert (names.DataType, names.ValueRank) == (ua.NodeId(ua.ObjectIds.String), 1)
    assert (values.DataType, values.ArrayDimensions) == (ua.NodeId(ua.ObjectIds.Double), [0])


async def test_a_command_method_takes_the_type_unit_and_limits_of_its_command(served: Served):
    (speed,) = await served.node(f"{PUMP}/SetSpeed.InputArguments").read_value()
    assert (speed.Name, speed.DataType) == ("Speed", ua.NodeId(ua.ObjectIds.Float))
    assert speed.Description.Text == "0 to 3000 [r/min]"
    assert await served.node(f"{PUMP}/Start").get_properties() == []


async def test_a_connection_names_its_driver(served: Served):
    assert await served.node("Connections/line1.Driver").read_value() == "modbus"
