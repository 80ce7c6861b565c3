"""Which node of a history request may be read or changed, and whether its past is kept (Part 4, 5.10.3 and 5.10.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.server.address_space import NodeData

from drivers.data_types import DataType, has_cell
from server.security.roles import User
from server.services import index_range
from server.services.access import HISTORY_READ, user_access_level
from server.services.history_raw import Target

if TYPE_CHECKING:
    from server.services.ua_server import UaServer

EVENT_HISTORY: Final = 1 << ua.EventNotifier.HistoryRead
"""In the EventNotifier of a node whose events are kept (Part 3, 8.59)."""


def target(server: UaServer, user: User, item: ua.HistoryReadValueId, stamps: int) -> Target:
    """The tag to read. Raises ServiceError: BadNodeIdUnknown, BadUserAccessDenied, BadHistoryOperationUnsupported for
    a node without history, and what is wrong with IndexRange and DataEncoding."""
    row = kept_row(server, user, item.NodeId, HISTORY_READ)
    if item.DataEncoding is not None and item.DataEncoding.Name:
        raise ServiceError(ua.StatusCodes.BadDataEncodingInvalid)  # no value is a structure
    data_type = DataType(int(server.table.data_type[row]))
    if item.IndexRange:
        index_range.parse(item.IndexRange)
        if has_cell(data_type) and not server.table.array_length[row]:
            raise ServiceError(ua.StatusCodes.BadIndexRangeNoData)
    assert server.history is not None
    limit = server.limits.max_history_values
    return Target(server.history, row, int(data_type), stamps, item.IndexRange or None, limit)


def kept_row(server: UaServer, user: User, node_id: ua.NodeId, access: int) -> int:
    """The row of a tag whose values are kept and whom the user may read or change, as `access` says."""
    node = _node(server, user, node_id)
    row = server.row_of(node_id)
    if row < 0 or server.history is None or not server.history.historized(row):
        raise ServiceError(ua.StatusCodes.BadHistoryOperationUnsupported)
    level = int(server.attributes.plain(node, ua.AttributeIds.AccessLevel) or 0)
    if not user_access_level(user, level) & access:
        raise ServiceError(ua.StatusCodes.BadUserAccessDenied)
    return row


def check_notifier(server: UaServer, user: User, node_id: ua.NodeId) -> None:
    """Whether the events of a node are kept and the user may read them."""
    node = _node(server, user, node_id)
    notifier = int(server.attributes.plain(node, ua.AttributeIds.EventNotifier) or 0)
    if not notifier & EVENT_HISTORY:
        raise ServiceError(ua.StatusCodes.BadHistoryOperationUnsupported)


def _node(server: UaServer, user: User, node_id: ua.NodeId) -> NodeData:
    node: NodeData | None = server.aspace.get(node_id)
    if node is None:
        raise ServiceError(ua.StatusCodes.BadNodeIdUnknown)
    if not user.may_read:
        raise ServiceError(ua.StatusCodes.BadUserAccessDenied)
    return node
