"""Making and reading application certificates (Part 6, 6.2.2): self-signed, RSA, with the ApplicationUri in it."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_KEY_SIZE: Final = 2_048
_DAYS: Final = 5 * 365


def make_key() -> rsa.RSAPrivateKey:
    """A new RSA key."""
    return rsa.generate_private_key(public_exponent=65_537, key_size=_KEY_SIZE)


def make_certificate(
    key: rsa.RSAPrivateKey, application_uri: str, name: str, hosts: Sequence[str], days: int = _DAYS
) -> x509.Certificate:
    """A self-signed application instance certificate for client and server use, valid from an hour ago."""
    subject = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, name[:64]), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "uatwin")]
    )
    now = datetime.now(UTC)
    public = key.public_key()
    alternative = [x509.UniformResourceIdentifier(application_uri), *(_general_name(host) for host in hosts)]
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=True,
        data_encipherment=True,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    uses = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(uses, critical=False)
        .add_extension(x509.SubjectAlternativeName(alternative), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )


def to_der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def thumbprint(der: bytes) -> str:
    """SHA-1 of a DER certificate in hexadecimal, as OPC UA names certificates."""
    return hashlib.sha1(der).hexdigest()


def common_name(certificate: x509.Certificate) -> str:
    """The subject's common name; empty when there is none."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def application_uris(certificate: x509.Certificate) -> list[str]:
    """The URIs among the subject's alternative names."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return names.value.get_values_for_type(x509.UniformResourceIdentifier)


def split_chain(data: bytes) -> list[bytes]:
    """The DER certificates of a chain sent as one ByteString, leaf first. Raises ValueError when it is not DER."""
    parts: list[bytes] = []
    while data:
        if len(data) < 4 or data[0] != 0x30:
            raise ValueError("not a DER certificate")
        length, head = data[1], 2
        if length & 0x80:
            count = length & 0x7F
            length, head = int.from_bytes(data[2 : 2 + count], "big"), 2 + count
        if head + length > len(data):
            raise ValueError("a truncated DER certificate")
        parts.append(data[: head + length])
        data = data[head + length :]
    if not parts:
        raise ValueError("no certificate")
    return parts


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
