"""Audit events of history updates: who changed what of the past, and what stood there before (Part 5, 6.4.28 to 6.4.31;
Part 11, 5.7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from asyncua import ua
from asyncua.ua.uatypes import win_epoch_to_datetime

from drivers.readings import now_ticks
from drivers.status import is_bad, name
from server.history.store import Samples
from server.services.events import EventDraft
from server.services.history_encoding import cut, value_at
from server.services.history_request import DeleteRange, DeleteTimes, UpdateData
from server.services.wire import node_id, status_code

if TYPE_CHECKING:
    from server.services.session import Session
    from server.services.ua_server import UaServer

MOST_VALUES: Final = 1_000
"""Old and new values that an event carries at most: it is to tell what was done, not to be a copy of the archive."""
_V = ua.VariantType
_I = ua.ObjectIds


class HistoryAudit:
    """Emits the audit events of one HistoryUpdate request. entry_id: the AuditEntryId of its RequestHeader."""

    def __init__(self, server: UaServer, session: Session, entry_id: str) -> None:
        self._server, self._session, self._entry_id = server, session, entry_id

    def updated(self, details: UpdateData, data_type: int, old: Samples, status: int) -> None:
        """Values were inserted, replaced or updated, or were to be."""
        new = [_told(one.value, one.status, one.source) for one in details.values[:MOST_VALUES]]
        more = {
            "PerformInsertReplace": ua.Variant(details.perform, _V.Int32),
            "NewValues": ua.Variant(new, _V.DataValue, is_array=True),
            "OldValues": _values(old),
        }
        what = f"{_PERFORMED.get(details.perform, 'changed')} {_count(len(details.values))}"
        self._emit(details.node, _I.AuditHistoryValueUpdateEventType, _I.UpdateDataDetails, what, status, more)

    def deleted_range(self, details: DeleteRange, old: Samples, count: int, status: int) -> None:
        """All values of a time range were deleted, or were to be."""
        more = {
            "IsDeleteModified": ua.Variant(details.modified, _V.Boolean),
            "StartTime": ua.Variant(win_epoch_to_datetime(details.start), _V.DateTime),
            "EndTime": ua.Variant(win_epoch_to_datetime(details.end), _V.DateTime),
            "OldValues": _values(old),
        }
        kind, parameters = _I.AuditHistoryRawModifyDeleteEventType, _I.DeleteRawModifiedDetails
        self._emit(details.node, kind, parameters, f"deleted {_count(count)}", status, more)

    def deleted_times(self, details: DeleteTimes, old: Samples, status: int) -> None:
        """The values at some times were deleted, or were to be."""
        times = [win_epoch_to_datetime(time) for time in details.times[:MOST_VALUES]]
        more = {"ReqTimes": ua.Variant(times, _V.DateTime, is_array=True), "OldValues": _values(old)}
        what = f"deleted {_count(len(old))}"
        self._emit(details.node, _I.AuditHistoryAtTimeDeleteEventType, _I.DeleteAtTimeDetails, what, status, more)

    def _emit(self, node: ua.NodeId, kind: int, parameters: int, what: str, status: int, more: dict[str, Any]) -> None:
        user = self._session.user.name
        now = win_epoch_to_datetime(now_ticks())
        base = {
            "ActionTimeStamp": ua.Variant(now, _V.DateTime),
            "Status": ua.Variant(not is_bad(status), _V.Boolean),
            "ServerId": ua.Variant(self._server.application_uri, _V.String),
            "ClientAuditEntryId": ua.Variant(self._entry_id, _V.String),
            "ClientUserId": ua.Variant(user, _V.String),
            "ParameterDataTypeId": ua.Variant(node_id(parameters), _V.NodeId),
            "UpdatedNode": ua.Variant(node, _V.NodeId),
        }
        message = f"{user!r} {what} in the history of {node.Identifier!s}: {name(status)}"
        severity = 300 if is_bad(status) else 100
        draft = EventDraft(node_id(kind), node, "Attribute/HistoryUpdate", message, severity, now, base | more)
        self._server.events.emit(draft.finish())


_PERFORMED: Final = {1: "inserted", 2: "replaced", 3: "updated"}


def _count(values: int) -> str:
    return "1 value" if values == 1 else f"{values:,} values"


def _values(samples: Samples) -> ua.Variant:
    part = cut(samples, 0, MOST_VALUES)
    told = [
        _told(value_at(part, index), int(part.status[index]), int(part.source_ticks[index]))
        for index in range(len(part))
    ]
    return ua.Variant(told, _V.DataValue, is_array=True)


def _told(value: ua.Variant, status: int, source_ticks: int) -> ua.DataValue:
    moment: Any = win_epoch_to_datetime(source_ticks) if source_ticks else None
    return ua.DataValue(value, status_code(status) if status else None, SourceTimestamp=moment)


def first_good(statuses: Sequence[int]) -> int:
    """The outcome of an operation on many values: Good when any of them went well, else why the first did not."""
    return next((status for status in statuses if not is_bad(status)), statuses[0] if statuses else 0)
