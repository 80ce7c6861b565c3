"""Sessions: who talks to the server, over which secure channel, and until when (Part 4, 5.6)."""

from __future__ import annotations

import asyncio
import inspect
import logging
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from asyncua import ua

from server.security.roles import User
from server.services.wire import node_id, service_fault

if TYPE_CHECKING:
    from server.services.channel import Channel
    from server.services.context import ServiceContext
    from server.services.history_pages import HistoryPoints
    from server.services.registered_nodes import RegisteredNodes

_log = logging.getLogger(__name__)
CloseHook = Callable[[bool], Awaitable[None] | None]


class Session:
    """One session. timeout_s: without any request for so long it is closed; it outlives a lost connection.

    requests, failures: how many by the encoding id of the request; unauthorized: those refused for lack of rights.
    subscriptions and publish_queue belong to the subscription service. on_close hooks get whether the subscriptions
    are to be deleted; on_cancel hooks get a request handle and answer how many requests they cancelled.
    """

    def __init__(self, channel: Channel, name: str, timeout_s: float, session_id: ua.NodeId) -> None:
        self.id = session_id
        self.token = secrets.token_bytes(32)
        self.authentication_token = node_id(self.token)
        self.name = name
        self.timeout_s = timeout_s
        self.user = User.nobody()
        self.activated = False
        self.closed = False
        self.channel: Channel | None = channel
        self.client_certificate = channel.secure.peer_certificate
        self.security = (channel.secure.security_policy_uri, channel.secure.mode)
        self.client_description: ua.ApplicationDescription = ua.ApplicationDescription()
        self.endpoint_url = ""
        self.locale_ids: list[str] = []
        self.max_response_size = 0
        self.nonce = secrets.token_bytes(32)
        self.created_at = datetime.now(UTC)
        self.last_contact_at = self.created_at
        self.subscriptions: dict[int, Any] = {}
        self.publish_queue: Any = None
        self.on_close: list[CloseHook] = []
        self.on_cancel: list[Callable[[int], int]] = []
        self.running: dict[asyncio.Task[None], ServiceContext] = {}
        self.browse_points: Any = None
        self.history_points: HistoryPoints | None = None
        self.registered: RegisteredNodes | None = None
        self.requests: Counter[int] = Counter()
        self.failures: Counter[int] = Counter()
        self.unauthorized = 0
        self._last_request = time.monotonic()
        channel.sessions.add(self)

    def failed(self, type_id: int, status: int) -> None:
        """A request was answered with a ServiceFault."""
        self.failures[type_id] += 1
        self.unauthorized += status == ua.StatusCodes.BadUserAccessDenied

    def touch(self) -> None:
        """Note that the client has sent a request."""
        self.last_contact_at = datetime.now(UTC)
        self._last_request = time.monotonic()

    def expired(self, now: float) -> bool:
        """Whether the client has been silent for longer than the timeout; now on the monotonic clock."""
        return now - self._last_request > self.timeout_s

    def resolve(self, node_id: ua.NodeId) -> ua.NodeId:
        """The node behind a handle this session has registered; any other NodeId as it is."""
        return self.registered.resolve(node_id) if self.registered is not None else node_id

    def move_to(self, channel: Channel) -> None:
        """Continue on another secure channel; the old one forgets the session."""
        if self.channel is not None:
            self.channel.sessions.discard(self)
            self.channel.without_session_since = time.monotonic()
        self.channel = channel
        channel.sessions.add(self)

    def lost_channel(self, channel: Channel) -> None:
        """The connection is gone. An activated session waits for its client to come back."""
        channel.sessions.discard(self)
        if self.channel is channel:
            self.channel = None

    def cancel(self, request_handle: int, status: int) -> int:
        """Answer the outstanding requests with this handle with a fault; how many there were.

        What they have started goes on to its end: a command under way is not left half done.
        """
        cancelled = [context for context in self.running.values() if context.header.RequestHandle == request_handle]
        for context in cancelled:
            context.reply(service_fault(request_handle, status))
        return len(cancelled) + sum(hook(request_handle) for hook in self.on_cancel)

    async def close(self, delete_subscriptions: bool) -> None:
        """End the session: answer what is outstanding, tell the hooks. Further requests get BadSessionIdInvalid."""
        if self.closed:
            return
        self.closed = True
        self.activated = False
        for context in self.running.values():
            context.reply(service_fault(context.header.RequestHandle, ua.StatusCodes.BadSessionClosed))
        for hook in list(self.on_close):
            result = hook(delete_subscriptions)
            if inspect.isawaitable(result):
                await result
        if self.channel is not None:
            self.channel.sessions.discard(self)
            self.channel.without_session_since = time.monotonic()


class Sessions:
    """All sessions of the server, by authentication token."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._by_token: dict[bytes, Session] = {}
        self._next_id = secrets.randbelow(2**30)
        self.cumulated = 0
        self.timed_out = 0
        self.aborted = 0

    def __iter__(self) -> Any:
        return iter(list(self._by_token.values()))

    def __len__(self) -> int:
        return len(self._by_token)

    def create(self, channel: Channel, name: str, timeout_s: float, namespace: int) -> Session | None:
        """A new session, or None at the limit."""
        if len(self._by_token) >= self._limit:
            return None
        self._next_id = self._next_id % (2**31 - 1) + 1
        session = Session(channel, name or f"Session {self._next_id}", timeout_s, node_id(self._next_id, namespace))
        self._by_token[session.token] = session
        self.cumulated += 1
        return session

    async def make_room(self) -> None:
        """At the limit, end the session whose client has been away the longest: whoever opens sessions and leaves must
        not keep others out. Its subscriptions can still be transferred."""
        away = [session for session in self._by_token.values() if session.channel is None]
        if away and len(self._by_token) >= self._limit:
            self.aborted += 1
            await self.close(min(away, key=lambda session: session.last_contact_at), delete_subscriptions=False)

    def find(self, token: ua.NodeId) -> Session | None:
        """The open session with this authentication token."""
        key = token.Identifier
        return self._by_token.get(key) if isinstance(key, bytes) and token.NamespaceIndex == 0 else None

    async def close(self, session: Session, delete_subscriptions: bool) -> None:
        """Close one and forget it."""
        self._by_token.pop(session.token, None)
        await session.close(delete_subscriptions)

    async def close_expired(self, now: float) -> None:
        """Close sessions past their timeout, keeping their subscriptions (Part 4, 5.6.2.1), and those that lost their
        connection before they were activated."""
        for session in list(self._by_token.values()):
            if session.expired(now):
                _log.info("session %r timed out after %.0f s without a request", session.name, session.timeout_s)
                self.timed_out += 1
                await self.close(session, delete_subscriptions=False)
            elif session.channel is None and not session.activated:
                self.aborted += 1
                await self.close(session, delete_subscriptions=True)
