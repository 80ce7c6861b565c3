"""The Session Service Set (Part 4, 5.6): create, activate, close, cancel."""

from __future__ import annotations

import logging
import secrets
from typing import Final

from asyncua import ua
from asyncua.common.utils import ServiceError
from cryptography import x509

from server.security.certificates import application_uris
from server.services.context import Service, ServiceContext
from server.services.endpoints import host_of
from server.services.identity import user_of, verify
from server.services.options import POLICY_NONE
from server.services.session import Session

_log = logging.getLogger(__name__)
_SHORTEST_NONCE: Final = 32


async def _create(context: ServiceContext, request: ua.CreateSessionParameters) -> ua.CreateSessionResponse:
    server, channel = context.server, context.channel
    secured = channel.secure.mode != ua.MessageSecurityMode.None_
    if secured:
        _check_client(context, request)
    elif POLICY_NONE not in server.options.policies:
        raise ServiceError(ua.StatusCodes.BadSecurityPolicyRejected)
    limits = server.limits
    asked_s = request.RequestedSessionTimeout / 1000
    longest = limits.max_session_timeout_s
    timeout_s = min(max(asked_s, limits.min_session_timeout_s), longest) if asked_s > 0 else longest
    await server.sessions.make_room()
    session = server.sessions.create(channel, request.SessionName or "", timeout_s, server.own_namespace)
    if session is None:
        server.diagnostics.rejected_sessions += 1
        raise ServiceError(ua.StatusCodes.BadTooManySessions)
    session.client_description = request.ClientDescription
    session.endpoint_url = request.EndpointUrl or ""
    session.max_response_size = request.MaxResponseMessageSize
    channel.limit_responses(session.max_response_size)
    response = ua.CreateSessionResponse()
    result = response.Parameters
    result.SessionId = session.id
    result.AuthenticationToken = session.authentication_token
    result.RevisedSessionTimeout = timeout_s * 1000
    result.ServerNonce = session.nonce
    result.MaxRequestMessageSize = limits.max_message_size
    url = server.endpoints.url(host_of(request.EndpointUrl), channel.connection.local_address)
    result.ServerEndpoints = server.endpoints.descriptions(url)
    result.ServerCertificate = server.identity.certificate_der
    if secured:
        policy = channel.secure.policy
        signed = channel.secure.peer_certificate + (request.ClientNonce or b"")
        signature = policy.asymmetric_cryptography.signature(signed)
        result.ServerSignature = ua.SignatureData(policy.AsymmetricSignatureURI, signature)
    return response


def _check_client(context: ServiceContext, request: ua.CreateSessionParameters) -> None:
    own = context.channel.secure.peer_certificate
    sent = request.ClientCertificate or b""
    if not sent.startswith(own):
        raise ServiceError(ua.StatusCodes.BadCertificateInvalid)
    if len(request.ClientNonce or b"") < _SHORTEST_NONCE:
        raise ServiceError(ua.StatusCodes.BadNonceInvalid)
    uri = request.ClientDescription.ApplicationUri
    if uri not in application_uris(x509.load_der_x509_certificate(own)):
        raise ServiceError(ua.StatusCodes.BadCertificateUriInvalid)


async def _activate(context: ServiceContext, request: ua.ActivateSessionParameters) -> ua.ActivateSessionResponse:
    server, channel = context.server, context.channel
    session = server.sessions.find(context.header.AuthenticationToken)
    if session is None:
        raise ServiceError(ua.StatusCodes.BadSessionIdInvalid)
    _check_channel(context, session, request)
    user = await user_of(server, session, request.UserIdentityToken, request.UserTokenSignature)
    if session.closed:
        raise ServiceError(ua.StatusCodes.BadSessionClosed)
    if session.channel is not channel:
        if session.activated and not session.user.same_as(user):
            raise ServiceError(ua.StatusCodes.BadIdentityChangeNotSupported)
        session.move_to(channel)
        channel.limit_responses(session.max_response_size)
    session.user = user
    session.activated = True
    session.locale_ids = [locale for locale in request.LocaleIds or [] if locale]
    session.nonce = secrets.token_bytes(32)
    session.touch()
    _log.info("session %r of %s activated for %s", session.name, channel.connection.peer, user.name)
    response = ua.ActivateSessionResponse()
    response.Parameters.ServerNonce = session.nonce
    return response


def _check_channel(context: ServiceContext, session: Session, request: ua.ActivateSessionParameters) -> None:
    """The same client, over a channel as secure as the first; proven by its signature (Part 4, 5.6.3.1)."""
    secure = context.channel.secure
    if session.channel is not context.channel and not session.activated:
        raise ServiceError(ua.StatusCodes.BadSecureChannelIdInvalid)
    if (secure.security_policy_uri, secure.mode) != session.security:
        raise ServiceError(ua.StatusCodes.BadSecurityChecksFailed)
    if secure.peer_certificate != session.client_certificate:
        raise ServiceError(ua.StatusCodes.BadSecurityChecksFailed)
    if secure.mode != ua.MessageSecurityMode.None_:
        certificate = x509.load_der_x509_certificate(secure.peer_certificate)
        data = context.server.identity.certificate_der + session.nonce
        failed = ua.StatusCodes.BadApplicationSignatureInvalid
        verify(certificate, data, request.ClientSignature, secure.security_policy_uri, failed)


async def _close(context: ServiceContext, delete_subscriptions: bytes) -> ua.CloseSessionResponse:
    session = context.server.sessions.find(context.header.AuthenticationToken)
    if session is None:
        raise ServiceError(ua.StatusCodes.BadSessionIdInvalid)
    if session.channel is not context.channel:
        raise ServiceError(ua.StatusCodes.BadSecureChannelIdInvalid)
    if len(delete_subscriptions) < 1:
        raise ServiceError(ua.StatusCodes.BadDecodingError)
    await context.server.sessions.close(session, delete_subscriptions[0] != 0)
    return ua.CloseSessionResponse()


async def _cancel(context: ServiceContext, request: ua.CancelParameters) -> ua.CancelResponse:
    response = ua.CancelResponse()
    count = context.caller.cancel(request.RequestHandle, ua.StatusCodes.BadRequestCancelledByClient)
    response.Parameters.CancelCount = ua.UInt32(count)
    return response


HANDLERS: Final = {
    ua.ObjectIds.CreateSessionRequest_Encoding_DefaultBinary: Service(
        ua.CreateSessionParameters, _create, needs_session=False
    ),
    ua.ObjectIds.ActivateSessionRequest_Encoding_DefaultBinary: Service(
        ua.ActivateSessionParameters, _activate, needs_session=False
    ),
    ua.ObjectIds.CloseSessionRequest_Encoding_DefaultBinary: Service(None, _close, needs_session=False),
    ua.ObjectIds.CancelRequest_Encoding_DefaultBinary: Service(ua.CancelParameters, _cancel),
}
