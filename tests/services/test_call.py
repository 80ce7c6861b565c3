"""Call: the checks of Part 4, 5.11.2, commands, analytics and a node's own function."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from asyncua import Client, ua
from asyncua.common.methods import uamethod

from drivers.status import Status
from server.services.session import Session
from tests.services.conftest import Served

pytestmark = pytest.mark.asyncio(loop_scope="module")
STATUS = ua.StatusCodes
PUMP = "Cooling/Loop1/Pump1"
FLOAT, DOUBLE = ua.VariantType.Float, ua.VariantType.Double


def request(served: Served, owner: str, method: str, *arguments: ua.Variant) -> ua.CallMethodRequest:
    return ua.CallMethodRequest(served.node_id(owner), served.node_id(method), list(arguments))


async def call(client: Client, *requests: ua.CallMethodRequest) -> list[ua.CallMethodResult]:
    return await client.uaclient.call(list(requests))  # type: ignore[no-any-return]


async def test_a_command_method_reaches_the_devices_and_tells_the_truth(served: Served, operator: Client) -> None:
    """Part 4, 5.11.2."""
    speed = ua.Variant(900.0, FLOAT)
    asked = request(served, f"{PUMP}/Commands", f"{PUMP}/SetSpeed", speed)
    (result,) = await call(operator, asked)
    assert result.StatusCode.value == 0
    assert served.commands.seen[-1] == ("SetSpeed", [900.0], "operator")
    served.commands.status = Status.BadTimeout
    try:
        (result,) = await call(operator, asked)
        assert result.StatusCode.value == STATUS.BadTimeout
    finally:
        served.commands.status = 0


async def test_an_analytics_method_computes_for_everybody_who_may_read(served: Served, anonymous: Client) -> None:
    """Part 4, 5.11.2."""
    numbers, scale = ua.Variant([1.0, 2.0, 3.0], DOUBLE), ua.Variant(10.0, DOUBLE)
    (result,) = await call(anonymous, request(served, f"{PUMP}/Analytics", f"{PUMP}/Mean", numbers, scale))
    assert result.StatusCode.value == 0
    assert [variant.Value for variant in result.OutputArguments] == [20.0]
    empty = ua.Variant([], DOUBLE, is_array=True)
    (result,) = await call(anonymous, request(served, f"{PUMP}/Analytics", f"{PUMP}/Mean", empty, scale))
    assert result.StatusCode.value == STATUS.BadInvalidArgument
    assert [status.value for status in result.InputArgumentResults] == [STATUS.BadOutOfRange, 0]


async def test_each_call_has_its_own_status(served: Served, operator: Client) -> None:
    """Part 4, 5.11.2.4."""
    speed, commands = ua.Variant(1.0, FLOAT), f"{PUMP}/Commands"
    cases = [
        (request(served, commands, f"{PUMP}/SetSpeed"), STATUS.BadArgumentsMissing),
        (request(served, commands, f"{PUMP}/SetSpeed", speed, speed), STATUS.BadTooManyArguments),
        (request(served, commands, f"{PUMP}/SetSpeed", ua.Variant(1.0, DOUBLE)), STATUS.BadInvalidArgument),
        (request(served, commands, f"{PUMP}/SetSpeed", ua.Variant([1.0], FLOAT)), STATUS.BadInvalidArgument),
        (request(served, "nothing", f"{PUMP}/SetSpeed", speed), STATUS.BadNodeIdUnknown),
        (request(served, commands, "nothing", speed), STATUS.BadMethodInvalid),
        (request(served, "Cooling/Loop1/Tank", f"{PUMP}/SetSpeed", speed), STATUS.BadMethodInvalid),
        (request(served, commands, f"{PUMP}/Run", speed), STATUS.BadMethodInvalid),
        (request(served, commands, f"{PUMP}/SetSpeed", speed), 0),
    ]
    results = await call(operator, *(asked for asked, _ in cases))
    assert [result.StatusCode.value for result in results] == [status for _, status in cases]
    assert [status.value for status in results[2].InputArgumentResults] == [STATUS.BadTypeMismatch]
    assert [status.value for status in results[0].InputArgumentResults] == []


async def test_methods_of_one_call_run_side_by_side(served: Served, operator: Client) -> None:
    """Part 4, 5.11.2.1."""
    served.commands.gate.clear()
    asked = [request(served, f"{PUMP}/Commands", f"{PUMP}/Start") for _ in range(3)]
    waiting = asyncio.create_task(call(operator, *asked))
    assert await operator.nodes.server_state.read_value() == ua.ServerState.Running
    served.commands.gate.set()
    assert [result.StatusCode.value for result in await waiting] == [0, 0, 0]


async def test_a_nodes_own_function_is_called(served: Served, anonymous: Client) -> None:
    @uamethod
    async def double(parent: ua.NodeId, number: float) -> float:
        return 2 * number

    objects = served.server.stack.nodes.objects
    node = await objects.add_method(ua.NodeId("double", 1), "double", double, [DOUBLE], [DOUBLE])
    (result,) = await call(anonymous, ua.CallMethodRequest(objects.nodeid, node.nodeid, [ua.Variant(21.0, DOUBLE)]))
    assert [variant.Value for variant in result.OutputArguments] == [42.0]


async def test_a_method_of_the_type_is_called_on_the_object_that_has_it(served: Served, anonymous: Client) -> None:
    """A client may name the type's method; the object's own one runs (Part 4, 5.11.2)."""
    seen: list[Any] = []

    def resend(session: Session, object_id: ua.NodeId, arguments: list[ua.Variant]) -> ua.StatusCode:
        seen.append((session.user.name, [argument.Value for argument in arguments]))
        return ua.StatusCode(STATUS.BadSubscriptionIdInvalid)

    own = ua.NodeId(ua.ObjectIds.Server_ResendData)
    before = served.server.method_table.built_in.get(own)
    served.server.method_table.built_in[own] = resend
    try:
        number = ua.Variant(7, ua.VariantType.UInt32)
        server = ua.NodeId(ua.ObjectIds.Server)
        methods = [own, ua.NodeId(ua.ObjectIds.ServerType_ResendData)]
        results = await call(anonymous, *(ua.CallMethodRequest(server, method, [number]) for method in methods))
        assert [result.StatusCode.value for result in results] == [STATUS.BadSubscriptionIdInvalid] * 2
        assert seen == [("anonymous", [7]), ("anonymous", [7])]
    finally:
        del served.server.method_table.built_in[own]
        if before is not None:
            served.server.method_table.built_in[own] = before


async def test_nothing_and_too_much_are_faults(served: Served) -> None:
    """Part 4, 5.11.2.3."""
    async with served.raw() as raw:
        await raw.connect()
        asked = ua.CallRequest()
        assert (await raw.call(asked)).ResponseHeader.ServiceResult.value == STATUS.BadNothingToDo
        asked.Parameters.MethodsToCall = [ua.CallMethodRequest()] * 1_001
        assert (await raw.call(asked)).ResponseHeader.ServiceResult.value == STATUS.BadTooManyOperations
