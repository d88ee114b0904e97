"""What may be brought as a camera's certificate, and what is said of what may not."""

from __future__ import annotations

import base64
import re
import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import example, given
from hypothesis import strategies as st

from proxyd.camera.certificates import (
    MAX_CERTIFICATE_BYTES,
    MAX_CHAIN,
    UnfitCertificate,
    described,
    fit_der,
    fit_own_key,
    fit_pem,
    made_here,
    remarks,
    signing_request,
    subject_name,
)
from proxyd.tls.certificate import self_signed, server_context
from tests.proxyd.onvif.builders import NOW, camera_spec

from .authority import Authority, der, key_der, key_pem, new_key, pem

ROOT = Authority("House CA")
MIDDLE = Authority("Yard CA", ROOT)
KEY = new_key()
OWN = MIDDLE.issue(KEY)
CHAIN = pem(OWN, MIDDLE.certificate, ROOT.certificate)
RSA_KEY = rsa.generate_private_key(65537, 2048)


def test_a_chain_in_order_is_taken_and_described() -> None:
    fit = fit_pem(CHAIN, key_pem(KEY))
    server_context(fit)
    facts = described(fit)
    assert (facts.subject, facts.issuer, facts.length) == ("CN=yard", "CN=Yard CA", 3)
    assert facts.names == ("yard", "127.0.0.1")
    assert facts.key == "ECDSA secp256r1"
    assert re.fullmatch("([0-9A-F]{2}:){31}[0-9A-F]{2}", facts.fingerprint)
    assert facts.not_before < datetime.now(UTC) < facts.not_after
    assert not made_here(fit, camera_spec().uuid)


def test_certificate_and_key_in_one_file_are_kept_apart() -> None:
    for file in (key_pem(KEY) + CHAIN, b"Bag Attributes\n" + CHAIN + key_pem(KEY)):
        fit = fit_pem(file, file)
        assert "PRIVATE" not in fit.chain and "CERTIFICATE" not in fit.key and "Bag" not in fit.chain
        assert fit == fit_pem(CHAIN, key_pem(KEY))


def test_der_of_every_usual_kind_is_taken() -> None:
    for key in (KEY, RSA_KEY, ec.generate_private_key(ec.SECP384R1())):
        certificate = ROOT.issue(key)
        pkcs8 = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        fits = {
            fit_der(certificate, secret)
            for certificate in (der(certificate), pem(certificate))
            for secret in (key_der(key), pkcs8, key_pem(key))
        }
        assert len(fits) == 1
        server_context(fits.pop())


def _unfit(chain: bytes, key: bytes) -> UnfitCertificate:
    with pytest.raises(UnfitCertificate) as raised:
        fit_pem(chain, key)
    error = raised.value
    assert error.hint and error.__cause__ is None
    said = error.message + error.hint
    assert not [line for line in key.decode(errors="replace").splitlines()[1:-1] if line and line in said]
    return error


@pytest.mark.parametrize(
    ("chain", "key", "part", "words"),
    [
        (b"", key_pem(KEY), "cert", "no certificate in PEM"),
        (b"\xff\xfe", key_pem(KEY), "cert", "no certificate in PEM"),
        (pem(OWN).replace(b"MII", b"AAA"), key_pem(KEY), "cert", "no certificate in PEM"),
        (b"x" * (MAX_CERTIFICATE_BYTES + 1), key_pem(KEY), "cert", "larger than 32 kB"),
        (pem(*[OWN] * (MAX_CHAIN + 1)), key_pem(KEY), "cert", "at most 8"),
        (CHAIN, b"", "key", "no private key in PEM"),
        (CHAIN, pem(OWN), "key", "no private key in PEM"),
        (CHAIN, key_pem(KEY).replace(b"MIG", b"AAA"), "key", "no private key in PEM"),
        (CHAIN, key_pem(new_key()), "pair", "does not belong to the certificate of CN=yard"),
        (pem(MIDDLE.certificate, OWN), key_pem(KEY), "cert", "is number 2 in it, and must be the first"),
        (pem(OWN, ROOT.certificate), key_pem(KEY), "cert", "Certificate 1 in it was not issued by the next"),
        (pem(OWN, MIDDLE.certificate, MIDDLE.certificate), key_pem(KEY), "cert", "Certificate 2 in it was not"),
    ],
    ids=range(12),
)
def test_what_is_wrong_is_said(chain: bytes, key: bytes, part: str, words: str) -> None:
    error = _unfit(chain, key)
    assert error.part == part and words in error.message


def test_a_key_with_a_passphrase_is_refused_with_the_way_out() -> None:
    for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
        error = _unfit(CHAIN, KEY.private_bytes(Encoding.PEM, form, BestAvailableEncryption(b"kiwi")))
        assert "passphrase" in error.message and "openssl pkey" in error.hint


def test_keys_that_recorders_do_not_know_are_refused() -> None:
    short = rsa.generate_private_key(65537, 1024)
    curve = ec.generate_private_key(ec.SECP256K1())
    strange = ed25519.Ed25519PrivateKey.generate()
    for key, words in ((short, "1024 bits"), (curve, "secp256k1"), (strange, "of this kind")):
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        assert words in _unfit(CHAIN, secret).message


def _rsa_pem(n: int, p: int, q: int) -> bytes:
    """A key that says of itself that its modulus is `n`, whatever its primes are."""

    def value(number: int) -> bytes:
        return _tagged(b"\x02", number.to_bytes(number.bit_length() // 8 + 1))

    d = pow(65537, -1, (p - 1) * (q - 1))
    parts = (0, n, 65537, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))
    text = base64.encodebytes(_tagged(b"\x30", b"".join(map(value, parts))))
    return b"-----BEGIN RSA PRIVATE KEY-----\n" + text + b"-----END RSA PRIVATE KEY-----\n"


def _tagged(tag: bytes, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return tag + bytes([size]) + content
    digits = size.to_bytes((size.bit_length() + 7) // 8)
    return tag + bytes([0x80 | len(digits)]) + digits + content


def test_a_broken_or_huge_key_is_refused() -> None:
    good, other = (rsa.generate_private_key(65537, 2048).private_numbers() for _ in range(2))
    assert "not belong" in _unfit(CHAIN, _rsa_pem(good.p * good.q, good.p, good.q)).message
    assert "broken" in _unfit(CHAIN, _rsa_pem(good.p * good.q, other.p, other.q)).message
    p, q = (1 << 9689) - 1, (1 << 9941) - 1  # primes of Mersenne
    assert "19630 bits" in _unfit(CHAIN, _rsa_pem(p * q, p, q)).message
    p, q = (1 << 44497) - 1, (1 << 86243) - 1
    assert "no private key" in _unfit(CHAIN, _rsa_pem(p * q, p, q)).message


@pytest.mark.parametrize("text", [b"-----BEGIN PRIVATE KEY-----\n", b"-----BEGIN " + b"A " * 500, b"-----BEGIN "])
def test_looking_for_a_key_takes_time_in_proportion(text: bytes) -> None:
    """Meanwhile nothing else is done: a quarter of a megabyte of beginnings took 22 s."""
    began = time.process_time()
    with pytest.raises(UnfitCertificate, match="no private key"):
        fit_pem(CHAIN, text * (250_000 // len(text)))
    assert time.process_time() - began < 5.0


def test_a_certificate_for_the_own_key_needs_no_key() -> None:
    own = self_signed(camera_spec(), NOW)
    request = x509.load_der_x509_csr(signing_request(own, None))
    assert request.is_signature_valid
    assert fit_own_key(der(ROOT.issue(request)), own).key == own.key
    with pytest.raises(UnfitCertificate, match="does not belong"):
        fit_own_key(der(OWN), own)


def test_a_request_says_the_same_every_time() -> None:
    own = self_signed(camera_spec(), NOW)
    requests = {signing_request(own, subject_name("CN=yard,O=House")) for _ in range(3)}
    assert len(requests) == 1
    request = x509.load_der_x509_csr(requests.pop())
    assert request.subject.rfc4514_string() == "CN=yard,O=House"
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    with_rsa = fit_pem(pem(ROOT.issue(RSA_KEY)), key_pem(RSA_KEY))
    request = x509.load_der_x509_csr(signing_request(with_rsa, None))
    assert request.public_key() == RSA_KEY.public_key()


def test_who_made_it_is_known() -> None:
    spec = camera_spec()
    assert made_here(self_signed(spec, NOW), spec.uuid)
    assert not made_here(self_signed(spec, NOW), "6f1c2f6e-0f4b-4c11-9d0c-000000000004")


def test_reasons_for_recorders_to_refuse_it_are_told() -> None:
    now = datetime.now(UTC)

    def said(address: str | None = "127.0.0.1", **issued: object) -> str:
        certificate = ROOT.issue(KEY, **issued)  # type: ignore[arg-type]  # given by name below
        return " ".join(remarks(fit_pem(pem(certificate), key_pem(KEY)), address, now))

    assert said() == "" and said(None) == ""
    assert said(purposes=(ExtendedKeyUsageOID.SERVER_AUTH,)) == ""
    assert "not meant for servers" in said(purposes=(ExtendedKeyUsageOID.CLIENT_AUTH,))
    assert "does not name the camera's address 127.0.0.2" in said("127.0.0.2")
    assert "expires on" in said(days=29)
    assert "expired on" in said(now=now - timedelta(days=400))
    assert "not valid before" in said(now=now + timedelta(days=2))


def test_names_that_terminals_and_xml_cannot_hold_are_made_harmless() -> None:
    certificate = ROOT.issue(KEY, name="yard\x1b]0;x\x07")
    facts = described(fit_pem(pem(certificate), key_pem(KEY)))
    assert facts.subject.isprintable() and all(name.isprintable() for name in facts.names)


@given(st.binary(max_size=200), st.integers(0, len(CHAIN)), st.binary(max_size=100))
def test_any_bytes_are_taken_or_refused_with_a_reason(noise: bytes, at: int, key: bytes) -> None:
    for chain, secret in (
        (CHAIN[:at] + noise + CHAIN[at:], key_pem(KEY)),
        (noise, key),
        (CHAIN, key_pem(KEY)[: at % 200] + key + key_pem(KEY)[at % 200 :]),
    ):
        for fit in (fit_pem, fit_der):
            try:
                assert described(fit(chain, secret)).subject == "CN=yard"
            except UnfitCertificate as error:
                assert error.message and error.hint


@given(st.integers(0, len(der(OWN)) - 1), st.integers(1, 255))
@example(15, 128)  # the serial number below zero
def test_a_certificate_with_a_changed_byte_never_stumbles(at: int, change: int) -> None:
    data = bytearray(der(OWN))
    data[at] ^= change
    try:
        described(fit_der(bytes(data), key_der(KEY)))
    except UnfitCertificate as error:
        assert error.message
