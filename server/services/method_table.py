"""Where a Call goes: to a built-in method of the server, a command, an analytics method, or a node's own function."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.server.address_space import NodeData

from server.address_space import MethodView
from server.services.session import Session
from server.services.wire import status_code

if TYPE_CHECKING:
    from server.services.ua_server import UaServer

_log = logging.getLogger(__name__)
BuiltIn = Callable[[Session, ua.NodeId, list[ua.Variant]], Any]
"""Takes the caller, the ObjectId and the checked arguments; returns (or awaits to) output Variants, a StatusCode or a
CallMethodResult; raises ServiceError."""


class MethodTable:
    """The server's methods. `built_in` maps NodeIds of methods to functions that need to know the caller."""

    def __init__(self, server: UaServer) -> None:
        self._server = server
        self.built_in: dict[ua.NodeId, BuiltIn] = {}

    async def call(
        self, session: Session, node: NodeData, method: ua.CallMethodRequest, arguments: list[ua.Variant]
    ) -> ua.CallMethodResult:
        """Run one method whose call has been checked. Raises ServiceError."""
        built_in = self.built_in.get(node.nodeid)
        if built_in is not None:
            return await _result(built_in(session, method.ObjectId, arguments))
        of_condition = self._server.condition_calls.find(node.nodeid) if self._server.condition_calls else None
        if of_condition is not None and self._server.condition_calls is not None:
            calls = self._server.condition_calls
            return await _result(calls.call(session, *of_condition, method.MethodId, arguments))
        of_job = self._server.space.action_of(node.nodeid) if self._server.space is not None else None
        if of_job is not None:
            return await _result(self._server.methods.cancel(*of_job, session))
        found = self._server.space.method_of(node.nodeid) if self._server.space is not None else None
        if found is not None:
            twin, view = found
            values = [argument.Value for argument in arguments]
            if isinstance(view, MethodView):
                return await _result(self._server.methods.call(twin, view, values, session))
            return await _result(self._server.commands.call(view, values, session.user))
        if node.call is None:
            raise ServiceError(ua.StatusCodes.BadNotImplemented)
        return await _result(node.call(method.ObjectId, *arguments))


async def _result(returned: Any | Awaitable[Any]) -> ua.CallMethodResult:
    value = await returned if inspect.isawaitable(returned) else returned
    if isinstance(value, ua.CallMethodResult):
        return value
    if isinstance(value, ua.StatusCode):
        return ua.CallMethodResult(StatusCode=value)
    if isinstance(value, int):
        return ua.CallMethodResult(StatusCode=status_code(value))
    return ua.CallMethodResult(OutputArguments=list(value or []))
