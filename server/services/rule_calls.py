"""The methods of `Objects/Rules`: rules added, tried on the past and removed, each with its audit event."""

from __future__ import annotations

from typing import Any, Final

from asyncua import ua

from server.address_space.heads import standard
from server.alarms.alarms import Alarms
from server.alarms.definitions import AlarmDefinition
from server.alarms.describe import condition_text
from server.alarms.rule_book import RuleBook, RuleError
from server.config.diagnostics import RULES
from server.services.events import EventDraft
from server.services.session import Session
from server.services.ua_server import UaServer

_V = ua.VariantType
_DONE: Final = 100
_REFUSED: Final = 300
"""Severities of audit events."""


class RuleCalls:
    """Puts the methods of a server's rules into effect."""

    def __init__(self, server: UaServer, book: RuleBook, alarms: Alarms) -> None:
        self._server = server
        self._book = book
        self._alarms = alarms
        if server.space is None:
            return
        methods = {"AddRule": self._add, "TestRule": self._test, "RemoveRule": self._remove, "ListRules": self._list}
        for name, method in methods.items():
            server.method_table.built_in[server.space.node_id(f"{RULES}/{name}")] = method

    async def _add(self, session: Session, object_id: ua.NodeId, arguments: list[ua.Variant]) -> list[ua.Variant]:
        paths, reason = [], ""
        try:
            paths = await self._book.add(str(arguments[0].Value or ""))
        except RuleError as error:
            reason = str(error)
        self._audit(session, "AddRule", arguments, reason)
        return [ua.Variant(paths, _V.String, is_array=True), ua.Variant(reason, _V.String)]

    async def _test(self, session: Session, object_id: ua.NodeId, arguments: list[ua.Variant]) -> list[ua.Variant]:
        rule, start, end = (argument.Value for argument in arguments)
        try:
            found = await self._book.test(str(rule or ""), *(_ticks(one) for one in (start, end)))
        except RuleError as error:
            nothing = [
                ua.Variant(0, _V.UInt32),
                *(ua.Variant(0.0, _V.Double) for _ in range(3)),
                ua.Variant(0, _V.UInt32),
            ]
            return [*nothing, ua.Variant(str(error), _V.String)]
        return [
            ua.Variant(found.alarms, _V.UInt32),
            ua.Variant(found.alarms_per_day, _V.Double),
            ua.Variant(found.active_s, _V.Double),
            ua.Variant(found.longest_s, _V.Double),
            ua.Variant(found.readings, _V.UInt32),
            ua.Variant("", _V.String),
        ]

    async def _remove(self, session: Session, object_id: ua.NodeId, arguments: list[ua.Variant]) -> list[ua.Variant]:
        reason = ""
        try:
            await self._book.remove(str(arguments[0].Value or ""))
        except RuleError as error:
            reason = str(error)
        self._audit(session, "RemoveRule", arguments, reason)
        return [ua.Variant(reason, _V.String)]

    def _list(self, session: Session, object_id: ua.NodeId, arguments: list[ua.Variant]) -> list[ua.Variant]:
        every: tuple[AlarmDefinition, ...] = self._alarms.definitions
        columns: list[tuple[list[Any], ua.VariantType]] = [
            ([one.path for one in every], _V.String),
            ([condition_text(one) for one in every], _V.String),
            ([one.at_run_time for one in every], _V.Boolean),
        ]
        return [ua.Variant(column, kind, is_array=True) for column, kind in columns]

    def _audit(self, session: Session, name: str, arguments: list[ua.Variant], reason: str) -> None:
        """AuditUpdateMethodEventType (Part 5, 6.4.27): who called what with which arguments, and how it ended."""
        space = self._server.space
        assert space is not None  # else no method was registered
        more = {
            "Status": ua.Variant(not reason, _V.Boolean),
            "ServerId": ua.Variant(self._server.application_uri, _V.String),
            "ClientAuditEntryId": ua.Variant("", _V.String),
            "ClientUserId": ua.Variant(session.user.name, _V.String),
            "MethodId": ua.Variant(space.node_id(f"{RULES}/{name}"), _V.NodeId),
            "InputArguments": ua.Variant(arguments, _V.Variant, is_array=True),
        }
        text = f"{session.user.name!r} called {name}: {reason or 'done'}"
        severity = _REFUSED if reason else _DONE
        kind = standard("AuditUpdateMethodEventType")
        draft = EventDraft(kind, space.node_id(RULES), f"Method/{name}", text, severity, more=more)
        more["ActionTimeStamp"] = ua.Variant(draft.time, _V.DateTime)
        self._server.events.emit(draft.finish())


def _ticks(moment: Any) -> int:
    return ua.uatypes.datetime_to_win_epoch(moment) if moment is not None else 0
