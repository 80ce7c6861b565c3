"""Write: every check of Part 4, 5.10.4, for commands and for other variables."""

from __future__ import annotations

from typing import Any

import pytest
from asyncua import Client, ua
from asyncua.ua.ua_binary import struct_from_binary

from drivers.status import Status
from tests.services.conftest import Served

pytestmark = pytest.mark.asyncio(loop_scope="module")
STATUS = ua.StatusCodes
PUMP = "Cooling/Loop1/Pump1"
RUN = f"{PUMP}/Run"
SPEED = f"{PUMP}/SpeedSetpoint"
BOOLEAN = ua.Variant(True, ua.VariantType.Boolean)


async def write(client: Client, *items: ua.WriteValue) -> list[int]:
    results = await client.uaclient.write(ua.WriteParameters(NodesToWrite=list(items)))
    return [int(result.value) for result in results]


def write_value(node_id: ua.NodeId, variant: ua.Variant, attribute: int = 13, **rest: Any) -> ua.WriteValue:
    index_range = rest.pop("IndexRange", None)
    value = ua.DataValue(variant, **({"StatusCode": None} | rest))
    return ua.WriteValue(NodeId=node_id, AttributeId=attribute, IndexRange=index_range, Value=value)


async def test_a_command_goes_to_the_device_and_its_answer_comes_back(served: Served, operator: Client) -> None:
    """Part 4, 5.10.4."""
    speed = ua.Variant(1500.0, ua.VariantType.Float)
    assert await write(operator, write_value(served.node_id(SPEED), speed)) == [0]
    assert served.commands.seen[-1] == (served.row(SPEED), 1500.0, "operator")
    served.commands.status = Status.BadDeviceFailure
    try:
        assert await write(operator, write_value(served.node_id(SPEED), speed)) == [STATUS.BadDeviceFailure]
    finally:
        served.commands.status = 0


async def test_whoever_asks_is_told_in_words_why_a_write_was_refused(served: Served, operator: Client) -> None:
    """Part 4, 5.10.4.2, 7.12 and 7.33: diagnosticInfos has an entry for each operation where AdditionalInfo of the
    operation level is asked for, and is empty otherwise."""
    items = [
        write_value(served.node_id(SPEED), ua.Variant(1500.0, ua.VariantType.Float)),
        write_value(served.node_id(SPEED), ua.Variant([1], ua.VariantType.Int32)),
        write_value(served.node_id(SPEED), ua.Variant(float("nan"), ua.VariantType.Float)),
        write_value(served.node_id(SPEED), ua.Variant(1.0, ua.VariantType.Float), IndexRange="0"),
        write_value(served.node_id("nothing"), BOOLEAN),
    ]
    served.commands.status, served.commands.words = Status.BadInvalidState, "Tank level is below 10 %"
    try:
        asked = await answered(operator, items, 0x80)
        unasked = [await answered(operator, items, wanted) for wanted in (0, 0x20, 0x7F)]
    finally:
        served.commands.status, served.commands.words = 0, ""
    assert [info.AdditionalInfo for info in asked.DiagnosticInfos] == [
        "Tank level is below 10 %",
        "it takes a single Float, not an array of Int32",
        "nan is no number that a device could take",
        "a command is written whole, without an IndexRange",
        None,
    ]
    assert asked.Results[0].value == STATUS.BadInvalidState
    assert [list(one.DiagnosticInfos or []) for one in unasked] == [[], [], []]
    done = await answered(operator, items[:1], 0x80)
    assert (done.Results[0].value, list(done.DiagnosticInfos or [])) == (0, [])


async def answered(client: Client, items: list[ua.WriteValue], return_diagnostics: int) -> ua.WriteResponse:
    """The whole response, with its DiagnosticInfos."""
    request = ua.WriteRequest()
    request.RequestHeader.ReturnDiagnostics = ua.UInt32(return_diagnostics)
    request.Parameters.NodesToWrite = items
    assert client.uaclient.protocol is not None
    return struct_from_binary(ua.WriteResponse, await client.uaclient.protocol.send_request(request))


async def test_commands_of_one_write_run_side_by_side_and_those_to_one_node_in_order(
    served: Served, operator: Client
) -> None:
    """Part 4, 5.10.4.1."""
    served.commands.seen.clear()
    items = [
        write_value(served.node_id(SPEED), ua.Variant(float(value), ua.VariantType.Float)) for value in range(5)
    ] + [write_value(served.node_id(RUN), BOOLEAN)]
    assert await write(operator, *items) == [0] * 6
    speeds = [value for row, value, _ in served.commands.seen if row == served.row(SPEED)]
    assert speeds == [0.0, 1.0, 2.0, 3.0, 4.0]


async def test_each_item_has_its_own_status(served: Served, operator: Client) -> None:
    """Part 4, 5.10.4.4."""
    run, level = served.node_id(RUN), served.node_id("Cooling/Loop1/Tank/Level")
    double = ua.Variant(1.0, ua.VariantType.Double)
    cases = [
        (write_value(run, ua.Variant(1, ua.VariantType.Int32)), STATUS.BadTypeMismatch),
        (write_value(run, ua.Variant([True], ua.VariantType.Boolean)), STATUS.BadTypeMismatch),
        (write_value(run, ua.Variant()), STATUS.BadTypeMismatch),
        (write_value(run, BOOLEAN, IndexRange="0"), STATUS.BadWriteNotSupported),
        (write_value(run, BOOLEAN, IndexRange="?"), STATUS.BadIndexRangeInvalid),
        (
            write_value(run, BOOLEAN, StatusCode=ua.StatusCode(STATUS.UncertainInitialValue)),
            STATUS.BadWriteNotSupported,
        ),
        (write_value(run, BOOLEAN, ServerTimestamp=ua.uatypes.get_win_epoch()), STATUS.BadWriteNotSupported),
        (write_value(run, BOOLEAN, attribute=99), STATUS.BadAttributeIdInvalid),
        (write_value(run, BOOLEAN, attribute=ua.AttributeIds.EventNotifier), STATUS.BadAttributeIdInvalid),
        (write_value(run, ua.Variant("x"), attribute=ua.AttributeIds.DisplayName), STATUS.BadNotWritable),
        (write_value(served.node_id("nothing"), BOOLEAN), STATUS.BadNodeIdUnknown),
        (write_value(level, double), STATUS.BadNotWritable),
        (write_value(ua.NodeId(ua.ObjectIds.Server_NamespaceArray), BOOLEAN), STATUS.BadNotWritable),
        (write_value(ua.NodeId(85), BOOLEAN), STATUS.BadAttributeIdInvalid),
        (
            write_value(served.node_id(SPEED), ua.Variant(float("nan"), ua.VariantType.Float)),
            STATUS.BadOutOfRange,
        ),
        (write_value(run, BOOLEAN), 0),
    ]
    assert await write(operator, *(item for item, _ in cases)) == [status for _, status in cases]


async def test_unknown_nodes_are_told_before_missing_rights(served: Served, anonymous: Client) -> None:
    """Part 4, 5.10.4.4."""
    items = [write_value(served.node_id("nothing"), BOOLEAN), write_value(served.node_id(RUN), BOOLEAN)]
    assert await write(anonymous, *items) == [STATUS.BadNodeIdUnknown, STATUS.BadUserAccessDenied]


async def test_a_variable_that_is_no_tag_takes_what_fits_it(served: Served, operator: Client) -> None:
    """Part 4, 5.10.4.4 and 7.27."""
    stack = served.server.stack
    objects = stack.nodes.objects
    numbers = await objects.add_variable(ua.NodeId("numbers", 1), "numbers", [1, 2, 3, 4], ua.VariantType.Int32)
    text = await objects.add_variable(ua.NodeId("text", 1), "text", "abcd")
    for node in (numbers, text):
        await node.set_writable()
    int32 = ua.VariantType.Int32
    cases = [
        (write_value(numbers.nodeid, ua.Variant([7, 8], int32), IndexRange="1:2"), 0),
        (write_value(numbers.nodeid, ua.Variant([7], int32), IndexRange="1:2"), STATUS.BadIndexRangeDataMismatch),
        (write_value(numbers.nodeid, ua.Variant([7, 8], int32), IndexRange="3:4"), STATUS.BadIndexRangeNoData),
        (write_value(numbers.nodeid, ua.Variant(7, int32)), STATUS.BadTypeMismatch),
        (write_value(numbers.nodeid, ua.Variant([1.0], ua.VariantType.Double)), STATUS.BadTypeMismatch),
        (write_value(text.nodeid, ua.Variant("XY"), IndexRange="1:2"), 0),
        (write_value(text.nodeid, ua.Variant(5, int32)), STATUS.BadTypeMismatch),
    ]
    assert await write(operator, *(item for item, _ in cases)) == [status for _, status in cases]
    values = await operator.read_values([operator.get_node(numbers.nodeid), operator.get_node(text.nodeid)])
    assert values == [[1, 7, 8, 4], "aXYd"]
    value = await operator.get_node(numbers.nodeid).read_data_value()
    assert value.SourceTimestamp is not None


@pytest.mark.parametrize(("count", "status"), [(0, STATUS.BadNothingToDo), (10_001, STATUS.BadTooManyOperations)])
async def test_too_few_and_too_many_items_are_a_fault(served: Served, count: int, status: int) -> None:
    """Part 4, 5.10.4.3."""
    async with served.raw() as raw:
        await raw.connect()
        request = ua.WriteRequest()
        request.Parameters.NodesToWrite = [write_value(ua.NodeId(85), BOOLEAN)] * count
        assert (await raw.call(request)).ResponseHeader.ServiceResult.value == status
