"""What the user can do to cameras, NVRs and scans: ask first where it hurts, call the daemon, say what came."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from textual.app import App

from proxyd.api.models import Camera, CameraState, Finding, FoundNvr, Job, Nvr, NvrTest, Source

from .alarms import Alarm
from .interface_actions import ActingOnInterfaces
from .recorder_actions import ActingForRecorders
from .safety_actions import ActingSafely
from .screens.camera import CameraScreen
from .screens.dialog import AskText, Confirm
from .screens.discover import Discover
from .screens.findings import Findings
from .screens.job import JobScreen
from .screens.nvr_form import KnownNvrForm, NvrForm
from .screens.source_form import SourceForm
from .widgets.job_lines import diff_summary
from .words import count

TEST_DEADLINE_S = 90.0
EXAMINE_DEADLINE_S = 90.0
_SWITCHED = {
    ("audio", True): "recorders get its sound again.",
    ("audio", False): "recorders get no sound any more; whoever is playing starts again without.",
    ("h265", True): "recorders are told of its H.265 streams.",
    ("h265", False): "H.265 is hidden where there is H.264; read the camera in the recorder again.",
    ("metadata", True): "recorders are offered events and objects beside the video, too.",
    ("metadata", False): "recorders get no events beside the video any more.",
    ("forward", True): "recorders may change encoder and picture on the NVR.",
    ("forward", False): "recorders may not change encoder and picture on the NVR.",
    ("share", True): "recorders that come now share one session with the NVR.",
    ("share", False): "recorders that come now have a session with the NVR each.",
    ("https", True): "it answers by HTTPS, too, and gives streams by RTSPS.",
    ("https", False): "it answers by HTTP alone; a recorder that uses HTTPS or RTSPS has lost it.",
}


class Acting(ActingOnInterfaces, ActingForRecorders, ActingSafely, App[int]):
    """The verbs behind the keys. Views and dialogs see them through `ui.Ui`."""

    left_out: set[int]

    @abstractmethod
    def show_view(self, view: str, filter_text: str = "") -> None:
        """Goes to this view, with this filter."""

    # alarms

    def follow(self, alarm: Alarm) -> None:
        if alarm.go == "nvr" and int(alarm.target) in self.store.nvrs:
            nvr = self.store.nvrs[int(alarm.target)]
            if alarm.fix == "scan it":
                self.scan(nvr.id)
            else:
                self.edit_nvr(nvr)
        elif alarm.go == "camera":
            self.open_camera(int(alarm.target))
        elif alarm.go == "job":
            self.open_job(int(alarm.target))
        elif alarm.go == "doctor":
            self.examine()
        elif alarm.go == "wizard":
            self.open_wizard()
        elif alarm.go in ("cameras", "interfaces", "adopt"):
            self.show_view(alarm.go, alarm.target)

    # cameras

    def open_camera(self, camera: int, *, requests: bool = False) -> None:
        if camera in self.store.cameras:
            self.push_screen(CameraScreen(camera, requests=requests))

    def _named(self, cameras: list[Camera]) -> str:
        return self.store.camera_label(cameras[0]) if len(cameras) == 1 else count(len(cameras), "camera")

    def _listed(self, cameras: list[Camera], limit: int = 6) -> str:
        """Which ones, where a question is about several; the cursor may stand elsewhere."""
        if len(cameras) == 1:
            return ""
        names = ", ".join(self.store.camera_label(camera) for camera in cameras[:limit])
        return f"{names} and {len(cameras) - limit} more. " if len(cameras) > limit else f"{names}. "

    def _known(self, cameras: list[int]) -> list[Camera]:
        return [self.store.cameras[key] for key in cameras if key in self.store.cameras]

    def toggle_cameras(self, cameras: list[int]) -> None:
        """Start those that are stopped; when none is, stop all."""
        if not self.allowed("camera.stop"):
            return
        chosen = self._known(cameras)
        stopped = [camera for camera in chosen if not camera.enabled or camera.state is CameraState.STOPPED]
        if stopped:
            self._tell("camera.start", stopped, "Starting", "started")
            return
        watched = sum(bool(camera.clients) for camera in chosen)
        if not chosen:
            return
        if watched or len(chosen) > 1:
            one = len(chosen) == 1
            seen = "A recorder is watching it now." if one else f"{watched} of them are being watched now."
            again = f"until you start {'it' if one else 'them'} again, also after a restart of proxyd."
            body = f"{self._listed(chosen)}Recorders lose the picture {again} {seen if watched else ''}".rstrip()
            self._confirmed(
                Confirm(f"Stop {self._named(chosen)}?", body, "Stop"),
                lambda: self._tell("camera.stop", chosen, "Stopping", "stopped"),
            )
        else:
            self._tell("camera.stop", chosen, "Stopping", "stopped")

    def restart_cameras(self, cameras: list[int]) -> None:
        chosen = self._known(cameras)
        if not chosen or not self.allowed("camera.restart"):
            return
        if any(camera.clients for camera in chosen):
            body = "All its connections are closed; recorders come back by themselves after a few seconds."
            self._confirmed(
                Confirm(f"Restart {self._named(chosen)}?", body, "Restart"),
                lambda: self._tell("camera.restart", chosen, "Restarting", "restarted"),
            )
        else:
            self._tell("camera.restart", chosen, "Restarting", "restarted")

    def remove_cameras(self, cameras: list[int]) -> None:
        chosen = self._known(cameras)
        if not chosen or not self.allowed("camera.remove"):
            return
        if len(chosen) == 1:
            body = "The recorder will lose it, and its address becomes free. A scan does not bring it back; "
        else:
            body = f"{self._listed(chosen)}Recorders will lose them, and their addresses become free. "
            body += "A scan does not bring them back; "
        body += "u takes it back at once, and U on the NVR brings back all that were removed."
        self._confirmed(
            Confirm(f"Remove {self._named(chosen)}?", body, "Remove", typed="remove" if len(chosen) > 1 else ""),
            lambda: self._tell("camera.remove", chosen, "Removing", "removed"),
        )

    def _confirmed(self, question: Confirm, do: Any) -> None:
        def answered(yes: bool | None) -> None:
            if yes:
                do()

        self.push_screen(question, answered)

    def _tell(self, method: str, cameras: list[Camera], doing: str, done: str) -> None:
        name = self._named(cameras)

        def arrived(result: list[Camera]) -> None:
            if method != "camera.remove":
                for camera in result:
                    self.store.put("camera", camera)
            self.toast(f"{name} {done}.")

        self.ask(method, {"ids": [c.id for c in cameras]}, doing=f"{doing} {name}…", then=arrived)

    def rename_camera(self, camera: int) -> None:
        known = self.store.cameras.get(camera)
        if known is None or not self.allowed("camera.update"):
            return

        def named(name: str | None) -> None:
            if name:
                self.ask("camera.update", {"id": camera, "name": name}, doing="Renaming…", then=renamed)

        def renamed(changed: Camera) -> None:
            self.store.put("camera", changed)
            self.toast(f"{known.name} is now {changed.name}.")

        self.push_screen(AskText(f"Rename {known.name}", known.name), named)

    def toggle_discovery(self, camera: int) -> None:
        known = self.store.cameras.get(camera)
        if known is None:
            return

        def changed(result: Camera) -> None:
            self.store.put("camera", result)
            if result.discovery:
                self.toast(f"Recorders find {result.name} by searching again.")
            else:
                self.toast(f"Recorders do not find {result.name} by searching any more; its address still works.")

        params = {"id": camera, "discovery": not known.discovery}
        self.ask("camera.update", params, doing="Changing discovery…", then=changed)

    def switch_setting(self, camera: int, field: str) -> None:
        """`field` of the camera to the other side."""
        known = self.store.cameras.get(camera)
        if known is None:
            return

        def changed(result: Camera) -> None:
            self.store.put("camera", result)
            self.toast(f"{result.name}: {_SWITCHED[field, getattr(result, field)]}")

        params = {"id": camera, field: not getattr(known, field)}
        self.ask("camera.update", params, doing="Changing…", then=changed)

    def examine(self) -> None:
        def found(findings: list[Finding]) -> None:
            self.store.examined(findings)
            self.push_screen(Findings(findings))

        self.ask(
            "interface.doctor", {}, doing="Examining interfaces and network…", then=found, deadline_s=EXAMINE_DEADLINE_S
        )

    def diagnose(self, camera: int) -> None:
        def found(findings: list[Finding]) -> None:
            self.push_screen(Findings(findings))

        self.ask("camera.diagnosis", {"id": camera}, doing="Looking what recorders did…", then=found)

    def snapshot(self, camera: int) -> None:
        from .screens.snapshot import SnapshotScreen  # nobody waits for it at the start

        if camera in self.store.cameras:
            self.push_screen(SnapshotScreen(camera))

    def contact_sheet(self, cameras: list[int], title: str) -> None:
        from .screens.contact_sheet import ContactSheet  # likewise

        if cameras:
            self.push_screen(ContactSheet(cameras, title))
        else:
            self.toast("There is no camera whose picture could be shown.")

    # NVRs

    def edit_nvr(self, nvr: Nvr | None = None, found: FoundNvr | None = None) -> None:
        if not self.allowed("nvr.update"):
            return

        def saved(result: Nvr | None) -> None:
            if result is None:
                return
            self.store.put("nvr", result)
            if nvr is None or not result.last_scan:
                self.scan(result.id)
            else:
                self.toast(f"{result.name} saved; its cameras try again now.")

        self.push_screen(KnownNvrForm(nvr) if nvr is not None else NvrForm(found=found), saved)

    def add_source(self, main: str = "") -> None:
        if not self.allowed("source.add"):
            return

        def added(source: Source | None) -> None:
            if source is not None:
                self.toast(f"{source.name} was added; its streams are being read.")

        self.push_screen(SourceForm(main), added)

    def open_sources(self) -> None:
        from .screens.sources import SourcesScreen  # nobody waits for it at the start

        self.push_screen(SourcesScreen())

    def test_nvr(self, nvr: Nvr, *, only_trouble: bool = False) -> None:
        """Ask the NVR with what is stored, and say what came."""

        def tested(result: NvrTest) -> None:
            if not only_trouble:
                words = f"{nvr.name}: {result.message} {result.hint}".strip()
                self.toast(words, "information" if result.ok else "error")
            elif not result.ok:
                self.toast(f"{nvr.name}: {result.message} Press e on it in NVRs to correct that.", "error")

        self.ask("nvr.test", {"id": nvr.id}, doing=f"Testing {nvr.name}…", then=tested, deadline_s=TEST_DEADLINE_S)

    def discover(self) -> None:
        if not self.allowed("nvr.discover"):
            return

        def chosen(found: FoundNvr | None) -> None:
            if found is not None:
                self.edit_nvr(found=found if found.host else None)

        self.push_screen(Discover(), chosen)

    def open_wizard(self) -> None:
        from .wizard.screen import WizardScreen  # here: most sessions never see it

        if self.allowed("nvr.add", "Be guided"):
            self.push_screen(WizardScreen())

    def remove_nvr(self, nvr: int) -> None:
        known = self.store.nvrs.get(nvr)
        if known is None or not self.allowed("nvr.remove"):
            return
        cameras = sum(camera.nvr == nvr for camera in self.store.cameras.values())
        if cameras:
            them = "its camera" if cameras == 1 else f"its {cameras} cameras"
            body = f"This also removes {them}: recorders lose them, and their addresses become free."
        else:
            body = "It has no cameras."
        question = Confirm(f"Remove {known.name}?", body, "Remove", typed=known.name if cameras else "")

        def do() -> None:
            self.ask(
                "nvr.remove",
                {"id": nvr},
                doing=f"Removing {known.name}…",
                then=lambda _: self.toast(f"{known.name} removed."),
            )

        self._confirmed(question, do)

    # scans

    def scan(self, nvr: int, *, restore: bool = False) -> None:
        known = self.store.nvrs.get(nvr)
        if known is None:
            return
        running = [job for job in self.store.running_jobs() if job.nvr == nvr]
        if running:
            self.open_job(running[0].id)
            return

        def started(job: Job) -> None:
            if job.id not in self.store.jobs:
                self.store.put("job", job)
            self.open_job(job.id)

        params: dict[str, Any] = {"id": nvr}
        params |= {"restore": True} if restore else {}
        params |= {"preview": True} if known.last_scan else {}  # what it changes is shown first
        self.ask("nvr.scan", params, doing=f"Starting the scan of {known.name}…", then=started)

    def open_job(self, job: int) -> None:
        """Also from the screen of an older job, whose place it takes."""
        if not isinstance(self.screen, JobScreen):
            self.push_screen(JobScreen(job))
        elif self.screen.job != job:
            self.switch_screen(JobScreen(job))

    def cancel_job(self, job: int) -> None:
        def cancelled(result: Job) -> None:
            self.store.put("job", result)
            kept = "nothing was changed" if result.preview else "what it found is kept"
            self.toast(f"Scan cancelled; {kept}.")

        self.ask("job.cancel", {"id": job}, doing="Cancelling…", then=cancelled)

    def apply_job(self, job: int) -> None:
        def kept(result: Job) -> None:
            self.store.put("job", result)
            self.toast(f"Kept: {diff_summary(result.diff)}." if result.diff else "Kept.")

        self.ask("job.apply", {"id": job}, doing="Keeping it…", then=kept)

    def discard_job(self, job: int) -> None:
        def forgotten(result: Job) -> None:
            self.store.put("job", result)
            self.toast("Everything is as it was before the scan.")

        self.ask("job.discard", {"id": job}, doing="Leaving everything as it was…", then=forgotten)
