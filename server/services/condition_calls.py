"""Calls of the methods of conditions: found by whichever NodeId a client uses, done, and audited (Part 9, 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asyncua import ua
from asyncua.common.utils import ServiceError

from server.address_space.condition_methods import BY_SUFFIX, BY_TYPE_ID, SHELVING, ConditionMethod
from server.address_space.heads import standard
from server.alarms.definitions import AlarmDefinition
from server.services.events import EventDraft
from server.services.session import Session

if TYPE_CHECKING:
    from server.address_space import TwinSpace
    from server.services.ua_server import UaServer

_V = ua.VariantType


class ConditionCalls:
    """The methods of all conditions of a server."""

    def __init__(self, server: UaServer, space: TwinSpace) -> None:
        self._server = server
        self._space = space

    def instance_method(self, object_id: ua.NodeId, method_id: ua.NodeId) -> ua.NodeId | None:
        """The condition's own method that a call means: it may name the condition or its ShelvingState, and the method
        of the type or of the instance (5.5.4, 5.8.17.2). None for what has nothing to do with conditions.

        Raises ServiceError: BadNodeIdInvalid for a type as the object, BadMethodInvalid where it has no such method.
        """
        method = BY_TYPE_ID.get(method_id)
        definition = self._condition(object_id)
        if definition is None:
            if method is not None and object_id.NamespaceIndex == 0:
                raise ServiceError(ua.StatusCodes.BadNodeIdInvalid)
            return None
        if method is None:
            path = self._space.path_of(method_id) or ""
            found = BY_SUFFIX.get(path.removeprefix(definition.path))
            method = found if path.startswith(definition.path) else None
        if method is None or not method.has(definition):
            raise ServiceError(ua.StatusCodes.BadMethodInvalid)
        return self._space.node_id(f"{definition.path}{method.suffix}")

    def _condition(self, object_id: ua.NodeId) -> AlarmDefinition | None:
        path = self._space.path_of(object_id)
        found = self._space.views.find(path) if path is not None else None
        return found[0] if found is not None and found[1] in ("", f"/{SHELVING}") else None

    def find(self, method_id: ua.NodeId) -> tuple[AlarmDefinition, ConditionMethod] | None:
        """The condition and the method that a NodeId of an instance's method stands for."""
        path = self._space.path_of(method_id)
        found = self._space.views.part(path) if path is not None else None
        if found is None or found[1].method is None or found[1].node_class is not ua.NodeClass.Method:
            return None
        return found[0], found[1].method

    def call(
        self,
        session: Session,
        definition: AlarmDefinition,
        method: ConditionMethod,
        method_id: ua.NodeId,
        arguments: list[ua.Variant],
    ) -> int:
        """Do it; the StatusCode. An audit event tells of every attempt (5.10)."""
        given = {name: value.Value for (name, _, _), value in zip(method.arguments, arguments, strict=True)}
        comment: ua.LocalizedText = given.get("Comment") or ua.LocalizedText()
        number = self._space.conditions.find(definition.path)
        if number is None:
            return int(ua.StatusCodes.BadNodeIdUnknown)
        status = self._space.conditions.act(
            number,
            method.happening,
            session.user.name,
            comment=(comment.Text or "", comment.Locale or ""),
            event_id=given.get("EventId"),
            shelve_s=float(given.get("ShelvingTime", 0.0)) / 1000,
        )
        self._audit(session, definition, method, method_id, arguments, given, status)
        return int(status)

    def _audit(
        self,
        session: Session,
        definition: AlarmDefinition,
        method: ConditionMethod,
        method_id: ua.NodeId,
        arguments: list[ua.Variant],
        given: dict[str, Any],
        status: int,
    ) -> None:
        """SourceNode is the condition, SourceName the method (5.10.2)."""
        more = {
            "Status": ua.Variant(status == 0, _V.Boolean),
            "ServerId": ua.Variant(self._server.application_uri, _V.String),
            "ClientAuditEntryId": ua.Variant("", _V.String),
            "ClientUserId": ua.Variant(session.user.name, _V.String),
            "MethodId": ua.Variant(method_id, _V.NodeId),
            "InputArguments": ua.Variant(arguments, _V.Variant, is_array=True),
        }
        known = {"EventId": ("ConditionEventId", _V.ByteString), "Comment": ("Comment", _V.LocalizedText)}
        known["ShelvingTime"] = ("ShelvingTime", _V.Double)
        for argument, value in given.items():
            name, kind = known[argument]
            more[name] = ua.Variant(value, kind)
        outcome = "done" if status == 0 else ua.StatusCode(ua.UInt32(status)).name
        draft = EventDraft(
            standard(method.audit),
            self._space.node_id(definition.path),
            f"Method/{method.name}",
            f"{session.user.name!r} called {method.name} of {definition.path}: {outcome}",
            100 if status == 0 else 300,
            more=more,
        )
        more["ActionTimeStamp"] = ua.Variant(draft.time, _V.DateTime)
        self._server.events.emit(draft.finish())
