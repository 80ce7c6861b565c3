"""The Server object's methods on subscriptions: GetMonitoredItems and ResendData (Part 5, 9.1 and 9.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncua import ua
from asyncua.common.utils import ServiceError

from server.services.session import Session
from server.services.subscription import Subscription
from server.services.wire import node_id

if TYPE_CHECKING:
    from server.services.ua_server import UaServer


class SubscriptionMethods:
    """Only the session that owns a subscription may call them for it."""

    def __init__(self, server: UaServer) -> None:
        self._by_id = server.subscriptions.by_id
        built_in = server.method_table.built_in
        built_in[node_id(ua.ObjectIds.Server_GetMonitoredItems)] = self.get_monitored_items
        built_in[node_id(ua.ObjectIds.Server_ResendData)] = self.resend_data

    def get_monitored_items(
        self, session: Session, object_id: ua.NodeId, arguments: list[ua.Variant]
    ) -> list[ua.Variant]:
        """The server handles and the client handles of all items, in the same order."""
        pairs = self._own(session, arguments[0]).items.handles()
        kind = ua.VariantType.UInt32
        return [ua.Variant([pair[side] for pair in pairs], kind, is_array=True) for side in (0, 1)]

    def resend_data(self, session: Session, object_id: ua.NodeId, arguments: list[ua.Variant]) -> list[ua.Variant]:
        """Let the next publish carry the current value of every data item."""
        self._own(session, arguments[0]).items.report_all_again()
        return []

    def _own(self, session: Session, wanted: ua.Variant) -> Subscription:
        subscription = self._by_id.get(wanted.Value)
        if subscription is None:
            raise ServiceError(ua.StatusCodes.BadSubscriptionIdInvalid)
        if subscription.session is not session:
            raise ServiceError(ua.StatusCodes.BadUserAccessDenied)
        return subscription
