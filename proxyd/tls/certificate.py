"""The certificate of a camera and what serves it. No file ever holds the key: it lives encrypted in the database, and
OpenSSL reads it from memory.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from proxyd.camera.certificates import subject_name
from proxyd.camera.settings import Certificate
from proxyd.camera.spec import CameraSpec

_VALID = timedelta(days=20 * 365)  # as long as a camera lives: recorders keep the certificate that they saw first
_EARLY = timedelta(days=1)  # for clients whose clock is behind


def self_signed(
    spec: CameraSpec,
    now: datetime,
    *,
    subject: str = "",
    not_before: datetime | None = None,
    not_after: datetime | None = None,
) -> Certificate:
    """A new certificate for this camera. ECDSA on P-256: Ed25519 is unknown to .NET and to browsers. Raises ValueError
    when the subject is none, or the times are no span."""
    own = [
        x509.NameAttribute(NameOID.COMMON_NAME, spec.serial),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, spec.manufacturer),
    ]
    name = subject_name(subject) if subject else x509.Name(own)
    names: list[x509.GeneralName] = [
        x509.DNSName(spec.serial.lower()),
        x509.IPAddress(ipaddress.ip_address(spec.address)),
        x509.UniformResourceIdentifier(f"urn:uuid:{spec.uuid}"),
    ]
    first = now - _EARLY if not_before is None else not_before
    return _signed_by_itself(name, names, first, now + _VALID if not_after is None else not_after)


def device_certificate(name: str, address: str, now: datetime) -> Certificate:
    """As devices have it: self-signed, with the name that they were made with."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    place = x509.IPAddress(ipaddress.ip_address(address))
    return _signed_by_itself(subject, [place], now - _EARLY, now + _VALID)


def _signed_by_itself(
    name: x509.Name, names: list[x509.GeneralName], not_before: datetime, not_after: datetime
) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Certificate(certificate.public_bytes(Encoding.PEM).decode(), secret.decode())


def server_context(certificate: Certificate) -> ssl.SSLContext:
    """TLS 1.2 and 1.3. Raises OSError (ssl.SSLError among them) when certificate and key do not fit."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # The ssl module reads keys from files only, so it gets one that is nowhere but in memory.
    descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
    with os.fdopen(descriptor, "wb") as memory:
        memory.write(f"{certificate.chain}\n{certificate.key}\n".encode())
        memory.flush()
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    return context
