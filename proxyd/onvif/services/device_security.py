"""The certificate of HTTPS: shown, made anew, brought, requested. Pure.

There is one certificate per camera, made when HTTPS is switched on for the first time; what is made or brought takes
its place. ONVIF Core 25.12 has left these operations to the Advanced Security service; the WSDL of Device still has
them, and recorders call them.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from proxyd.camera.certificates import (
    UnfitCertificate,
    described,
    fit_der,
    fit_own_key,
    leaf,
    signing_request,
    subject_name,
)
from proxyd.camera.commands import Ask, MakeCertificate, SetCertificate, SetSettings
from proxyd.camera.settings import Certificate

from ..faults import SoapFault, invalid_args, invalid_value, prohibited
from ..namespaces import clark
from ..security import parse_created
from ..soap import Element, RequestElement, el
from .operation import Access, Answer, Context, Operation

_MAX_ID_CHARS = 64
_MAX_SUBJECT_CHARS = 256


def get_certificates(ctx: Context) -> Element:
    certificate = ctx.spec.certificate
    listed = None if certificate is None else _nvt_certificate(ctx.spec.settings.certificate_id, certificate)
    return el("tds:GetCertificatesResponse", listed)


def get_certificates_status(ctx: Context) -> Element:
    status = None
    if ctx.spec.certificate is not None:
        used = "true" if ctx.spec.settings.https else "false"
        name = ctx.spec.settings.certificate_id
        status = el("tds:CertificateStatus", el("tt:CertificateID", name), el("tt:Status", used))
    return el("tds:GetCertificatesStatusResponse", status)


def set_certificates_status(ctx: Context) -> Element | Ask[Element]:
    """The certificate is in use as long as HTTPS is on."""
    on = ctx.spec.settings.https
    for element in ctx.request.body.findall(clark("tds:CertificateStatus")):
        _known(ctx, _text(element, "tt:CertificateID"))
        status = _text(element, "tt:Status")
        if status not in ("true", "1", "false", "0"):
            raise invalid_value("Status is neither true nor false")
        on = status in ("true", "1")
    answer = el("tds:SetCertificatesStatusResponse")
    if on == ctx.spec.settings.https:
        return answer
    return Ask(SetSettings({"https": on}, "HTTPS"), lambda _: answer)


def get_certificate_information(ctx: Context) -> Element:
    name = ctx.required("tds:CertificateID")
    certificate = _known(ctx, name)
    facts, own = described(certificate), leaf(certificate)
    public = own.public_key()
    bits = str(public.key_size) if isinstance(public, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) else None
    return el(
        "tds:GetCertificateInformationResponse",
        el(
            "tds:CertificateInformation",
            el("tt:CertificateID", name),
            el("tt:IssuerDN", facts.issuer),
            el("tt:SubjectDN", facts.subject),
            el("tt:KeyLength", bits) if bits else None,
            el("tt:Version", str(own.version.value + 1)),
            el("tt:SerialNum", f"{own.serial_number:X}"),
            el("tt:SignatureAlgorithm", own.signature_algorithm_oid.dotted_string),
            el(
                "tt:Validity",
                el("tt:From", _date_time(facts.not_before)),
                el("tt:Until", _date_time(facts.not_after)),
            ),
        ),
    )


def create_certificate(ctx: Context) -> Ask[Element]:
    name = _wished(ctx.request.text("tds:CertificateID")) or ctx.spec.settings.certificate_id
    subject = _subject(ctx)
    not_before, not_after = _moment(ctx, "tds:ValidNotBefore"), _moment(ctx, "tds:ValidNotAfter")
    if not_after is not None and not_after <= max(not_before or ctx.now, ctx.now):
        raise invalid_value("ValidNotAfter is before the certificate would be valid, or over")

    def finish(made: Certificate) -> Element:
        return el("tds:CreateCertificateResponse", _nvt_certificate(name, made))

    return Ask(MakeCertificate(name, subject, not_before, not_after), finish)


def get_pkcs10_request(ctx: Context) -> Element:
    certificate = _known(ctx, ctx.required("tds:CertificateID"))
    if ctx.request.body.find(clark("tds:Attributes")) is not None:
        raise invalid_value("Attributes cannot be put into the request")
    subject = _subject(ctx)
    request = signing_request(certificate, subject_name(subject) if subject else None)
    return el("tds:GetPkcs10RequestResponse", el("tds:Pkcs10Request", el("tt:Data", _base64(request))))


def load_certificates(ctx: Context) -> Ask[Element]:
    """What was issued for GetPkcs10Request."""
    element = _only_one(ctx, "tds:NVTCertificate")
    name = _wished(_text(element, "tt:CertificateID"))
    own = ctx.spec.certificate
    if own is None:
        raise _mismatch("The camera has no key that a certificate could have been issued for")
    return _bring(name, lambda: fit_own_key(_data(element, "tt:Certificate"), own), "tds:LoadCertificatesResponse")


def load_certificate_with_private_key(ctx: Context) -> Ask[Element]:
    element = _only_one(ctx, "tds:CertificateWithPrivateKey")
    name = _wished(_text(element, "tt:CertificateID")) or ctx.spec.settings.certificate_id
    return _bring(
        name,
        lambda: fit_der(_data(element, "tt:Certificate"), _data(element, "tt:PrivateKey")),
        "tds:LoadCertificateWithPrivateKeyResponse",
    )


def delete_certificates(ctx: Context) -> Ask[Element]:
    names = ctx.request.texts("tds:CertificateID")
    if not names:
        raise invalid_args("No certificate is named")
    for name in names:
        _known(ctx, name)
    if ctx.spec.settings.https:
        raise prohibited("The certificate is in use: HTTPS has to be switched off first")
    return Ask(SetCertificate(None), lambda _: el("tds:DeleteCertificatesResponse"))


def get_client_certificate_mode(_: Context) -> Element:
    return el("tds:GetClientCertificateModeResponse", el("tds:Enabled", "false"))


def _bring(name: str, read: Callable[[], Certificate], response: str) -> Ask[Element]:
    try:
        certificate = read()
    except UnfitCertificate as error:
        if error.part == "pair":
            raise _mismatch(error.message) from None
        raise invalid_value(error.message, "ter:CertificateFormat") from None
    return Ask(SetCertificate(certificate, name), lambda _: el(response))


def _mismatch(reason: str) -> SoapFault:
    return invalid_value(reason, "ter:KeysNotMatching")


def _known(ctx: Context, name: str) -> Certificate:
    if ctx.spec.certificate is None or name != ctx.spec.settings.certificate_id:
        raise invalid_value(f"There is no certificate {name[:_MAX_ID_CHARS]!r}", "ter:CertificateID")
    return ctx.spec.certificate


def _wished(name: str | None) -> str:
    if name and (len(name) > _MAX_ID_CHARS or not name.isprintable()):
        reason = f"An ID of a certificate has at most {_MAX_ID_CHARS} printable characters"
        raise invalid_value(reason, "ter:CertificateID")
    return name or ""


def _only_one(ctx: Context, path: str) -> RequestElement:
    elements = ctx.request.body.findall(clark(path))
    if not elements:
        raise invalid_args("No certificate is given")
    if len(elements) > 1:
        raise prohibited("The camera has one certificate, and takes one at a time")
    return elements[0]


def _text(element: RequestElement, name: str) -> str:
    return (element.findtext(clark(name)) or "").strip()


def _data(element: RequestElement, name: str) -> bytes:
    text = element.findtext(f"{clark(name)}/{clark('tt:Data')}") or ""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise invalid_value(f"{name.rpartition(':')[2]} is no base64", "ter:CertificateFormat") from None


def _subject(ctx: Context) -> str:
    text = ctx.request.text("tds:Subject") or ""
    try:
        if text:
            subject_name(text)
    except ValueError:
        raise invalid_value("Subject is no name such as CN=yard") from None
    if len(text) > _MAX_SUBJECT_CHARS:
        raise invalid_value(f"Subject has at most {_MAX_SUBJECT_CHARS} characters")
    return text


def _moment(ctx: Context, path: str) -> datetime | None:
    text = ctx.request.text(path)
    if not text:
        return None
    seconds = parse_created(text)
    if seconds is None or seconds < 0:
        raise invalid_value(f"{path.rpartition(':')[2]} is no time that a certificate can have")
    return datetime.fromtimestamp(seconds, UTC)


def _nvt_certificate(name: str, certificate: Certificate) -> Element:
    der = leaf(certificate).public_bytes(Encoding.DER)
    return el(
        "tds:NvtCertificate",
        el("tt:CertificateID", name),
        el("tt:Certificate", el("tt:Data", _base64(der))),
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _date_time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _change(name: str, answer: Answer) -> Operation:
    return Operation(name, Access.WRITE_SYSTEM, answer, static=False)


OPERATIONS = (
    Operation("GetCertificates", Access.READ_SYSTEM, get_certificates),
    Operation("GetCertificatesStatus", Access.READ_SYSTEM, get_certificates_status),
    Operation("GetCertificateInformation", Access.READ_SYSTEM, get_certificate_information),
    Operation("GetClientCertificateMode", Access.READ_SYSTEM, get_client_certificate_mode),
    Operation("GetPkcs10Request", Access.READ_SYSTEM_SECRET, get_pkcs10_request),
    _change("SetCertificatesStatus", set_certificates_status),
    _change("CreateCertificate", create_certificate),
    _change("LoadCertificates", load_certificates),
    _change("LoadCertificateWithPrivateKey", load_certificate_with_private_key),
    _change("DeleteCertificates", delete_certificates),
)
