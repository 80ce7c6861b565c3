"""One subscription: its timers, its keep-alive and lifetime counters, and the messages it may have to repeat.

The counters and states are those of Part 4, 5.13.1.2. All of it runs in timer callbacks; there is no task to leak.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from asyncua import ua

from drivers.readings import now_ticks
from server.services.monitored_plain import Read
from server.services.notification import message
from server.services.publish_queue import PublishQueue, WaitingPublish
from server.services.subscription_items import SubscriptionItems, next_tick
from server.tags.table import TagTable

if TYPE_CHECKING:
    from server.services.session import Session

MOST_KEPT: Final = 100
"""Messages kept for Republish, at most; and no more than so many bytes of them:"""
MOST_KEPT_BYTES: Final = 16_000_000
MOST_NOTIFICATIONS: Final = 100_000
"""Notifications in one message, whatever the client allows."""
_SLACK_S: Final = 0.001


@dataclass(slots=True)
class Terms:
    """What was agreed with the client; interval in seconds, the counts in publishing intervals; most: notifications
    in one message, 0 for no limit."""

    interval_s: float
    lifetime: int
    keep_alive: int
    most: int
    enabled: bool
    priority: int


@dataclass(slots=True)
class Counters:
    """What has been asked of a subscription since it was made (SubscriptionDiagnosticsDataType, Part 5, 12.15).
    late: publishing intervals that found no request; discarded: messages given up before they were acknowledged."""

    modified: int = 0
    enabled: int = 0
    disabled: int = 0
    republish_requests: int = 0
    republished: int = 0
    transfers: int = 0
    to_other_client: int = 0
    to_same_client: int = 0
    publish_requests: int = 0
    late: int = 0
    discarded: int = 0


class Subscription:
    """Publishes the changes of its items at its interval. `session` is None while nobody owns it."""

    def __init__(
        self,
        id_: int,
        terms: Terms,
        session: Session,
        table: TagTable,
        read: Read,
        expired: Callable[[Subscription], None],
    ) -> None:
        self.id = id_
        self.terms = terms
        self.session: Session | None = session
        self.user = session.user
        self.counters = Counters()
        self._loop = asyncio.get_running_loop()
        self.items = SubscriptionItems(table, read, self._loop.time())
        self._expired = expired
        self._sequence = 1
        self._sent: deque[tuple[int, bytes]] = deque()
        self._said_something = False
        self._keep_alive_left = terms.keep_alive
        self._lifetime_left = terms.lifetime
        self._due = self._loop.time() + terms.interval_s
        self._timer: asyncio.TimerHandle | None = None
        self.reschedule()

    @property
    def _queue(self) -> PublishQueue | None:
        return None if self.session is None else self.session.publish_queue

    def reschedule(self) -> None:
        """Set the timer anew; needed after items or terms changed."""
        self.stop()
        self._timer = self._loop.call_at(min(self._due, self.items.next_due), self._wake)

    def stop(self) -> None:
        """End the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake(self) -> None:
        now = self._loop.time() + _SLACK_S
        self.items.sample_due(now)
        if self._due <= now:
            self._due = next_tick(self._due, self.terms.interval_s, now)
            if not self._tick():
                return
        self.reschedule()

    @property
    def _has_notifications(self) -> bool:
        return self.terms.enabled and self.items.waiting

    def _tick(self) -> bool:
        """A publishing interval has passed; False when the subscription's life is over."""
        queue = self._queue
        if queue is not None and queue.ready:
            self._lifetime_left = self.terms.lifetime
        else:
            self.counters.late += 1
            self._lifetime_left -= 1
            if self._lifetime_left <= 0:
                self.stop()
                self._expired(self)
                return False
        self._keep_alive_left -= 1
        if self._has_notifications or not self._said_something or self._keep_alive_left <= 0:
            self.publish_now()
        return True

    def publish_now(self) -> None:
        """Use up Publish requests until all is said, with a keep-alive when there is nothing; wait for one if need
        be."""
        queue = self._queue
        if queue is None:
            return
        while request := queue.take():
            if not self._publish(request):
                return
        queue.late(self)

    def _publish(self, request: WaitingPublish) -> bool:
        """One message; whether there is more to say."""
        most = min(self.terms.most or MOST_NOTIFICATIONS, MOST_NOTIFICATIONS)
        self.counters.publish_requests += 1
        body = self.items.take(most, request.room - 4 * len(self._sent)) if self.terms.enabled else []
        encoded = message(self._sequence, now_ticks(), body)
        more = bool(body) and self._has_notifications
        if body:
            self._keep(encoded)
        self._said_something = True
        self._keep_alive_left = self.terms.keep_alive
        self._lifetime_left = self.terms.lifetime
        request.answer(self.id, encoded, more, self.available)
        return more

    def _keep(self, encoded: bytes) -> None:
        self._sent.append((self._sequence, encoded))
        self._sequence = self._sequence % 0xFFFFFFFF + 1
        while len(self._sent) > 1 and (
            len(self._sent) > MOST_KEPT or sum(len(old) for _, old in self._sent) > MOST_KEPT_BYTES
        ):
            self._sent.popleft()
            self.counters.discarded += 1

    def acknowledge(self, sequence_number: int) -> int:
        """Drop a message that the client has; the StatusCode of that."""
        for index, (number, _) in enumerate(self._sent):
            if number == sequence_number:
                del self._sent[index]
                return int(ua.StatusCodes.Good)
        return int(ua.StatusCodes.BadSequenceNumberUnknown)

    def sent(self, sequence_number: int) -> bytes | None:
        """The message of that number for Republish, if it is still kept."""
        self.counters.republish_requests += 1
        found = next((encoded for number, encoded in self._sent if number == sequence_number), None)
        self.counters.republished += found is not None
        return found

    @property
    def available(self) -> list[int]:
        """The sequence numbers that can be republished."""
        return [number for number, _ in self._sent]

    @property
    def next_sequence_number(self) -> int:
        """The number of the next message with notifications."""
        return self._sequence

    @property
    def keep_alive_count(self) -> int:
        """Publishing intervals since the last message."""
        return self.terms.keep_alive - self._keep_alive_left

    @property
    def lifetime_count(self) -> int:
        """Publishing intervals since the client was last heard of."""
        return self.terms.lifetime - self._lifetime_left

    def enable(self, enabled: bool) -> None:
        """Start or stop publishing; sampling goes on."""
        self.terms.enabled = enabled
        self.counters.enabled += enabled
        self.counters.disabled += not enabled

    def touch(self) -> None:
        """A service call that names this subscription, or a Publish of its session, starts its lifetime anew."""
        self._lifetime_left = self.terms.lifetime

    def modify(self, terms: Terms) -> None:
        """New terms, in force from now on."""
        self.terms = terms
        self.counters.modified += 1
        self._keep_alive_left = terms.keep_alive
        self._lifetime_left = terms.lifetime
        self._due = self._loop.time() + terms.interval_s
        self.reschedule()
