"""What a service handler is given for one request, and how services are declared to the dispatch table."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from asyncua import ua

if TYPE_CHECKING:
    from server.services.channel import Channel
    from server.services.session import Session
    from server.services.ua_server import UaServer


@dataclass(slots=True)
class ServiceContext:
    """One request of one client. type_id: the encoding id of the request.

    reply takes the response object (its ResponseHeader is filled in: RequestHandle, Timestamp) or its already encoded
    body (encoding id, ResponseHeader and parameters). It is called exactly once, at any later time, and does nothing
    after the channel has closed. A handler that returns its response leaves `reply` alone.
    """

    server: UaServer
    channel: Channel
    session: Session | None
    header: ua.RequestHeader
    reply: Callable[[Any], None]
    type_id: int

    @property
    def caller(self) -> Session:
        """The session of a service that needs one."""
        assert self.session is not None
        return self.session


Handler = Callable[[ServiceContext, Any], Coroutine[Any, Any, Any]]
"""Takes the decoded parameters of a request; returns the response object, its encoded body as bytes, or None when it
replies later. Raises `asyncua.common.utils.ServiceError` for a ServiceFault."""


@dataclass(frozen=True, slots=True)
class Service:
    """An entry of the dispatch table.

    parameters: the class the request is decoded to, after its RequestHeader; None hands the encoded bytes over.
    parallel: run as a task of its own, so that later requests of the client do not wait for it.
    """

    parameters: type | None
    handler: Handler
    parallel: bool = False
    needs_session: bool = True
