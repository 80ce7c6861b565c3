"""The methods of `Objects/Scenarios`, and the events of scenarios."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from asyncua import ua
from asyncua.ua.uatypes import win_epoch_to_datetime

from analytics.errors import AnalyticsError, ArgumentError, NotAvailable
from server.address_space.heads import standard
from server.config.diagnostics import SCENARIO_STATES, SCENARIOS
from server.scenarios.scenario import Scenario
from server.scenarios.scenarios import News, Scenarios
from server.services.audit_events import DONE, note_call
from server.services.events import EventDraft
from server.services.explained import Explained, argument_words
from server.services.session import Session
from server.services.twin_events import twin_event
from server.services.ua_server import UaServer
from server.services.wire import status_code

_V = ua.VariantType
_GOOD: Final = status_code(ua.StatusCodes.Good)
_SEVERITY: Final = {News.created: DONE, News.deleted: DONE, News.expired: 200, News.failed: 500}
_REFERENCE_ADDED, _REFERENCE_DELETED = 4, 8
"""Bits of the Verb of a ModelChangeStructureDataType (Part 5, 12.16)."""
_VERBS: Final = {
    News.created: _REFERENCE_ADDED,
    News.deleted: _REFERENCE_DELETED,
    News.expired: _REFERENCE_DELETED,
}
Arguments = list[ua.Variant]
Do = Callable[[Arguments], Awaitable[tuple[list[ua.Variant], str]]]
"""The outputs, and why it was not done, "" where it was."""


class ScenarioCalls:
    """Puts the methods of a server's scenarios into effect."""

    def __init__(self, server: UaServer, scenarios: Scenarios) -> None:
        self._server = server
        self._scenarios = scenarios
        if server.space is None:
            return
        self._space = server.space
        changing: dict[str, Do] = {
            "CreateScenario": self._create,
            "DeleteScenario": self._delete,
            "SetSpeed": self._set_speed,
            "SetInputs": self._set_inputs,
        }
        methods = server.method_table.built_in
        for name, do in changing.items():
            methods[self._id(f"{SCENARIOS}/{name}")] = self._audited(name, do)
        methods[self._id(f"{SCENARIOS}/ListScenarios")] = self._list
        scenarios.on_news(self._tell)

    def _id(self, path: str) -> ua.NodeId:
        return self._space.node_id(path)

    def _audited(self, name: str, do: Do) -> Callable[[Session, ua.NodeId, Arguments], Awaitable[ua.CallMethodResult]]:
        async def call(session: Session, _object_id: ua.NodeId, arguments: Arguments) -> ua.CallMethodResult:
            reason = ""
            try:
                outputs, reason = await do(arguments)
                result = ua.CallMethodResult(_GOOD, OutputArguments=outputs)
            except ArgumentError as error:
                reason = str(error)
                result = _wrong(error, len(arguments))
            except AnalyticsError as error:
                reason = str(error)
                result = Explained(status_code(error.status), words=reason)
            note_call(self._server, session, SCENARIOS, name, arguments, reason)
            return result

        return call

    async def _create(self, arguments: Arguments) -> tuple[list[ua.Variant], str]:
        values = [argument.Value for argument in arguments]
        values[0] = self._path(str(values[0] or ""))
        values[2:4] = [list(one or ()) for one in values[2:4]]
        try:
            scenario = await self._scenarios.create(values)
        except NotAvailable as error:
            return _created("", ua.NodeId(), (), str(error)), str(error)
        node = self._id(scenario.copy.graft.path)
        return _created(scenario.copy.id, node, scenario.titles, scenario.reason), ""

    async def _delete(self, arguments: Arguments) -> tuple[list[ua.Variant], str]:
        await self._scenarios.delete(str(arguments[0].Value or ""))
        return [], ""

    async def _set_speed(self, arguments: Arguments) -> tuple[list[ua.Variant], str]:
        self._scenarios.set_speed(str(arguments[0].Value or ""), arguments[1].Value)
        return [], ""

    async def _set_inputs(self, arguments: Arguments) -> tuple[list[ua.Variant], str]:
        names, values = (list(argument.Value or ()) for argument in arguments[1:])
        self._scenarios.hold(str(arguments[0].Value or ""), names, values)
        return [], ""

    def _list(self, _session: Session, _object_id: ua.NodeId, _arguments: Arguments) -> list[ua.Variant]:
        every = self._scenarios.every
        columns: list[tuple[list[Any], ua.VariantType]] = [
            ([one.copy.id for one in every], _V.String),
            ([self._id(one.copy.graft.path) for one in every], _V.NodeId),
            ([one.copy.twin for one in every], _V.String),
            ([SCENARIO_STATES[one.state] for one in every], _V.String),
            ([win_epoch_to_datetime(one.ticks) for one in every], _V.DateTime),
            ([win_epoch_to_datetime(one.expires_ticks) for one in every], _V.DateTime),
        ]
        return [ua.Variant(column, kind, is_array=True) for column, kind in columns]

    def _path(self, twin: str) -> str:
        """Of a twin that is given by its path or as the text of its NodeId."""
        if not twin.startswith(("ns=", "nsu=")):
            return twin.strip("/")
        try:
            node_id = ua.NodeId.from_string(twin)
        except (ua.UaError, ValueError):
            return twin
        path = self._space.path_of(node_id)
        return twin if path is None else path

    # -- events -------------------------------------------------------------------------------------------------------

    def _tell(self, scenario: Scenario, news: News) -> None:
        """What happened is heard at the folder; that its references have changed, and its NodeVersion with them, at the
        Server (Part 3, 9.32.2 and 9.32.7)."""
        path = scenario.copy.graft.path
        why = f": {scenario.reason}" if news is News.failed else ""
        text = f"Scenario {scenario.copy.id} {news.value}{why}"
        kind = standard("BaseEventType")
        self._server.events.emit(twin_event(self._space, path, kind, text, _SEVERITY[news]).finish())
        if news in _VERBS:
            change = ua.ModelChangeStructureDataType(
                Affected=self._id(SCENARIOS), AffectedType=standard("FolderType"), Verb=ua.Byte(_VERBS[news])
            )
            draft = EventDraft(standard("GeneralModelChangeEventType"), standard("Server"), "Server", text, DONE)
            draft.more = {"Changes": ua.Variant([change], _V.ExtensionObject, is_array=True)}
            self._server.events.emit(draft.finish())


def _created(scenario_id: str, node: ua.NodeId, models: Sequence[str], reason: str) -> list[ua.Variant]:
    return [
        ua.Variant(scenario_id, _V.String),
        ua.Variant(node, _V.NodeId),
        ua.Variant(list(models), _V.String, is_array=True),
        ua.Variant(reason, _V.String),
    ]


def _wrong(error: ArgumentError, count: int) -> ua.CallMethodResult:
    statuses = [_GOOD] * count
    statuses[error.index] = status_code(error.status)
    words = argument_words([str(error) if index == error.index else "" for index in range(count)])
    return ua.CallMethodResult(status_code(ua.StatusCodes.BadInvalidArgument), statuses, words)
