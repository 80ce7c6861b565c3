"""What has to end after a while: silent sessions, connections that never become one, channels not renewed."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from asyncua import ua

from server.services.channel import Channel
from server.services.chunks import ChannelError
from server.services.transport import Connection, Listener

if TYPE_CHECKING:
    from server.services.ua_server import UaServer

_EVERY_S: Final = 0.25


async def keep_house(server: UaServer, listener: Listener) -> None:
    """Runs until cancelled."""
    while True:
        await asyncio.sleep(_EVERY_S)
        now = time.monotonic()
        await server.sessions.close_expired(now)
        for connection in list(listener.connections):
            check(server, connection, now)
        _make_room(server, listener)


def check(server: UaServer, connection: Connection, now: float) -> None:
    """End a connection that is stuck, unused or no longer secure; now on the monotonic clock."""
    limits = server.limits
    channel = connection.receiver
    assert isinstance(channel, Channel)
    if connection.stalled_since is not None and now - connection.stalled_since > limits.stalled_timeout_s:
        connection.abort(f"has read nothing for {limits.stalled_timeout_s:.0f} s")
    elif not channel.is_open():
        if now - connection.opened_at > limits.hello_timeout_s:
            reason = f"no secure channel within {limits.hello_timeout_s:.0f} s"
            connection.fail(ChannelError(ua.StatusCodes.BadTimeout, reason))
    elif channel.secure.expired(now):
        connection.fail(ChannelError(ua.StatusCodes.BadSecureChannelClosed, "the security token was not renewed"))
    elif not channel.sessions and now - channel.without_session_since > limits.idle_channel_timeout_s:
        reason = f"no session for {limits.idle_channel_timeout_s:.0f} s"
        connection.fail(ChannelError(ua.StatusCodes.BadTimeout, reason))


def _make_room(server: UaServer, listener: Listener) -> None:
    """Near the limit the oldest connections without a session go first, so that others can come (Part 4, 5.5.2)."""
    spare = server.limits.max_connections - max(1, server.limits.max_connections // 20)
    if len(listener.connections) <= spare:
        return
    unused = [one for one in listener.connections if isinstance(one.receiver, Channel) and not one.receiver.sessions]
    unused.sort(key=lambda connection: connection.opened_at)
    for connection in unused[: len(listener.connections) - spare]:
        connection.fail(ChannelError(ua.StatusCodes.BadTcpNotEnoughResources, "too many connections without session"))
