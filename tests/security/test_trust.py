"""Certificates against the trust list: every step of Part 4, 6.1.3."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from server.security.certificates import make_certificate, make_key, split_chain, to_der
from server.security.pki import Pki, PkiError
from server.security.trust import TrustList, Untrusted

KEY = make_key()
NOW = datetime.now(UTC)


class Authority:
    """A certificate authority that issues and revokes."""

    def __init__(self, name: str) -> None:
        self.key = make_key()
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._build(self.name, self.key, ca=True)

    def issue(self, name: str) -> x509.Certificate:
        return self._build(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), KEY, ca=False)

    def revocations(self, *certificates: x509.Certificate) -> bytes:
        builder = x509.CertificateRevocationListBuilder(self.name, NOW, NOW + timedelta(days=1))
        for one in certificates:
            revoked = x509.RevokedCertificateBuilder(one.serial_number, NOW).build()
            builder = builder.add_revoked_certificate(revoked)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    def _build(self, subject: x509.Name, key: rsa.RSAPrivateKey, *, ca: bool) -> x509.Certificate:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - timedelta(hours=1))
            .not_valid_after(NOW + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .sign(self.key, hashes.SHA256())
        )


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path / "pki")


def put(pki: Pki, folder: str, name: str, data: bytes) -> Path:
    path = pki.root / folder / name
    path.write_bytes(data)
    return path


def refusal(trust: TrustList, data: bytes) -> str:
    with pytest.raises(Untrusted) as refused:
        trust.check(data)
    return refused.value.status


@pytest.fixture(scope="module")
def own_signed() -> x509.Certificate:
    return make_certificate(KEY, "urn:a", "A", ["localhost"])


def test_a_self_signed_certificate_is_trusted_while_it_lies_in_trusted(pki: Pki, own_signed: x509.Certificate) -> None:
    trust = TrustList(pki)
    assert refusal(trust, to_der(own_signed)) == "BadCertificateUntrusted"
    (kept,) = pki.rejected.iterdir()
    moved = kept.rename(pki.trusted / "a.der")
    assert trust.check(to_der(own_signed)) == own_signed
    moved.unlink()
    assert refusal(trust, to_der(own_signed)) == "BadCertificateUntrusted"


def test_pem_files_are_as_good_and_unusable_files_are_ignored(pki: Pki, own_signed: x509.Certificate) -> None:
    put(pki, "trusted/certs", "a.pem", own_signed.public_bytes(serialization.Encoding.PEM))
    put(pki, "trusted/certs", "b.der", b"nonsense")
    assert TrustList(pki).check(to_der(own_signed)) == own_signed


def test_an_issued_certificate_needs_a_trusted_authority_and_its_revocation_list(pki: Pki) -> None:
    authority, trust = Authority("CA"), TrustList(pki)
    leaf = authority.issue("leaf")
    assert refusal(trust, to_der(leaf)) == "BadCertificateUntrusted"
    ca = put(pki, "issuers/certs", "ca.der", to_der(authority.certificate))
    assert refusal(trust, to_der(leaf)) == "BadCertificateUntrusted"
    ca.rename(pki.trusted / "ca.der")
    assert refusal(trust, to_der(leaf)) == "BadCertificateRevocationUnknown"
    put(pki, "trusted/crl", "ca.crl", authority.revocations())
    assert trust.check(to_der(leaf)) == leaf


def test_a_revoked_certificate_is_refused_and_one_with_its_serial_number_from_elsewhere_is_not(pki: Pki) -> None:
    authority, other = Authority("CA"), Authority("Other")
    leaf = authority.issue("leaf")
    for number, one in enumerate((authority, other)):
        put(pki, "trusted/certs", f"{number}.der", to_der(one.certificate))
    put(pki, "trusted/crl", "ca.crl", authority.revocations())
    put(pki, "trusted/crl", "other.crl", other.revocations(leaf))
    trust = TrustList(pki)
    assert trust.check(to_der(leaf)) == leaf
    put(pki, "trusted/crl", "ca.crl", authority.revocations(leaf))
    assert refusal(trust, to_der(leaf)) == "BadCertificateRevoked"


def test_a_revocation_list_that_somebody_else_signed_does_not_count(pki: Pki) -> None:
    authority, forger = Authority("CA"), Authority("CA")
    put(pki, "trusted/certs", "ca.der", to_der(authority.certificate))
    put(pki, "trusted/crl", "ca.crl", forger.revocations())
    assert refusal(TrustList(pki), to_der(authority.issue("leaf"))) == "BadCertificateRevocationUnknown"


def test_a_chain_sent_along_is_used_but_not_trusted_for_itself(pki: Pki) -> None:
    authority, trust = Authority("CA"), TrustList(pki)
    chain = to_der(authority.issue("leaf")) + to_der(authority.certificate)
    assert refusal(trust, chain) == "BadCertificateUntrusted"
    put(pki, "trusted/certs", "ca.der", to_der(authority.certificate))
    put(pki, "issuers/crl", "ca.crl", authority.revocations())
    assert trust.check(chain).subject == authority.issue("leaf").subject


def test_a_leaf_that_is_no_authority_issues_nothing(pki: Pki, own_signed: x509.Certificate) -> None:
    put(pki, "trusted/certs", "a.der", to_der(own_signed))
    forged = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "forged")]))
        .issuer_name(own_signed.subject)
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(hours=1))
        .not_valid_after(NOW + timedelta(days=1))
        .sign(KEY, hashes.SHA256())
    )
    assert refusal(TrustList(pki), to_der(forged)) == "BadCertificateUntrusted"


@pytest.mark.parametrize("shift", [timedelta(days=-1), timedelta(days=60)])
def test_a_certificate_out_of_its_time_is_told_once_it_is_trusted(
    pki: Pki, own_signed: x509.Certificate, shift: timedelta
) -> None:
    short = make_certificate(KEY, "urn:a", "A", [], days=30)
    put(pki, "trusted/certs", "a.der", to_der(short))
    clock: Callable[[], datetime] = lambda: NOW + shift  # noqa: E731
    trust = TrustList(pki, clock=clock)
    with pytest.raises(Untrusted) as refused:
        trust.check(to_der(short))
    assert (refused.value.status, refused.value.trusted) == ("BadCertificateTimeInvalid", True)


@pytest.mark.parametrize("data", [b"", b"nonsense", b"\x30\x82\xff\xff", b"\x30\x03\x02\x01\x00"])
def test_what_is_no_certificate_is_invalid(pki: Pki, data: bytes) -> None:
    assert refusal(TrustList(pki), data) == "BadCertificateInvalid"
    assert list(pki.rejected.iterdir()) == []


def test_weak_and_foreign_keys_are_refused(pki: Pki) -> None:
    trust = TrustList(pki, trust_all=True)
    small = rsa.generate_private_key(public_exponent=65_537, key_size=1_024)
    assert refusal(trust, to_der(make_certificate(small, "urn:a", "A", []))) == "BadCertificatePolicyCheckFailed"
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ec")])
    curve = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateBuilder(name, name, curve.public_key(), 1, NOW, NOW + timedelta(days=1))
    assert refusal(trust, to_der(builder.sign(curve, hashes.SHA256()))) == "BadCertificatePolicyCheckFailed"


def test_chains_are_split_into_their_certificates(own_signed: x509.Certificate) -> None:
    der = to_der(own_signed)
    assert split_chain(der + der) == [der, der]
    with pytest.raises(ValueError, match="truncated"):
        split_chain(der[:-1])


def test_rejected_certificates_are_kept_up_to_a_hundred(pki: Pki, own_signed: x509.Certificate) -> None:
    for number in range(120):
        put(pki, "rejected/certs", f"{number}.der", b"x")
    path = pki.reject(to_der(own_signed))
    assert path is not None
    assert path.exists()
    assert len(list(pki.rejected.iterdir())) == 100


def test_the_own_certificate_is_kept_and_made_again_when_the_application_changes(pki: Pki) -> None:
    first = pki.own("urn:one", "one", ["10.0.0.1", "host"])
    assert pki.own("urn:one", "one").der == first.der
    names = first.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["host"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["10.0.0.1"]
    second = pki.own("urn:two", "two")
    assert second.der != first.der
    assert second.key.public_key() == first.key.public_key()


def test_an_unreadable_key_is_told_with_the_cure(pki: Pki) -> None:
    put(pki, "own/private", "server.pem", b"nonsense")
    with pytest.raises(PkiError, match="remove it to have a new one made"):
        pki.own("urn:one", "one")
