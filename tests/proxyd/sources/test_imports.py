"""Other programs' lists: what becomes a source, what does not and why, and files made to do harm."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from proxyd.api.params import SourceAdd
from proxyd.nvr.device_answers import clean_text
from proxyd.nvr.result import ScannedChannel
from proxyd.sources.imports.entry import BadList, Listed, Listing, clean_name
from proxyd.sources.imports.reader import FORMATS, read_list
from proxyd.sources.imports.yaml_text import MAX_CHARS, load_yaml
from proxyd.sources.source import Stated
from proxyd.store.matching import camera_name

SECRET = "hunter2"

ONVIF_SERVER = """
onvif:
  - mac: a2:a2:a2:a2:a2:a1
    ports: {server: 8081, rtsp: 8554, snapshot: 8580}
    name: Yard
    uuid: 1714a629-ebe5-4bb8-a430-c18ffd8fa5f6
    highQuality:
      rtsp: /Streaming/Channels/101/
      snapshot: /pic?ch=1
      width: 2048
      height: 1536
      framerate: 15
      bitrate: 3072
      quality: 4
    lowQuality: {rtsp: /Streaming/Channels/102/, width: 640, height: 360, framerate: 8, bitrate: 512, quality: 1}
    target:
      hostname: 192.0.2.152
      ports: {rtsp: 554, snapshot: 80}
  - name: Same twice
    highQuality: {rtsp: live}
    lowQuality: {rtsp: live}
    target: {hostname: 192.0.2.153}
  - name: No target
    highQuality: {rtsp: live}
"""

GO2RTC = f"""
api: {{listen: ":1984"}}
streams:
  front: rtsp://admin:{SECRET}@192.0.2.10:554/h264Preview_01_main#backchannel=0
  front_sub:
    - rtsp://admin:{SECRET}@192.0.2.10:554/h264Preview_01_sub
    - "ffmpeg:front_sub#audio=opus"
  on: ffmpeg:rtsp://192.0.2.11/live#video=h264
  usb: ["exec:ffmpeg -i /dev/video0 -f rtsp {{output}}", "ffmpeg:device?video=0"]
  cloud: onvif://admin:{SECRET}@192.0.2.12
  safe: rtspx://192.0.2.1:7441/abc
  by_env: rtsp://admin:${{CAMERA_PASSWORD}}@192.0.2.14/live
  alone_sub: rtsp://192.0.2.13/sub
  both:
    - rtsp://192.0.2.16/cam/realmonitor?channel=1&subtype=0
    - rtsp://192.0.2.16/cam/realmonitor?channel=1&subtype=0#backchannel=1
    - rtsp://192.0.2.16/cam/realmonitor?channel=1&subtype=1#backchannel=0
  elsewhere: [rtsp://192.0.2.17/a, rtsp://192.0.2.18/a]
  mapped: {{url: [rtsp://192.0.2.15/a]}}
  empty:
"""

FRIGATE = f"""
mqtt: {{host: mqtt, password: !secret mqtt}}
go2rtc:
  streams:
    porch: [rtsp://u:{SECRET}@192.0.2.20/main, "ffmpeg:porch#audio=opus"]
    porch_sub: [rtsp://u:{SECRET}@192.0.2.20/sub]
    usb: exec:something
detect_defaults: &detect {{width: 640, height: 360, fps: 5}}
cameras:
  porch:
    friendly_name: Front porch
    ffmpeg:
      inputs:
        - {{path: rtsp://127.0.0.1:8554/porch, input_args: preset-rtsp-restream, roles: [record]}}
        - {{path: rtsp://127.0.0.1:8554/porch_sub, roles: [detect]}}
    detect:
      <<: *detect
      enabled: true
  garage:
    ffmpeg:
      inputs:
        - path: rtsp://u:{SECRET}@192.0.2.21:8554/one
          roles: [detect, record]
  split:
    ffmpeg:
      inputs:
        - {{path: rtsp://192.0.2.22/detect, roles: [detect]}}
        - {{path: rtsp://192.0.2.23/record, roles: [record]}}
  by_env: {{ffmpeg: {{inputs: [{{path: "rtsp://{{FRIGATE_USER}}:{{FRIGATE_RTSP_PASSWORD}}@192.0.2.24/x"}}]}}}}
  usb: {{ffmpeg: {{inputs: [{{path: rtsp://localhost:8554/usb}}]}}}}
  lost: {{ffmpeg: {{inputs: [{{path: rtsp://localhost:8554/nowhere}}]}}}}
  off: {{enabled: false, ffmpeg: {{inputs: [{{path: rtsp://192.0.2.25/x}}]}}}}
  none: {{ffmpeg: {{inputs: []}}}}
"""


def by_name(listing: Listing) -> dict[str, Listed]:
    found = {item.name: item for item in listing.items}
    assert len(found) == len(listing.items)
    assert SECRET not in repr(listing)
    for item in listing.items:
        assert (item.source is None) == bool(item.problem)
        assert SECRET not in " ".join((item.problem, *item.notes))
    return found


def urls(item: Listed) -> tuple[str, str | None]:
    assert item.source is not None, item.problem
    return item.source.main.url, item.source.sub.url if item.source.sub else None


@pytest.mark.parametrize("format_name", ["auto", "onvif-server", "rtsp-to-onvif"])
def test_onvif_server(format_name: str) -> None:
    listing = read_list(ONVIF_SERVER, format_name, username="u", password=SECRET)
    items = by_name(listing)
    assert listing.format == ("onvif-server" if format_name == "auto" else format_name)
    assert "MAC" in listing.notes[0]
    yard = items["Yard"].source
    assert yard is not None
    assert urls(items["Yard"]) == (
        "rtsp://192.0.2.152/Streaming/Channels/101/",
        "rtsp://192.0.2.152/Streaming/Channels/102/",
    )
    assert yard.snapshot is not None
    assert yard.snapshot.url == "http://192.0.2.152/pic?ch=1"
    assert (yard.username, yard.password) == ("u", SECRET)
    assert yard.stated == (Stated(2048, 1536, 15, 3072), Stated(640, 360, 8, 512))
    assert urls(items["Same twice"]) == ("rtsp://192.0.2.153/live", None)
    assert "target.hostname" in items["No target"].problem


def test_go2rtc() -> None:
    listing = read_list(GO2RTC)
    items = by_name(listing)
    assert listing.format == "go2rtc"
    assert urls(items["front"]) == (
        "rtsp://192.0.2.10/h264Preview_01_main",
        "rtsp://192.0.2.10/h264Preview_01_sub",
    )
    assert items["front"].source is not None
    assert items["front"].source.password == SECRET
    assert urls(items["on"]) == ("rtsp://192.0.2.11/live", None)  # a name, not a truth value
    assert "ffmpeg" in items["on"].notes[0]
    assert "rtsp://ADDRESS-OF-GO2RTC:8554/usb" in items["usb"].problem
    assert "add that as an NVR" in items["cloud"].problem
    assert urls(items["safe"]) == ("rtsps://192.0.2.1:7441/abc", None)
    assert "placeholder" in items["by_env"].problem
    assert urls(items["alone_sub"]) == ("rtsp://192.0.2.13/sub", None)
    assert urls(items["both"])[1] == "rtsp://192.0.2.16/cam/realmonitor?channel=1&subtype=1"
    assert urls(items["elsewhere"]) == ("rtsp://192.0.2.17/a", None)
    assert "another host" in items["elsewhere"].notes[0]
    assert urls(items["mapped"]) == ("rtsp://192.0.2.15/a", None)
    assert items["empty"].source is None


def test_frigate() -> None:
    listing = read_list(FRIGATE)
    items = by_name(listing)
    assert listing.format == "frigate"
    assert urls(items["Front porch"]) == ("rtsp://192.0.2.20/main", "rtsp://192.0.2.20/sub")
    assert items["Front porch"].source is not None
    assert items["Front porch"].source.stated[1] == Stated(640, 360)
    assert urls(items["garage"]) == ("rtsp://192.0.2.21:8554/one", None)
    assert urls(items["split"]) == ("rtsp://192.0.2.23/record", None)
    assert "another host" in items["split"].notes[0]
    assert "placeholder" in items["by_env"].problem
    assert "exec" in items["usb"].problem
    assert "restream" in items["lost"].problem
    assert "switched off" in items["off"].problem
    assert "no ffmpeg input" in items["none"].problem


@pytest.mark.parametrize(
    "text",
    [
        "name,main,sub\nDoor,rtsp://192.0.2.30/a,rtsp://192.0.2.30/b\nYard,rtsp://192.0.2.31/a,\n",
        "\ufeffCamera;RTSP URL;Substream\r\nDoor;rtsp://192.0.2.30/a;rtsp://192.0.2.30/b\r\nYard;rtsp://192.0.2.31/a;\r\n",
        "# mine\nDoor,rtsp://192.0.2.30/a,rtsp://192.0.2.30/b\nYard,rtsp://192.0.2.31/a\n",
        "- {name: Door, main: rtsp://192.0.2.30/a, sub: rtsp://192.0.2.30/b}\n- {name: Yard, rtsp_url: rtsp://192.0.2.31/a}\n",
        "cameras:\n  Door: {url: rtsp://192.0.2.30/a, sub: rtsp://192.0.2.30/b}\n  Yard: rtsp://192.0.2.31/a\n",
    ],
)
def test_our_own_lists_in_every_dress(text: str) -> None:
    items = by_name(read_list(text))
    assert urls(items["Door"]) == ("rtsp://192.0.2.30/a", "rtsp://192.0.2.30/b")
    assert urls(items["Yard"]) == ("rtsp://192.0.2.31/a", None)


def test_lists_without_names_and_with_accounts_and_sizes() -> None:
    text = f"main,user,password,width,height,fps,bitrate\nrtsp://192.0.2.30/a,u,{SECRET},1920,1080,29.97,4000\n"
    source = by_name(read_list(text, "csv"))["Camera 1"].source
    assert source is not None
    assert (source.username, source.password, source.stated[0]) == ("u", SECRET, Stated(1920, 1080, 30, 4000))


def test_what_a_list_has_twice_or_against_itself_is_said() -> None:
    items = by_name(
        read_list(
            "name,main\n"
            "a,rtsp://u:one@192.0.2.30/a\n"
            "b,rtsp://u:one@192.0.2.30/a\n"
            "c,rtsp://u:two@192.0.2.30/c\n"
            "d,rtsp://192.0.2.30/a b\n"
            "e,\n"
            "f,rtsp://u:one@192.0.2.30/f\n"
            "g,rtsp://u:one@192.0.2.30/g\n"
        )
    )
    assert "same stream as a" in items["b"].problem
    assert "another password" in items["c"].problem
    assert "spaces" in items["d"].problem
    assert "no address" in items["e"].problem
    assert items["f"].source is not None


def test_many_cameras_at_one_host_are_probably_an_nvr() -> None:
    text = "".join(f"- rtsp://192.0.2.30/{n}\n" for n in range(4))
    assert any("add it as one" in note for note in read_list(text).notes)


@pytest.mark.parametrize(
    ("text", "format_name", "words"),
    [
        ("", "auto", "cannot be told"),
        ("a: [", "auto", "line"),
        ("a: b\n", "auto", "cannot be told"),
        ("a: b\n", "frigate", "no “cameras”"),
        ("a: b\n", "go2rtc", "no “streams”"),
        ("a: b\n", "onvif-server", "no list “onvif”"),
        ("[]", "yaml", "no list of cameras"),
        ("just words\nmore words\n", "auto", "no column with addresses"),
        ("name,main\n", "csv", "no camera"),
        ("", "csv", "empty"),
        ("x: !!python/object/apply:os.system [ls]\n", "yaml", "cannot be read"),
        ("- &a [*a]\n", "yaml", "circle"),
        ("[" * 60 + "]" * 60, "yaml", "nested"),
        ("- *nothing\n", "yaml", "line 1"),
        ("x: \x00\n", "yaml", "cannot be read"),
        ("main\n" + "rtsp://192.0.2.1/a\n" * 600, "csv", "more than 512"),
        ("x" * (MAX_CHARS + 1), "auto", "larger"),
        ("x" * (MAX_CHARS + 1), "csv", "larger"),
    ],
)
def test_files_that_cannot_be_used_say_why(text: str, format_name: str, words: str) -> None:
    with pytest.raises(BadList, match=words) as raised:
        read_list(text, format_name)
    assert raised.value.hint


def test_aliases_that_multiply_are_refused_before_they_do() -> None:
    for link in ("{x}: [*y, *y, *y, *y, *y, *y, *y, *y, *y]", "{x}: {{<<: [*y, *y, *y, *y, *y, *y, *y, *y, *y]}}"):
        lines = ["l0: &l0 {k: v}"]
        for number in range(1, 30):
            body = link.format(x="").partition(": ")[2].replace("*y", f"*l{number - 1}")
            lines.append(f"l{number}: &l{number} {body}")
        with pytest.raises(BadList, match="aliases"):
            load_yaml("\n".join(lines))


def test_names_are_fit_for_cameras() -> None:
    assert clean_name("  a\tb\x00c" + "d" * 80) == ("a b c" + "d" * 80)[:64]


@given(st.text(max_size=300), st.sampled_from(FORMATS))
def test_any_text_is_a_list_or_refused_in_words(text: str, format_name: str) -> None:
    try:
        listing = read_list(text, format_name)
    except BadList as error:
        assert str(error)
        assert error.hint
        return
    assert listing.items


_KEYS = st.sampled_from(["onvif", "streams", "cameras", "go2rtc", "ffmpeg", "inputs", "path", "roles", "target", "url"])
_VALUES = st.recursive(
    st.sampled_from(["", "rtsp://192.0.2.1/a", "rtsp://u:p@h/b", "exec:x", "12", "~", "ffmpeg:a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(_KEYS, _VALUES, min_size=1, max_size=4), st.sampled_from(FORMATS))
def test_any_structure_is_a_list_or_refused_in_words(document: dict[str, object], format_name: str) -> None:
    try:
        listing = read_list(json.dumps(document), format_name)  # JSON is YAML
    except BadList:
        return
    for item in listing.items:
        assert (item.source is None) == bool(item.problem)


@pytest.mark.parametrize("value", ["!!bool x", '!!int ""', '!!float ""', "!!timestamp x", '!!binary "@@"', "!!int 7"])
def test_scalars_stay_text_whatever_their_tag_says(value: str) -> None:
    [item] = read_list(f'- {{name: {value}, main: "rtsp://10.0.0.9/a"}}').items
    assert item.source is not None
    assert item.name in ("x", "@@", "7", "Camera 1")


def test_a_key_that_is_there_twice_loses_no_camera() -> None:
    with pytest.raises(BadList, match="In line 3 is a key that was there before"):
        read_list("streams:\n  door: rtsp://10.0.0.9/1\n  door: rtsp://10.0.0.9/2\n")
    merged = "a: &a {main: 'rtsp://10.0.0.9/1', name: A}\ncameras:\n  - {<<: *a, name: B}\n"
    assert [item.name for item in read_list(merged).items] == ["B"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("rtsp://admin:s3cret-1@10.0.0.9:554/a?x=1", "rtsp://10.0.0.9:554/a"),
        ("rtsp://admin:s3cret-1@x?/y@10.0.0.9/a", "rtsp://10.0.0.9/a"),
        ("rtsp://10.0.0.9/a?password=s3cret-1", "rtsp://10.0.0.9/a"),
        ("rtsp://10.0.0.9/user=admin_password=s3cret-1_channel=1", "rtsp://10.0.0.9/user=admin_password=…"),
        ("Door admin:s3cret-1@10.0.0.9", "Door 10.0.0.9"),
        ("Door password:s3cret-1", "Door password:…"),
        ("Door: left @ gate, 50 % (a=b)", "Door: left @ gate, 50 % (a=b)"),
    ],
)
def test_an_address_for_a_name_keeps_its_account_to_itself(name: str, shown: str) -> None:
    lists = [
        f'name,main\n"{name}",rtsp://10.0.0.9/b\n"{name}",rtsp://10.0.0.9/b',
        json.dumps({"cameras": {name: "rtsp://10.0.0.9/b"}}),
        json.dumps({"streams": {name: "exec:s3cret-1"}}),
        json.dumps({"streams": {name: "rtsp://10.0.0.9/b"}}),
        json.dumps({"cameras": {name: {"ffmpeg": {"inputs": [{"path": "rtsp://10.0.0.9/b"}]}}}}),
        json.dumps({"onvif": [{"name": name, "target": {}}]}),
    ]
    for text in lists:
        listing = read_list(text)
        assert [item.name for item in listing.items] == [shown] * len(listing.items)
        assert "s3cret-1" not in repr(listing)
    channel = ScannedChannel("k", 1, name, False, ())
    assert camera_name(channel) == shown
    assert "s3cret-1" not in clean_text(name)
    params = {"main": "rtsp://10.0.0.9/b", "name": name}
    if name == shown:
        assert SourceAdd.model_validate(params).name == name
    else:
        with pytest.raises(ValidationError, match="must not hold a password"):
            SourceAdd.model_validate(params)
