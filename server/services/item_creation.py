"""The items of a CreateMonitoredItems call, checked one by one and put into their subscription together."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.ua.ua_binary import struct_to_binary
from asyncua.ua.uaprotocol_auto import DataChangeFilter

from server.services import create_items, monitored_filters, sampling
from server.services.context import ServiceContext
from server.services.create_items import Asked, Wanted
from server.services.data_values import STAMPS
from server.services.event_filter import EventSelection
from server.services.monitored_events import EventItem
from server.services.monitored_plain import PlainItem
from server.services.options import Limits
from server.services.sampling import TagItem
from server.services.subscription import Subscription
from server.services.subscription_items import MonitoredItem
from server.services.wire import status_code

if TYPE_CHECKING:
    from server.services.ua_server import UaServer


class ItemCreation:
    """The items of one CreateMonitoredItems call on their way into a subscription."""

    def __init__(self, context: ServiceContext, subscription: Subscription, stamps: ua.TimestampsToReturn) -> None:
        self._server = context.server
        self._session = context.caller
        self._subscription = subscription
        self._stamps = stamps
        limits = self._server.limits
        self._room = min(
            limits.max_monitored_items_per_subscription - len(subscription.items.by_id),
            limits.max_monitored_items - self._server.subscriptions.item_count,
        )
        self._tags: list[tuple[MonitoredItem, TagItem]] = []
        self._plain: list[MonitoredItem] = []

    def add(self, asked: Wanted) -> bytes:
        """Check one item and remember it; its encoded result."""
        try:
            return self._add_tag(*asked) if isinstance(asked, tuple) else self._add(asked)
        except ServiceError as error:
            return create_items.refused(error.code)

    def _add_tag(self, row: int, handle: int, asked: Asked) -> bytes:
        if not self._server.targets.by_column(row):
            return self._add(asked.request(self._server.targets.node_of(row), handle))
        self._check(asked.mode)
        trigger, deadband = sampling.ON_STATUS_VALUE, 0.0
        if asked.filter is not None:
            of_tag = self._server.targets.tag(row)
            trigger, deadband = monitored_filters.change_filter(*asked.filter, *of_tag)
        interval_s, queue_size = revised(self._server.limits, self._subscription, asked.interval_ms, asked.queue_size)
        item = MonitoredItem(self._subscription.items.new_id(), interval_s, None, row)
        stamps = STAMPS[self._stamps]
        tag = TagItem(row, handle, asked.mode, trigger, deadband, queue_size, asked.discard_oldest, stamps)
        self._tags.append((item, tag))
        return create_items.created(item.id, interval_s, queue_size)

    def _check(self, mode: int) -> None:
        if mode not in (sampling.DISABLED, sampling.SAMPLING, sampling.REPORTING):
            raise ServiceError(ua.StatusCodes.BadMonitoringModeInvalid)
        if len(self._tags) + len(self._plain) >= self._room:
            raise ServiceError(ua.StatusCodes.BadTooManyMonitoredItems)

    def _add(self, asked: ua.MonitoredItemCreateRequest) -> bytes:
        node, wanted = asked.ItemToMonitor, asked.RequestedParameters
        node.NodeId = self._session.resolve(node.NodeId)
        self._check(asked.MonitoringMode)
        if node.AttributeId == ua.AttributeIds.EventNotifier:
            return self._add_events(node.NodeId, asked)
        row = self._server.targets.row(node)
        data_type, eu_range = self._server.targets.check(self._session, node, row)
        trigger, deadband = monitored_filters.data_filter(wanted.Filter, node.AttributeId, data_type, eu_range)
        interval_s, queue_size = revised(
            self._server.limits, self._subscription, wanted.SamplingInterval, wanted.QueueSize
        )
        item = MonitoredItem(self._subscription.items.new_id(), interval_s, None if row >= 0 else node, row)
        settings = (int(asked.MonitoringMode), trigger, deadband, queue_size, wanted.DiscardOldest)
        if row >= 0:
            self._tags.append((item, TagItem(row, wanted.ClientHandle, *settings, STAMPS[self._stamps])))
        else:
            item.plain = PlainItem(node, wanted.ClientHandle, *settings, self._stamps)
            self._plain.append(item)
        return create_items.created(item.id, interval_s, queue_size)

    def _add_events(self, notifier: ua.NodeId, asked: ua.MonitoredItemCreateRequest) -> bytes:
        wanted = asked.RequestedParameters
        self._server.targets.check_notifier(self._session, notifier)
        selection = selection_of(self._server, wanted.Filter)
        result = ua.MonitoredItemCreateResult(
            StatusCode=status_code(ua.StatusCodes.Good), FilterResult=selection.result
        )
        if not selection.valid:
            result.StatusCode = status_code(ua.StatusCodes.BadEventFilterInvalid)
            return struct_to_binary(result)
        queue_size = monitored_filters.revised_event_queue(
            wanted.QueueSize, self._server.limits.max_monitored_item_queue
        )
        items = self._subscription.items
        mode, handle = int(asked.MonitoringMode), wanted.ClientHandle
        events = EventItem(notifier, handle, mode, selection, queue_size, wanted.DiscardOldest)
        item = MonitoredItem(items.new_id(), 0.0, asked.ItemToMonitor, events=events)
        items.add_events(item)
        self._room -= 1
        result.MonitoredItemId, result.RevisedQueueSize = ua.UInt32(item.id), ua.UInt32(queue_size)
        return struct_to_binary(result)

    def finish(self) -> None:
        """Put the remembered items into the subscription; their first values are queued."""
        self._subscription.items.add(self._tags, self._plain, asyncio.get_running_loop().time())
        self._subscription.reschedule()


def revised(limits: Limits, subscription: Subscription, interval_ms: float, queue_size: int) -> tuple[float, int]:
    """The sampling interval in seconds and the queue size as the server will have them."""
    publishing_s, fastest_s = subscription.terms.interval_s, limits.min_sampling_interval_s
    interval_s = monitored_filters.revised_interval_s(interval_ms, publishing_s, fastest_s)
    return interval_s, monitored_filters.revised_queue_size(queue_size, limits.max_monitored_item_queue)


def selection_of(server: UaServer, asked: object) -> EventSelection:
    """The checked EventFilter of an item on events; ServiceError for any other filter."""
    if not isinstance(asked, ua.EventFilter):
        data = isinstance(asked, DataChangeFilter | ua.AggregateFilter)
        raise ServiceError(ua.StatusCodes.BadFilterNotAllowed if data else ua.StatusCodes.BadEventFilterInvalid)
    return EventSelection(asked, server.events.types, server.limits.max_filter_clauses)
