"""The command `onviftui camera certificate`: shows, brings or renews the certificate of a camera's HTTPS.

Keys come from files or standard input, never from arguments, and are never repeated.
"""

from __future__ import annotations

import argparse
from typing import Any

from proxyd.api.client import RpcClient
from proxyd.api.models import Certificate
from proxyd.errors import InvalidInput

from .naming import find_id
from .output import Output, format_pairs, local_time
from .text_file import read_pem

_ORIGINS = {"self-made": "made by the camera itself", "brought": "brought"}


async def camera_certificate(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    if args.new and (args.cert or args.key):
        raise InvalidInput("--new makes a certificate, --cert brings one.", "Give one of them.")
    if args.key and not args.cert:
        raise InvalidInput("To which certificate does the key belong?", "Give --cert FILE too.")
    params: dict[str, Any] = {"id": find_id(args.id, await client.call("camera.list"), "camera")}
    if args.new:
        params["new"] = True
    elif args.cert:
        params["cert"] = read_pem(args.cert)
        if args.key and args.key != args.cert:
            params["key"] = read_pem(args.key)
    method = "camera.certify" if len(params) > 1 else "camera.certificate"
    certificate: Certificate = await client.call(method, params)
    if out.json_mode:
        out.document(certificate)
    else:
        _show(certificate, out)
    return 0


def _show(certificate: Certificate, out: Output) -> None:
    if certificate.origin == "none":
        out.say(
            "It is being made: look again in a moment."
            if certificate.https
            else "There is none yet: it is made when HTTPS is switched on, or with --new."
        )
        return
    others = certificate.chain - 1
    out.lines(
        format_pairs(
            [
                ("camera", certificate.camera),
                ("HTTPS", "on" if certificate.https else "off"),
                ("certificate", _ORIGINS[certificate.origin]),
                ("subject", certificate.subject),
                ("issuer", certificate.issuer),
                ("for", ", ".join(certificate.names)),
                ("from", local_time(certificate.not_before)),
                ("until", local_time(certificate.not_after)),
                ("SHA-256", certificate.fingerprint),
                ("key", certificate.key),
                ("sent with it", f"{others} of those that issued it" if others else ""),
            ]
        )
    )
    for warning in certificate.warnings:
        out.note(f"Note: {warning}")


COMMANDS = {"certificate": camera_certificate}
