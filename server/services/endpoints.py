"""The endpoints on offer, with the user tokens each takes, under a host the client can reach (Part 4, 5.4)."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from asyncua import ua

from server.services.options import POLICY_NONE, UaServerOptions
from server.services.policies import POLICIES

TRANSPORT_PROFILE: Final = "http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary"
ANONYMOUS: Final = "anonymous"
USERNAME: Final = "username"
CERTIFICATE: Final = "certificate"
_LEVELS: Final = {"Basic256Sha256": 50, "Aes128_Sha256_RsaOaep": 60, "Aes256_Sha256_RsaPss": 70}
_WILDCARDS: Final = ("", "0.0.0.0", "::", "[::]")


class Endpoints:
    """All endpoint descriptions, for one server certificate and the port it listens on."""

    def __init__(self, options: UaServerOptions, application_uri: str, certificate: bytes, port: int) -> None:
        self._options = options
        self._certificate = certificate
        self._uri = application_uri
        url = urlsplit(options.endpoint_url)
        self._host, self._port, self._path = url.hostname or "", port, url.path

    def url(self, host: str = "", local_address: tuple[str, int] | None = None) -> str:
        """The endpoint URL for a client that asked for `host` or reached us at `local_address`."""
        chosen = self._options.nat_host or host
        if not chosen:
            here = local_address[0] if local_address else socket.gethostname()
            chosen = here if self._host in _WILDCARDS else self._host
        if ":" in chosen and not chosen.startswith("["):
            chosen = f"[{chosen}]"
        return urlunsplit(("opc.tcp", f"{chosen}:{self._port}", self._path, "", ""))

    def application(self, url: str, locale_ids: Sequence[str] = ()) -> ua.ApplicationDescription:
        """Who the server is, to be found under this URL."""
        return ua.ApplicationDescription(
            ApplicationUri=self._uri,
            ProductUri=self._options.product_uri,
            ApplicationName=ua.LocalizedText(self._options.application_name, "en"),
            ApplicationType=ua.ApplicationType.Server,
            DiscoveryUrls=[url],
        )

    def descriptions(self, url: str) -> list[ua.EndpointDescription]:
        """Every policy and mode under this URL."""
        out: list[ua.EndpointDescription] = []
        for name in self._options.policies:
            if name == POLICY_NONE:
                out.append(self._description(url, name, ua.MessageSecurityMode.None_, 0))
                continue
            level = _LEVELS[name]
            out.append(self._description(url, name, ua.MessageSecurityMode.Sign, level))
            out.append(self._description(url, name, ua.MessageSecurityMode.SignAndEncrypt, level + 100))
        return out

    def user_tokens(self, policy_uri: str) -> list[ua.UserTokenPolicy]:
        """What an endpoint of this security policy takes as user identity. Secrets are encrypted with the endpoint's
        policy, and with the strongest on offer where the endpoint has none."""
        secret_uri = policy_uri
        if policy_uri == POLICIES[POLICY_NONE].URI:
            offered = [name for name in self._options.policies if name != POLICY_NONE] or ["Basic256Sha256"]
            secret_uri = POLICIES[max(offered, key=_LEVELS.__getitem__)].URI
        tokens = [
            ua.UserTokenPolicy(USERNAME, ua.UserTokenType.UserName, SecurityPolicyUri=secret_uri),
            ua.UserTokenPolicy(CERTIFICATE, ua.UserTokenType.Certificate, SecurityPolicyUri=secret_uri),
        ]
        if self._options.allow_anonymous:
            none = POLICIES[POLICY_NONE].URI
            tokens.insert(0, ua.UserTokenPolicy(ANONYMOUS, ua.UserTokenType.Anonymous, SecurityPolicyUri=none))
        return tokens

    def _description(self, url: str, policy: str, mode: ua.MessageSecurityMode, level: int) -> ua.EndpointDescription:
        uri = POLICIES[policy].URI
        return ua.EndpointDescription(
            EndpointUrl=url,
            Server=self.application(url),
            ServerCertificate=self._certificate,
            SecurityMode=mode,
            SecurityPolicyUri=uri,
            UserIdentityTokens=self.user_tokens(uri),
            TransportProfileUri=TRANSPORT_PROFILE,
            SecurityLevel=ua.Byte(level),
        )


def host_of(url: str | None) -> str:
    """The host in an endpoint URL a client sent, empty when there is none to go by."""
    try:
        parts = urlsplit(url or "")
        host = parts.hostname or ""
    except ValueError:
        return ""
    return "" if parts.scheme != "opc.tcp" or host in _WILDCARDS else host
