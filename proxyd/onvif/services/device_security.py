"""The certificate of HTTPS, read only, and what goes with it (ONVIF Core section 8.4.8). Pure.

There is one certificate per camera, made when HTTPS is switched on for the first time.
"""

from __future__ import annotations

import base64
import ssl

from ..soap import Element, el
from .operation import Access, Context, Operation

CERTIFICATE_ID = "https"


def get_certificates(ctx: Context) -> Element:
    certificate = ctx.spec.certificate
    listed = None
    if certificate is not None:
        first, end, _ = certificate.chain.partition(ssl.PEM_FOOTER)
        der = ssl.PEM_cert_to_DER_cert(first + end)
        listed = el(
            "tds:NvtCertificate",
            el("tt:CertificateID", CERTIFICATE_ID),
            el("tt:Certificate", el("tt:Data", base64.b64encode(der).decode())),
        )
    return el("tds:GetCertificatesResponse", listed)


def get_certificates_status(ctx: Context) -> Element:
    status = None
    if ctx.spec.certificate is not None:
        used = "true" if ctx.spec.settings.https else "false"
        status = el("tds:CertificateStatus", el("tt:CertificateID", CERTIFICATE_ID), el("tt:Status", used))
    return el("tds:GetCertificatesStatusResponse", status)


def get_client_certificate_mode(_: Context) -> Element:
    return el("tds:GetClientCertificateModeResponse", el("tds:Enabled", "false"))


OPERATIONS = (
    Operation("GetCertificates", Access.READ_SYSTEM, get_certificates),
    Operation("GetCertificatesStatus", Access.READ_SYSTEM, get_certificates_status),
    Operation("GetClientCertificateMode", Access.READ_SYSTEM, get_client_certificate_mode),
)
