"""Methods about the certificate of a camera's HTTPS."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from proxyd.api import models as m
from proxyd.camera.certificates import UnfitCertificate, described, fit_pem, made_here, remarks
from proxyd.camera.settings import Certificate
from proxyd.camera.view import spec_of
from proxyd.errors import Conflict, InvalidInput
from proxyd.store.rows import CameraRow
from proxyd.store.undoing import recording
from proxyd.tls.certificate import self_signed, server_context

from .access import Caller
from .parts import Parts, reveal


class CertificateMethods:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def camera_certificate(self, p: m.ById, who: Caller) -> m.Certificate:
        return _model(self._parts.cameras.row(p.id))

    async def camera_certify(self, p: m.CameraCertify, who: Caller) -> m.Certificate:
        row = self._parts.cameras.row(p.id)
        if p.new == (p.cert is not None) or (p.key is not None and p.cert is None):
            raise InvalidInput(
                "Either a certificate is brought, or a new one is made.", "Give cert and key, or new, not both."
            )
        certificate = await asyncio.to_thread(_made if p.new else _brought, row, p)
        with recording(("cameras", "camera_certificates")) as recorder:
            await self._parts.store.set_certificate(p.id, certificate)
        await self._parts.cameras.refresh()
        how = "Made a new certificate" if p.new else "Brought a certificate"
        what = f"{how} for HTTPS of {row.name}."
        await self._parts.log("info", f"camera {p.id}", what, who)
        self._parts.note(who, "camera.certify", what, recorder)
        return _model(self._parts.cameras.row(p.id))


def _made(row: CameraRow, p: m.CameraCertify) -> Certificate:
    spec = spec_of(row)
    if spec is None:
        raise Conflict(
            f"{row.name} has no address yet, and its certificate must name it.",
            f"onviftui camera show {row.id} says what it waits for.",
        )
    return self_signed(spec, datetime.now(UTC))


def _brought(row: CameraRow, p: m.CameraCertify) -> Certificate:
    """Raises InvalidInput naming the field; nothing of what was brought is in it but names of certificates."""
    chain = (reveal(p.cert) or "").encode(errors="replace")
    key = reveal(p.key)
    try:
        certificate = fit_pem(chain, chain if key is None else key.encode(errors="replace"))
    except UnfitCertificate as error:
        field = "cert" if error.part == "cert" else "key"
        raise InvalidInput(error.message, error.hint, {field: error.message}) from None
    try:
        server_context(certificate)
    except OSError:
        message = "OpenSSL does not take this certificate for a server."
        hint = "Have it signed with SHA-256 or better; see openssl verify."
        raise InvalidInput(message, hint, {"cert": message}) from None
    return certificate


def _model(row: CameraRow) -> m.Certificate:
    certificate, https = row.certificate, row.settings.https
    if certificate is None:
        return m.Certificate(camera=row.id, origin="none", https=https)
    facts = described(certificate)
    address = row.interface.address if row.interface else None
    return m.Certificate(
        camera=row.id,
        origin="self-made" if made_here(certificate, row.uuid) else "brought",
        https=https,
        subject=facts.subject,
        issuer=facts.issuer,
        not_before=_time(facts.not_before),
        not_after=_time(facts.not_after),
        fingerprint=facts.fingerprint,
        key=facts.key,
        names=list(facts.names),
        chain=facts.length,
        warnings=remarks(certificate, address, datetime.now(UTC)),
    )


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
