"""Secured channels and users: policies, certificates, passwords, roles (Part 4, 5.5, 5.6 and 6.1)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from asyncua import Client, ua
from asyncua.crypto import security_policies, uacrypto
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from server.security.certificates import make_certificate, make_key, thumbprint, to_der
from server.security.users import add_user
from tests.services.conftest import PASSWORD, Served, serve

pytestmark = pytest.mark.asyncio(loop_scope="module")
STATUS = ua.StatusCodes
POLICIES = [
    security_policies.SecurityPolicyBasic256Sha256,
    security_policies.SecurityPolicyAes128Sha256RsaOaep,
    security_policies.SecurityPolicyAes256Sha256RsaPss,
]
MODES = [ua.MessageSecurityMode.Sign, ua.MessageSecurityMode.SignAndEncrypt]
URI = "urn:test:client"


@dataclass
class Credentials:
    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        return to_der(self.certificate)


def credentials(name: str = "client", uri: str = URI, days: int = 30) -> Credentials:
    key = make_key()
    return Credentials(key, make_certificate(key, uri, name, ["localhost"], days))


@pytest.fixture(scope="module")
def known() -> Credentials:
    return credentials()


@pytest.fixture(scope="module")
def stranger() -> Credentials:
    return credentials("stranger")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def secured(tmp_path_factory: Any, known: Credentials) -> AsyncIterator[Served]:
    running = await serve(tmp_path_factory.mktemp("secured"))
    trust(running, known)
    try:
        yield running
    finally:
        await running.server.stop()


def trust(served: Served, who: Credentials) -> None:
    (served.server.pki.trusted / f"{thumbprint(who.der)}.der").write_bytes(who.der)


async def client_of(
    served: Served, who: Credentials, policy: Any = POLICIES[0], mode: Any = MODES[1], user: str = ""
) -> Client:
    client = served.client(user)
    client.application_uri = URI
    key = uacrypto.pem_from_key(who.key)
    await client.set_security(
        policy, uacrypto.CertProperties(who.der, "der"), uacrypto.CertProperties(key, "pem"), mode=mode
    )
    return client


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("mode", MODES)
async def test_a_known_client_connects_with_every_policy_and_mode(
    secured: Served, known: Credentials, policy: Any, mode: Any
) -> None:
    """Part 7, 6.6 and Part 6, 6.7.4."""
    async with await client_of(secured, known, policy, mode, "operator") as client:
        assert await client.nodes.server_state.read_value() == ua.ServerState.Running
        namespaces = await client.get_namespace_array()
        assert namespaces[1] == "urn:test:uatwin"


async def test_large_messages_pass_through_a_secured_channel(secured: Served, known: Credentials) -> None:
    """Part 6, 6.7.2."""
    async with await client_of(secured, known) as client:
        nodes = [client.get_node(ua.NodeId(ua.ObjectIds.Server_NamespaceArray))] * 2_000
        values = await client.read_values(nodes)
        assert len(values) == 2_000
        assert values[0] == values[-1]


async def test_a_stranger_is_refused_and_trusted_after_its_certificate_was_moved(
    secured: Served, stranger: Credentials
) -> None:
    """Part 4, 6.1.3."""
    client = await client_of(secured, stranger)
    with pytest.raises((ua.UaError, ConnectionError, asyncio.TimeoutError)):
        await client.connect()
    (kept,) = [path for path in secured.server.pki.rejected.iterdir() if thumbprint(stranger.der) in path.name]
    kept.rename(secured.server.pki.trusted / kept.name)
    async with await client_of(secured, stranger) as trusted:
        assert await trusted.nodes.server_state.read_value() == ua.ServerState.Running
    (secured.server.pki.trusted / kept.name).unlink()
    with pytest.raises((ua.UaError, ConnectionError, asyncio.TimeoutError)):
        await (await client_of(secured, stranger)).connect()


async def test_an_application_uri_that_is_not_in_the_certificate_is_refused(
    secured: Served, known: Credentials
) -> None:
    """Part 4, 5.6.2.3."""
    client = await client_of(secured, known)
    client.application_uri = "urn:somebody:else"
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await client.connect()
    assert refused.value.code == STATUS.BadCertificateUriInvalid


async def test_a_wrong_password_is_denied_over_a_secured_channel(secured: Served, known: Credentials) -> None:
    """Part 4, 5.6.3.3."""
    client = await client_of(secured, known, user="operator")
    client.set_password(PASSWORD + "x")
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await client.connect()
    assert refused.value.code == STATUS.BadUserAccessDenied


async def test_a_user_certificate_stands_for_the_user_it_is_registered_for(secured: Served, known: Credentials) -> None:
    """Part 4, 7.40.4."""
    person = credentials("Maintenance")
    trust(secured, person)
    users = secured.server.options.users_file
    assert users is not None
    add_user(users, "maintenance", "", ["Operator"], thumbprint(person.der))
    async with await _user_certificate(secured, known, person) as client:
        await secured.node(client, "Cooling/Loop1/Pump1/Run").write_value(True)
    assert secured.commands.seen[-1][2] == "maintenance"


async def test_a_trusted_user_certificate_without_an_account_may_only_look(secured: Served, known: Credentials) -> None:
    """Part 4, 7.40.4 and Part 3, 4.9."""
    person = credentials("Visitor")
    trust(secured, person)
    async with await _user_certificate(secured, known, person) as client:
        assert await client.nodes.server_state.read_value() == ua.ServerState.Running
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await secured.node(client, "Cooling/Loop1/Pump1/Run").write_value(True)
        assert refused.value.code == STATUS.BadUserAccessDenied


async def test_an_untrusted_user_certificate_is_rejected(secured: Served, known: Credentials) -> None:
    """Part 4, 5.6.3.3."""
    client = await _user_certificate(secured, known, credentials("Nobody"))
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await client.connect()
    assert refused.value.code == STATUS.BadIdentityTokenRejected


async def test_a_user_certificate_without_its_key_is_refused(secured: Served, known: Credentials) -> None:
    """Part 4, 5.6.3.3."""
    person = credentials("Stolen")
    trust(secured, person)
    client = await _user_certificate(secured, known, person)
    client.user_private_key = make_key()
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await client.connect()
    assert refused.value.code == STATUS.BadUserSignatureInvalid


async def _user_certificate(served: Served, who: Credentials, person: Credentials) -> Client:
    client = await client_of(served, who)
    client.user_certificate = person.certificate
    client.user_private_key = person.key
    return client


async def test_a_session_is_taken_over_only_by_the_client_certificate_it_was_made_with(
    secured: Served, known: Credentials, stranger: Credentials
) -> None:
    """Part 4, 5.6.3.1."""
    trust(secured, stranger)
    async with await client_of(secured, known) as owner, await client_of(secured, stranger) as thief:
        token = owner.uaclient.protocol.authentication_token  # type: ignore[union-attr]
        thief.uaclient.protocol.authentication_token = token  # type: ignore[union-attr]
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await thief.activate_session()
        assert refused.value.code == STATUS.BadSecurityChecksFailed
        assert await owner.nodes.server_state.read_value() == ua.ServerState.Running
        session = next(one for one in secured.server.sessions if one.client_certificate == stranger.der)
        thief.uaclient.protocol.authentication_token = session.authentication_token  # type: ignore[union-attr]


async def test_roles_decide_what_is_writable(secured: Served) -> None:
    """Part 3, 4.9 and 5.6.2."""
    path = "Cooling/Loop1/Pump1/Run"
    levels = {}
    for user in ("", "viewer", "operator"):
        async with secured.client(user) as client:
            node = secured.node(client, path)
            level = await node.read_attribute(ua.AttributeIds.UserAccessLevel)
            method = client.get_node(secured.node_id("Cooling/Loop1/Pump1/Start"))
            executable = await method.read_attribute(ua.AttributeIds.UserExecutable)
            levels[user] = (level.Value.Value, executable.Value.Value)
    assert levels == {"": (1, False), "viewer": (1, False), "operator": (3, True)}


@pytest.mark.parametrize("user", ["", "viewer"])
async def test_who_may_only_look_can_neither_write_nor_call_commands(secured: Served, user: str) -> None:
    """Part 4, 5.10.4.4 and 5.11.2.4."""
    async with secured.client(user) as client:
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await secured.node(client, "Cooling/Loop1/Pump1/Run").write_value(True)
        assert refused.value.code == STATUS.BadUserAccessDenied
        commands = client.get_node(secured.node_id("Cooling/Loop1/Pump1/Commands"))
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await commands.call_method(secured.node_id("Cooling/Loop1/Pump1/Start"))
        assert refused.value.code == STATUS.BadUserAccessDenied


async def test_the_server_keeps_its_certificate_and_its_key_private(tmp_path: Path) -> None:
    first = await serve(tmp_path)
    der = first.server.identity.certificate_der
    await first.server.stop()
    second = await serve(tmp_path)
    await second.server.stop()
    assert second.server.identity.certificate_der == der
    key = second.server.pki.root / "own/private/server.pem"
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.parent.stat().st_mode & 0o777 == 0o700
    certificate = x509.load_der_x509_certificate(der)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["urn:test:uatwin"]
