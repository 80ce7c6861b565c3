"""Who a client says it is: the user identity tokens of ActivateSession, checked (Part 4, 5.6.3 and 7.40)."""

from __future__ import annotations

import hmac
import struct
from typing import TYPE_CHECKING, Any, Final

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.crypto import uacrypto
from cryptography.exceptions import InvalidSignature

from server.security.certificates import common_name, thumbprint, to_der
from server.security.roles import Role, User
from server.security.trust import Untrusted
from server.services.options import POLICY_NONE
from server.services.policies import POLICIES

if TYPE_CHECKING:
    from server.services.session import Session
    from server.services.ua_server import UaServer

_DECRYPT: Final[dict[str, Any]] = {
    "http://www.w3.org/2001/04/xmlenc#rsa-oaep": uacrypto.decrypt_rsa_oaep,
    "http://opcfoundation.org/UA/security/rsa-oaep-sha2-256": uacrypto.decrypt_rsa_oaep_sha256,
}
_VERIFY: Final[dict[str, Any]] = {
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256": uacrypto.verify_sha256,
    "http://opcfoundation.org/UA/security/rsa-pss-sha2-256": uacrypto.verify_pss_sha256,
}
_TOKEN_TYPES: Final = {
    ua.AnonymousIdentityToken: ua.UserTokenType.Anonymous,
    ua.UserNameIdentityToken: ua.UserTokenType.UserName,
    ua.X509IdentityToken: ua.UserTokenType.Certificate,
}


async def user_of(server: UaServer, session: Session, token: Any, signature: ua.SignatureData) -> User:
    """The user behind a token. Raises ServiceError: BadIdentityTokenInvalid, BadIdentityTokenRejected,
    BadUserAccessDenied, BadUserSignatureInvalid."""
    if token is None or (isinstance(token, ua.ExtensionObject) and token.TypeId.is_null()):
        if not server.options.allow_anonymous:
            raise ServiceError(ua.StatusCodes.BadIdentityTokenRejected)
        return User.anonymous()
    policy = _policy_of(server, session, token)
    if isinstance(token, ua.UserNameIdentityToken):
        name = token.UserName
        password = _password(server, session, token, policy)
        user = await server.users.check_password(name, password) if name else None
        if user is None:
            raise ServiceError(ua.StatusCodes.BadUserAccessDenied)
        return user
    if isinstance(token, ua.X509IdentityToken):
        return _user_of_certificate(server, session, token, signature, policy)
    return User.anonymous()


def verify(certificate: Any, data: bytes, signature: ua.SignatureData, policy_uri: str, failed: int) -> None:
    """Check a signature made with the key of `certificate`; raises ServiceError(failed)."""
    algorithm = _by_uri(policy_uri).AsymmetricSignatureURI
    if signature.Algorithm != algorithm:
        raise ServiceError(failed)
    try:
        _VERIFY[algorithm](certificate, data, signature.Signature or b"")
    except (InvalidSignature, uacrypto.InvalidSignature, ValueError, TypeError) as error:
        raise ServiceError(failed) from error


def _policy_of(server: UaServer, session: Session, token: Any) -> ua.UserTokenPolicy:
    token_type = _TOKEN_TYPES.get(type(token))
    if token_type is None:
        raise ServiceError(ua.StatusCodes.BadIdentityTokenInvalid)
    offered = server.endpoints.user_tokens(session.security[0])
    of_type = [policy for policy in offered if policy.TokenType == token_type]
    if not of_type:
        raise ServiceError(ua.StatusCodes.BadIdentityTokenRejected)
    for policy in of_type:
        if policy.PolicyId == token.PolicyId:
            return policy
    raise ServiceError(ua.StatusCodes.BadIdentityTokenInvalid)


def _password(server: UaServer, session: Session, token: ua.UserNameIdentityToken, policy: ua.UserTokenPolicy) -> str:
    """The password out of the encrypted secret: length, password, server nonce (Part 4, 7.40.2.2)."""
    expected = _by_uri(policy.SecurityPolicyUri).AsymmetricEncryptionURI
    if not token.EncryptionAlgorithm or token.EncryptionAlgorithm != expected:
        raise ServiceError(ua.StatusCodes.BadIdentityTokenInvalid)
    secret = token.Password or b""
    size = server.identity.private_key.key_size // 8
    try:
        blocks = [secret[start : start + size] for start in range(0, len(secret), size)]
        plain = b"".join(_DECRYPT[expected](server.identity.private_key, block) for block in blocks)
        (length,) = struct.unpack_from("<I", plain)
        body = plain[4 : 4 + length]
        password, nonce = body[:-32], body[-32:]
        if len(body) != length or not hmac.compare_digest(nonce, session.nonce):
            raise ValueError("the secret is not for this session")
        return password.decode("utf-8")
    except (ValueError, struct.error) as error:
        raise ServiceError(ua.StatusCodes.BadIdentityTokenInvalid) from error


def _user_of_certificate(
    server: UaServer, session: Session, token: ua.X509IdentityToken, signature: ua.SignatureData, policy: Any
) -> User:
    try:
        certificate = server.trust.check(token.CertificateData or b"")
    except Untrusted as error:
        server.log_rejected(session, f"user certificate: {error} ({error.status})")
        wrong = error.status == "BadCertificateInvalid"
        code = ua.StatusCodes.BadIdentityTokenInvalid if wrong else ua.StatusCodes.BadIdentityTokenRejected
        raise ServiceError(code) from error
    data = server.identity.certificate_der + session.nonce
    verify(certificate, data, signature, policy.SecurityPolicyUri, ua.StatusCodes.BadUserSignatureInvalid)
    print_ = thumbprint(to_der(certificate))
    known = server.users.by_certificate(print_)
    if known is not None:
        return known
    roles = frozenset({Role.AuthenticatedUser, Role.Observer})
    return User(common_name(certificate) or print_, roles, "certificate", print_)


def _by_uri(uri: str | None) -> Any:
    for name in (POLICY_NONE, "Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"):
        if uri == POLICIES[name].URI:
            return POLICIES[name]
    raise ServiceError(ua.StatusCodes.BadSecurityPolicyRejected)
