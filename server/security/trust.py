"""Whether a certificate is to be trusted: the steps of Part 4, 6.1.3 against the certificate directory."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Final, Generic, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa

from server.security.certificates import common_name, split_chain, thumbprint, to_der
from server.security.pki import Pki, load_certificate

_log = logging.getLogger(__name__)
_WEAK_HASHES: Final = ("md5", "sha1")
_KEY_BITS: Final = range(2_048, 4_097)
_LONGEST_CHAIN: Final = 8
T = TypeVar("T")


class Untrusted(Exception):
    """A certificate that is not accepted. status: the name of the StatusCode for the log and the audit event.

    trusted: whether trust had been established before, so that the peer may be told more than
    BadSecurityChecksFailed.
    """

    def __init__(self, status: str, reason: str, *, trusted: bool = False) -> None:
        super().__init__(reason)
        self.status = status
        self.trusted = trusted


class TrustList:
    """Trusted and issuer certificates and revocation lists; changed files count at once."""

    def __init__(self, pki: Pki, *, trust_all: bool = False, clock: Callable[[], datetime] | None = None) -> None:
        self._pki = pki
        self._trust_all = trust_all
        self._clock = clock or (lambda: datetime.now(UTC))
        self._trusted = _Folder(pki.root / "trusted/certs", load_certificate)
        self._issuers = _Folder(pki.root / "issuers/certs", load_certificate)
        self._crls = [_Folder(pki.root / name, _load_crl) for name in ("trusted/crl", "issuers/crl")]

    def check(self, data: bytes) -> x509.Certificate:
        """The leaf of a DER certificate or chain, once it has passed every step. Raises Untrusted; an untrusted
        certificate is kept in rejected/certs."""
        try:
            sent = [x509.load_der_x509_certificate(part) for part in split_chain(data)]
        except (ValueError, TypeError) as error:
            raise Untrusted("BadCertificateInvalid", f"not an X.509 certificate: {error}") from error
        leaf = sent[0]
        _check_key(leaf)
        chain = self._chain(leaf, sent[1:])
        if not self._trust_all:
            self._check_trust(leaf, chain)
            self._check_revoked(chain)
        self._check_time(chain)
        _check_usage(leaf)
        return leaf

    def _chain(self, leaf: x509.Certificate, sent: list[x509.Certificate]) -> list[x509.Certificate]:
        """From the leaf up to a self-signed certificate, or as far as issuers are known."""
        chain = [leaf]
        known = [*self._trusted.items(), *self._issuers.items(), *sent]
        while chain[-1].issuer != chain[-1].subject and len(chain) < _LONGEST_CHAIN:
            issuer = next((one for one in known if _issued_by(chain[-1], one)), None)
            if issuer is None:
                return chain
            chain.append(issuer)
        last = chain[-1]
        if last.issuer == last.subject and not _signed_by(last, last):
            raise Untrusted("BadCertificateInvalid", f"the signature of {_label(last)} is wrong")
        return chain

    def _check_trust(self, leaf: x509.Certificate, chain: list[x509.Certificate]) -> None:
        trusted = {to_der(one) for one in self._trusted.items()}
        if not any(to_der(one) in trusted for one in chain):
            path = self._pki.reject(to_der(leaf))
            where = f"; move {path} to {self._pki.trusted} to trust it" if path else ""
            raise Untrusted("BadCertificateUntrusted", f"{_label(leaf)} is not trusted{where}")
        if chain[-1].issuer != chain[-1].subject and to_der(leaf) not in trusted:
            raise Untrusted("BadCertificateChainIncomplete", f"the issuer of {_label(chain[-1])} is unknown")

    def _check_revoked(self, chain: list[x509.Certificate]) -> None:
        for certificate, issuer in pairwise(chain):
            lists = [crl for folder in self._crls for crl in folder.items() if _crl_of(crl, issuer)]
            if not lists:
                reason = f"no revocation list of {_label(issuer)} in trusted/crl or issuers/crl"
                raise Untrusted("BadCertificateRevocationUnknown", reason, trusted=True)
            if any(crl.get_revoked_certificate_by_serial_number(certificate.serial_number) for crl in lists):
                raise Untrusted("BadCertificateRevoked", f"{_label(certificate)} has been revoked", trusted=True)

    def _check_time(self, chain: list[x509.Certificate]) -> None:
        now = self._clock()
        for number, one in enumerate(chain):
            if not one.not_valid_before_utc <= now <= one.not_valid_after_utc:
                status = "BadCertificateIssuerTimeInvalid" if number else "BadCertificateTimeInvalid"
                span = f"{one.not_valid_before_utc:%Y-%m-%d} to {one.not_valid_after_utc:%Y-%m-%d}"
                raise Untrusted(status, f"{_label(one)} is valid from {span}", trusted=True)


class _Folder(Generic[T]):
    """Parsed files of a folder; only new or changed ones are read again, unreadable ones are told once."""

    def __init__(self, path: Path, load: Callable[[Path], T]) -> None:
        self._path = path
        self._load = load
        self._known: dict[Path, tuple[tuple[int, int], T | None]] = {}

    def items(self) -> Iterator[T]:
        found: dict[Path, tuple[tuple[int, int], T | None]] = {}
        for path in sorted(self._path.iterdir()):
            stat = path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size)
            old = self._known.get(path)
            found[path] = old if old is not None and old[0] == stamp else (stamp, self._read(path))
        self._known = found
        return iter([item for _, item in found.values() if item is not None])

    def _read(self, path: Path) -> T | None:
        try:
            return self._load(path)
        except (OSError, ValueError) as error:
            _log.warning("%s: not usable and ignored: %s", path, error)
            return None


def _load_crl(path: Path) -> x509.CertificateRevocationList:
    data = path.read_bytes()
    return x509.load_pem_x509_crl(data) if data.lstrip().startswith(b"-----BEGIN") else x509.load_der_x509_crl(data)


def _check_key(leaf: x509.Certificate) -> None:
    try:
        key = leaf.public_key()
        weak = leaf.signature_hash_algorithm is None or leaf.signature_hash_algorithm.name in _WEAK_HASHES
    except ValueError as error:
        raise Untrusted("BadCertificateInvalid", f"{_label(leaf)}: unusable key: {error}") from error
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size not in _KEY_BITS or weak:
        reason = f"{_label(leaf)}: the policies ask for an RSA key of 2048 to 4096 bits and a SHA-2 signature"
        raise Untrusted("BadCertificatePolicyCheckFailed", reason)


def _check_usage(leaf: x509.Certificate) -> None:
    try:
        usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return
    if not (usage.digital_signature and (usage.key_encipherment or usage.data_encipherment)):
        raise Untrusted("BadCertificateUseNotAllowed", f"{_label(leaf)}: its key usage forbids it", trusted=True)


def _issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    if certificate.issuer != issuer.subject or not _is_authority(issuer):
        return False
    return _signed_by(certificate, issuer)


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _crl_of(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    key = issuer.public_key()
    return crl.issuer == issuer.subject and isinstance(key, rsa.RSAPublicKey) and crl.is_signature_valid(key)


def _label(certificate: x509.Certificate) -> str:
    name = common_name(certificate) or "certificate"
    return f"{name!r} [{thumbprint(to_der(certificate))}]"
