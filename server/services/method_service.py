"""The Method Service Set (Part 4, 5.11): Call, checked against the method's InputArguments."""

from __future__ import annotations

import asyncio
from typing import Final

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.server.address_space import NodeData

from server.services.access import user_executable
from server.services.browse import Browser
from server.services.context import Service, ServiceContext
from server.services.data_types import DataTypes
from server.services.explained import answer_of
from server.services.wire import node_id, status_code
from server.services.write import rank_fits

_HAS_COMPONENT: Final = node_id(ua.ObjectIds.HasComponent)
_INPUT_ARGUMENTS: Final = ua.QualifiedName("InputArguments", 0)
_NULLABLE: Final = frozenset(
    node_id(kind)
    for kind in (
        *(ua.ObjectIds.String, ua.ObjectIds.LocalizedText),
        *(ua.ObjectIds.DateTime, ua.ObjectIds.ByteString, ua.ObjectIds.UtcTime),
    )
)


class BadArguments(Exception):
    """Arguments that do not fit: a StatusCode for each."""

    def __init__(self, results: list[int]) -> None:
        super().__init__("arguments do not fit")
        self.results = results


async def _call(context: ServiceContext, request: ua.CallParameters) -> ua.CallResponse:
    methods = request.MethodsToCall
    if not methods:
        raise ServiceError(ua.StatusCodes.BadNothingToDo)
    if len(methods) > context.server.limits.max_nodes_per_method_call:
        raise ServiceError(ua.StatusCodes.BadTooManyOperations)
    checks = MethodChecks(context)
    results = await asyncio.gather(*(_call_one(context, checks, method) for method in methods))
    return answer_of(results, int(context.header.ReturnDiagnostics))


async def _call_one(context: ServiceContext, checks: MethodChecks, method: ua.CallMethodRequest) -> ua.CallMethodResult:
    try:
        node = checks.find(method)
        arguments = list(method.InputArguments or [])
        checks.check_arguments(node, arguments)
        return await context.server.method_table.call(context.caller, node, method, arguments)
    except ServiceError as error:
        return ua.CallMethodResult(StatusCode=status_code(error.code))
    except BadArguments as error:
        result = ua.CallMethodResult(StatusCode=status_code(ua.StatusCodes.BadInvalidArgument))
        result.InputArgumentResults = [status_code(status) for status in error.results]
        return result


class MethodChecks:
    """Finds methods and checks the arguments of calls for one request."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        self._aspace = context.server.aspace
        self._attributes = context.server.attributes
        self._browser = Browser(self._aspace)
        self._types = DataTypes(context.server)

    def find(self, method: ua.CallMethodRequest) -> NodeData:
        """The method's node. Raises ServiceError: BadNodeIdUnknown, BadMethodInvalid, BadNotExecutable,
        BadUserAccessDenied."""
        owner = self._aspace.get(method.ObjectId)
        node = self._aspace.get(method.MethodId)
        if owner is None or node is None:
            raise ServiceError(ua.StatusCodes.BadNodeIdUnknown if owner is None else ua.StatusCodes.BadMethodInvalid)
        plain = self._attributes.plain
        if plain(node, ua.AttributeIds.NodeClass) != ua.NodeClass.Method:
            raise ServiceError(ua.StatusCodes.BadMethodInvalid)
        node = self._of_condition(method) or self._of_object(owner, node)
        if not plain(node, ua.AttributeIds.Executable):
            raise ServiceError(ua.StatusCodes.BadNotExecutable)
        access = self._context.server.access_to(node.nodeid)
        if not user_executable(self._context.caller.user, True, access):
            raise ServiceError(ua.StatusCodes.BadUserAccessDenied)
        return node

    def check_arguments(self, node: NodeData, arguments: list[ua.Variant]) -> None:
        """Raises ServiceError: BadArgumentsMissing, BadTooManyArguments; BadArguments for wrong types."""
        declared = self.input_arguments(node)
        if len(arguments) < len(declared):
            raise ServiceError(ua.StatusCodes.BadArgumentsMissing)
        if len(arguments) > len(declared):
            raise ServiceError(ua.StatusCodes.BadTooManyArguments)
        results = [self._fits(argument, value) for argument, value in zip(declared, arguments, strict=True)]
        if any(results):
            raise BadArguments(results)

    def input_arguments(self, node: NodeData) -> list[ua.Argument]:
        """What the method's InputArguments property declares."""
        for reference in node.references:
            if reference.IsForward and reference.BrowseName == _INPUT_ARGUMENTS:
                target = self._aspace.get(reference.NodeId)
                value = self._attributes.plain(target, ua.AttributeIds.Value) if target is not None else None
                return list(value or [])
        return []

    def _of_object(self, owner: NodeData, node: NodeData) -> NodeData:
        """The method where it is a component of the object, its type or a supertype; where the method is given as the
        type's, the object's own one is meant (Part 4, 5.11.2)."""
        components = self._browser.reference_types(_HAS_COMPONENT, True) or frozenset()
        own = [one for one in owner.references if one.IsForward and one.ReferenceTypeId in components]
        if any(one.NodeId == node.nodeid for one in own):
            return node
        name = self._attributes.plain(node, ua.AttributeIds.BrowseName)
        for kind in self._types_of(owner):
            if any(one.IsForward and one.NodeId == node.nodeid for one in kind.references):
                same = [self._aspace.get(one.NodeId) for one in own if one.BrowseName == name]
                return next((found for found in same if found is not None), node)
        raise ServiceError(ua.StatusCodes.BadMethodInvalid)

    def _of_condition(self, method: ua.CallMethodRequest) -> NodeData | None:
        calls = self._context.server.condition_calls
        meant = calls.instance_method(method.ObjectId, method.MethodId) if calls is not None else None
        found: NodeData | None = self._aspace.get(meant) if meant is not None else None
        return found

    def _types_of(self, owner: NodeData) -> list[NodeData]:
        kinds: list[NodeData] = []
        wanted, forward, current = ua.ObjectIds.HasTypeDefinition, True, owner
        if self._attributes.plain(owner, ua.AttributeIds.NodeClass) == ua.NodeClass.ObjectType:
            kinds.append(owner)
            wanted, forward = ua.ObjectIds.HasSubtype, False
        for _ in range(32):
            found = [
                self._aspace.get(one.NodeId)
                for one in current.references
                if one.IsForward == forward and one.ReferenceTypeId == node_id(wanted)
            ]
            if not found or found[0] is None:
                break
            current = found[0]
            kinds.append(current)
            wanted, forward = ua.ObjectIds.HasSubtype, False
        return kinds

    def _fits(self, declared: ua.Argument, value: ua.Variant) -> int:
        """A null Variant stands for the null of types that have one: text, bytes, DateTime, arrays."""
        if value.VariantType == ua.VariantType.Null and (declared.ValueRank > 0 or declared.DataType in _NULLABLE):
            return 0
        if not self._types.accepts(declared.DataType, value) or not rank_fits(int(declared.ValueRank), value):
            return int(ua.StatusCodes.BadTypeMismatch)
        return 0


HANDLERS: Final[dict[int, Service]] = {
    ua.ObjectIds.CallRequest_Encoding_DefaultBinary: Service(ua.CallParameters, _call, parallel=True),
}
