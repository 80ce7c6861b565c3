"""A secure channel without I/O: chunks to messages and back, tokens, keys and sequence numbers (Part 6, 6.7)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from asyncua import ua
from asyncua.common.utils import NotEnoughData, ServiceError
from asyncua.crypto import security_policies, uacrypto
from asyncua.ua.ua_binary import struct_from_binary, struct_to_binary
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from server.services.chunks import ChannelError, Incoming
from server.services.options import POLICY_NONE, Limits
from server.services.policies import POLICIES
from server.services.wire import RequestBuffer

_CHUNK: Final = struct.Struct("<3ssIII")
_SEQUENCE: Final = struct.Struct("<II")
_NONE: Final[Any] = security_policies.SecurityPolicyNone
_hmac: Final[Any] = uacrypto.hmac_sha256


@dataclass(frozen=True, slots=True)
class Identity:
    """What the server proves itself with: its certificate and private key, and who it trusts.

    check_peer takes a DER certificate (or chain) and raises ChannelError when it is not to be trusted.
    """

    certificate: Any
    certificate_der: bytes
    private_key: Any
    check_peer: Callable[[bytes], None]


@dataclass(slots=True)
class Token:
    """A security token; both times on the monotonic clock, in seconds."""

    token_id: int
    created: float
    lifetime_s: float

    def expired(self, now: float) -> bool:
        """Past its lifetime and the 25 % of grace (Part 4, 5.5.2.1)."""
        return now > self.created + 1.25 * self.lifetime_s


class SecureChannel:
    """One channel's cryptography and order of chunks. Raises ChannelError for whatever must end the connection."""

    def __init__(self, channel_id: int, identity: Identity, policies: Sequence[str], limits: Limits) -> None:
        self.channel_id = channel_id
        self.policy: Any = _NONE()
        self.mode = ua.MessageSecurityMode.None_
        self.token: Token | None = None
        self.send_chunk_size = limits.chunk_size
        self.max_response_size = 0
        self.max_response_chunks = 0
        self._next: Token | None = None
        self._next_nonces: tuple[bytes, bytes] = (b"", b"")
        self._identity = identity
        offered = {POLICY_NONE, *policies}  # None always, for Discovery (Part 4, 5.5.4); sessions look closer
        self._by_uri = {POLICIES[name].URI: POLICIES[name] for name in offered}
        self._limits = limits
        self._sent = 0
        self._incoming = Incoming(limits)

    @property
    def peer_certificate(self) -> bytes:
        """DER; empty without security."""
        return self.policy.peer_certificate or b"" if self.mode != ua.MessageSecurityMode.None_ else b""

    @property
    def security_policy_uri(self) -> str:
        return str(self.policy.URI)

    def expired(self, now: float) -> bool:
        """Whether the last token ran out without having been renewed."""
        newest = self._next or self.token
        return newest is not None and newest.expired(now)

    # -- OpenSecureChannel ------------------------------------------------------------------------------------------

    def receive_open(self, frame: bytes) -> tuple[int, ua.OpenSecureChannelRequest]:
        """Decrypt and check an OPN message: its request id and request."""
        try:
            header, rest = self._asymmetric_header(frame)
            policy = self.policy if self.token is not None else self._select(header)
            plain = _open_asymmetric(policy, frame[: len(frame) - len(rest)], rest)
            sequence, request_id = _SEQUENCE.unpack_from(plain)
            body = RequestBuffer(plain, _SEQUENCE.size)
            type_id = ua.ua_binary.nodeid_from_binary(body)
            request_header = struct_from_binary(ua.RequestHeader, body)
            parameters = struct_from_binary(ua.OpenSecureChannelParameters, body)
        except (uacrypto.InvalidSignature, InvalidSignature, UnsupportedAlgorithm) as error:
            raise ChannelError(ua.StatusCodes.BadSecurityChecksFailed, "the signature is wrong") from error
        except (NotEnoughData, ua.UaError, ValueError, TypeError, struct.error, IndexError) as error:
            raise ChannelError(ua.StatusCodes.BadSecurityChecksFailed, f"undecodable OPN message: {error}") from error
        if type_id.Identifier != ua.ObjectIds.OpenSecureChannelRequest_Encoding_DefaultBinary:
            raise ChannelError(ua.StatusCodes.BadTcpMessageTypeInvalid, "an OPN message without OpenSecureChannel")
        self._incoming.check_sequence(sequence)
        if self.token is None:
            self.policy = policy
            self.mode = self._check_mode(parameters.SecurityMode)
        request = ua.OpenSecureChannelRequest(RequestHeader=request_header, Parameters=parameters)
        self._check_open(parameters)
        return request_id, request

    def open(self, request: ua.OpenSecureChannelRequest, now: float) -> ua.OpenSecureChannelResponse:
        """Issue or renew the token the request asks for."""
        parameters = request.Parameters
        limits = self._limits
        asked_s = parameters.RequestedLifetime / 1000 or limits.max_token_lifetime_s
        lifetime_s = min(max(asked_s, limits.min_token_lifetime_s), limits.max_token_lifetime_s)
        old_id = self.token.token_id if self.token else 0
        token = Token(secrets.randbelow(2**31 - 1) + 1, now, lifetime_s)
        while token.token_id == old_id:
            token.token_id = secrets.randbelow(2**31 - 1) + 1
        local_nonce = secrets.token_bytes(self.policy.secure_channel_nonce_length)
        self._next, self._next_nonces = token, (parameters.ClientNonce or b"", local_nonce)
        if parameters.RequestType == ua.SecurityTokenRequestType.Issue:
            self._use_next()
        response = ua.OpenSecureChannelResponse()
        response.ResponseHeader.RequestHandle = request.RequestHeader.RequestHandle
        response.Parameters.ServerNonce = local_nonce
        response.Parameters.SecurityToken = ua.ChannelSecurityToken(
            self.channel_id, token.token_id, datetime.now(UTC), round(lifetime_s * 1000)
        )
        return response

    def encode_open(self, request_id: int, body: bytes) -> bytes:
        """An OPN answer: one chunk, signed and encrypted with the certificates' keys."""
        header = ua.AsymmetricAlgorithmHeader(SecurityPolicyURI=self.policy.URI)
        if self.mode != ua.MessageSecurityMode.None_:
            header.SenderCertificate = ua.ByteString(self._identity.certificate_der)
            thumbprint = hashlib.sha1(self.policy.peer_certificate).digest()
            header.ReceiverCertificateThumbPrint = ua.ByteString(thumbprint)
        self._sent = _following(self._sent)
        security = struct_to_binary(header)
        crypto = self.policy.asymmetric_cryptography
        plain = _SEQUENCE.pack(self._sent, request_id) + body
        plain += crypto.padding(len(plain))
        size = 12 + len(security) + _encrypted_size(crypto, len(plain))
        head = struct.pack("<3ssII", b"OPN", b"F", size, self.channel_id) + security
        return head + bytes(crypto.encrypt(plain + crypto.signature(head + plain)))

    # -- messages ---------------------------------------------------------------------------------------------------

    def receive(self, frame: bytes) -> tuple[int, bytes] | None:
        """Take a MSG or CLO chunk: the request id and body of a message once it is whole, None until then."""
        if len(frame) < _CHUNK.size + _SEQUENCE.size:
            raise ChannelError(ua.StatusCodes.BadDecodingError, "a chunk shorter than its headers")
        _, kind, _, channel_id, token_id = _CHUNK.unpack_from(frame)
        if self.token is None or channel_id != self.channel_id:
            raise ChannelError(ua.StatusCodes.BadTcpSecureChannelUnknown, f"secure channel {channel_id} is not open")
        self._check_token(token_id)
        plain = self._open_symmetric(frame)
        sequence, request_id = _SEQUENCE.unpack_from(plain)
        self._incoming.check_sequence(sequence)
        return self._incoming.assemble(kind, request_id, plain[_SEQUENCE.size :])

    def encode(self, request_id: int, body: bytes) -> list[bytes]:
        """The chunks of a MSG. Raises ServiceError(BadResponseTooLarge) beyond the peer's limits."""
        assert self.token is not None
        crypto = self.policy.symmetric_cryptography
        room = self._room_per_chunk(crypto)
        chunks = max(1, -(-len(body) // room))
        if 0 < self.max_response_size < len(body) or 0 < self.max_response_chunks < chunks:
            raise ServiceError(ua.StatusCodes.BadResponseTooLarge)
        out: list[bytes] = []
        for number in range(chunks):
            part = body[number * room : (number + 1) * room]
            self._sent = _following(self._sent)
            plain = _SEQUENCE.pack(self._sent, request_id) + part
            plain += crypto.padding(len(plain))
            size = _CHUNK.size + _encrypted_size(crypto, len(plain))
            kind = b"F" if number == chunks - 1 else b"C"
            head = _CHUNK.pack(b"MSG", kind, size, self.channel_id, self.token.token_id)
            out += head, crypto.encrypt(plain + crypto.signature(head + plain))
        return out

    def largest_body(self) -> int:
        """Bytes of the largest message the peer takes."""
        room = self._room_per_chunk(self.policy.symmetric_cryptography)
        by_chunks = self.max_response_chunks * room if self.max_response_chunks else 2**32
        return min(by_chunks, self.max_response_size or 2**32)

    # -- checks -----------------------------------------------------------------------------------------------------

    def _asymmetric_header(self, frame: bytes) -> tuple[ua.AsymmetricAlgorithmHeader, bytes]:
        buffer = RequestBuffer(frame, 12)
        header = struct_from_binary(ua.AsymmetricAlgorithmHeader, buffer)
        if header.SecurityPolicyURI not in self._by_uri:
            raise ChannelError(
                ua.StatusCodes.BadSecurityPolicyRejected, f"security policy {header.SecurityPolicyURI} is not offered"
            )
        if self.token is not None and header.SecurityPolicyURI != self.policy.URI:
            raise ChannelError(ua.StatusCodes.BadSecurityPolicyRejected, "a renewal cannot change the security policy")
        return header, buffer.read(len(buffer))

    def _select(self, header: ua.AsymmetricAlgorithmHeader) -> Any:
        policy = self._by_uri[header.SecurityPolicyURI]
        if policy is security_policies.SecurityPolicyNone:
            return _NONE()
        identity = self._identity
        if header.ReceiverCertificateThumbPrint != hashlib.sha1(identity.certificate_der).digest():
            raise ChannelError(ua.StatusCodes.BadSecurityChecksFailed, "meant for another server certificate")
        identity.check_peer(header.SenderCertificate or b"")
        mode = ua.MessageSecurityMode.SignAndEncrypt
        return policy(header.SenderCertificate, identity.certificate, identity.private_key, mode)

    def _check_mode(self, mode: ua.MessageSecurityMode) -> ua.MessageSecurityMode:
        secured = self.policy.URI != security_policies.SecurityPolicyNone.URI
        if mode == ua.MessageSecurityMode.Invalid or secured == (mode == ua.MessageSecurityMode.None_):
            raise ChannelError(ua.StatusCodes.BadSecurityModeRejected, f"mode {mode.name} with {self.policy.URI}")
        if secured:
            self.policy.Mode = mode
            self.policy.symmetric_cryptography.is_encrypted = mode == ua.MessageSecurityMode.SignAndEncrypt
        return mode

    def _check_open(self, parameters: ua.OpenSecureChannelParameters) -> None:
        issue = parameters.RequestType == ua.SecurityTokenRequestType.Issue
        if issue == (self.token is not None):
            raise ChannelError(ua.StatusCodes.BadRequestTypeInvalid, "issue and renew do not fit the channel's state")
        if parameters.SecurityMode != self.mode:
            raise ChannelError(ua.StatusCodes.BadSecurityModeRejected, "a renewal cannot change the security mode")
        wanted = self.policy.secure_channel_nonce_length
        if wanted and len(parameters.ClientNonce or b"") != wanted:
            raise ChannelError(ua.StatusCodes.BadNonceInvalid, f"the client nonce has not {wanted} bytes")

    def _check_token(self, token_id: int) -> None:
        if self._next is not None and token_id == self._next.token_id:
            self._use_next()
        assert self.token is not None
        if token_id != self.token.token_id:
            raise ChannelError(ua.StatusCodes.BadSecureChannelTokenUnknown, f"security token {token_id} is not valid")
        if self.token.expired(time.monotonic()):
            raise ChannelError(ua.StatusCodes.BadSecureChannelTokenUnknown, f"security token {token_id} has run out")

    def _use_next(self) -> None:
        assert self._next is not None
        self.token, self._next = self._next, None
        remote, local = self._next_nonces
        self.policy.make_local_symmetric_key(remote, local)
        self.policy.make_remote_symmetric_key(local, remote, self.token.lifetime_s * 1000)

    def _open_symmetric(self, frame: bytes) -> bytes:
        crypto = self.policy.symmetric_cryptography
        if self.mode == ua.MessageSecurityMode.None_:
            return frame[_CHUNK.size :]
        try:
            plain = crypto.decrypt(frame[_CHUNK.size :])
        except ValueError as error:
            raise ChannelError(ua.StatusCodes.BadSecurityChecksFailed, "the chunk cannot be decrypted") from error
        size = crypto.vsignature_size()
        signed, signature = plain[:-size], plain[-size:]
        expected = _hmac(crypto.Verifier.key, frame[: _CHUNK.size] + signed)
        if not hmac.compare_digest(expected, signature):
            raise ChannelError(ua.StatusCodes.BadSecurityChecksFailed, "the signature of a chunk is wrong")
        signed = bytes(crypto.remove_padding(signed))
        if len(signed) < _SEQUENCE.size:
            raise ChannelError(ua.StatusCodes.BadSecurityChecksFailed, "the padding of a chunk is wrong")
        return signed

    def _room_per_chunk(self, crypto: Any) -> int:
        encrypted = self.send_chunk_size - _CHUNK.size
        plain = encrypted // crypto.encrypted_block_size() * crypto.plain_block_size()
        return int(plain - _SEQUENCE.size - crypto.signature_size() - crypto.min_padding_size())


def _following(number: int) -> int:
    return number + 1 if number < 2**32 - 1 else 1


def _encrypted_size(crypto: Any, plain_size: int) -> int:
    size = plain_size + crypto.signature_size()
    blocks: int = size // crypto.plain_block_size() * crypto.encrypted_block_size()
    return blocks


def _open_asymmetric(policy: Any, head: bytes, encrypted: bytes) -> bytes:
    crypto = policy.asymmetric_cryptography
    if isinstance(policy, security_policies.SecurityPolicyNone):
        return encrypted
    crypto.use_prev_key = False
    plain = crypto.decrypt(encrypted)
    size = crypto.vsignature_size()
    crypto.verify(head + plain[:-size], plain[-size:])
    return bytes(crypto.remove_padding(plain[:-size]))
