"""A client on a blocking socket, without security: it costs so little that a benchmark measures the server."""

from __future__ import annotations

import socket
import struct
from types import TracebackType
from typing import Any, Final, Self

from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.crypto.security_policies import SecurityPolicyAes256Sha256RsaPss, SecurityPolicyBasic256Sha256
from asyncua.ua.ua_binary import nodeid_from_binary, struct_from_binary, struct_to_binary
from cryptography.x509 import load_der_x509_certificate

_NONE_URI: Final = "http://opcfoundation.org/UA/SecurityPolicy#None"
_SECRETS: Final[dict[str, Any]] = {
    policy.URI: policy for policy in (SecurityPolicyBasic256Sha256, SecurityPolicyAes256Sha256RsaPss)
}
_HEAD: Final = struct.Struct("<4sIIIII")
_CHUNK: Final = 65_536 - _HEAD.size


class ServerEnded(ConnectionError):
    """The server closed the connection; the message is that of its ERR."""


class LeanClient:
    """One connection with one session, for `with`. url: opc.tcp://HOST:PORT/PATH with SecurityPolicy None."""

    def __init__(self, url: str, timeout_s: float = 60.0) -> None:
        host, _, port = url.removeprefix("opc.tcp://").partition("/")[0].rpartition(":")
        self._url = url
        self._socket = socket.create_connection((host, int(port)), timeout=timeout_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sequence = self._request_id = self._channel_id = self._token_id = 0
        self._rest = bytearray()
        self._token = ua.NodeId()

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            self._socket.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    # -- messages ---------------------------------------------------------------------------------------------------

    def encode(self, request: Any) -> bytes:
        """The body of a request of this session, to be sent any number of times."""
        request.RequestHeader.AuthenticationToken = self._token
        request.RequestHeader.TimeoutHint = 60_000
        return struct_to_binary(request)

    def send(self, body: bytes) -> int:
        """Send a request; its id."""
        self._request_id += 1
        for start in range(0, len(body), _CHUNK):
            part = body[start : start + _CHUNK]
            kind = b"MSGF" if start + _CHUNK >= len(body) else b"MSGC"
            self._sequence += 1
            ids = self._channel_id, self._token_id, self._sequence, self._request_id
            self._socket.sendall(_HEAD.pack(kind, _HEAD.size + len(part), *ids) + part)
        return self._request_id

    def receive(self, timeout_s: float = 60.0) -> tuple[int, bytes]:
        """The next response: the id of its request, and its body. Raises TimeoutError, and ServerEnded."""
        self._socket.settimeout(timeout_s)
        parts = []
        while True:
            kind, frame = self._frame()
            parts.append(frame[24:])
            if kind == b"MSGF":
                return int.from_bytes(frame[20:24], "little"), b"".join(parts)

    def call(self, request: Any) -> Any:
        """Send a request and decode the next response. Raises UaStatusCodeError for a ServiceFault."""
        self.send(self.encode(request))
        return decode(self.receive()[1])

    def read(self, *node_ids: str) -> list[ua.DataValue]:
        """The Value of some nodes."""
        values: list[ua.DataValue] = self.call(read_request(*map(ua.NodeId.from_string, node_ids))).Results
        return values

    # -- the way to a session ---------------------------------------------------------------------------------------

    def log_in(self, name: str = "", password: str = "") -> None:
        """A session of this user, anonymous without a name."""
        create = ua.CreateSessionRequest()
        create.Parameters.RequestedSessionTimeout = 600_000
        create.Parameters.EndpointUrl = self._url
        created = self.call(create).Parameters
        self._token = created.AuthenticationToken
        activate = ua.ActivateSessionRequest()
        if name:
            activate.Parameters.UserIdentityToken = _user_token(created, name, password)
        self.call(activate)

    def _open(self) -> None:
        hello = struct.pack("<IIIII", 0, 2**16, 2**16, 0, 0) + struct.pack("<I", len(self._url)) + self._url.encode()
        self._socket.sendall(b"HELF" + struct.pack("<I", 8 + len(hello)) + hello)
        self._frame()
        request = ua.OpenSecureChannelRequest()
        request.Parameters.RequestedLifetime = 3_600_000
        request.Parameters.SecurityMode = ua.MessageSecurityMode.None_
        body = struct_to_binary(ua.AsymmetricAlgorithmHeader(SecurityPolicyURI=ua.String(_NONE_URI)))
        body += struct.pack("<II", 1, 1) + struct_to_binary(request)
        self._sequence = self._request_id = 1
        self._socket.sendall(b"OPNF" + struct.pack("<II", 12 + len(body), 0) + body)
        buffer = Buffer(self._frame()[1], 12)
        struct_from_binary(ua.AsymmetricAlgorithmHeader, buffer)
        struct_from_binary(ua.SequenceHeader, buffer)
        opened = struct_from_binary(ua.OpenSecureChannelResponse, buffer)
        self._channel_id = opened.Parameters.SecurityToken.ChannelId
        self._token_id = opened.Parameters.SecurityToken.TokenId

    def _frame(self) -> tuple[bytes, bytes]:
        """The next chunk: its kind, and all of it."""
        rest = self._rest
        while len(rest) < 8 or len(rest) < (size := int.from_bytes(rest[4:8], "little")):
            data = self._socket.recv(1 << 18)
            if not data:
                raise ServerEnded("the server closed the connection")
            rest += data
        frame = bytes(rest[:size])
        del rest[:size]
        if frame[:4] == b"ERRF":
            raise ServerEnded(ua.StatusCode(ua.UInt32(int.from_bytes(frame[8:12], "little"))).name)
        return frame[:4], frame


def decode(body: bytes) -> Any:
    """The response in a body. Raises UaStatusCodeError for a ServiceFault."""
    buffer = Buffer(body)
    response: Any = struct_from_binary(ua.extension_objects_by_typeid[nodeid_from_binary(buffer.copy())], buffer)
    response.ResponseHeader.ServiceResult.check()
    return response


def read_request(*node_ids: ua.NodeId) -> ua.ReadRequest:
    """The Value of some nodes, with both timestamps."""
    request = ua.ReadRequest()
    request.Parameters.TimestampsToReturn = ua.TimestampsToReturn.Both
    request.Parameters.NodesToRead = [
        ua.ReadValueId(NodeId=node_id, AttributeId=ua.AttributeIds.Value) for node_id in node_ids
    ]
    return request


def _user_token(created: Any, name: str, password: str) -> ua.UserNameIdentityToken:
    """As the endpoint without security asks for: the password encrypted with a policy of its own."""
    endpoint = next(one for one in created.ServerEndpoints if one.SecurityPolicyUri == _NONE_URI)
    policy = next(one for one in endpoint.UserIdentityTokens if one.TokenType == ua.UserTokenType.UserName)
    secret = _SECRETS[policy.SecurityPolicyUri]
    key = load_der_x509_certificate(endpoint.ServerCertificate).public_key()
    plain = password.encode() + created.ServerNonce
    encrypted = secret.encrypt_asymmetric(key, struct.pack("<I", len(plain)) + plain)
    return ua.UserNameIdentityToken(
        PolicyId=policy.PolicyId,
        UserName=name,
        Password=encrypted,
        EncryptionAlgorithm=secret.AsymmetricEncryptionURI,
    )
