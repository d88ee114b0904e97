"""Certificates that somebody brings for a camera's HTTPS: read, checked and described. Pure: the time is given.

What is kept is written anew from what was understood, so that a chain never has a key in it. Keys appear in no message.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from itertools import pairwise
from typing import Literal, TypeVar

from cryptography import x509
from cryptography.exceptions import InternalError, InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
)
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .settings import Certificate

MAX_CHAIN = 8
MAX_CERTIFICATE_BYTES = 32 * 1024  # of one, or of a chain
MAX_KEY_BYTES = 16 * 1024
_LEAST_RSA_BITS = 2048  # OpenSSL refuses shorter keys
_MOST_RSA_BITS = 8192  # each recorder that connects makes us sign with it
_SOON = timedelta(days=30)
_BEGIN = b"-----BEGIN "
_BROKEN = (
    ValueError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
# No block goes on behind the beginning of another, so that the time is in proportion to the text.
_KEY_BLOCK = re.compile(
    rb"-----BEGIN ([A-Z ]{0,20})PRIVATE KEY-----(?:(?!-----BEGIN ).)*?-----END \1PRIVATE KEY-----", re.S
)

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
_Loaded = TypeVar("_Loaded")


class UnfitCertificate(ValueError):
    """It cannot be used. `part`: what is wrong, "pair" when key and certificate do not belong together."""

    def __init__(self, part: Literal["cert", "key", "pair"], message: str, hint: str) -> None:
        super().__init__(message)
        self.part = part
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What a certificate says. Times are aware; `fingerprint` is SHA-256, like "AB:CD:…"; `key` like "RSA 2048"."""

    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    fingerprint: str
    key: str
    names: tuple[str, ...]  # DNS names and addresses
    length: int  # of the chain


def fit_pem(chain: bytes, key: bytes) -> Certificate:
    """From PEM: the camera's certificate first, then those that issued it. Raises UnfitCertificate."""
    certificates = _loaded(
        x509.load_pem_x509_certificates,
        chain,
        "There is no certificate in PEM in it that can be read.",
        "PEM begins with -----BEGIN CERTIFICATE-----. From DER: openssl x509 -inform der -in FILE",
    )
    return _fit(certificates, _pem_key(key))


def fit_der(certificate: bytes, key: bytes) -> Certificate:
    """From DER, or PEM, which some recorders send instead. Raises UnfitCertificate."""
    if certificate.lstrip().startswith(_BEGIN):
        certificates = _loaded(x509.load_pem_x509_certificates, certificate)
    else:
        certificates = [_loaded(x509.load_der_x509_certificate, certificate)]
    if key.lstrip().startswith(_BEGIN):
        return _fit(certificates, _pem_key(key))
    try:
        return _fit(certificates, _usable(_load_key(load_der_private_key, key)))
    except (TypeError, *_BROKEN) as error:
        raise _as_unfit(error, "The private key is no DER that can be read.") from None


def fit_own_key(certificate: bytes, own: Certificate) -> Certificate:
    """One that was issued for the key of `own`. Raises UnfitCertificate."""
    return fit_der(certificate, own.key.encode())


def _loaded(
    load: Callable[[bytes], _Loaded],
    data: bytes,
    message: str = "The certificate is no DER that can be read.",
    hint: str = "Send X.509 in DER.",
) -> _Loaded:
    if len(data) > MAX_CERTIFICATE_BYTES:
        raise UnfitCertificate("cert", f"It is larger than {MAX_CERTIFICATE_BYTES // 1024} kB.", "Is it the right one?")
    try:
        with warnings.catch_warnings():  # what cryptography only warns of (a serial number below zero) others refuse
            warnings.simplefilter("error", CryptographyDeprecationWarning)
            return load(data)
    except (CryptographyDeprecationWarning, *_BROKEN):
        raise UnfitCertificate("cert", message, hint) from None


def _pem_key(data: bytes) -> PrivateKey:
    block = _KEY_BLOCK.search(data)
    try:
        if block is None:
            raise ValueError
        return _usable(_load_key(load_pem_private_key, block[0]))
    except (TypeError, *_BROKEN) as error:
        raise _as_unfit(error, "There is no private key in PEM in it that can be read.") from None


def _load_key(load: Callable[..., object], data: bytes) -> object:
    """Without OpenSSL's own check, which tests primes for a second while everything waits; `_usable` makes up for it.
    Raises ValueError, TypeError."""
    if len(data) > MAX_KEY_BYTES:
        raise ValueError
    return load(data, None, unsafe_skip_rsa_key_validation=True)


def _as_unfit(error: Exception, message: str) -> UnfitCertificate:
    if isinstance(error, UnfitCertificate):
        return error
    if isinstance(error, TypeError):  # what cryptography says of a key that needs a passphrase
        hint = "Take the passphrase off: openssl pkey -in KEY -out PLAIN"
        return UnfitCertificate("key", "The private key is protected by a passphrase.", hint)
    return UnfitCertificate(
        "key", message, "It begins with -----BEGIN PRIVATE KEY----- or -----BEGIN RSA PRIVATE KEY-----."
    )


def _usable(key: object) -> PrivateKey:
    if isinstance(key, rsa.RSAPrivateKey):
        if _LEAST_RSA_BITS <= key.key_size <= _MOST_RSA_BITS:
            _check_signing(key)
            return key
        message = f"The key has {key.key_size} bits, and RSA keys need {_LEAST_RSA_BITS} to {_MOST_RSA_BITS}."
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        if isinstance(key.curve, ec.SECP256R1 | ec.SECP384R1 | ec.SECP521R1):
            return key
        message = f"Recorders do not know the curve {key.curve.name}."
    else:
        message = "Recorders do not know keys of this kind."
    raise UnfitCertificate("key", message, f"Take RSA with {_LEAST_RSA_BITS} bits or more, or ECDSA on P-256.")


def _check_signing(key: rsa.RSAPrivateKey) -> None:
    """Raises UnfitCertificate when its private part is not that of its public one."""
    try:
        signed = key.sign(b"", padding.PKCS1v15(), hashes.SHA256())
        key.public_key().verify(signed, b"", padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, InternalError, ValueError):
        raise UnfitCertificate("key", "The private key is broken: its parts do not fit.", "Take it anew.") from None


def _fit(chain: Sequence[x509.Certificate], key: PrivateKey) -> Certificate:
    if len(chain) > MAX_CHAIN:
        raise UnfitCertificate(
            "cert",
            f"There are {len(chain)} certificates in it, and a chain has at most {MAX_CHAIN}.",
            "Leave out those that did not issue the camera's.",
        )
    public = _public_bytes(key.public_key())
    theirs = [number for number, one in enumerate(chain) if _belongs(one, public)]
    if not theirs:
        raise UnfitCertificate(
            "pair",
            f"The key does not belong to the certificate of {_said(chain[0].subject)}.",
            "Bring the key that this certificate was requested with.",
        )
    if theirs[0] != 0:
        raise UnfitCertificate(
            "cert",
            f"The camera's own certificate is number {theirs[0] + 1} in it, and must be the first.",
            "Put it before those that issued it.",
        )
    for number, (one, issuer) in enumerate(pairwise(chain), start=1):
        try:
            one.verify_directly_issued_by(issuer)
        except (TypeError, InvalidSignature, *_BROKEN):
            raise UnfitCertificate(
                "cert",
                f"Certificate {number} in it was not issued by the next one, {_said(issuer.subject)}.",
                "The order is: the camera's, the one that issued it, and so on.",
            ) from None
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        fit = Certificate("".join(one.public_bytes(Encoding.PEM).decode() for one in chain), secret.decode())
        described(fit)
    except _BROKEN:
        raise UnfitCertificate("cert", "The certificate has parts that cannot be read.", "Have it made anew.") from None
    return fit


def _belongs(certificate: x509.Certificate, public: bytes) -> bool:
    try:
        return _public_bytes(certificate.public_key()) == public
    except _BROKEN:
        return False


def _public_bytes(key: object) -> bytes:
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        return b""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def leaf(certificate: Certificate) -> x509.Certificate:
    """The camera's own, of a certificate that is kept."""
    return _chain(certificate)[0]


def _chain(certificate: Certificate) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(certificate.chain.encode())


def described(certificate: Certificate) -> CertificateFacts:
    """Of one that is kept."""
    chain = _chain(certificate)
    own = chain[0]
    return CertificateFacts(
        _said(own.subject),
        _said(own.issuer),
        own.not_valid_before_utc,
        own.not_valid_after_utc,
        own.fingerprint(hashes.SHA256()).hex(":").upper(),
        key_words(own.public_key()),
        tuple(_names(own)),
        len(chain),
    )


def key_words(key: object) -> str:
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    return f"ECDSA {key.curve.name}" if isinstance(key, ec.EllipticCurvePublicKey) else "unknown"


def made_here(certificate: Certificate, uuid: str) -> bool:
    """Whether the camera made it itself: those name its UUID, and nobody else has signed them."""
    own = leaf(certificate)
    return own.issuer == own.subject and f"urn:uuid:{uuid}" in _alternatives(own, x509.UniformResourceIdentifier)


def remarks(certificate: Certificate, address: str | None, now: datetime) -> list[str]:
    """What will make recorders refuse it, in sentences."""
    own, said = leaf(certificate), []
    if own.not_valid_after_utc < now:
        said.append(f"It expired on {own.not_valid_after_utc:%Y-%m-%d}.")
    elif own.not_valid_after_utc < now + _SOON:
        said.append(f"It expires on {own.not_valid_after_utc:%Y-%m-%d}.")
    if own.not_valid_before_utc > now:
        said.append(f"It is not valid before {own.not_valid_before_utc:%Y-%m-%d}.")
    if address and not _names_address(own, address):
        said.append(f"It does not name the camera's address {address}; a recorder that checks names will refuse it.")
    try:
        purposes = own.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        if not {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE} & set(purposes):
            said.append("It is not meant for servers (extended key usage).")
    except (x509.ExtensionNotFound, *_BROKEN):
        pass
    return said


def signing_request(certificate: Certificate, subject: x509.Name | None) -> bytes:
    """PKCS #10 in DER for the key of this certificate; `subject` None is the certificate's. The same every time."""
    key = _pem_key(certificate.key.encode())
    own = leaf(certificate)
    builder = x509.CertificateSigningRequestBuilder().subject_name(own.subject if subject is None else subject)
    try:
        names = own.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        builder = builder.add_extension(names.value, critical=False)
    except (x509.ExtensionNotFound, *_BROKEN):
        pass
    deterministic = True if isinstance(key, ec.EllipticCurvePrivateKey) else None
    request = builder.sign(key, hashes.SHA256(), ecdsa_deterministic=deterministic)
    return request.public_bytes(Encoding.DER)


def subject_name(text: str) -> x509.Name:
    """ "CN=yard,O=House" (RFC 4514), or a common name alone. Raises ValueError."""
    if "=" in text:
        return x509.Name.from_rfc4514_string(text)
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _said(name: x509.Name) -> str:
    """In one line that XML can hold."""
    text = name.rfc4514_string()[:256] or "(no name)"
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _names(certificate: x509.Certificate) -> Iterator[str]:
    yield from _alternatives(certificate, x509.DNSName)
    yield from _alternatives(certificate, x509.IPAddress)


def _names_address(certificate: x509.Certificate, address: str) -> bool:
    return str(ip_address(address)) in _alternatives(certificate, x509.IPAddress)


def _alternatives(
    certificate: x509.Certificate,
    kind: type[x509.DNSName] | type[x509.IPAddress] | type[x509.UniformResourceIdentifier],
) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return ["".join(filter(str.isprintable, str(value))) for value in names.get_values_for_type(kind)]
    except (x509.ExtensionNotFound, *_BROKEN):
        return []
