"""The Subscription Service Set (Part 4, 5.13)."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Final

from asyncua import ua
from asyncua.common.utils import ServiceError

from server.security.roles import User
from server.services.context import Service, ServiceContext
from server.services.events import Event
from server.services.monitored_plain import Read
from server.services.publish_queue import PublishQueue
from server.services.subscription import Subscription, Terms
from server.services.wire import response_head

if TYPE_CHECKING:
    from server.services.session import Session
    from server.services.ua_server import UaServer

SHORTEST_INTERVAL_S: Final = 0.01
LONGEST_INTERVAL_S: Final = 3600.0
MOST_KEEP_ALIVES: Final = 10_000
LONGEST_LIFETIME_S: Final = 24 * 3600.0


class Subscriptions:
    """All subscriptions of the server; each belongs to a session or, for a while, to nobody."""

    def __init__(self, server: UaServer) -> None:
        self._server = server
        self._ids = itertools.count(1)
        self.by_id: dict[int, Subscription] = {}
        self.cumulated = 0
        self._stop_listening = server.events.listen(self._offer)

    def _offer(self, event: Event) -> None:
        """What users did is for administrators only (Part 2, 4.14)."""
        is_audit = self._server.past_events.is_audit(event)
        for subscription in self.by_id.values():
            owner = subscription.session.user if subscription.session is not None else subscription.user
            if owner.may_administer or not is_audit:
                subscription.items.offer(event)

    def create(self, session: Session, terms: Terms) -> Subscription:
        """A new one; ServiceError when there are too many."""
        limits = self._server.limits
        full = len(session.subscriptions) >= limits.max_subscriptions_per_session
        if full or len(self.by_id) >= limits.max_subscriptions:
            raise ServiceError(ua.StatusCodes.BadTooManySubscriptions)
        self._adopt(session)
        subscription = Subscription(
            next(self._ids), terms, session, self._server.table, self._reader(session.user), self._expired
        )
        self.cumulated += 1
        self.by_id[subscription.id] = subscription
        session.subscriptions[subscription.id] = subscription
        return subscription

    @property
    def item_count(self) -> int:
        """The monitored items of all subscriptions."""
        return sum(len(subscription.items.by_id) for subscription in self.by_id.values())

    def _reader(self, user: User) -> Read:
        attributes = self._server.attributes
        return lambda item, stamps: attributes.read(user, item, stamps)

    def _adopt(self, session: Session) -> None:
        if session.publish_queue is None:
            session.publish_queue = PublishQueue()
            session.on_close.append(lambda delete: self._session_closed(session, delete))
            session.on_cancel.append(session.publish_queue.cancel)

    def of(self, session: Session, subscription_id: int) -> Subscription:
        """The session's own subscription of that id; ServiceError for anybody else's."""
        subscription = session.subscriptions.get(subscription_id)
        if not isinstance(subscription, Subscription):
            raise ServiceError(ua.StatusCodes.BadSubscriptionIdInvalid)
        subscription.touch()
        return subscription

    def delete(self, subscription: Subscription) -> None:
        """End it at its client's wish."""
        subscription.stop()
        self.by_id.pop(subscription.id, None)
        self._detach(subscription)

    def _detach(self, subscription: Subscription) -> Session | None:
        session, subscription.session = subscription.session, None
        if session is not None:
            session.subscriptions.pop(subscription.id, None)
            session.publish_queue.forget(subscription.id)
        return session

    def _expired(self, subscription: Subscription) -> None:
        self.by_id.pop(subscription.id, None)
        session = self._detach(subscription)
        if session is not None:
            session.publish_queue.ended(subscription.id, ua.StatusCodes.BadTimeout)

    def _session_closed(self, session: Session, delete: bool) -> None:
        for subscription in list(session.subscriptions.values()):
            self.delete(subscription) if delete else self._detach(subscription)
        session.publish_queue.fail_all(ua.StatusCodes.BadSessionClosed)

    def transfer(self, subscription: Subscription, session: Session, send_initial: bool) -> list[int]:
        """Move it to another session of the same user; the sequence numbers that can be republished."""
        self._adopt(session)
        old = self._detach(subscription)
        _count_transfer(subscription, old, session)
        if old is not None:
            old.publish_queue.ended(subscription.id, ua.StatusCodes.GoodSubscriptionTransferred)
        subscription.session = session
        session.subscriptions[subscription.id] = subscription
        subscription.touch()
        if send_initial:
            subscription.items.report_all_again()
        return subscription.available

    def stop(self) -> None:
        """End all timers; the server stops."""
        self._stop_listening()
        for subscription in list(self.by_id.values()):
            self.delete(subscription)


def _count_transfer(subscription: Subscription, old: Session | None, new: Session) -> None:
    counters = subscription.counters
    counters.transfers += 1
    same = old is None or old.client_description.ApplicationUri == new.client_description.ApplicationUri
    counters.to_same_client += same
    counters.to_other_client += not same


def _terms(interval_ms: float, lifetime: int, keep_alive: int, most: int, enabled: bool, priority: int) -> Terms:
    """Revised within our limits; the lifetime is at least three keep-alives (Part 4, 5.13.2.2)."""
    wanted = interval_ms / 1000 if math.isfinite(interval_ms) else SHORTEST_INTERVAL_S
    interval_s = min(max(wanted, SHORTEST_INTERVAL_S), LONGEST_INTERVAL_S)
    keep_alive = min(max(keep_alive, 1), MOST_KEEP_ALIVES)
    longest = max(int(LONGEST_LIFETIME_S / interval_s), 3 * keep_alive)
    return Terms(interval_s, min(max(lifetime, 3 * keep_alive), longest), keep_alive, most, enabled, priority)


async def _create(context: ServiceContext, request: ua.CreateSubscriptionParameters) -> ua.CreateSubscriptionResponse:
    terms = _terms(
        request.RequestedPublishingInterval,
        request.RequestedLifetimeCount,
        request.RequestedMaxKeepAliveCount,
        request.MaxNotificationsPerPublish,
        request.PublishingEnabled,
        request.Priority,
    )
    subscription = context.server.subscriptions.create(context.caller, terms)
    response = ua.CreateSubscriptionResponse()
    response.Parameters.SubscriptionId = ua.UInt32(subscription.id)
    _tell_revised(response.Parameters, terms)
    return response


def _tell_revised(result: ua.CreateSubscriptionResult | ua.ModifySubscriptionResult, terms: Terms) -> None:
    result.RevisedPublishingInterval = ua.Double(terms.interval_s * 1000)
    result.RevisedLifetimeCount = ua.UInt32(terms.lifetime)
    result.RevisedMaxKeepAliveCount = ua.UInt32(terms.keep_alive)


async def _modify(context: ServiceContext, request: ua.ModifySubscriptionParameters) -> ua.ModifySubscriptionResponse:
    subscription = context.server.subscriptions.of(context.caller, request.SubscriptionId)
    terms = _terms(
        request.RequestedPublishingInterval,
        request.RequestedLifetimeCount,
        request.RequestedMaxKeepAliveCount,
        request.MaxNotificationsPerPublish,
        subscription.terms.enabled,
        request.Priority,
    )
    subscription.modify(terms)
    response = ua.ModifySubscriptionResponse()
    _tell_revised(response.Parameters, terms)
    return response


def _for_each(context: ServiceContext, ids: list[int]) -> list[Subscription | None]:
    """The caller's subscriptions of these ids, None for the others; ServiceError when there are no ids."""
    if not ids:
        raise ServiceError(ua.StatusCodes.BadNothingToDo)
    return [context.caller.subscriptions.get(subscription_id) for subscription_id in ids]


def _found(found: bool) -> ua.StatusCode:
    return ua.StatusCode(ua.UInt32(ua.StatusCodes.Good if found else ua.StatusCodes.BadSubscriptionIdInvalid))


async def _set_publishing_mode(
    context: ServiceContext, request: ua.SetPublishingModeParameters
) -> ua.SetPublishingModeResponse:
    subscriptions = _for_each(context, request.SubscriptionIds)
    for subscription in filter(None, subscriptions):
        subscription.touch()
        subscription.enable(bool(request.PublishingEnabled))
    response = ua.SetPublishingModeResponse()
    response.Parameters.Results = [_found(subscription is not None) for subscription in subscriptions]
    return response


async def _delete(context: ServiceContext, request: ua.DeleteSubscriptionsParameters) -> ua.DeleteSubscriptionsResponse:
    session = context.caller
    if not request.SubscriptionIds:
        raise ServiceError(ua.StatusCodes.BadNothingToDo)
    response = ua.DeleteSubscriptionsResponse()
    for subscription_id in request.SubscriptionIds:
        subscription = session.subscriptions.get(subscription_id)
        if subscription is not None:
            context.server.subscriptions.delete(subscription)
        response.Results.append(_found(subscription is not None))
    if not session.subscriptions and session.publish_queue is not None:
        session.publish_queue.fail_all(ua.StatusCodes.BadNoSubscription)
    return response


async def _publish(context: ServiceContext, request: ua.PublishParameters) -> None:
    session = context.caller
    queue: PublishQueue | None = session.publish_queue
    if queue is None or not (session.subscriptions or queue.has_ended):
        raise ServiceError(ua.StatusCodes.BadNoSubscription)
    results = []
    for acknowledgement in request.SubscriptionAcknowledgements:
        subscription = session.subscriptions.get(acknowledgement.SubscriptionId)
        if subscription is None:
            results.append(int(ua.StatusCodes.BadSubscriptionIdInvalid))
        else:
            results.append(subscription.acknowledge(acknowledgement.SequenceNumber))
    for subscription in session.subscriptions.values():
        subscription.touch()
    queue.put(context, results, len(session.subscriptions))


async def _republish(context: ServiceContext, request: ua.RepublishParameters) -> bytes:
    subscription = context.server.subscriptions.of(context.caller, request.SubscriptionId)
    message = subscription.sent(request.RetransmitSequenceNumber)
    if message is None:
        raise ServiceError(ua.StatusCodes.BadMessageNotAvailable)
    head = response_head(ua.ObjectIds.RepublishResponse_Encoding_DefaultBinary, context.header.RequestHandle)
    return head + message


async def _transfer(
    context: ServiceContext, request: ua.TransferSubscriptionsParameters
) -> ua.TransferSubscriptionsResponse:
    if not request.SubscriptionIds:
        raise ServiceError(ua.StatusCodes.BadNothingToDo)
    subscriptions = context.server.subscriptions
    response = ua.TransferSubscriptionsResponse()
    for subscription_id in request.SubscriptionIds:
        result = ua.TransferResult()
        subscription = subscriptions.by_id.get(subscription_id)
        if subscription is None:
            result.StatusCode = _found(False)
        elif not subscription.user.same_as(context.caller.user):
            result.StatusCode = ua.StatusCode(ua.UInt32(ua.StatusCodes.BadUserAccessDenied))
        elif subscription.session is context.caller:
            result.StatusCode = ua.StatusCode(ua.UInt32(ua.StatusCodes.BadNothingToDo))
        else:
            available = subscriptions.transfer(subscription, context.caller, request.SendInitialValues)
            result.AvailableSequenceNumbers = available
        response.Parameters.Results.append(result)
    return response


HANDLERS: Final = {
    ua.ObjectIds.CreateSubscriptionRequest_Encoding_DefaultBinary: Service(ua.CreateSubscriptionParameters, _create),
    ua.ObjectIds.ModifySubscriptionRequest_Encoding_DefaultBinary: Service(ua.ModifySubscriptionParameters, _modify),
    ua.ObjectIds.SetPublishingModeRequest_Encoding_DefaultBinary: Service(
        ua.SetPublishingModeParameters, _set_publishing_mode
    ),
    ua.ObjectIds.DeleteSubscriptionsRequest_Encoding_DefaultBinary: Service(ua.DeleteSubscriptionsParameters, _delete),
    ua.ObjectIds.PublishRequest_Encoding_DefaultBinary: Service(ua.PublishParameters, _publish),
    ua.ObjectIds.RepublishRequest_Encoding_DefaultBinary: Service(ua.RepublishParameters, _republish),
    ua.ObjectIds.TransferSubscriptionsRequest_Encoding_DefaultBinary: Service(
        ua.TransferSubscriptionsParameters, _transfer
    ),
}
