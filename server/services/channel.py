"""One client connection as the services see it: hello, secure channel, requests in and responses out."""

from __future__ import annotations

import logging
import struct
import time
from typing import TYPE_CHECKING, Any, Final

from asyncua import ua
from asyncua.common.utils import NotEnoughData, ServiceError
from asyncua.ua.ua_binary import struct_from_binary, struct_to_binary

from server.services.chunks import ChannelError
from server.services.dispatch import serve
from server.services.secure_channel import SecureChannel
from server.services.transport import Connection
from server.services.wire import RequestBuffer, service_fault

if TYPE_CHECKING:
    from server.services.session import Session
    from server.services.ua_server import UaServer

_log = logging.getLogger(__name__)
_ACKNOWLEDGE: Final = struct.Struct("<3ssIIIIII")
_SMALLEST_BUFFER: Final = 8_192
_LONGEST_URL: Final = 4_096


class Channel:
    """The server's end of a connection. `sessions` are those it carries, by id; usually one."""

    def __init__(self, server: UaServer, connection: Connection) -> None:
        self.server = server
        self.connection = connection
        self.secure = SecureChannel(server.new_channel_id(), server.identity, server.options.policies, server.limits)
        self.sessions: set[Session] = set()
        self.without_session_since = time.monotonic()
        self._greeted = False

    @property
    def closed(self) -> bool:
        """Nothing can be sent any more."""
        return self.connection.closed

    @property
    def congested(self) -> bool:
        """The client leaves answers unread."""
        return self.connection.congested

    @property
    def channel_id(self) -> int:
        return self.secure.channel_id

    @property
    def largest_response(self) -> int:
        """Bytes the body of a response may have: what the client takes, and no more than we would."""
        return min(self.secure.largest_body(), self.server.limits.max_message_size)

    def limit_responses(self, size: int) -> None:
        """A session on this channel takes only so many bytes; 0 for no limit of its own (Part 4, 5.6.2.2)."""
        known = self.secure.max_response_size
        self.secure.max_response_size = min(known, size) if known and size else known or size

    def is_open(self) -> bool:
        """Whether OpenSecureChannel has succeeded."""
        return self.secure.token is not None

    def close(self) -> None:
        self.connection.close()

    # -- transport.Receiver -----------------------------------------------------------------------------------------

    async def receive(self, frame: bytes) -> None:
        message_type = frame[:3]
        if message_type == b"MSG":
            message = self.secure.receive(frame)
            if message is not None:
                request_id, body = message
                await serve(self, request_id, body)
        elif message_type == b"OPN":
            self._open(frame)
        elif message_type == b"HEL":
            self._hello(frame)
        else:
            self.secure.receive(frame)
            self.connection.close()

    def disconnected(self) -> None:
        for session in list(self.sessions):
            session.lost_channel(self)
        self.server.channels.pop(self.channel_id, None)

    # -- for the dispatcher -----------------------------------------------------------------------------------------

    def send(self, request_id: int, request_handle: int, response: Any) -> None:
        """Send a response object or an encoded body; a no-op once the channel has closed."""
        if self.closed:
            return
        try:
            chunks = self.secure.encode(request_id, _encoded(response, request_handle))
        except ServiceError as error:
            chunks = self.secure.encode(request_id, service_fault(request_handle, error.code))
        except (ua.UaError, struct.error, TypeError, ValueError, AttributeError):
            _log.exception("a response of type %s cannot be encoded", type(response).__name__)
            chunks = self.secure.encode(request_id, service_fault(request_handle, ua.StatusCodes.BadEncodingError))
        self.connection.send(chunks)

    def reply_to(self, request_id: int, request_handle: int) -> Reply:
        """What answers a request, once; later calls do nothing."""
        return Reply(self, request_id, request_handle)

    # -- hello and open ---------------------------------------------------------------------------------------------

    def _hello(self, frame: bytes) -> None:
        if self._greeted:
            raise ChannelError(ua.StatusCodes.BadTcpMessageTypeInvalid, "a second Hello")
        try:
            hello = struct_from_binary(ua.Hello, RequestBuffer(frame, 8))
        except (NotEnoughData, ua.UaError, ValueError, struct.error) as error:
            raise ChannelError(ua.StatusCodes.BadDecodingError, f"undecodable Hello: {error}") from error
        if len((hello.EndpointUrl or "").encode("utf-8", "surrogateescape")) > _LONGEST_URL:
            raise ChannelError(ua.StatusCodes.BadTcpEndpointUrlInvalid, f"an endpoint URL of over {_LONGEST_URL} bytes")
        if min(hello.ReceiveBufferSize, hello.SendBufferSize) < _SMALLEST_BUFFER:
            raise ChannelError(ua.StatusCodes.BadConnectionRejected, f"buffers smaller than {_SMALLEST_BUFFER} bytes")
        self._greeted = True
        limits = self.server.limits
        receive, send = (
            min(hello.SendBufferSize, limits.chunk_size),
            min(hello.ReceiveBufferSize, limits.chunk_size),
        )
        self.connection.largest_frame = receive
        self.secure.send_chunk_size = send
        self.secure.max_response_size = hello.MaxMessageSize
        self.secure.max_response_chunks = hello.MaxChunkCount
        sizes = (receive, send, limits.max_message_size, limits.max_chunk_count)
        self.connection.send([_ACKNOWLEDGE.pack(b"ACK", b"F", _ACKNOWLEDGE.size, 0, *sizes)])

    def _open(self, frame: bytes) -> None:
        if not self._greeted:
            raise ChannelError(ua.StatusCodes.BadTcpMessageTypeInvalid, "OPN before Hello")
        channel_id = struct.unpack_from("<I", frame, 8)[0]
        if channel_id != (self.channel_id if self.is_open() else 0):
            raise ChannelError(ua.StatusCodes.BadTcpSecureChannelUnknown, f"secure channel {channel_id} is not open")
        request_id, request = self.secure.receive_open(frame)
        response = self.secure.open(request, time.monotonic())
        self.server.channels[self.channel_id] = self
        self.connection.send([self.secure.encode_open(request_id, struct_to_binary(response))])


class Reply:
    """Answers one request, once."""

    __slots__ = ("_channel", "_handle", "_request_id", "done")

    def __init__(self, channel: Channel, request_id: int, request_handle: int) -> None:
        self._channel, self._request_id, self._handle = channel, request_id, request_handle
        self.done = False

    def __call__(self, response: Any) -> None:
        if not self.done:
            self.done = True
            self._channel.send(self._request_id, self._handle, response)


def _encoded(response: Any, request_handle: int) -> bytes:
    if isinstance(response, bytes):
        return response
    response.ResponseHeader.RequestHandle = request_handle
    return struct_to_binary(response)
