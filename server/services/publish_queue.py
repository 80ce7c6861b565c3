"""The Publish requests of one session that wait for something to say, and the subscriptions that wait for a request."""

from __future__ import annotations

import struct
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from asyncua import ua

from drivers.readings import now_ticks
from server.services import notification
from server.services.context import ServiceContext
from server.services.wire import response_head

if TYPE_CHECKING:
    from server.services.subscription import Subscription

SPARE_REQUESTS: Final = 10
"""A session may have this many more Publish requests waiting than it has subscriptions (Part 4, 5.13.5)."""

_HEAD_SIZE: Final = 128
"""Of a PublishResponse without sequence numbers, results and notifications, and a bit more."""


@dataclass(slots=True)
class WaitingPublish:
    """A Publish request: where to answer, and the results of its acknowledgements."""

    context: ServiceContext
    results: Sequence[int]
    expires: float

    @property
    def room(self) -> int:
        """How many bytes of notifications the client takes in one response."""
        return self.context.channel.largest_response - _HEAD_SIZE - 4 * len(self.results)

    def fail(self, status: int) -> None:
        """Answer with a ServiceFault."""
        fault = ua.ServiceFault()
        fault.ResponseHeader.ServiceResult = ua.StatusCode(ua.UInt32(status))
        self.context.reply(fault)

    def answer(self, subscription_id: int, message: bytes, more: bool, available: Sequence[int]) -> None:
        """Answer with an encoded NotificationMessage (Part 4, 5.13.5.2)."""
        handle = self.context.header.RequestHandle
        self.context.reply(
            b"".join(
                (
                    response_head(ua.ObjectIds.PublishResponse_Encoding_DefaultBinary, handle),
                    struct.pack(f"<Ii{len(available)}I?", subscription_id, len(available), *available, more),
                    message,
                    struct.pack(f"<i{len(self.results)}Ii", len(self.results), *self.results, -1),
                )
            )
        )


class PublishQueue:
    """Of one session. Requests are used oldest first; subscriptions that are late are served by priority, then by how
    long they have waited (Part 4, 5.13.1.1)."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waiting: deque[WaitingPublish] = deque()
        self._late: dict[int, Subscription] = {}
        self._ended: deque[tuple[int, int]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, context: ServiceContext, results: Sequence[int], subscriptions: int) -> None:
        """Queue a request and serve who waits for one; the oldest request goes when there are too many."""
        hint = context.header.TimeoutHint
        expires = self._clock() + hint / 1000 if hint else float("inf")
        self._waiting.append(WaitingPublish(context, results, expires))
        if len(self._waiting) > subscriptions + SPARE_REQUESTS:
            self._waiting.popleft().fail(ua.StatusCodes.BadTooManyPublishRequests)
        self._serve()

    def take(self) -> WaitingPublish | None:
        """The oldest request that can still be answered, or None."""
        while self._waiting:
            request = self._waiting.popleft()
            if request.context.channel.closed:
                continue
            if request.expires > self._clock():
                return request
            request.fail(ua.StatusCodes.BadTimeout)
        return None

    @property
    def ready(self) -> bool:
        """Whether `take` would give a request."""
        now = self._clock()
        return any(not request.context.channel.closed and request.expires > now for request in self._waiting)

    def late(self, subscription: Subscription) -> None:
        """The subscription has something to say and found no request; it is served when one comes."""
        self._late.setdefault(subscription.id, subscription)

    def forget(self, subscription_id: int) -> None:
        """The subscription left this session."""
        self._late.pop(subscription_id, None)

    def ended(self, subscription_id: int, status: int) -> None:
        """Tell the client by a StatusChangeNotification that a subscription left it (Part 4, 7.25.4)."""
        self.forget(subscription_id)
        self._ended.append((subscription_id, status))
        self._serve()

    @property
    def has_ended(self) -> bool:
        """Whether there is a StatusChangeNotification to deliver."""
        return bool(self._ended)

    def cancel(self, request_handle: int) -> int:
        """Answer the waiting requests with this handle; how many there were (Part 4, 5.6.5)."""
        cancelled = [request for request in self._waiting if request.context.header.RequestHandle == request_handle]
        for request in cancelled:
            self._waiting.remove(request)
            request.fail(ua.StatusCodes.BadRequestCancelledByClient)
        return len(cancelled)

    def fail_all(self, status: int) -> None:
        """Answer every waiting request with a fault: there is nothing left to publish."""
        while request := self.take():
            request.fail(status)

    def _serve(self) -> None:
        while self._ended and (request := self.take()):
            subscription_id, status = self._ended.popleft()
            message = notification.message(1, now_ticks(), [notification.status_change(status)])
            request.answer(subscription_id, message, False, ())
        for subscription in sorted(self._late.values(), key=lambda late: -late.terms.priority):
            if not self.ready:
                return
            self._late.pop(subscription.id, None)
            subscription.publish_now()
