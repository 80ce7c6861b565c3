"""Read: every check of Part 4, 5.10.2, for tags by column and for everything else."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from asyncua import Client, ua

from drivers.data_types import WIRE, DataType, to_cells
from drivers.readings import Readings, now_ticks
from drivers.status import Status
from server.services.registered_nodes import BASE
from tests.services.conftest import Served
from tests.simulators.raw_client import read_request

pytestmark = pytest.mark.asyncio(loop_scope="module")
STATUS = ua.StatusCodes
TANK = "Cooling/Loop1/Tank"
LEVEL = f"{TANK}/Level"
ARRAY = ua.NodeId(ua.ObjectIds.Server_NamespaceArray)
BUILD_INFO = ua.NodeId(ua.ObjectIds.Server_ServerStatus_BuildInfo)


async def read(client: Client, *items: ua.ReadValueId, **parameters: Any) -> list[ua.DataValue]:
    request = ua.ReadParameters(TimestampsToReturn=ua.TimestampsToReturn.Both)
    for name, value in parameters.items():
        setattr(request, name, value)
    request.NodesToRead = list(items)
    return await client.uaclient.read(request)  # type: ignore[no-any-return]


def value_of(node_id: ua.NodeId, **rest: Any) -> ua.ReadValueId:
    return ua.ReadValueId(NodeId=node_id, AttributeId=13, **rest)


@pytest.mark.parametrize("kind", [kind for kind in DataType if kind in WIRE])
async def test_every_data_type_comes_as_itself(served: Served, anonymous: Client, kind: DataType) -> None:
    """Part 6, 5.1.2 and 5.2.2."""
    path = f"{TANK}/Each{kind.name}"
    value = 1 if kind is DataType.Boolean else np.array([77], WIRE[kind])
    ticks = now_ticks() // 10 * 10
    row = np.array([served.row(path)], np.int32)
    served.table.commit(Readings(row, to_cells(np.atleast_1d(value), kind), np.zeros(1, np.uint32), np.array([ticks])))
    (result,) = await read(anonymous, value_of(served.node_id(path)))
    assert result.Value.VariantType.value == kind
    expected = ua.uatypes.win_epoch_to_datetime(77) if kind is DataType.DateTime else 77
    assert result.Value.Value == (True if kind is DataType.Boolean else expected)
    assert ua.uatypes.datetime_to_win_epoch(result.SourceTimestamp) == ticks
    assert result.StatusCode.value == 0


async def test_text_and_arrays_come_from_the_side_list(served: Served, anonymous: Client) -> None:
    """Part 6, 5.2.2 and 5.2.5."""
    rows = np.array([served.row(f"{TANK}/EachString"), served.row("Cooling/Loop1/Pump1/Spectrum")], np.int32)
    side = {0: "grün", 1: [1.0, 2.0, 3.0, 4.0]}
    served.table.commit(Readings(rows, np.zeros(2, np.uint64), np.zeros(2, np.uint32), np.full(2, now_ticks()), side))
    ids = [served.node_id(f"{TANK}/EachString"), served.node_id("Cooling/Loop1/Pump1/Spectrum")]
    text, spectrum = await read(anonymous, *map(value_of, ids))
    assert text.Value.Value == "grün"
    assert spectrum.Value.Value == [1.0, 2.0, 3.0, 4.0]
    (part,) = await read(anonymous, value_of(ids[1], IndexRange="1:2"))
    assert part.Value.Value == [2.0, 3.0]
    (letters,) = await read(anonymous, value_of(ids[0], IndexRange="0:1"))
    assert letters.Value.Value == "gr"


async def test_a_mixed_request_keeps_its_order(served: Served, anonymous: Client) -> None:
    """Part 4, 5.10.2.2."""
    served.set(LEVEL, 12.5)
    unknown = served.node_id("Cooling/Nothing")
    name = ua.ReadValueId(NodeId=served.node_id(LEVEL), AttributeId=ua.AttributeIds.BrowseName)
    items = [value_of(served.node_id(LEVEL)), value_of(unknown), name, value_of(ARRAY), value_of(served.node_id(LEVEL))]
    results = await read(anonymous, *items)
    assert results[0].Value.Value == results[4].Value.Value == 12.5
    assert results[1].StatusCode.value == STATUS.BadNodeIdUnknown
    assert results[2].Value.Value.Name == "Level"
    assert results[3].Value.Value[0] == "http://opcfoundation.org/UA/"


async def test_a_bad_tag_has_a_status_and_no_value_and_an_uncertain_one_both(served: Served, anonymous: Client) -> None:
    """Part 4, 7.11."""
    served.set(LEVEL, 3.0, Status.UncertainLastUsableValue)
    (uncertain,) = await read(anonymous, value_of(served.node_id(LEVEL)))
    assert (uncertain.Value.Value, uncertain.StatusCode.value) == (3.0, Status.UncertainLastUsableValue)
    served.set(LEVEL, 0.0, Status.BadNoCommunication)
    (bad,) = await read(anonymous, value_of(served.node_id(LEVEL)))
    assert (bad.Value.Value, bad.StatusCode.value) == (None, Status.BadNoCommunication)
    served.set(LEVEL, 4.0)


async def test_a_tag_that_never_had_a_value_waits_for_it(served: Served, anonymous: Client) -> None:
    """Part 4, 7.39.2."""
    (value,) = await read(anonymous, value_of(served.node_id("Cooling/Loop1/Pump1/HealthScore")))
    assert value.StatusCode.value == STATUS.BadWaitingForInitialData
    assert value.SourceTimestamp is None


@pytest.mark.parametrize("node", ["tag", "variable"])
async def test_timestamps_are_those_asked_for(served: Served, anonymous: Client, node: str) -> None:
    """Part 4, 7.40."""
    served.set(LEVEL, 1.0)
    node_id = served.node_id(LEVEL) if node == "tag" else ARRAY
    stamps = {}
    for wanted in (0, 1, 2, 3):
        (value,) = await read(anonymous, value_of(node_id), TimestampsToReturn=ua.TimestampsToReturn(wanted))
        stamps[wanted] = (value.SourceTimestamp is not None, value.ServerTimestamp is not None)
    assert stamps == {0: (True, False), 1: (False, True), 2: (True, True), 3: (False, False)}


async def test_attributes_other_than_the_value_have_no_source_timestamp(anonymous: Client) -> None:
    """Part 4, 7.11.3."""
    item = ua.ReadValueId(NodeId=ARRAY, AttributeId=ua.AttributeIds.DisplayName)
    (value,) = await read(anonymous, item)
    assert value.SourceTimestamp is None
    assert value.ServerTimestamp is not None


@pytest.mark.parametrize(
    ("bend", "status"),
    [
        ({"MaxAge": -1.0}, STATUS.BadMaxAgeInvalid),
        ({"MaxAge": float("nan")}, STATUS.BadMaxAgeInvalid),
        ({"NodesToRead": []}, STATUS.BadNothingToDo),
        ({"NodesToRead": [value_of(ARRAY)] * 10_001}, STATUS.BadTooManyOperations),
    ],
)
async def test_a_request_that_is_wrong_as_a_whole_is_a_fault(served: Served, bend: dict[str, Any], status: int) -> None:
    """Part 4, 5.10.2.3."""
    async with served.raw() as raw:
        await raw.connect()
        request = read_request(ARRAY)
        for name, value in bend.items():
            setattr(request.Parameters, name, value)
        assert (await raw.call(request)).ResponseHeader.ServiceResult.value == status


async def test_timestamps_that_do_not_exist_are_a_fault(served: Served) -> None:
    """Part 4, 5.10.2.3."""
    async with served.raw() as raw:
        await raw.connect()
        data = raw.message(read_request(ARRAY))
        place = data.index(struct.pack("<dii", 0.0, 2, 1)) + 8
        raw.send(data[:place] + struct.pack("<i", 9) + data[place + 4 :])
        _, fault = await raw.answer()
        assert fault.ResponseHeader.ServiceResult.value == STATUS.BadTimestampsToReturnInvalid


@pytest.mark.parametrize(
    ("item", "status"),
    [
        (ua.ReadValueId(NodeId=ARRAY, AttributeId=99), STATUS.BadAttributeIdInvalid),
        (ua.ReadValueId(NodeId=ARRAY, AttributeId=0), STATUS.BadAttributeIdInvalid),
        (ua.ReadValueId(NodeId=ARRAY, AttributeId=ua.AttributeIds.EventNotifier), STATUS.BadAttributeIdInvalid),
        (ua.ReadValueId(NodeId=ua.NodeId(85), AttributeId=13), STATUS.BadAttributeIdInvalid),
        (value_of(ua.NodeId(999_999)), STATUS.BadNodeIdUnknown),
        (value_of(ua.NodeId("x", 77)), STATUS.BadNodeIdUnknown),
        (value_of(ua.NodeId(BASE, 1)), STATUS.BadNodeIdUnknown),
        (value_of(ARRAY, IndexRange="x"), STATUS.BadIndexRangeInvalid),
        (value_of(ARRAY, IndexRange="2:1"), STATUS.BadIndexRangeInvalid),
        (value_of(ARRAY, IndexRange="1:1"), STATUS.BadIndexRangeInvalid),
        (value_of(ARRAY, IndexRange="50:60"), STATUS.BadIndexRangeNoData),
        (value_of(BUILD_INFO, IndexRange="0"), STATUS.BadIndexRangeNoData),
        (value_of(ARRAY, DataEncoding=ua.QualifiedName("Default Binary", 0)), STATUS.BadDataEncodingInvalid),
        (value_of(BUILD_INFO, DataEncoding=ua.QualifiedName("Default XML", 0)), STATUS.BadDataEncodingUnsupported),
        (value_of(BUILD_INFO, DataEncoding=ua.QualifiedName("Fancy", 0)), STATUS.BadDataEncodingInvalid),
        (value_of(BUILD_INFO, DataEncoding=ua.QualifiedName("Default Binary", 0)), 0),
        (value_of(ARRAY, IndexRange="0:1"), 0),
    ],
)
async def test_each_item_has_its_own_status(anonymous: Client, item: ua.ReadValueId, status: int) -> None:
    """Part 4, 5.10.2.4."""
    good, asked = await read(anonymous, value_of(ARRAY), item)
    assert good.StatusCode.value == 0
    assert asked.StatusCode.value == status
    assert (asked.Value.Value is None) == (status != 0)


async def test_every_mandatory_attribute_of_every_node_class_is_there(served: Served, anonymous: Client) -> None:
    """Part 3, 5.2 to 5.8."""
    served.set(LEVEL, 12.5)  # else it is BadWaitingForInitialData, see above
    ids = ua.AttributeIds
    common = [ids.NodeId, ids.NodeClass, ids.BrowseName, ids.DisplayName]
    variable = [ids.Value, ids.DataType, ids.ValueRank, ids.AccessLevel, ids.UserAccessLevel, ids.Historizing]
    wanted = {
        served.node_id(LEVEL): variable,
        ARRAY: variable,
        served.node_id("Cooling"): [ids.EventNotifier],
        served.node_id("Cooling/Loop1/Pump1/Start"): [ids.Executable, ids.UserExecutable],
        ua.NodeId(ua.ObjectIds.BaseObjectType): [ids.IsAbstract],
        ua.NodeId(ua.ObjectIds.BaseDataVariableType): [ids.IsAbstract, ids.DataType, ids.ValueRank],
        ua.NodeId(ua.ObjectIds.HasComponent): [ids.IsAbstract, ids.Symmetric, ids.InverseName],
        ua.NodeId(ua.ObjectIds.Range): [ids.IsAbstract],
    }
    items = [
        ua.ReadValueId(NodeId=node_id, AttributeId=attribute)
        for node_id, attributes in wanted.items()
        for attribute in (*common, *attributes)
    ]
    for item, value in zip(items, await read(anonymous, *items), strict=True):
        assert value.StatusCode.value == 0, (item.NodeId, item.AttributeId, value.StatusCode)


async def test_registered_nodes_read_the_same_values_and_belong_to_their_session(
    served: Served, anonymous: Client
) -> None:
    """Part 4, 5.8.5."""
    served.set(LEVEL, 42.0)
    level, volume = served.node_id(LEVEL), served.node_id(f"{TANK}/Volume")
    unknown = ua.NodeId("nothing", 3)
    handles = await anonymous.uaclient.register_nodes([level, volume, ARRAY, unknown])
    assert handles[2:] == [ARRAY, unknown]
    assert all(handle.NodeIdType == ua.NodeIdType.Numeric for handle in handles[:2])
    plain = await read(anonymous, value_of(level), value_of(volume))
    assert await read(anonymous, *map(value_of, handles[:2])) == plain
    mixed = await read(anonymous, value_of(handles[0]), value_of(ARRAY))
    assert mixed[0].Value.Value == 42.0
    name = ua.ReadValueId(NodeId=handles[0], AttributeId=ua.AttributeIds.BrowseName)
    assert (await read(anonymous, name))[0].Value.Value.Name == "Level"
    async with served.client() as other:
        (denied,) = await read(other, value_of(handles[0]))
        assert denied.StatusCode.value == STATUS.BadNodeIdUnknown
    await anonymous.uaclient.unregister_nodes(handles)
    (gone,) = await read(anonymous, value_of(handles[0]))
    assert gone.StatusCode.value == STATUS.BadNodeIdUnknown
