"""Does what recorders ask of the world through a camera: keeps settings in the store, passes calls to the NVR.

What a recorder changed goes into the log with its address, as a change by a user does.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import Any, get_args

from proxyd.errors import Conflict, UpstreamError
from proxyd.nvr.encoder_calls import Link, change_encoder, read_options
from proxyd.nvr.encoders import with_told
from proxyd.store.camera_changes import CameraChange
from proxyd.store.rows import CameraRow
from proxyd.store.store import Store
from proxyd.tls.certificate import self_signed, server_context

from .commands import (
    ChangeEncoder,
    Command,
    LookUp,
    MakeCertificate,
    NvrCall,
    NvrService,
    ReadEncoderOptions,
    Restart,
    SetCertificate,
    SetDiscovery,
    SetSettings,
    SetUsers,
)
from .features import MAX_PRESETS
from .motion import Motions
from .ptz_calls import presets_cut
from .settings import Certificate
from .spec import CameraSpec
from .urls import host_of

log = logging.getLogger(__name__)

_MOVING_SERVICES: tuple[NvrService, ...] = get_args(NvrService)


def _mark_key(camera: int, service: str) -> str:
    """Of the setting that says what would stop a camera; empty while it stands."""
    return f"moving {service} {camera}"


class Performer:
    """For all cameras. `kept(camera id, words)` is awaited after each change: it makes the camera follow the store, and
    logs the words."""

    def __init__(
        self,
        store: Store,
        *,
        link: Callable[[int], Link],
        kept: Callable[[int, str], Awaitable[None]],
        restart: Callable[[int], None],
    ) -> None:
        """`restart` has a camera started again soon."""
        self._restart = restart
        self._store = store
        self._link = link
        self._kept = kept
        self._motions = Motions(self._mark_motion)
        self._told_of_cut: set[int] = set()

    def client_gone(self, camera: int, client: str) -> None:
        """The recorder's connection is lost: what it set in motion is stopped soon."""
        self._motions.client_gone(camera, client)

    async def halt(self, camera: int) -> None:
        """The camera goes: what moves is stopped now, as far as the NVR answers."""
        await self._motions.halt(camera)

    async def stop_left(self, cameras: Iterable[CameraRow]) -> None:
        """What the daemon before us left moving when it was killed is stopped, in the background."""
        for row in cameras:
            for service in _MOVING_SERVICES:
                text = await self._store.setting(_mark_key(row.id, service))
                if text:
                    known = json.loads(text)
                    stop = NvrCall(service, known["operation"], known["parameters"], ends_motion=True)
                    log.warning("camera %d: it may be moving since before the start, it is stopped", row.id)
                    self._motions.stop_left(row.id, stop, self._link(row.nvr_id))

    def _note_cut(self, spec: CameraSpec, call: NvrCall, answer: object) -> None:
        """Once per camera: nobody looks for a preset where recorders just do not show it."""
        if (listed := presets_cut(call, answer)) and spec.id not in self._told_of_cut:
            self._told_of_cut.add(spec.id)
            log.warning(
                "camera %d: the NVR lists %d presets of %s, and recorders are told the first %d; delete there what is "
                "not needed",
                spec.id,
                listed,
                spec.name,
                MAX_PRESETS,
            )

    async def _mark_motion(self, camera: int, service: str, stop: NvrCall | None) -> None:
        """Raises StoreError."""
        said = {"operation": stop.operation, "parameters": dict(stop.parameters)} if stop else None
        await self._store.set_setting(_mark_key(camera, service), json.dumps(said) if said else "")

    async def _keep_certificate(
        self, spec: CameraSpec, certificate: Certificate | None, name: str, *, only_first: bool = False
    ) -> None:
        if certificate is not None:
            try:
                await asyncio.to_thread(server_context, certificate)
            except OSError:
                raise Conflict("This certificate cannot be used for HTTPS: OpenSSL does not take it.") from None
        await self._store.set_certificate(spec.id, certificate, name, only_first=only_first)

    @staticmethod
    def _made_certificate(spec: CameraSpec, wish: MakeCertificate) -> Certificate:
        try:
            return self_signed(
                spec,
                datetime.now(UTC),
                subject=wish.subject,
                not_before=wish.not_before,
                not_after=wish.not_after,
            )
        except ValueError:
            raise Conflict("No certificate can be made for that subject and that time.") from None

    async def perform(self, spec: CameraSpec, command: Command, client: str) -> Any:
        """Raises ProxyError."""
        match command:
            case NvrCall():
                answer = await self._motions.call(spec.id, command, client, self._link(spec.nvr_id))
                self._note_cut(spec, command, answer)
                return answer
            case LookUp(first, then):
                link = self._link(spec.nvr_id)
                found = await link.call(first.service, first.operation, first.parameters)
                self._note_cut(spec, first, found)
                return await self._motions.call(spec.id, then(found), client, link)
            case ReadEncoderOptions(profile):
                try:
                    return await read_options(self._link(spec.nvr_id), profile)
                except UpstreamError as error:
                    log.debug("camera %d: no options of its encoder: %s", spec.id, error)
                    return None
            case ChangeEncoder(stream, profile, wish):
                told = await change_encoder(self._link(spec.nvr_id), profile, wish)
                await self._store.change_stream(spec.id, stream, lambda kept: with_told(kept, told))
                what = f"changed the encoder of the {stream} stream of {spec.name} on the NVR"
            case SetDiscovery(on):
                await self._store.change_camera(CameraChange(spec.id, discovery=on))
                what = f"switched discovery of {spec.name} {'on' if on else 'off'}"
            case SetSettings(changes, what):
                await self._store.change_camera(CameraChange(spec.id, settings=changes))
                what = f"changed {what} of {spec.name}"
            case SetUsers(users, before):
                await self._store.set_users(spec.id, users, before=before)
                what = f"changed the accounts of {spec.name}"
            case SetCertificate(certificate, name, only_first):
                await self._keep_certificate(spec, certificate, name, only_first=only_first)
                what = f"{'brought a' if certificate else 'removed the'} certificate for HTTPS of {spec.name}"
                if not client:  # the camera itself
                    await self._kept(spec.id, f"Made a certificate for HTTPS of {spec.name}.")
                    return None
            case MakeCertificate(name):
                made = await asyncio.to_thread(self._made_certificate, spec, command)
                await self._keep_certificate(spec, made, name)
                what = f"had a new certificate made for HTTPS of {spec.name}"
                await self._kept(spec.id, f"The recorder at {host_of(client)} {what}.")
                return made
            case Restart():
                self._restart(spec.id)
                what = f"restarts {spec.name}"
        await self._kept(spec.id, f"The recorder at {host_of(client)} {what}.")
        return None
