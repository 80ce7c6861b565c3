"""ConditionRefresh and ConditionRefresh2: tells one subscription, or one item, of all that is of interest now
(Part 9, 4.5, 5.5.7 and 5.5.8)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from asyncua import ua
from asyncua.common.utils import ServiceError

from server.services.condition_events import SLICE_S, ConditionEvents
from server.services.events import SERVER, EventDraft
from server.services.session import Session
from server.services.subscription import Subscription
from server.services.subscription_items import MonitoredItem
from server.services.wire import node_id

if TYPE_CHECKING:
    from server.address_space import TwinSpace
    from server.services.ua_server import UaServer

_CONDITION_TYPE: Final = node_id(ua.ObjectIds.ConditionType)
_START: Final = (node_id(ua.ObjectIds.RefreshStartEventType), "Refresh of conditions begins")
_END: Final = (node_id(ua.ObjectIds.RefreshEndEventType), "Refresh of conditions ends")


class ConditionRefresh:
    """Only the session that owns a subscription may refresh it, and one refresh at a time."""

    def __init__(self, server: UaServer, space: TwinSpace, events: ConditionEvents) -> None:
        self._conditions = space.conditions
        self._events = events
        self._busy: set[int] = set()
        built_in = server.method_table.built_in
        built_in[node_id(ua.ObjectIds.ConditionType_ConditionRefresh)] = self.refresh
        built_in[node_id(ua.ObjectIds.ConditionType_ConditionRefresh2)] = self.refresh_item

    async def refresh(self, session: Session, object_id: ua.NodeId, arguments: list[ua.Variant]) -> list[ua.Variant]:
        """Argument: SubscriptionId. All its items on events."""
        subscription = _own(session, object_id, arguments[0])
        items = subscription.items.of_events()
        if not items:
            raise ServiceError(ua.StatusCodes.BadNothingToDo)
        return await self._refresh(subscription, items)

    async def refresh_item(
        self, session: Session, object_id: ua.NodeId, arguments: list[ua.Variant]
    ) -> list[ua.Variant]:
        """Arguments: SubscriptionId, MonitoredItemId. That item alone."""
        subscription = _own(session, object_id, arguments[0])
        item = subscription.items.by_id.get(arguments[1].Value)
        if item is None or item.events is None:
            raise ServiceError(ua.StatusCodes.BadMonitoredItemIdInvalid)
        return await self._refresh(subscription, [item])

    async def _refresh(self, subscription: Subscription, items: Sequence[MonitoredItem]) -> list[ua.Variant]:
        if subscription.id in self._busy:
            raise ServiceError(ua.StatusCodes.BadRefreshInProgress)
        self._busy.add(subscription.id)
        try:
            await self._events.told()
            self._mark(subscription, items, _START)
            await self._tell_retained(subscription, items)
            self._mark(subscription, items, _END)
        finally:
            self._busy.discard(subscription.id)
        return []

    async def _tell_retained(self, subscription: Subscription, items: Sequence[MonitoredItem]) -> None:
        clock = asyncio.get_running_loop().time
        until = clock() + SLICE_S
        for definition, _ in self._conditions.retained():
            number = self._conditions.find(definition.path)
            if number is not None and self._conditions.states[number].retain:
                event = self._events.event(self._conditions.definitions[number], self._conditions.states[number])
                subscription.items.offer_to(items, event)
            if clock() > until:
                await asyncio.sleep(0)
                until = clock() + SLICE_S

    def _mark(self, subscription: Subscription, items: Sequence[MonitoredItem], what: tuple[ua.NodeId, str]) -> None:
        """The same event for every item, whatever its filter says (5.5.7)."""
        kind, message = what
        event = EventDraft(kind, SERVER, "Server", message, 100).finish()
        subscription.items.offer_to(items, event, always=True)


def _own(session: Session, object_id: ua.NodeId, wanted: ua.Variant) -> Subscription:
    if object_id != _CONDITION_TYPE:
        raise ServiceError(ua.StatusCodes.BadMethodInvalid)
    subscription = session.subscriptions.get(wanted.Value)
    if not isinstance(subscription, Subscription):
        raise ServiceError(ua.StatusCodes.BadSubscriptionIdInvalid)
    return subscription
