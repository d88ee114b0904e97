"""Each noun and verb against the real RPC server: what is asked, what is printed, which exit code."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from onviftui.arguments import build_parser, refuse_password
from onviftui.commands import COMMANDS
from onviftui.output import Output, local_time
from proxyd.api.client import RpcClient
from proxyd.api.models import CameraState, Finding, JobState, NvrTest, ScanDiff
from proxyd.errors import InvalidInput, NotFound, ProxyError
from tests.onviftui.cli_daemon import AT, FakeDaemon, camera, job


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[FakeDaemon]:
    async with FakeDaemon(tmp_path / "s") as daemon:
        yield daemon


class Ran:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def onviftui(daemon: FakeDaemon, tmp_path: Path) -> Any:
    async def run(*words: str) -> Ran:
        args = build_parser().parse_args(words)
        out = Output(json_mode=args.json, out=io.StringIO(), err=io.StringIO())
        async with RpcClient(tmp_path / "s") as client:
            code = await COMMANDS[args.noun, getattr(args, "verb", None)](args, client, out)
        assert isinstance(out.out, io.StringIO) and isinstance(out.err, io.StringIO)
        return Ran(code, out.out.getvalue(), out.err.getvalue())

    return run


def type_in(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


async def test_nvr_add_takes_the_password_from_stdin(
    daemon: FakeDaemon, onviftui: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    type_in(monkeypatch, " s3cret ä \nmore\n")
    words = "nvr add --host 192.0.2.11 --port 8000 --user admin --name Cellar --password-stdin"
    ran = await onviftui(*words.split())
    expected = {"host": "192.0.2.11", "port": 8000, "username": "admin", "name": "Cellar", "password": " s3cret ä "}
    assert daemon.called("nvr.add") == [expected]
    assert ran.code == 0 and "onviftui nvr scan 2" in ran.out and "s3cret" not in ran.out + ran.err


async def test_nvr_add_without_a_password_changes_nothing(
    daemon: FakeDaemon, onviftui: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    type_in(monkeypatch, "")
    for extra in ([], ["--password-stdin"]):
        with pytest.raises(InvalidInput):
            await onviftui("nvr", "add", "--host", "192.0.2.11", "--user", "admin", *extra)
    assert daemon.calls == []


async def test_wrong_values_name_their_fields(onviftui: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    type_in(monkeypatch, "x\n")
    with pytest.raises(InvalidInput) as caught:
        await onviftui("nvr", "add", "--host", "http://a/", "--port", "0", "--user", "admin", "--password-stdin")
    assert set(caught.value.fields) == {"host", "port"}


async def test_nvr_edit_sends_only_what_was_typed(
    daemon: FakeDaemon, onviftui: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await onviftui("nvr", "edit", "Attic", "--port", "8080")
    type_in(monkeypatch, "new\r\n")
    await onviftui("nvr", "edit", "1", "--password-stdin")
    await onviftui("nvr", "edit", "1", "--transport", "udp")
    assert daemon.called("nvr.update") == [
        {"id": 1, "port": 8080},
        {"id": 1, "password": "new"},
        {"id": 1, "transport": "udp"},
    ]
    assert daemon.called("nvr.test") == [{"id": 1, "port": 8080}, {"id": 1, "password": "new"}]
    with pytest.raises(InvalidInput, match="Nothing to change"):
        await onviftui("nvr", "edit", "1")


async def test_nvr_edit_saves_nothing_that_does_not_work(
    daemon: FakeDaemon, onviftui: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon.test_answer = NvrTest(ok=False, message="Attic refused the password.", hint="Check the ONVIF user.")
    type_in(monkeypatch, "new\r\n")
    with pytest.raises(ProxyError, match=r"refused the password\. Check .* Nothing was saved\. --no-test saves it"):
        await onviftui("nvr", "edit", "1", "--user", "bob", "--password-stdin")
    assert daemon.called("nvr.update") == []
    await onviftui("nvr", "edit", "1", "--user", "bob", "--no-test")
    await onviftui("nvr", "edit", "1", "--name", "Barn")
    assert daemon.called("nvr.update") == [{"id": 1, "username": "bob"}, {"id": 1, "name": "Barn"}]
    assert len(daemon.called("nvr.test")) == 1


async def test_nvr_scan_shows_progress_and_the_result(daemon: FakeDaemon, onviftui: Any) -> None:
    ran = await onviftui("nvr", "scan", "Attic", "--no-start", "--restore")
    assert daemon.called("nvr.scan") == [{"id": 1, "start": False, "restore": True}]
    assert ran.code == 0 and ran.out.startswith("Scanned 2 channels: 2 new (1, 2).\nNext: ")
    assert "scan 1/2 channel 1\n" in ran.err


async def test_a_preview_says_what_would_change_and_how_to_keep_it(daemon: FakeDaemon, onviftui: Any) -> None:
    found = ScanDiff(new=[3], changed=[2], words={3: "Ramp", 2: "main now H.265"})
    done = {"done": 3, "total": 3, "state": JobState.DONE, "ended": AT, "diff": found, "preview": True}
    daemon.scan_steps = [job(**done, outcome="waiting")]
    ran = await onviftui("nvr", "scan", "1", "--preview")
    assert daemon.called("nvr.scan") == [{"id": 1, "start": True, "restore": False, "preview": True}]
    assert ran.out == (
        "Scanned 3 channels: 1 new (3), 1 changed (2).\n"
        "  channel 2: main now H.265\n"
        "  channel 3: Ramp\n"
        "Nothing was changed yet. Keep it: onviftui job apply 7\n"
    )
    assert (await onviftui("nvr", "scan", "1", "--preview", "--json")).json["outcome"] == "waiting"
    ran = await onviftui("job", "apply", "7")
    assert daemon.called("job.apply") == [{"id": 7}] and ran.out.endswith("It is kept.\n")
    assert (await onviftui("job", "apply", "7", "--json")).json["outcome"] == "kept"
    assert "nothing was changed" in (await onviftui("job", "discard", "7")).out
    assert (await onviftui("job", "discard", "7", "--json")).json["outcome"] == "discarded"


async def test_nvr_scan_as_json_is_one_job(onviftui: Any) -> None:
    ran = await onviftui("nvr", "scan", "1", "--json")
    assert ran.json["state"] == "done" and ran.json["diff"]["new"] == [1, 2]


async def test_nvr_scan_without_waiting(onviftui: Any) -> None:
    assert (await onviftui("--json", "nvr", "scan", "1", "--no-wait")).json["state"] == "running"


async def test_a_failed_scan_raises_its_words(daemon: FakeDaemon, onviftui: Any) -> None:
    daemon.scan_steps = [job(state=JobState.FAILED, error="Attic is silent.", hint="Is it on?", ended=AT)]
    with pytest.raises(ProxyError, match=r"Attic is silent\. Is it on\?"):
        await onviftui("nvr", "scan", "1")


async def test_scan_summary_names_warnings(daemon: FakeDaemon, onviftui: Any) -> None:
    diff = ScanDiff(missing=[4], offline=[2], warnings=["The clock is wrong."])
    daemon.scan_steps = [job(done=3, state=JobState.DONE, diff=diff, ended=AT)]
    ran = await onviftui("nvr", "scan", "1")
    assert ran.out == "Scanned 3 channels: 1 missing (4), 1 without picture (2).\nNote: The clock is wrong.\n"


async def test_nvr_test(daemon: FakeDaemon, onviftui: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await onviftui("nvr", "test", "Attic")).out == "It works: 2 channels.\n"
    daemon.test_answer = NvrTest(ok=False, message="Attic refused the password.", hint="Check the ONVIF user.")
    with pytest.raises(ProxyError, match="Check the ONVIF user"):
        await onviftui("nvr", "test", "1")
    assert (await onviftui("nvr", "test", "1", "--json")).code == 1
    type_in(monkeypatch, "pw\n")
    await onviftui("nvr", "test", "--host", "192.0.2.9", "--user", "u", "--password-stdin", "--json")
    assert daemon.called("nvr.test")[-1] == {"host": "192.0.2.9", "username": "u", "password": "pw"}


async def test_lists_have_words(daemon: FakeDaemon, onviftui: Any) -> None:
    assert "already added as NVR 1" in (await onviftui("nvr", "discover", "--timeout", "0.5")).out
    assert "Attic" in (await onviftui("nvr", "list")).out
    assert "192.0.2.10:80" in (await onviftui("nvr", "show", "1")).out
    assert "loop1" in (await onviftui("interface", "list")).out
    assert "Scan of Attic" in (await onviftui("job", "list")).out
    assert "camera 1: running (root)" in (await onviftui("log", "tail")).out
    assert "3 running" in (await onviftui("status")).out
    await onviftui("interface", "list", "--available")
    assert daemon.called("interface.available")


async def test_interfaces_are_shown_before_they_are_made(daemon: FakeDaemon, onviftui: Any) -> None:
    ran = await onviftui(*["interface", "add", "2", "--parent", "eth0", "--dry-run"])
    assert "vcam2" in ran.out and "by DHCP" in ran.out and ran.out.endswith("Nothing was changed yet.\n")
    with pytest.raises(InvalidInput, match="Nobody is there"):
        await onviftui("interface", "add", "2")
    assert all(call["dry_run"] for call in daemon.called("interface.add"))
    ran = await onviftui("interface", "add", "2", "--yes")
    assert daemon.called("interface.add")[-1] == {"count": 2, "digest": "c0ffee"}
    assert "Added 2 interfaces." in ran.out
    ran = await onviftui("interface", "remove", "vcam1", "vcam2", "--yes", "--json")
    assert ran.json["done"] and [one["name"] for one in ran.json["removed"]] == ["vcam1", "vcam2"]
    for words in ("interface add 0", "interface add many", "interface remove"):
        with pytest.raises(InvalidInput):
            await onviftui(*words.split())


async def test_the_doctor_says_what_to_do_and_fails_for_a_problem(daemon: FakeDaemon, onviftui: Any) -> None:
    ok = Finding(id="camera-ok", severity="ok", what="vcam1 is well.", interface="vcam1", camera=1)
    daemon.findings = [ok]
    assert (await onviftui("interface", "doctor")).out == "ok: vcam1 is well.\n"
    blocked = Finding(id="mac-blocked", severity="problem", what="Blocked.", why="A switch.", todo="Open it.")
    daemon.findings = [blocked, ok]
    done = await onviftui("interface", "doctor")
    assert done.code == 1
    assert done.out.startswith("problem: Blocked.\n    why: A switch.\n    do:  Open it.\n")
    done = await onviftui("interface", "doctor", "--json")
    assert done.code == 1 and [one["id"] for one in done.json] == ["mac-blocked", "camera-ok"]


async def test_empty_lists_teach_the_next_step(daemon: FakeDaemon, onviftui: Any) -> None:
    daemon.nvrs, daemon.cameras = [], []
    assert "onviftui nvr add" in (await onviftui("nvr", "list")).out
    assert "onviftui nvr scan" in (await onviftui("camera", "list")).out
    assert (await onviftui("camera", "list", "--json")).json == []
    assert (await onviftui("camera", "stop", "--all", "--json")).json == []


async def test_camera_list_json_has_the_contract_fields(onviftui: Any) -> None:
    entry = (await onviftui("camera", "list", "--json")).json[0]
    names = "id name nvr channel state reason address mac interface onvif_url snapshot_url username streams"
    assert set(names.split()) <= set(entry)
    assert {"name", "url", "codec", "width", "height", "fps", "bitrate"} <= set(entry["streams"][0])
    assert entry["nvr"] == 1 and entry["state"] == "running"


async def test_camera_list_for_people(daemon: FakeDaemon, onviftui: Any) -> None:
    daemon.cameras[1] = camera(2, "Yard", state=CameraState.WRONG_PASSWORD, reason="Enter the new one.", address=None)
    lines = (await onviftui("camera", "list")).out.splitlines()
    assert "Front gate" in lines[1] and "H.264 1920×1080" in lines[1]
    assert "wrong NVR password" in lines[2] and lines[2].endswith("Enter the new one.")


async def test_cameras_are_listed_with_their_ports_where_these_are_not_the_usual_ones(
    daemon: FakeDaemon, onviftui: Any
) -> None:
    for index in (0, 1):
        url = f"http://10.77.0.9:{8101 + index}/onvif/device_service"
        daemon.cameras[index] = camera(index + 1, f"Cam {index}", address="10.77.0.9", onvif_url=url)
    url = "http://10.77.0.7/onvif/device_service"
    daemon.cameras[2] = camera(3, "Yard", address="10.77.0.7", onvif_url=url)
    lines = (await onviftui("camera", "list")).out.splitlines()
    assert "10.77.0.9:8101" in lines[1] and "10.77.0.9:8102" in lines[2]
    assert "10.77.0.7 " in lines[3]


async def test_camera_streams_says_what_is_sent_what_is_lost_and_who_plays(onviftui: Any) -> None:
    ran = await onviftui("camera", "streams", "Front gate")
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert ran.code == 0
    for words in (
        "stream: main, running",
        "told: H.265 2560×1440 Main",
        "sent: H.264 1920×1080 High",
        "from the NVR: 25.0 fps key 2.0 s jitter 1.2 ms 5.9 Mbit/s",
        "lost: 3 packets, 1 reconnect",
        "to recorders: 5.9 Mbit/s, 1 playing",
        "stream: sub, idle",
        "sent: not known until a recorder plays",
        f"main 192.0.2.50:40000 TCP {local_time(AT)} 2 120",
    ):
        assert words in lines, ran.out
    assert "warning: Attic says 2560×1440 H.265 for the main stream" in " ".join(lines)
    main, sub = (await onviftui("--json", "camera", "streams", "1")).json
    assert (main["sent"]["width"], main["clients"][0]["skips"], sub["sent"]) == (1920, 2, None)


async def test_camera_show_by_name_keeps_the_password_to_itself(onviftui: Any) -> None:
    shown = (await onviftui("camera", "show", "Front gate")).out
    assert "rtsp://127.0.77.1:8554/main" in shown and "open sesame" not in shown
    assert "open sesame" in (await onviftui("camera", "credentials", "1")).out
    assert (await onviftui("camera", "credentials", "1", "--json")).json["password"] == "open sesame"


@pytest.mark.parametrize("verb", ["start", "stop", "restart"])
async def test_several_cameras(daemon: FakeDaemon, onviftui: Any, verb: str) -> None:
    ran = await onviftui("camera", verb, "Front gate", "3", "--json")
    assert [entry["id"] for entry in ran.json] == [1, 3]
    await onviftui("camera", verb, "--all")
    assert daemon.called(f"camera.{verb}") == [{"ids": [1, 3]}, {"ids": [1, 2, 3]}]


async def test_one_unknown_camera_stops_nothing(daemon: FakeDaemon, onviftui: Any) -> None:
    with pytest.raises(NotFound):
        await onviftui("camera", "stop", "1", "99")
    assert not daemon.called("camera.stop")


async def test_a_failed_camera_is_exit_code_1(daemon: FakeDaemon, onviftui: Any) -> None:
    daemon.cameras[0] = camera(1, "Front gate", state=CameraState.FAILED)
    assert (await onviftui("camera", "start", "1")).code == 1


async def test_remove_needs_yes_without_a_terminal(
    daemon: FakeDaemon, onviftui: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    type_in(monkeypatch, "y\n")
    for words in (("camera", "remove", "1"), ("nvr", "remove", "1")):
        with pytest.raises(InvalidInput, match="--yes"):
            await onviftui(*words)
    assert not daemon.called("camera.remove") and not daemon.called("nvr.remove")
    assert (await onviftui("camera", "remove", "1", "--yes")).out == "Removed 1 camera.\n"
    assert "Removed NVR 1" in (await onviftui("nvr", "remove", "Attic", "--yes")).out


async def test_camera_edit(daemon: FakeDaemon, onviftui: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    await onviftui("camera", "edit", "1", "--name", "Gate")
    type_in(monkeypatch, "four\n")
    ran = await onviftui("camera", "edit", "1", "--user", "u", "--password-stdin")
    assert daemon.called("camera.update") == [
        {"id": 1, "name": "Gate"},
        {"id": 1, "username": "u", "password": "four"},
    ]
    assert "recorder must be given the new" in ran.out and "four" not in ran.out


async def test_a_camera_is_moved(daemon: FakeDaemon, onviftui: Any) -> None:
    assert (await onviftui("camera", "ptz", "Front gate", "left", "--seconds", "0.5")).out == "Front gate: left.\n"
    assert (await onviftui("camera", "ptz", "1", "preset", "Back door")).out == "Front gate: preset Back door.\n"
    assert (await onviftui("camera", "ptz", "1", "stop", "--json")).json["id"] == 1
    assert daemon.called("camera.ptz") == [
        {"id": 1, "action": "left", "seconds": 0.5, "speed": 0.5},
        {"id": 1, "action": "preset", "preset": "Back door", "seconds": 1.0, "speed": 0.5},
        {"id": 1, "action": "stop", "seconds": 1.0, "speed": 0.5},
    ]
    with pytest.raises(InvalidInput, match="needs the name of a preset"):
        await onviftui("camera", "ptz", "1", "preset")
    with pytest.raises(InvalidInput):
        await onviftui("camera", "ptz", "1", "sideways")


async def test_a_camera_is_hidden_from_searches(daemon: FakeDaemon, onviftui: Any) -> None:
    await onviftui("camera", "edit", "1", "--discovery", "off")
    await onviftui("camera", "edit", "1", "--discovery", "on")
    assert daemon.called("camera.update") == [{"id": 1, "discovery": False}, {"id": 1, "discovery": True}]
    assert "discovery" in (await onviftui("camera", "show", "1")).out
    with pytest.raises(ProxyError, match="discovery"):
        await onviftui("camera", "edit", "1")


async def test_sound_h265_forwarding_and_sharing_are_switched(daemon: FakeDaemon, onviftui: Any) -> None:
    await onviftui("camera", "edit", "1", "--audio", "off", "--h265", "off", "--forward", "on", "--share", "off")
    await onviftui("camera", "edit", "1", "--metadata", "off")
    await onviftui("camera", "edit", "1", "--audio", "on")
    assert daemon.called("camera.update") == [
        {"id": 1, "audio": False, "h265": False, "forward": True, "share": False},
        {"id": 1, "metadata": False},
        {"id": 1, "audio": True},
    ]
    told = (
        "off: recorders get none",
        "hidden from recorders",
        "recorders may change",
        "off: one per recorder",
        "no events beside the video",
    )
    before = (await onviftui("camera", "show", "1")).out
    assert not any(words in before for words in told)
    switched = {"audio": False, "h265": False, "forward": True, "share": False, "metadata": False}
    daemon.cameras = [camera.model_copy(update=switched) for camera in daemon.cameras]
    after = (await onviftui("camera", "show", "1")).out
    assert all(words in after for words in told)


async def test_where_notifications_may_go(daemon: FakeDaemon, onviftui: Any) -> None:
    await onviftui("camera", "edit", "1", "--notify", "10.9.0.0/24,10.8.0.7")
    await onviftui("camera", "edit", "1", "--notify", "none")
    assert daemon.called("camera.update") == [
        {"id": 1, "notify": ["10.9.0.0/24", "10.8.0.7/32"]},
        {"id": 1, "notify": []},
    ]
    assert "its own LAN" in (await onviftui("camera", "show", "1")).out


async def test_https_clock_and_accounts(daemon: FakeDaemon, onviftui: Any) -> None:
    await onviftui("camera", "edit", "1", "--https", "on", "--clock-window", "900")
    await onviftui("camera", "edit", "1", "--https", "off", "--drop-accounts")
    assert daemon.called("camera.update") == [
        {"id": 1, "https": True, "clock_window_s": 900},
        {"id": 1, "https": False, "drop_accounts": True},
    ]
    shown = (await onviftui("camera", "show", "1")).out
    assert "may differ by 300 s" in shown
    assert "its own alone" in shown
    with pytest.raises(ProxyError, match="clock_window_s"):
        await onviftui("camera", "edit", "1", "--clock-window", "5")


async def test_snapshot_into_a_file(onviftui: Any, tmp_path: Path) -> None:
    target = tmp_path / "picture.jpg"
    ran = await onviftui("camera", "snapshot", "1", "-o", str(target))
    assert target.read_bytes().startswith(b"\xff\xd8") and "image/jpeg" in ran.out
    with pytest.raises(ProxyError, match="Cannot write"):
        await onviftui("camera", "snapshot", "1", "-o", str(tmp_path / "no folder" / "x.jpg"))
    assert ran.out.endswith("image/jpeg, from the NVR).\n") and not ran.err
    assert (await onviftui("camera", "snapshot", "1", "--json")).json["content_type"] == "image/jpeg"


async def test_a_snapshot_that_the_nvr_did_not_give_says_why(onviftui: Any, daemon: FakeDaemon, tmp_path: Path) -> None:
    why = "the NVR offers none. Pictures of an H.264 stream need PyAV. Install it: contrib/setup --pictures"
    daemon.picture = daemon.picture.model_copy(update={"fallback": True, "origin": f"none: {why}"})
    ran = await onviftui("camera", "snapshot", "1", "-o", str(tmp_path / "picture.jpg"))
    assert ran.out.endswith("image/jpeg, the stand-in picture).\n") and ran.err.endswith(f"Why: {why}\n")
    summary = (await onviftui("camera", "snapshot", "1", "-o", str(tmp_path / "picture.jpg"), "--json")).json
    assert (summary["fallback"], summary["origin"]) == (True, f"none: {why}")


async def test_addresses_that_were_asked_and_did_not_answer_are_named(onviftui: Any) -> None:
    ran = await onviftui("nvr", "discover", "--probe", "192.0.2.99:8000", "--probe", "nvr.local")
    assert ran.err.startswith("192.0.2.99 did not answer.") and "nvr.local" not in ran.err
    assert (await onviftui("nvr", "discover", "--probe", "192.0.2.99", "--json")).err == ""


async def test_show_says_names_beside_numbers_and_times_of_the_wall_clock(onviftui: Any) -> None:
    assert "1 (Attic), channel 1" in (await onviftui("camera", "show", "1")).out
    assert local_time(AT) in (await onviftui("log", "tail")).out and "Z" not in local_time(AT)


async def test_trace_says_why(onviftui: Any) -> None:
    ran = await onviftui("camera", "trace", "1")
    assert "refused  wrong password" in ran.out
    assert ran.err == (
        "192.0.2.50 was refused: wrong password. Type this camera's own user and password into it, "
        "not the NVR's: onviftui camera credentials 1.\n"
    )


async def test_one_exchange_in_full(daemon: FakeDaemon, onviftui: Any) -> None:
    ran = await onviftui("camera", "trace", "1", "--raw", "7")
    assert daemon.called("camera.exchange") == [{"id": 1, "number": 7}]
    assert "192.0.2.50:40000  GetProfiles, answered" in ran.out
    assert "--- the recorder sent ---\nPOST /onvif/media_service\n\n<asked/>\n" in ran.out
    assert ran.out.endswith("--- the camera sent ---\nHTTP/1.1 200\n\n<told/>\n")


async def test_the_doctor_of_one_camera(daemon: FakeDaemon, onviftui: Any) -> None:
    wrong = Finding(id="wrong-password", severity="problem", what="192.0.2.50 used a wrong password.", todo="Type it.")
    daemon.findings = [wrong]
    done = await onviftui("camera", "doctor", "1")
    assert daemon.called("camera.diagnosis") == [{"id": 1}]
    assert (done.code, done.out) == (1, "problem: 192.0.2.50 used a wrong password.\n    do:  Type it.\n")


async def test_forget_adoption(daemon: FakeDaemon, onviftui: Any) -> None:
    assert "Forgot which recorder has 1 camera." in (await onviftui("camera", "forget-adoption", "1")).out
    assert daemon.called("adoption.forget") == [{"ids": [1]}]


async def test_job_cancel(daemon: FakeDaemon, onviftui: Any) -> None:
    assert "kept" in (await onviftui("job", "cancel", "7")).out
    assert daemon.called("job.cancel") == [{"id": 7}]


async def test_events_of_a_camera(onviftui: Any) -> None:
    ran = await onviftui("camera", "events", "1")
    assert ran.code == 0
    assert "person begins" in ran.out
    assert "PeopleDetect" in ran.out


async def test_source_add_takes_the_user_from_the_address_and_the_password_from_stdin(
    daemon: FakeDaemon, onviftui: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    type_in(monkeypatch, "s3cret\n")
    words = "source add rtsp://admin@192.0.2.7/a --sub rtsp://192.0.2.7/b --name Yard --password-stdin"
    ran = await onviftui(*words.split())
    assert ran.code == 0
    (given,) = [params for method, params in daemon.calls if method == "source.add"]
    assert given == {
        "main": "rtsp://admin@192.0.2.7/a",
        "sub": "rtsp://192.0.2.7/b",
        "name": "Yard",
        "username": "admin",
        "password": "s3cret",
        "scan": False,
    }
    assert "Added camera 4 (Yard) to NVR 1." in ran.out
    assert ("nvr.scan", {"id": 1, "start": True, "restore": False}) in daemon.calls


async def test_source_add_without_an_account_asks_for_none(daemon: FakeDaemon, onviftui: Any) -> None:
    ran = await onviftui("source", "add", "rtsp://192.0.2.7/a", "--no-scan", "--json")
    assert ran.json["camera"] == 4
    assert ("source.add", {"main": "rtsp://192.0.2.7/a", "scan": False}) in daemon.calls
    with pytest.raises(InvalidInput, match="Whose password"):
        await onviftui("source", "add", "rtsp://192.0.2.7/a", "--password-stdin")


async def test_source_add_says_when_the_streams_were_not_read(daemon: FakeDaemon, onviftui: Any) -> None:
    daemon.scan_steps = [job(state=JobState.FAILED, ended=AT, error="No answer.", hint="Is it on?")]
    with pytest.raises(ProxyError, match="was added, but its streams were not read: No answer") as raised:
        await onviftui("source", "add", "rtsp://192.0.2.7/a")
    hint = "Is it on? onviftui source edit 4 corrects address and account, onviftui nvr scan 1 reads them again."
    assert raised.value.hint == hint


async def test_source_edit_sends_what_was_typed(
    daemon: FakeDaemon, onviftui: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    type_in(monkeypatch, "s3cret\n")
    words = "source edit 2 --main rtsp://admin@192.0.2.9/a --sub none --name Ramp --password-stdin --no-test"
    ran = await onviftui(*words.split())
    assert (ran.code, ran.out[:26]) == (0, "Changed camera 4 (Ramp). I")
    given = {"main": "rtsp://admin@192.0.2.9/a", "sub": "", "username": "admin", "password": "s3cret", "name": "Ramp"}
    assert ("source.update", given | {"camera": 2, "test": False}) in daemon.calls
    ran = await onviftui("source", "edit", "Front gate", "--user", "", "--json")
    assert ran.json["camera"] == 4
    assert ("source.update", {"camera": 1, "username": "", "test": True}) in daemon.calls
    with pytest.raises(InvalidInput, match="Nothing to change"):
        await onviftui("source", "edit", "2")


async def test_source_list_and_test(daemon: FakeDaemon, onviftui: Any) -> None:
    ran = await onviftui("source", "list")
    assert "rtsp://192.0.2.7/a" in ran.out
    ran = await onviftui("source", "test", "rtsp://192.0.2.7/a")
    assert (ran.code, ran.out) == (0, "It works: 2 channels.\n")
    daemon.test_answer = NvrTest(ok=False, message="It refuses.", hint="Try another.")
    with pytest.raises(ProxyError, match="It refuses"):
        await onviftui("source", "test", "rtsp://192.0.2.7/a")


async def test_source_import_shows_first_and_adds_with_yes(daemon: FakeDaemon, onviftui: Any, tmp_path: Path) -> None:
    file = tmp_path / "go2rtc.yaml"
    file.write_text("streams: {door: rtsp://192.0.2.7/a}\n")
    ran = await onviftui("source", "import", str(file))
    assert ran.code == 0
    assert "1 camera would be added; 2 others are left out. Nothing was done yet" in ran.out
    for words in ("Its sub stream is odd.", "it is there already", "it is encrypted"):
        assert words in ran.out
    assert "These are at one host." in ran.err
    given = {"format": "auto", "text": file.read_text(), "dry_run": True, "scan": True}
    assert ("source.import", given) in daemon.calls
    ran = await onviftui("source", "import", str(file), "--format", "go2rtc", "--yes")
    assert "Added 1 camera; 2 others are left out." in ran.out
    assert ("source.import", given | {"format": "go2rtc", "dry_run": False}) in daemon.calls
    ran = await onviftui("source", "import", str(file), "--json")
    assert (ran.code, ran.json["format"]) == (0, "go2rtc")
    daemon.imported.sources = daemon.imported.sources[1:]
    assert (await onviftui("source", "import", str(file))).code == 1


async def test_source_import_reads_standard_input_and_gives_accounts(
    daemon: FakeDaemon, onviftui: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    type_in(monkeypatch, "- rtsp://192.0.2.7/a\n")
    await onviftui("source", "import", "-")
    assert daemon.calls[-1][1]["text"] == "- rtsp://192.0.2.7/a\n"
    file = tmp_path / "list"
    file.write_text("- rtsp://192.0.2.7/a\n")
    type_in(monkeypatch, "s3cret\n")
    await onviftui("source", "import", str(file), "--user", "admin", "--password-stdin")
    assert (daemon.calls[-1][1]["username"], daemon.calls[-1][1]["password"]) == ("admin", "s3cret")
    for words in (("-", "--user", "u", "--password-stdin"), (str(file), "--password-stdin"), ("/nowhere/at/all",)):
        with pytest.raises(InvalidInput):
            await onviftui("source", "import", *words)
    for content in (b"", b"\xff\xfe", b"x" * 200_000):
        file.write_bytes(content)
        with pytest.raises(InvalidInput):
            await onviftui("source", "import", str(file))


@pytest.mark.parametrize(
    "word", ["rtsp://u:s3cret@192.0.2.7/a", "--sub=rtsp://u:s/3@192.0.2.7/a", "rtsp://:s3cret@h/a"]
)
def test_passwords_in_addresses_are_refused_like_all_on_the_command_line(word: str) -> None:
    with pytest.raises(InvalidInput, match="never given on the command line") as raised:
        refuse_password(["source", "add", word])
    assert "s3cret" not in str(raised.value)
    refuse_password(["source", "add", "rtsp://u@192.0.2.7:554/a@b", "rtsp://[2001:db8::7]:554/a", "rtsp://h:554/a:b@c"])
