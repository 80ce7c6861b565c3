"""An OPC UA client that can misbehave on order: it frames its messages itself, without security."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from types import TracebackType
from typing import Any

from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import nodeid_from_binary, struct_from_binary, struct_to_binary

NONE_URI = "http://opcfoundation.org/UA/SecurityPolicy#None"
_PER_CHUNK = 60_000


class Ended(Exception):
    """The server closed the connection; status is that of its ERR message, 0 without one."""

    def __init__(self, status: int) -> None:
        super().__init__(ua.StatusCode(status).name)
        self.status = status


class RawClient:
    """One connection. `sequence`, `channel_id` and `token_id` may be bent before sending."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.sequence = 0
        self.request_id = 0
        self.channel_id = 0
        self.token_id = 0
        self.authentication_token = ua.NodeId()
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter

    async def __aenter__(self) -> RawClient:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()

    # -- frames

    def send(self, data: bytes) -> None:
        """Bytes as they are."""
        self.writer.write(data)

    async def receive(self) -> tuple[bytes, bytes]:
        """The next frame: its type with chunk type, and what follows its 8 bytes. Raises Ended on ERR and on EOF."""
        try:
            kind, size = struct.unpack("<4sI", await self.reader.readexactly(8))
            body = await self.reader.readexactly(size - 8)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise Ended(0) from error
        if kind == b"ERRF":
            raise Ended(struct.unpack_from("<I", body)[0])
        return kind, body

    async def ended(self) -> int:
        """Wait for the end of the connection; the status of the ERR message, 0 without one."""
        try:
            while True:
                await self.receive()
        except Ended as end:
            rest = await self.reader.read()
            assert rest == b"", "nothing follows an ERR message"
            return end.status

    # -- messages

    def hello(self, url: str = "opc.tcp://localhost/x", sizes: tuple[int, ...] = (65536, 65536, 0, 0)) -> bytes:
        """A HEL message."""
        text = url.encode()
        body = struct.pack("<IIIIIi", 0, *sizes, len(text)) + text
        return b"HELF" + struct.pack("<I", 8 + len(body)) + body

    def chunk(self, message_type: bytes, body: bytes) -> bytes:
        """A MSG or CLO chunk with the next sequence number."""
        self.sequence += 1
        head = struct.pack("<IIII", self.channel_id, self.token_id, self.sequence, self.request_id)
        return message_type + struct.pack("<I", 8 + len(head) + len(body)) + head + body

    def opening(self, request: ua.OpenSecureChannelRequest, uri: str = NONE_URI) -> bytes:
        """An OPN message."""
        self.sequence += 1
        self.request_id += 1
        security = struct_to_binary(ua.AsymmetricAlgorithmHeader(SecurityPolicyURI=uri))
        body = security + struct.pack("<II", self.sequence, self.request_id) + struct_to_binary(request)
        return b"OPNF" + struct.pack("<II", 12 + len(body), self.channel_id) + body

    def message(self, request: Any) -> bytes:
        """A request in as many MSG chunks as it takes."""
        self.request_id += 1
        request.RequestHeader.AuthenticationToken = self.authentication_token
        request.RequestHeader.RequestHandle = self.request_id
        body = struct_to_binary(request)
        starts = range(0, len(body), _PER_CHUNK)
        kinds = [b"MSGC"] * (len(starts) - 1) + [b"MSGF"]
        return b"".join(
            self.chunk(kind, body[start : start + _PER_CHUNK]) for kind, start in zip(kinds, starts, strict=True)
        )

    async def open(
        self, lifetime_ms: int = 60_000, renew: bool = False, sizes: tuple[int, ...] = (65536, 65536, 0, 0)
    ) -> ua.OpenSecureChannelResult:
        """Hello (unless renewing) and OpenSecureChannel."""
        if not renew:
            self.send(self.hello(sizes=sizes))
            assert (await self.receive())[0] == b"ACKF"
        request = ua.OpenSecureChannelRequest()
        kind = ua.SecurityTokenRequestType.Renew if renew else ua.SecurityTokenRequestType.Issue
        request.Parameters.RequestType = kind
        request.Parameters.SecurityMode = ua.MessageSecurityMode.None_
        request.Parameters.RequestedLifetime = lifetime_ms
        self.send(self.opening(request))
        kind_, body = await self.receive()
        assert kind_ == b"OPNF"
        buffer = Buffer(body, 4)
        struct_from_binary(ua.AsymmetricAlgorithmHeader, buffer)
        struct_from_binary(ua.SequenceHeader, buffer)
        response = struct_from_binary(ua.OpenSecureChannelResponse, buffer)
        self.channel_id = response.Parameters.SecurityToken.ChannelId
        self.token_id = response.Parameters.SecurityToken.TokenId
        return response.Parameters

    async def answer(self) -> tuple[int, Any]:
        """The next response: its request id and the response object."""
        parts = []
        while True:
            kind, body = await self.receive()
            request_id = struct.unpack_from("<I", body, 12)[0]
            parts.append(body[16:])
            if kind == b"MSGF":
                break
        buffer = Buffer(b"".join(parts))
        type_id = nodeid_from_binary(buffer.copy())
        cls = ua.extension_objects_by_typeid[type_id]
        return request_id, struct_from_binary(cls, buffer)

    async def call(self, request: Any) -> Any:
        """Send a request and wait for its response, which must be the next."""
        self.send(self.message(request))
        request_id, response = await self.answer()
        assert request_id == self.request_id
        return response

    async def create_session(self, timeout_ms: float = 60_000) -> ua.CreateSessionResult:
        """CreateSession; its token is used from now on."""
        request = ua.CreateSessionRequest()
        request.Parameters.RequestedSessionTimeout = timeout_ms
        request.Parameters.EndpointUrl = "opc.tcp://localhost/x"
        response = await self.call(request)
        self.authentication_token = response.Parameters.AuthenticationToken
        return response.Parameters

    async def activate(self, token: Any = None) -> int:
        """ActivateSession, anonymous unless told otherwise; the service result."""
        request = ua.ActivateSessionRequest()
        if token is not None:
            request.Parameters.UserIdentityToken = token
        return int((await self.call(request)).ResponseHeader.ServiceResult.value)

    async def connect(self) -> RawClient:
        """Everything up to an activated anonymous session."""
        await self.open()
        await self.create_session()
        assert await self.activate() == 0
        return self


def read_request(*node_ids: ua.NodeId, attribute: int = 13) -> ua.ReadRequest:
    """A ReadRequest of one attribute of some nodes."""
    request = ua.ReadRequest()
    request.Parameters.TimestampsToReturn = ua.TimestampsToReturn.Both
    request.Parameters.NodesToRead = [ua.ReadValueId(NodeId=one, AttributeId=attribute) for one in node_ids]
    return request
