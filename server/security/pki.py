"""The certificate directory, laid out as other OPC UA servers do, and the server's own certificate in it.

own/certs own/private   trusted/certs trusted/crl   issuers/certs issuers/crl   rejected/certs
"""

from __future__ import annotations

import logging
import os
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from server.security.certificates import (
    application_uris,
    common_name,
    make_certificate,
    make_key,
    thumbprint,
    to_der,
)

_log = logging.getLogger(__name__)
_FOLDERS: Final = (
    "own/certs",
    "own/private",
    "trusted/certs",
    "trusted/crl",
    "issuers/certs",
    "issuers/crl",
    "rejected/certs",
)
_KEPT_REJECTED: Final = 100


class PkiError(Exception):
    """A certificate directory that cannot be used; the message says why and what would help."""


@dataclass(frozen=True, slots=True)
class OwnCertificate:
    """The application certificate and its key."""

    certificate: x509.Certificate
    der: bytes
    key: rsa.RSAPrivateKey


class Pki:
    """A certificate directory; made, with mode 0700, when it is not there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in _FOLDERS:
            (root / name).mkdir(parents=True, exist_ok=True)
        for path in (root, root / "own/private"):
            path.chmod(0o700)

    @property
    def trusted(self) -> Path:
        return self.root / "trusted/certs"

    @property
    def rejected(self) -> Path:
        return self.root / "rejected/certs"

    def own(self, application_uri: str, name: str, hosts: Sequence[str] = ()) -> OwnCertificate:
        """The server's certificate; a self-signed one is made on first start, and again when it has run out or
        belongs to another ApplicationUri. Raises PkiError when key or certificate cannot be read."""
        key_path, certificate_path = self.root / "own/private/server.pem", self.root / "own/certs/server.der"
        key = _load_key(key_path)
        certificate = _load_own(certificate_path)
        if key is not None and certificate is not None:
            problem = _problem(certificate, key, application_uri)
            if not problem:
                return OwnCertificate(certificate, to_der(certificate), key)
            _log.warning("%s: %s; making a new certificate", certificate_path, problem)
        key = key or make_key()
        certificate = make_certificate(key, application_uri, name, hosts or own_hosts())
        _write_private(key_path, _pem(key))
        certificate_path.write_bytes(to_der(certificate))
        return OwnCertificate(certificate, to_der(certificate), key)

    def reject(self, der: bytes) -> Path | None:
        """Keep a certificate that was not trusted, so that an administrator can move it to trusted/certs. At most
        100 are kept, the newest. None when it cannot be written."""
        try:
            certificate = x509.load_der_x509_certificate(der)
            label = re.sub(r"[^\w.-]+", "_", common_name(certificate))[:40] or "certificate"
        except ValueError:
            return None
        path = self.rejected / f"{label} [{thumbprint(der)}].der"
        try:
            path.write_bytes(der)
            kept = sorted(self.rejected.iterdir(), key=lambda file: file.stat().st_mtime, reverse=True)
            for old in kept[_KEPT_REJECTED:]:
                old.unlink()
        except OSError as error:
            _log.warning("%s: cannot keep a rejected certificate: %s", self.rejected, error)
            return None
        return path


def own_hosts() -> list[str]:
    """Names and addresses this computer is reached by, for a certificate."""
    hosts = [socket.gethostname(), "localhost", "127.0.0.1"]
    try:
        hosts += [str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)]
    except OSError:
        _log.debug("the own host name has no address")
    return list(dict.fromkeys(hosts))


def _problem(certificate: x509.Certificate, key: rsa.RSAPrivateKey, application_uri: str) -> str:
    if certificate.not_valid_after_utc < datetime.now(UTC):
        return f"the certificate ran out on {certificate.not_valid_after_utc:%Y-%m-%d}"
    if application_uri not in application_uris(certificate):
        return f"the certificate is not for {application_uri}"
    public = certificate.public_key()
    if not isinstance(public, rsa.RSAPublicKey) or public.public_numbers() != key.public_key().public_numbers():
        return "the certificate does not belong to the private key"
    return ""


def _load_key(path: Path) -> rsa.RSAPrivateKey | None:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise PkiError(f"{path}: the private key cannot be read: {error}; remove it to have a new one made") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise PkiError(f"{path}: the private key is not RSA, as the security policies ask for")
    return key


def _load_own(path: Path) -> x509.Certificate | None:
    try:
        return load_certificate(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise PkiError(f"{path}: the certificate cannot be read: {error}; remove it to have a new one made") from error


def load_certificate(path: Path) -> x509.Certificate:
    """A certificate in DER or PEM. Raises OSError, ValueError."""
    data = path.read_bytes()
    if data.lstrip().startswith(b"-----BEGIN"):
        return x509.load_pem_x509_certificate(data)
    return x509.load_der_x509_certificate(data)


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write_private(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(data)
