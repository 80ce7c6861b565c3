"""The methods of `Objects/Rules`: rules added, tried on the past and removed, each with its audit event."""

from __future__ import annotations

from typing import Any

from asyncua import ua

from server.alarms.alarms import Alarms
from server.alarms.definitions import AlarmDefinition
from server.alarms.describe import condition_text
from server.alarms.rule_book import RuleBook, RuleError
from server.config.diagnostics import RULES
from server.services.audit_events import note_call
from server.services.session import Session
from server.services.ua_server import UaServer

_V = ua.VariantType


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
        note_call(self._server, session, RULES, "AddRule", arguments, reason)
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
        note_call(self._server, session, RULES, "RemoveRule", arguments, reason)
        return [ua.Variant(reason, _V.String)]

    def _list(self, session: Session, object_id: ua.NodeId, arguments: list[ua.Variant]) -> list[ua.Variant]:
        every: tuple[AlarmDefinition, ...] = self._alarms.definitions
        columns: list[tuple[list[Any], ua.VariantType]] = [
            ([one.path for one in every], _V.String),
            ([condition_text(one) for one in every], _V.String),
            ([one.at_run_time for one in every], _V.Boolean),
        ]
        return [ua.Variant(column, kind, is_array=True) for column, kind in columns]


def _ticks(moment: Any) -> int:
    return ua.uatypes.datetime_to_win_epoch(moment) if moment is not None else 0
