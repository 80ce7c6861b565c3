"""The way to the running bridge: which one, over which endpoint, as which user."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from asyncua import Client, ua
from asyncua.crypto import security_policies
from asyncua.crypto.uacrypto import CertProperties
from platformdirs import user_data_path

from server.call_command.desk import Desk
from server.control import Answer, NotRunning, ask, running_plants
from server.security.certificates import thumbprint
from server.security.pki import OwnCertificate, Pki
from server.services.wire import status_code

_TIMEOUT_S: Final = 30.0
_POLICY_NONE: Final = security_policies.SecurityPolicyNone.URI
_POLICIES: Final = {
    one.URI: one
    for one in (
        security_policies.SecurityPolicyAes128Sha256RsaOaep,
        security_policies.SecurityPolicyBasic256Sha256,
        security_policies.SecurityPolicyAes256Sha256RsaPss,
    )
}
_LOOPBACK: Final = ("localhost", "::1")
_REFUSALS: Final = {
    ua.StatusCodes.BadUserAccessDenied: "unknown user or wrong password",
    ua.StatusCodes.BadIdentityTokenRejected: "the bridge takes no anonymous clients: give --user",
    ua.StatusCodes.BadTooManySessions: "the bridge has no room for another client",
}
_UNTRUSTED: Final = (
    ua.StatusCodes.BadSecurityChecksFailed,
    ua.StatusCodes.BadCertificateUntrusted,
    ua.StatusCodes.BadCertificateInvalid,
)


class NotConnected(Exception):
    """The bridge cannot be reached or does not let us in; the message is for people."""


@dataclass(frozen=True, slots=True)
class Whom:
    """url: the endpoint; without it that of the bridge that runs on this computer, of this plant where several do.
    user: None is anonymous."""

    url: str | None = None
    plant: str | None = None
    user: str | None = None
    password: str = ""


@asynccontextmanager
async def connected(whom: Whom) -> AsyncIterator[Desk]:
    """A session with the bridge. Raises NotConnected."""
    logging.getLogger("asyncua").setLevel(logging.CRITICAL + 1)  # what went wrong is told in words
    url = whom.url or await _endpoint_here(whom.plant)
    client = Client(url, timeout=_TIMEOUT_S)
    client.name = client.description = f"uatwin call of {whom.user or 'anonymous'}"
    if whom.user is not None:
        client.set_user(whom.user)
        client.set_password(whom.password)
    try:
        own = await _secure(client, url)
    except (OSError, TimeoutError, ua.UaError) as error:
        raise NotConnected(
            f"nobody answers at {url}: {error or type(error).__name__}; is the bridge running?"
        ) from error
    try:
        await client.connect()
    except ua.UaStatusCodeError as error:
        raise NotConnected(_refusal(error.code, url, whom, own)) from error
    except (OSError, TimeoutError, ua.UaError) as error:
        raise NotConnected(f"{url} does not let us in: {error or type(error).__name__}") from error
    try:
        yield Desk(client, await _plant_namespace(client, url))
    finally:
        await client.disconnect()


async def _endpoint_here(plant: str | None) -> str:
    """Of the bridge that runs on this computer, as it says over its control socket."""
    names = [plant] if plant else running_plants()
    told: dict[str, Answer] = {}
    for name in names:
        answers: list[Answer] = []
        try:
            await ask(name, {"do": "where"}, answers.append)
        except (NotRunning, OSError):
            continue
        if answers and "endpoint" in answers[0]:
            told[name] = answers[0]
    if len(told) == 1:
        return str(next(iter(told.values()))["endpoint"])
    if told:
        raise NotConnected(f"several bridges run here: {', '.join(told)}; choose by --plant")
    which = f"no bridge of plant {plant} runs here" if plant else "no bridge runs here"
    raise NotConnected(f"{which}; start one (uatwin demo), or give --url opc.tcp://HOST:4840/uatwin")


# -- security ---------------------------------------------------------------------------------------------------------


async def _secure(client: Client, url: str) -> OwnCertificate | None:
    """Choose the endpoint: None on this computer where it is offered, else the best there is. Gives the certificate
    that the bridge has to trust."""
    endpoints = await client.connect_and_get_server_endpoints()
    if _is_here(url) and any(one.SecurityPolicyUri == _POLICY_NONE for one in endpoints):
        return None
    mode = ua.MessageSecurityMode.SignAndEncrypt
    usable = [one for one in endpoints if one.SecurityMode == mode and one.SecurityPolicyUri in _POLICIES]
    if not usable:
        raise NotConnected(f"{url} offers no security policy that is known here")
    best = max(usable, key=lambda one: int(one.SecurityLevel))
    pki = Pki(user_data_path("uatwin") / "client-pki")
    uri = f"urn:{socket.gethostname()}:uatwin:call"
    own = await asyncio.to_thread(pki.own, uri, "uatwin call")
    _recognise(pki, url, bytes(best.ServerCertificate))
    client.application_uri = uri
    await client.set_security(
        _POLICIES[best.SecurityPolicyUri],
        CertProperties(own.der, "der"),
        CertProperties(pki.root / "own/private/server.pem", "pem"),
        server_certificate=CertProperties(bytes(best.ServerCertificate), "der"),
        mode=mode,
    )
    return own


def _recognise(pki: Pki, url: str, der: bytes) -> None:
    """The first certificate seen of a bridge is the one it has to show from then on. Raises NotConnected."""
    place = re.sub(r"[^\w.-]+", "_", urlsplit(url).netloc)
    file = pki.trusted / f"{place}.der"
    if not file.exists():
        file.write_bytes(der)
    elif file.read_bytes() != der:
        raise NotConnected(
            f"{url} shows another certificate than before ({thumbprint(der)}): somebody may stand in between. Where "
            f"the bridge has been given a new one, remove {file}"
        )


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in _LOOPBACK or host.startswith("127.")


def _refusal(code: int, url: str, whom: Whom, own: OwnCertificate | None) -> str:
    if code in _UNTRUSTED and own is not None:
        return (
            f"{url} does not trust this terminal yet: on its computer move the certificate uatwin_call "
            f"[{thumbprint(own.der)}].der from rejected/certs to trusted/certs and call again"
        )
    why = _REFUSALS.get(code, status_code(code).doc)
    return f"{url} does not let {whom.user or 'anonymous'} in: {status_code(code).name}, {why}"


async def _plant_namespace(client: Client, url: str) -> int:
    for index, uri in enumerate(await client.get_namespace_array()):
        if uri.startswith("urn:uatwin:plant:"):
            return index
    raise NotConnected(f"{url} is an OPC UA server, but no uatwin")
