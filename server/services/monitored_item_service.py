"""The MonitoredItem Service Set (Part 4, 5.12)."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence
from itertools import compress
from typing import TYPE_CHECKING, Final

from asyncua import ua
from asyncua.common.utils import ServiceError

from server.services import create_items, monitored_filters, sampling
from server.services.context import Service, ServiceContext
from server.services.data_values import STAMPS
from server.services.item_creation import ItemCreation, revised, selection_of
from server.services.monitored_events import EventItem
from server.services.subscription import Subscription
from server.services.subscription_items import MonitoredItem
from server.services.wire import response_head

if TYPE_CHECKING:
    pass

_GOOD: Final = ua.StatusCode(ua.UInt32(ua.StatusCodes.Good))
_NO_DIAGNOSTICS: Final = struct.pack("<i", -1)


def _code(status: int) -> ua.StatusCode:
    return ua.StatusCode(ua.UInt32(status))


def _check_stamps(stamps: int) -> None:
    if stamps not in STAMPS:
        raise ServiceError(ua.StatusCodes.BadTimestampsToReturnInvalid)


def _check_items(context: ServiceContext, items: Sequence[object]) -> None:
    if len(items) > context.server.limits.max_monitored_items_per_call:
        raise ServiceError(ua.StatusCodes.BadTooManyOperations)
    if not items:
        raise ServiceError(ua.StatusCodes.BadNothingToDo)


def _subscription(context: ServiceContext, subscription_id: int) -> Subscription:
    return context.server.subscriptions.of(context.caller, subscription_id)


async def _create(context: ServiceContext, body: bytes) -> bytes:
    server = context.server
    request = create_items.decode(body, server.reads, context.caller.registered)
    _check_stamps(request.stamps)
    if not request.count:
        raise ServiceError(ua.StatusCodes.BadNothingToDo)
    if request.count > server.limits.max_monitored_items_per_call:
        raise ServiceError(ua.StatusCodes.BadTooManyOperations)
    items = list(request.items)
    subscription = _subscription(context, request.subscription_id)
    creation = ItemCreation(context, subscription, ua.TimestampsToReturn(request.stamps))
    results = b"".join([creation.add(asked) for asked in items])
    creation.finish()
    head = response_head(ua.ObjectIds.CreateMonitoredItemsResponse_Encoding_DefaultBinary, context.header.RequestHandle)
    return b"".join((head, struct.pack("<i", len(items)), results, _NO_DIAGNOSTICS))


async def _modify(
    context: ServiceContext, request: ua.ModifyMonitoredItemsParameters
) -> ua.ModifyMonitoredItemsResponse:
    _check_stamps(request.TimestampsToReturn)
    _check_items(context, request.ItemsToModify)
    subscription = _subscription(context, request.SubscriptionId)
    response = ua.ModifyMonitoredItemsResponse()
    for asked in request.ItemsToModify:
        try:
            result = _modify_one(context, subscription, asked, request.TimestampsToReturn)
        except ServiceError as error:
            result = ua.MonitoredItemModifyResult(StatusCode=_code(error.code), FilterResult=ua.ExtensionObject())
        response.Results.append(result)
    subscription.reschedule()
    return response


def _modify_one(
    context: ServiceContext,
    subscription: Subscription,
    asked: ua.MonitoredItemModifyRequest,
    stamps: ua.TimestampsToReturn,
) -> ua.MonitoredItemModifyResult:
    item = subscription.items.by_id.get(asked.MonitoredItemId)
    if item is None:
        raise ServiceError(ua.StatusCodes.BadMonitoredItemIdInvalid)
    wanted = asked.RequestedParameters
    if item.events is not None:
        return _modify_events(context, item.events, wanted)
    node = item.node or ua.ReadValueId(AttributeId=ua.AttributeIds.Value)
    data_type, eu_range = context.server.targets.check(context.caller, node, item.row)
    trigger, deadband = monitored_filters.data_filter(wanted.Filter, node.AttributeId, data_type, eu_range)
    interval_s, queue_size = revised(context.server.limits, subscription, wanted.SamplingInterval, wanted.QueueSize)
    if interval_s != item.interval_s:
        subscription.items.move(item, interval_s, asyncio.get_running_loop().time())
    if item.plain is not None:
        item.plain.handle, item.plain.trigger, item.plain.deadband = wanted.ClientHandle, trigger, deadband
        item.plain.stamps = stamps
        item.plain.resize(queue_size, wanted.DiscardOldest)
    else:
        settings = (trigger, deadband, queue_size, wanted.DiscardOldest, STAMPS[stamps])
        subscription.items.tags.change(item.slot, wanted.ClientHandle, *settings)
    return ua.MonitoredItemModifyResult(
        StatusCode=_GOOD,
        RevisedSamplingInterval=ua.Double(interval_s * 1000),
        RevisedQueueSize=ua.UInt32(queue_size),
        FilterResult=ua.ExtensionObject(),
    )


def _modify_events(
    context: ServiceContext, item: EventItem, wanted: ua.MonitoringParameters
) -> ua.MonitoredItemModifyResult:
    selection = selection_of(context.server, wanted.Filter)
    result = ua.MonitoredItemModifyResult(StatusCode=_GOOD, FilterResult=selection.result)
    if not selection.valid:
        result.StatusCode = _code(ua.StatusCodes.BadEventFilterInvalid)
        return result
    item.selection, item.handle, item.discard_oldest = selection, wanted.ClientHandle, wanted.DiscardOldest
    item.queue_size = monitored_filters.revised_event_queue(
        wanted.QueueSize, context.server.limits.max_monitored_item_queue
    )
    result.RevisedQueueSize = ua.UInt32(item.queue_size)
    return result


def _named(subscription: Subscription, ids: list[int]) -> tuple[list[MonitoredItem], list[ua.StatusCode]]:
    """The items of these ids, each once, and a result per id."""
    found = {item_id: subscription.items.by_id.get(item_id) for item_id in ids}
    results = [_item_status(found[item_id] is not None) for item_id in ids]
    return [item for item in found.values() if item is not None], results


async def _set_mode(context: ServiceContext, request: ua.SetMonitoringModeParameters) -> ua.SetMonitoringModeResponse:
    _check_items(context, request.MonitoredItemIds)
    mode = request.MonitoringMode
    if mode not in (sampling.DISABLED, sampling.SAMPLING, sampling.REPORTING):
        raise ServiceError(ua.StatusCodes.BadMonitoringModeInvalid)
    subscription = _subscription(context, request.SubscriptionId)
    items, results = _named(subscription, request.MonitoredItemIds)
    subscription.items.set_mode(items, int(mode))
    response = ua.SetMonitoringModeResponse()
    response.Parameters.Results = results
    return response


async def _set_triggering(context: ServiceContext, request: ua.SetTriggeringParameters) -> ua.SetTriggeringResponse:
    _check_items(context, [*request.LinksToAdd, *request.LinksToRemove])
    items = _subscription(context, request.SubscriptionId).items
    if request.TriggeringItemId not in items.by_id:
        raise ServiceError(ua.StatusCodes.BadMonitoredItemIdInvalid)
    linked = items.links.get(request.TriggeringItemId, set())
    removable = [item_id in linked for item_id in request.LinksToRemove]
    addable = [item_id in items.by_id for item_id in request.LinksToAdd]
    items.link(
        request.TriggeringItemId,
        add=list(compress(request.LinksToAdd, addable)),
        remove=list(compress(request.LinksToRemove, removable)),
    )
    response = ua.SetTriggeringResponse()
    response.Parameters.AddResults = [_item_status(known) for known in addable]
    response.Parameters.RemoveResults = [_item_status(known) for known in removable]
    return response


def _item_status(known: bool) -> ua.StatusCode:
    return _GOOD if known else _code(ua.StatusCodes.BadMonitoredItemIdInvalid)


async def _delete(
    context: ServiceContext, request: ua.DeleteMonitoredItemsParameters
) -> ua.DeleteMonitoredItemsResponse:
    _check_items(context, request.MonitoredItemIds)
    subscription = _subscription(context, request.SubscriptionId)
    items, results = _named(subscription, request.MonitoredItemIds)
    subscription.items.remove(items)
    response = ua.DeleteMonitoredItemsResponse()
    response.Results = results
    return response


HANDLERS: Final = {
    ua.ObjectIds.CreateMonitoredItemsRequest_Encoding_DefaultBinary: Service(None, _create),
    ua.ObjectIds.ModifyMonitoredItemsRequest_Encoding_DefaultBinary: Service(
        ua.ModifyMonitoredItemsParameters, _modify
    ),
    ua.ObjectIds.SetMonitoringModeRequest_Encoding_DefaultBinary: Service(ua.SetMonitoringModeParameters, _set_mode),
    ua.ObjectIds.SetTriggeringRequest_Encoding_DefaultBinary: Service(ua.SetTriggeringParameters, _set_triggering),
    ua.ObjectIds.DeleteMonitoredItemsRequest_Encoding_DefaultBinary: Service(
        ua.DeleteMonitoredItemsParameters, _delete
    ),
}
