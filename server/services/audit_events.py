"""Audit events of commands and calls: who wrote what, what was there before, and how it ended (Part 5, 6.4.25 and
6.4.27). Their SourceNode is the node written, or the twin or folder the method belongs to."""

from __future__ import annotations

from typing import Any, Final

from asyncua import ua
from asyncua.ua.uatypes import win_epoch_to_datetime

from drivers.data_types import DataType
from drivers.status import is_bad
from server.commands.audit import CommandAudit
from server.services.events import EventDraft
from server.services.session import Session
from server.services.ua_server import UaServer
from server.services.wire import node_id

_WRITE = node_id(ua.ObjectIds.AuditWriteUpdateEventType)
_METHOD = node_id(ua.ObjectIds.AuditUpdateMethodEventType)
DONE: Final = 100
REFUSED: Final = 300
"""Severities of audit events."""


class AuditTrail:
    """Turns command audits into events of the Server object."""

    def __init__(self, server: UaServer) -> None:
        self._server = server

    def note(self, audit: CommandAudit) -> None:
        """Emit one; called after each attempt."""
        space = self._server.space
        if space is None:
            return
        kind = ua.VariantType
        row = space.row_of(space.node_id(audit.path))
        happened = win_epoch_to_datetime(audit.time_ticks)
        more = {
            "ActionTimeStamp": ua.Variant(happened, kind.DateTime),
            "Status": ua.Variant(not is_bad(audit.status), kind.Boolean),
            "ServerId": ua.Variant(self._server.application_uri, kind.String),
            "ClientAuditEntryId": ua.Variant("", kind.String),
            "ClientUserId": ua.Variant(audit.user, kind.String),
        }
        if row >= 0:
            data_type = DataType(int(self._server.table.data_type[row]))
            more["AttributeId"] = ua.Variant(int(ua.AttributeIds.Value), kind.UInt32)
            more["IndexRange"] = ua.Variant("", kind.String)
            more["OldValue"], more["NewValue"] = _value(audit.old, data_type), _value(audit.new, data_type)
        else:
            more["MethodId"] = ua.Variant(space.node_id(audit.path), kind.NodeId)
        name = "Attribute/Write" if row >= 0 else "Method/Call"
        owner = audit.path if row >= 0 else audit.path.rpartition("/")[0]
        draft = EventDraft(
            _WRITE if row >= 0 else _METHOD,
            space.node_id(owner),
            name,
            str(audit),
            REFUSED if is_bad(audit.status) else DONE,
            happened,
            more,
        )
        self._server.events.emit(draft.finish())


def note_call(
    server: UaServer, session: Session, folder: str, name: str, arguments: list[ua.Variant], reason: str
) -> None:
    """Tell who called a method of a folder of the bridge itself with which arguments (AuditUpdateMethodEventType, Part
    5, 6.4.27). reason: why it was refused, "" where it was done."""
    space, kind = server.space, ua.VariantType
    assert space is not None  # else there are no such methods
    more = {
        "Status": ua.Variant(not reason, kind.Boolean),
        "ServerId": ua.Variant(server.application_uri, kind.String),
        "ClientAuditEntryId": ua.Variant("", kind.String),
        "ClientUserId": ua.Variant(session.user.name, kind.String),
        "MethodId": ua.Variant(space.node_id(f"{folder}/{name}"), kind.NodeId),
        "InputArguments": ua.Variant(arguments, kind.Variant, is_array=True),
    }
    text = f"{session.user.name!r} called {name}: {reason or 'done'}"
    severity = REFUSED if reason else DONE
    draft = EventDraft(_METHOD, space.node_id(folder), f"Method/{name}", text, severity, more=more)
    more["ActionTimeStamp"] = ua.Variant(draft.time, kind.DateTime)
    server.events.emit(draft.finish())


def _value(value: Any, data_type: DataType) -> ua.Variant:
    """The value as the tag's type; as text where it is not of that type, which is why it was refused."""
    try:
        return ua.Variant(value, ua.VariantType(int(data_type))) if value is not None else ua.Variant()
    except (TypeError, ValueError, ua.UaError):
        return ua.Variant(str(value), ua.VariantType.String)
