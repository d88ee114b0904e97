"""The method table: name → parameters, result, least role, one line of help. The daemon, the client, the
command line and the docs all read this one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from . import backups as b
from . import models as m
from .bulk import CamerasUpdated, CameraUpdateAll
from .history import CameraHistory, History
from .logs import DaemonLog, LogDaemonParams
from .ptz import CameraPtz
from .settings import DaemonSettings, SettingsAccount
from .streams import StreamStatus
from .undo import Undoable, UndoApply, Undone
from .users import User, UserAdd, UserByName, UserRemoveKey, UserRole, Users, UserSetPassword


@dataclass(frozen=True, slots=True)
class Method:
    """A row of the table: `role` is the least that may call it, `help` one sentence for people."""

    name: str
    params: type[m.Params]
    result: Any  # a type pydantic understands
    role: m.Role
    help: str

    def adapter(self) -> TypeAdapter[Any]:
        """What reads and writes its result."""
        return TypeAdapter(self.result)


def _table(*methods: Method) -> dict[str, Method]:
    return {method.name: method for method in methods}


_V, _O, _A = m.Role.VIEWER, m.Role.OPERATOR, m.Role.ADMIN

METHODS: dict[str, Method] = _table(
    Method("nvr.add", m.NvrAdd, m.Nvr, _A, "Add an NVR; nothing is sent to it until it is tested or scanned."),
    Method("nvr.list", m.NoParams, list[m.Nvr], _V, "All NVRs."),
    Method("nvr.get", m.ById, m.Nvr, _V, "One NVR."),
    Method("nvr.update", m.NvrUpdate, m.Nvr, _A, "Change address, account, name or transport; omitted fields stay."),
    Method("nvr.remove", m.ById, m.Nvr, _A, "Remove an NVR with its cameras; their interfaces become free."),
    Method("nvr.scan", m.NvrScan, m.Job, _O, "Read all channels; returns the job at once."),
    Method("nvr.discover", m.NvrDiscover, list[m.FoundNvr], _O, "Search the network for ONVIF devices."),
    Method("nvr.test", m.NvrTestParams, m.NvrTest, _O, "Check address and account without changing anything."),
    Method("source.add", m.SourceAdd, m.Source, _A, "Add a camera by its RTSP addresses; it is read at once."),
    Method("source.list", m.NoParams, list[m.Source], _V, "Cameras that were added by their RTSP addresses."),
    Method("source.test", m.SourceTest, m.NvrTest, _O, "Read RTSP addresses without adding a camera."),
    Method(
        "source.update", m.SourceUpdate, m.Source, _A, "Change addresses, account or name; the camera stays itself."
    ),
    Method("source.import", m.SourceImport, m.SourceImported, _A, "Add the cameras of a list; a dry run by default."),
    Method("camera.list", m.NoParams, list[m.Camera], _V, "All virtual cameras."),
    Method("camera.get", m.ById, m.Camera, _V, "One camera."),
    Method(
        "camera.update",
        m.CameraUpdate,
        m.Camera,
        _O,
        "Rename, set own credentials, hide from searches, allow notifications.",
    ),
    Method(
        "camera.update_all",
        CameraUpdateAll,
        CamerasUpdated,
        _O,
        "Change many cameras at once, all or none; names by a pattern, with a dry run.",
    ),
    Method("camera.start", m.ByIds, list[m.Camera], _O, "Start cameras; they start again after a reboot."),
    Method("camera.stop", m.ByIds, list[m.Camera], _O, "Stop cameras; they stay stopped after a reboot."),
    Method("camera.restart", m.ByIds, list[m.Camera], _O, "Close all connections of cameras and start again."),
    Method("camera.remove", m.ByIds, list[m.Camera], _A, "Remove cameras; a rescan does not bring them back."),
    Method("camera.snapshot", m.SnapshotParams, m.Picture, _V, "A still picture, as the recorder would get it."),
    Method(
        "camera.streams", m.ById, list[StreamStatus], _V, "Its streams: rates, losses, clients, what is really sent."
    ),
    Method("camera.history", m.ById, CameraHistory, _V, "What passed in its streams, in steps over five minutes."),
    Method("camera.trace", m.TraceParams, list[m.TraceEntry], _V, "The last exchanges with recorders."),
    Method("camera.exchange", m.ExchangeParams, m.Exchange, _O, "One exchange in full, without secrets."),
    Method("camera.diagnosis", m.ById, list[m.Finding], _V, "Why recorders do not adopt it, or that all is well."),
    Method("camera.events", m.EventsParams, list[m.CameraEvent], _V, "The last events, oldest first."),
    Method(
        "camera.ptz", CameraPtz, m.Camera, _O, "Move a camera for a moment, stop it, or send it home or to a preset."
    ),
    Method("camera.presets", m.ById, list[str], _O, "The names of its PTZ presets, asked of the NVR."),
    Method("camera.credentials", m.ById, m.Credentials, _O, "User and password to type into the recorder."),
    Method("camera.certificate", m.ById, m.Certificate, _V, "The certificate of its HTTPS."),
    Method(
        "camera.certify",
        m.CameraCertify,
        m.Certificate,
        _O,
        "Bring a certificate for its HTTPS, or have a new one made; connections go on.",
    ),
    Method("adoption.start", m.AdoptionStart, m.Adoption, _O, "Let recorders find cameras one after another."),
    Method("adoption.get", m.NoParams, m.Adoption, _V, "How far the guided adoption is."),
    Method("adoption.pause", m.NoParams, m.Adoption, _O, "No camera has its turn for now."),
    Method("adoption.resume", m.NoParams, m.Adoption, _O, "Go on with it."),
    Method("adoption.skip", m.AdoptionSkip, m.Adoption, _O, "Leave a camera out; the next one has its turn."),
    Method("adoption.cancel", m.NoParams, m.Adoption, _O, "End it; all cameras can be found as they are set."),
    Method("adoption.forget", m.ByIds, list[m.Camera], _O, "Forget which recorders have them, and what they did."),
    Method("interface.list", m.NoParams, list[m.Interface], _V, "All interfaces."),
    Method("interface.available", m.NoParams, list[m.Interface], _V, "Interfaces no camera uses, next first."),
    Method("interface.add", m.InterfaceAdd, m.InterfaceChange, _A, "Make more interfaces, through netsetup's arm."),
    Method("interface.remove", m.InterfaceRemove, m.InterfaceChange, _A, "Remove interfaces that no camera uses."),
    Method("interface.doctor", m.NoParams, list[m.Finding], _V, "Examine host, interfaces and their LAN, worst first."),
    Method("job.list", m.NoParams, list[m.Job], _V, "Running jobs and the last 50 that ended."),
    Method("job.cancel", m.ById, m.Job, _O, "Stop a job; what it found so far is kept."),
    Method("job.apply", m.ById, m.Job, _O, "Keep what a scan with `preview` found: exactly what its diff says."),
    Method("job.discard", m.ById, m.Job, _O, "Forget what a scan with `preview` found; nothing has been changed."),
    Method("log.tail", m.LogTail, list[m.LogEntry], _V, "The newest log entries that match, oldest first."),
    Method("log.daemon", LogDaemonParams, DaemonLog, _O, "The daemon's own lines, as its journal has them."),
    Method("history", m.NoParams, History, _V, "What passed through all cameras, in steps over five minutes."),
    Method("user.list", m.NoParams, Users, _A, "Who may log in by SSH."),
    Method("user.add", UserAdd, User, _A, "Let somebody log in by SSH, or give somebody who may another key."),
    Method("user.remove", UserByName, User, _A, "Let somebody log in by SSH no more."),
    Method("user.remove_key", UserRemoveKey, User, _A, "Take one key away from somebody who has others."),
    Method("user.role", UserRole, User, _A, "Change what somebody who logs in by SSH may do."),
    Method("user.password", UserSetPassword, User, _A, "Set a password for SSH, or take it away."),
    Method("undo.list", m.NoParams, list[Undoable], _V, "What can be taken back, the last change first."),
    Method("undo.apply", UndoApply, Undone, _O, "Take back a change; it needs the role that the change needed."),
    Method("backup.create", b.BackupCreate, b.Backup, _A, "Make an encrypted backup; the oldest of 20 goes."),
    Method("backup.list", m.NoParams, list[b.Backup], _A, "The backups that the daemon keeps, newest first."),
    Method("backup.check", b.BackupOpen, b.BackupContents, _A, "What is in a backup, and whether it can be restored."),
    Method("backup.restore", b.BackupOpen, b.Restored, _A, "Become what the backup holds; the daemon starts anew."),
    Method("backup.remove", b.BackupByName, b.Backup, _A, "Remove a backup."),
    Method("backup.read", b.BackupRead, b.BackupPiece, _A, "A piece of a backup's file, to keep it elsewhere."),
    Method("backup.write", b.BackupWrite, b.BackupWritten, _A, "Bring a backup's file, piece by piece."),
    Method("settings.get", m.NoParams, DaemonSettings, _V, "What is in force for the whole daemon, and from where."),
    Method("settings.account", SettingsAccount, DaemonSettings, _A, "Change the account that all cameras share."),
    Method("status", m.NoParams, m.Status, _V, "Version, mode, counts."),
    Method(
        "subscribe",
        m.NoParams,
        m.Snapshot,
        _V,
        "Everything now, then `event` notifications (WebSocket only).",
    ),
)

_LOOK = {  # beyond those for viewers, who change nothing anyway
    *("nvr.discover", "nvr.test", "source.test"),
    *("camera.exchange", "camera.presets", "camera.credentials", "log.daemon", "user.list"),
}


def only_looks(method: Method) -> bool:
    """It changes nothing, so it can be stopped at any moment; all others run to their end."""
    return method.role is m.Role.VIEWER or method.name in _LOOK
