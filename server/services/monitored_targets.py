"""What a monitored item may look at: a tag by column, any other attribute by reading it, the events of a notifier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from asyncua import ua
from asyncua.common.utils import ServiceError

from drivers.data_types import DataType, has_cell
from server.services import index_range
from server.services.access import CURRENT_READ, user_access_level
from server.services.session import Session

if TYPE_CHECKING:
    from server.services.ua_server import UaServer

_SUBSCRIBE_TO_EVENTS: Final = 1
_SERVER_ONLY: Final = (ua.StatusCodes.BadNodeIdUnknown, ua.StatusCodes.BadAttributeIdInvalid)


class MonitoredTargets:
    """Checks what monitored items are asked to look at; raises ServiceError with the item's StatusCode."""

    def __init__(self, server: UaServer) -> None:
        self._server = server

    def row(self, node: ua.ReadValueId) -> int:
        """The row where the item can be sampled by column: the whole value of a scalar tag; else -1."""
        if (
            node.AttributeId != ua.AttributeIds.Value
            or node.IndexRange
            or (node.DataEncoding and node.DataEncoding.Name)
        ):
            return -1
        row = self._server.row_of(node.NodeId)
        if row < 0:
            return -1
        table = self._server.table
        return row if has_cell(DataType(int(table.data_type[row]))) and not table.array_length[row] else -1

    def check(self, session: Session, node: ua.ReadValueId, row: int) -> tuple[int | None, tuple[float, float] | None]:
        """The built-in type of the value and its EURange, as far as they are known."""
        if not session.user.may_read:
            raise ServiceError(ua.StatusCodes.BadUserAccessDenied)
        if row >= 0:
            return self._tag(row)
        return self._check_other(session, node)

    def _tag(self, row: int) -> tuple[int, tuple[float, float] | None]:
        space = self._server.space
        return int(self._server.table.data_type[row]), space.tag_of(row).range if space is not None else None

    def _check_other(self, session: Session, node: ua.ReadValueId) -> tuple[int | None, tuple[float, float] | None]:
        if node.IndexRange:
            index_range.parse(node.IndexRange)
        value = self._server.attributes.read(session.user, node, ua.TimestampsToReturn.Neither)
        status = value.StatusCode.value if value.StatusCode is not None else 0
        if status in _SERVER_ONLY or (status and self._refuses(session, node, status)):
            raise ServiceError(status)
        tag_row = self._server.row_of(node.NodeId)
        if tag_row >= 0:
            return self._tag(tag_row)
        kind = value.Value.VariantType if value.Value is not None else None
        known = kind.value if isinstance(kind, ua.VariantType) and kind != ua.VariantType.Null else None
        return known, self._server.attributes.eu_range(node.NodeId)

    def _refuses(self, session: Session, node: ua.ReadValueId, status: int) -> bool:
        """Whether the StatusCode says that this cannot be monitored, and is not just the value's own quality."""
        if node.DataEncoding is not None and node.DataEncoding.Name:
            codes = (ua.StatusCodes.BadDataEncodingInvalid, ua.StatusCodes.BadDataEncodingUnsupported)
            if status in codes:
                return True
        found = self._server.aspace.get(node.NodeId)
        if found is None or node.AttributeId != ua.AttributeIds.Value:
            return False
        level = int(self._server.attributes.plain(found, ua.AttributeIds.AccessLevel) or 0)
        return not user_access_level(session.user, level) & CURRENT_READ

    def check_notifier(self, session: Session, node_id: ua.NodeId) -> None:
        """Whether the session may hear the events of that node (Part 4, 5.12.2)."""
        found = self._server.aspace.get(node_id)
        if found is None:
            raise ServiceError(ua.StatusCodes.BadNodeIdUnknown)
        if not session.user.may_read:
            raise ServiceError(ua.StatusCodes.BadUserAccessDenied)
        notifier = self._server.attributes.plain(found, ua.AttributeIds.EventNotifier)
        if notifier is None:
            raise ServiceError(ua.StatusCodes.BadAttributeIdInvalid)
        if not int(notifier) & _SUBSCRIBE_TO_EVENTS:
            raise ServiceError(ua.StatusCodes.BadNotSupported)
