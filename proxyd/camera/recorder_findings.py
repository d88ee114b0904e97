"""What stands between one recorder and one camera, or that all is well: sentences that say what to do next. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_address, ip_interface

from proxyd.api import models as m

from .meeting import Account, Meeting, Refused
from .situation import Severity, Situation, finding

_PATIENCE = timedelta(seconds=60)  # from its first word to playing; recorders are not that slow


def recorder_findings(seen: Situation, met: Meeting) -> Iterator[m.Finding]:
    refused = [*_accounts(seen, met)]
    yield from refused
    if met.broken:
        yield _of_broken(seen, met)
    yield from _subnet(seen, met)
    yield from _faults(seen, met)
    plays = met.address in seen.playing
    if not (refused or met.broken):
        yield from _missing_step(seen, met, plays=plays)
    if plays and not refused:
        yield finding(seen, "plays", "ok", f"{met.address} plays this camera: all is well.", recorder=met.address)
    elif met.complete and not refused:
        yield finding(
            seen,
            "adopted",
            "ok",
            f"{met.address} signed in, was given the streams and has played them.",
            recorder=met.address,
        )


_TODO: dict[Account, str] = {
    "wrong password": "Type this camera's own password into the recorder, not the NVR's: {credentials}",
    "unknown user": "Type this camera's own user into the recorder, not the NVR's: {credentials}",
    "clock": "Set the clock of the recorder and of this machine, best by NTP. If that cannot be, and it "
    "is less than an hour: onviftui camera edit {id} --clock-window 3600",
    "clear text": "Let the recorder send a digest, or use HTTPS: onviftui camera edit {id} --https on",
    "credentials": "Add the camera anew in the recorder, with its own user and password: {credentials}",
}


def _accounts(seen: Situation, met: Meeting) -> Iterator[m.Finding]:
    """Its credentials are refused, and it has not signed in since."""
    for kind, refused in met.accounts.items():
        todo = _TODO[kind].format(id=seen.camera.id, credentials=f"onviftui camera credentials {seen.camera.id}")
        what, why = _account_words(kind, refused), refused.reason
        known = kind in ("wrong password", "unknown user")
        yield finding(
            seen,
            kind.replace(" ", "-"),
            "problem",
            f"{met.address} reached the camera, but {what}.",
            why="" if known else f"The camera said: {why}.",
            todo=todo,
            recorder=met.address,
        )


def _account_words(kind: Account, refused: Refused) -> str:
    times = _times(refused.times)
    match kind:
        case "wrong password":
            return f"used a wrong password {times}"
        case "unknown user":
            return f"{times} used a user name that this camera does not know"
        case "clock" if "client's clock " in refused.reason:
            says = refused.reason.partition("client's clock ")[2]
            return f"its clock {says} (refused {times})"
        case "clock":
            return f"dates its requests too far in the past (refused {times})"
        case "clear text":
            return f"sent its password in clear text {times}, which is taken by HTTPS only"
        case "credentials":
            return f"signed in in a way that cannot be right {times}"


def _of_broken(seen: Situation, met: Meeting) -> m.Finding:
    if "HTTPS" in met.broken:
        todo = (
            f"Set the recorder to HTTP and port {seen.http_port} for this camera, or switch HTTPS on and give it that "
            f"port: onviftui camera edit {seen.camera.id} --https on"
        )
        what = f"{met.address} speaks HTTPS to port {seen.http_port}, where the camera speaks HTTP."
        return finding(seen, "tls-on-http", "problem", what, todo=todo, recorder=met.address)
    return finding(
        seen,
        "broken-http",
        "warning",
        f"{met.address} sent something that is no HTTP to port {seen.http_port}.",
        why=f"The camera said: {met.broken}.",
        todo="Is the right port set in the recorder, and is this a recorder at all (port scanner, proxy)?",
        recorder=met.address,
    )


def _subnet(seen: Situation, met: Meeting) -> Iterator[m.Finding]:
    if not seen.camera.address:
        return
    try:
        lan = ip_interface(f"{seen.camera.address}/{seen.prefix_length}").network
        inside = ip_address(met.address.partition("%")[0]) in lan
    except ValueError:
        return
    if not inside:
        yield finding(
            seen,
            "other-subnet",
            "warning",
            f"{met.address} comes from another subnet than {lan}: it sees the router's MAC, not {seen.camera.mac}.",
            why="Some recorders (UniFi Protect among them) tell cameras apart by MAC, and searches stay in one subnet.",
            todo=f"Give the recorder an address in {lan}, or type the camera's address into it and see that it does "
            "not take two cameras for one.",
            recorder=met.address,
        )


def _faults(seen: Situation, met: Meeting) -> Iterator[m.Finding]:
    """What it asked for and was refused, although its account is right."""
    severity: Severity = "note" if met.complete else "warning"
    for operation, refused in met.faults.items():
        yield finding(
            seen,
            "refused-operation",
            severity,
            f"{met.address} asked for {operation} {_times(refused.times)}, which we answer with: {refused.reason}.",
            todo=_after_fault(seen, met, refused.reason),
            recorder=met.address,
        )


def _after_fault(seen: Situation, met: Meeting, reason: str) -> str:
    if "nor in a network that is allowed" in reason:
        return f"If its events belong there: onviftui camera edit {seen.camera.id} --notify NETWORK"
    if met.complete:
        return ""
    return f"onviftui camera trace {seen.camera.id} shows whether it went on after that; with --raw N, what was said."


def _missing_step(seen: Situation, met: Meeting, *, plays: bool) -> Iterator[m.Finding]:
    """The step after the last one that it took, when it has had time for it."""
    if plays or met.complete:
        return
    if seen.now - met.first_at < _PATIENCE:
        yield finding(
            seen,
            "under-way",
            "note",
            f"{met.address} came less than a minute ago and {_so_far(met)}.",
            todo=f"Look again in a minute; onviftui camera trace {seen.camera.id} shows what it asks.",
            recorder=met.address,
        )
        return
    if met.asked == 0:
        yield finding(
            seen,
            "found-only",
            "warning",
            f"{met.address} found the camera by searching, but never came to it.",
            todo=f"Adopt it in the recorder now. If it was tried: does a firewall keep {met.address} from "
            f"{seen.camera.address}, TCP port {seen.http_port}?",
            recorder=met.address,
        )
    elif met.signed_in_at is None and met.by_rtsp_at is None:
        yield finding(
            seen,
            "never-signed-in",
            "warning",
            f"{met.address} reached the camera and asked it {_times(met.asked)}, but never with user and password.",
            todo=f"Type them into the recorder: onviftui camera credentials {seen.camera.id}",
            recorder=met.address,
        )
    elif met.signed_in_at is None and met.played_at is None:
        yield finding(
            seen,
            "never-played",
            "warning",
            f"{met.address} signed in by RTSP, but has not played a stream.",
            why="It was given the stream's address and stopped at what it asked last, or was refused it.",
            todo=f"onviftui camera trace {seen.camera.id} shows what it asked last, and why it was refused.",
            recorder=met.address,
        )
    elif met.streams_at is None and met.played_at is None:
        yield finding(
            seen,
            "never-asked-for-streams",
            "warning",
            f"{met.address} signed in, but never asked for streams.",
            why="It stopped after what it asked last, or its adoption has to be finished there.",
            todo=f"Finish the adoption there; onviftui camera trace {seen.camera.id} shows what it asked last.",
            recorder=met.address,
        )
    elif met.played_at is None:
        yield finding(
            seen,
            "never-played",
            "warning",
            f"{met.address} was given the streams, but never played one.",
            todo=f"Does a firewall keep {met.address} from {seen.camera.address}, TCP port {seen.rtsp_port}? Some "
            "recorders play only when somebody watches or recording is switched on.",
            recorder=met.address,
        )
    elif met.streams_at is None:
        yield finding(
            seen,
            "stream-only",
            "note",
            f"{met.address} has played a stream, but did not ask for it by ONVIF.",
            why="A player was given the stream's address; that counts as no adoption.",
            recorder=met.address,
        )
    if met.tls and met.tls == met.http:
        yield finding(
            seen,
            "tls-only",
            "note",
            f"{met.address} uses HTTPS alone.",
            why="Some recorders want a certificate that they can verify, and cameras make theirs themselves.",
            todo="If it does not go on, set the recorder to HTTP for this camera, let it accept the certificate, or "
            f"bring one that it can verify: onviftui camera certificate {seen.camera.id} --cert FILE --key FILE",
            recorder=met.address,
        )


def _so_far(met: Meeting) -> str:
    """The last step that it took."""
    if met.played_at is not None:
        return "has played a stream"
    if met.streams_at is not None:
        return "was given the streams; it has not played one yet"
    if met.signed_in_at is not None:
        return "signed in; it has not asked for streams yet"
    if met.by_rtsp_at is not None:
        return "signed in by RTSP; it has not played a stream yet"
    return (
        f"asked the camera {_times(met.asked)}, so far without user and password" if met.asked else "found the camera"
    )


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")
