"""What a monitored item may look at: a tag by column, any other attribute by reading it, the events of a notifier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from asyncua import ua
from asyncua.common.utils import ServiceError

from server.services import index_range
from server.services.session import Session

if TYPE_CHECKING:
    from server.services.ua_server import UaServer

_SUBSCRIBE_TO_EVENTS: Final = 1
_REFUSED: Final = (
    ua.StatusCodes.BadNodeIdUnknown,
    ua.StatusCodes.BadAttributeIdInvalid,
    ua.StatusCodes.BadDataEncodingInvalid,
    ua.StatusCodes.BadDataEncodingUnsupported,
)
"""What no later value could mend. What may not be read, or has nothing at an IndexRange, is monitored all the same and
told in the notification: it may change (Part 4, 5.12.2.1)."""


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
        return row if row >= 0 and self.by_column(row) else -1

    def by_column(self, row: int) -> bool:
        """Whether the values of that tag fit cells."""
        return not self._server.table.in_side[row]

    def node_of(self, row: int) -> ua.NodeId:
        """The NodeId of that tag."""
        space = self._server.space
        assert space is not None
        return space.node_id(space.tag_of(row).path)

    def check(self, session: Session, node: ua.ReadValueId, row: int) -> tuple[int | None, tuple[float, float] | None]:
        """The built-in type of the value and its EURange, as far as they are known."""
        if row >= 0:
            return self.tag(row)
        return self._check_other(session, node)

    def tag(self, row: int) -> tuple[int, tuple[float, float] | None]:
        """The built-in type of a tag and its EURange."""
        space = self._server.space
        return int(self._server.table.data_type[row]), space.tag_of(row).range if space is not None else None

    def _check_other(self, session: Session, node: ua.ReadValueId) -> tuple[int | None, tuple[float, float] | None]:
        if node.IndexRange:
            index_range.parse(node.IndexRange)
        value = self._server.attributes.read(session.user, node, ua.TimestampsToReturn.Neither)
        if value.StatusCode is not None and value.StatusCode.value in _REFUSED:
            raise ServiceError(value.StatusCode.value)
        tag_row = self._server.row_of(node.NodeId)
        if tag_row >= 0:
            return self.tag(tag_row)
        kind = value.Value.VariantType if value.Value is not None else None
        known = kind.value if isinstance(kind, ua.VariantType) and kind != ua.VariantType.Null else None
        return known, self._server.attributes.eu_range(node.NodeId)

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
