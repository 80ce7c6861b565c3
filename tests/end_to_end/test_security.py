"""The demo's security from outside: endpoints, certificates trusted while it runs, and what loopback is for."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from asyncua import Client, ua
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.crypto.security_policies import (
    SecurityPolicyAes128Sha256RsaOaep,
    SecurityPolicyAes256Sha256RsaPss,
    SecurityPolicyBasic256Sha256,
)
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.simulators.demo_run import PASSWORD, Uatwin, demo

POLICIES = (SecurityPolicyBasic256Sha256, SecurityPolicyAes128Sha256RsaOaep, SecurityPolicyAes256Sha256RsaPss)
Modes = ua.MessageSecurityMode


async def _certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A client's certificate and key."""
    certificate, key = folder / f"{name}.der", folder / f"{name}.pem"
    use = [ExtendedKeyUsageOID.CLIENT_AUTH]
    names = {"commonName": name}
    await setup_self_signed_certificate(key, certificate, f"urn:test:{name}", "localhost", use, names)
    return certificate, key


async def _connect(process: Uatwin, name: str, files: tuple[Path, Path], policy: type) -> str:
    """Connect as operator, signed and encrypted; returns the server's ApplicationUri, its own namespace."""
    client = Client(process.endpoint, timeout=10)
    client.application_uri = f"urn:test:{name}"
    client.set_user("operator")
    client.set_password(PASSWORD)
    await client.set_security(policy, *map(str, files), mode=Modes.SignAndEncrypt)
    async with client:
        assert await client.nodes.server_state.read_value() == 0
        return (await client.get_namespace_array())[1]


async def _refused(process: Uatwin, name: str, files: tuple[Path, Path], policy: type) -> bool:
    try:
        await _connect(process, name, files, policy)
    except (ua.UaError, ConnectionError, TimeoutError):
        return True
    return False


async def test_the_demo_offers_none_and_every_modern_policy_signed_and_encrypted(running: Uatwin) -> None:
    offered = await Client(running.endpoint).connect_and_get_server_endpoints()
    found = {(one.SecurityPolicyUri.rpartition("#")[2], one.SecurityMode) for one in offered}
    modern = {policy.URI.rpartition("#")[2] for policy in POLICIES}
    expected = {(name, mode) for name in modern for mode in (Modes.Sign, Modes.SignAndEncrypt)}
    assert found == expected | {("None", Modes.None_)}
    assert all(one.EndpointUrl == running.endpoint for one in offered)
    certificate = x509.load_der_x509_certificate(offered[0].ServerCertificate)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert offered[0].Server.ApplicationUri in names.get_values_for_type(x509.UniformResourceIdentifier)
    assert offered[0].Server.ApplicationUri == f"urn:{socket.gethostname()}:uatwin:Cooling"


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.__name__.removeprefix("SecurityPolicy"))
async def test_a_certificate_moved_from_rejected_to_trusted_is_trusted_without_a_restart(
    running: Uatwin, tmp_path: Path, policy: type
) -> None:
    name = policy.__name__.removeprefix("SecurityPolicy")
    files = await _certificate(tmp_path, name)
    pki = running.folder / "pki"
    assert await _refused(running, name, files, policy)
    wanted = x509.load_der_x509_certificate(files[0].read_bytes())
    (rejected,) = [path for path in (pki / "rejected/certs").iterdir() if name in path.name]
    assert rejected.read_bytes() == wanted.public_bytes(Encoding.DER)
    assert await _refused(running, name, files, policy)
    rejected.rename(pki / "trusted/certs" / rejected.name)
    assert (await _connect(running, name, files, policy)).endswith(":uatwin:Cooling")
    (pki / "trusted/certs" / rejected.name).unlink()
    assert await _refused(running, name, files, policy)


async def test_a_demo_that_other_computers_reach_offers_secured_endpoints_only(tmp_path: Path) -> None:
    with demo(tmp_path, "--endpoint", "opc.tcp://0.0.0.0:0/uatwin") as process:
        assert "signed or encrypted connections only" in process.said
        assert f"//{socket.gethostname()}:" in process.endpoint
        local = process.endpoint.replace(socket.gethostname(), "127.0.0.1")
        offered = await Client(local).connect_and_get_server_endpoints()
        assert Modes.None_ not in {one.SecurityMode for one in offered}
        with pytest.raises((ua.UaError, ConnectionError)):
            async with Client(local):
                pass
