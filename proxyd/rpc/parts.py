"""What all methods share: the daemon's parts, the audit log, and how an NVR is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import SecretStr

from proxyd.api import models as m
from proxyd.api.methods import METHODS
from proxyd.api.settings import Setting
from proxyd.backup.service import Backups
from proxyd.camera.guided import GuidedAdoption
from proxyd.camera.manager import CameraManager
from proxyd.camera.view import log_model, nvr_model
from proxyd.errors import InvalidInput
from proxyd.hub import Hub
from proxyd.jobs import Jobs
from proxyd.journal import Journal
from proxyd.links.arm import ArmClient
from proxyd.log_ring import LogRing
from proxyd.nvr import scan
from proxyd.nvr.monitor import NvrMonitor
from proxyd.nvr.refused_tries import RefusedTries
from proxyd.sources import probe
from proxyd.store.housekeeping import utc_now
from proxyd.store.rows import NvrRow
from proxyd.store.store import Store
from proxyd.store.undoing import Recorder

from .access import Caller


@dataclass(frozen=True, slots=True)
class Parts:
    """NVRs are searched on the interfaces `search_on`, None being all of the host's own. `arm` is None where cameras
    have no interfaces of their own; `users` is the folder of those who log in by SSH."""

    store: Store
    hub: Hub
    cameras: CameraManager
    jobs: Jobs
    monitor: NvrMonitor
    guided: GuidedAdoption
    users: Path
    search_on: Sequence[str] | None = None
    arm: ArmClient | None = None
    refused_tries: RefusedTries = field(default_factory=RefusedTries)
    log_ring: LogRing = field(default_factory=LogRing)
    journal: Journal = field(default_factory=Journal)
    backups: Backups | None = None
    configuration: Sequence[Setting] = ()
    settings_file: str = ""

    async def log(
        self, level: Literal["info", "warning", "error"], subject: str, message: str, who: Caller | None = None
    ) -> None:
        """Into the log of the UI, in the name of `who`; "" is the daemon itself. Raises StoreError."""
        row = await self.store.log(level, subject, message, who.name if who else "")
        self.hub.changed("log", log_model(row))

    def note(self, who: Caller, method: str, what: str, recorder: Recorder, *, sources: Sequence[int] = ()) -> None:
        """What the recorder saw can be taken back by those who may call the method. `sources`: see `journal.Entry`."""
        at = utc_now().isoformat(timespec="seconds").replace("+00:00", "Z")
        self.journal.note(at, who.name, METHODS[method].role, what, recorder.changes, sources)

    def watch(self, row: NvrRow) -> None:
        """The NVR's health is asked for from now on, with the address and account of this row."""
        check = probe.check_alive if row.kind == "rtsp" else scan.check_alive
        self.monitor.watch(row.id, row.name, row.access, auth_failed=row.auth_failed, check=check)

    def show_nvr(self, row: NvrRow) -> m.Nvr:
        """Tells subscribers how it looks now."""
        model = self.nvr_model(row)
        self.hub.changed("nvr", model)
        return model

    def nvr_model(self, row: NvrRow) -> m.Nvr:
        job = self.jobs.running_on(row.id)
        events = self.cameras.events.words(row.id)
        return nvr_model(row, self.monitor.health(row.id), job.id if job else None, events)

    def refuse_own_camera(self, host: str | None, field: str = "host") -> None:
        """A camera that is its own NVR would ask itself in circles. Raises InvalidInput about `field`."""
        camera = next((camera for camera in self.cameras.cameras() if host and camera.address == host), None)
        if camera is not None:
            raise InvalidInput(
                f"{host} is the address of camera {camera.id} “{camera.name}”, which proxyd itself serves.",
                "Enter the address of the NVR or of the real camera.",
                {field: "is the address of one of proxyd's own cameras"},
            )

    async def nvrs(self) -> list[m.Nvr]:
        return [self.nvr_model(row) for row in await self.store.nvrs()]


def subject(ids: Sequence[int]) -> str:
    """Of a log entry about these cameras."""
    return f"camera {ids[0]}" if len(ids) == 1 else f"{len(ids)} cameras"


def listed(names: Sequence[str], most: int) -> str:
    """In one sentence: the first of them, and how many more there are."""
    more = len(names) - most
    return ", ".join(names) if more <= 0 else f"{', '.join(names[:most])} and {more} more"


def reveal(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
