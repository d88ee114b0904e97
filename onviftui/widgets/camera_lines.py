"""A camera in words: the detail pane and the recorder's requests. Pure: models in, lines out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from proxyd.api.models import Camera, Nvr, Stream, TraceEntry

from ..words import HTTPS_BEGINS, Look, Tone, camera_sign, codec_name, count, format_mbit, format_time, request_words
from .columns import Cell
from .line import Line, Piece, broken, fit_middle, line, line_len, plain, table, wrap


def stream_words(stream: Stream, look: Look) -> str:
    """ "H.265 2560×1440 25 fps" """
    size = f"{stream.width}{look.times}{stream.height}"
    return f"{codec_name(stream.codec)} {size} {stream.fps} fps"


def short_detail(camera: Camera, nvr: Nvr | None, look: Look, width: int) -> list[Line]:
    """Three lines for the smallest screen: who it is, then its streams or why it does not run."""
    who = " ".join(filter(None, (nvr.name if nvr else f"NVR {camera.nvr}", f"ch {camera.channel}")))
    first: list[Piece] = [
        (f" {plain(camera.name)}", Tone.STRONG),
        (f"   {plain(who)}", Tone.TEXT),
        (f"   {camera.mac or 'no MAC'}   {camera.interface or 'no interface'}", Tone.MUTED),
    ]
    streams: list[Piece] = []
    for stream in camera.streams:
        streams += [(f" {stream.name} ", Tone.MUTED), (f"{stream_words(stream, look)}  ", Tone.TEXT)]
        if stream.bps:
            streams.append((f"{format_mbit(stream.bps)} Mbit/s  ", Tone.TEXT))
    if camera.reason:
        words = wrap(camera.reason, max(20, width - 2), camera_sign(camera).tone, limit=2)
        return [tuple(first), *(((" ", Tone.TEXT), *pieces) for pieces in words)]
    if camera.note:
        words = wrap(camera.note, max(20, width - 2), Tone.WARNING, limit=1)
        return [tuple(first), tuple(streams), *(((" ", Tone.TEXT), *pieces) for pieces in words)]
    url: list[Line] = [line((f" {camera.onvif_url}", Tone.MUTED))] if camera.onvif_url else []
    return [tuple(first), tuple(streams), *url]


def tall_detail(camera: Camera, nvr: Nvr | None, look: Look, width: int, height: int = 0) -> list[Line]:
    """For the pane on the right: everything to type into a recorder, and the state in words. Addresses are whole where
    `height` has room for that."""
    whole = _tall(camera, nvr, look, width, whole=True)
    return whole if len(whole) <= height else _tall(camera, nvr, look, width, whole=False)


def _tall(camera: Camera, nvr: Nvr | None, look: Look, width: int, *, whole: bool) -> list[Line]:
    sign = camera_sign(camera)
    without = camera.picture.startswith("none")
    rows: list[tuple[str, str | Piece]] = [
        ("Address", (camera.address or "none yet", Tone.STRONG if camera.address else Tone.WARNING)),
        ("User", camera.username),
        ("ONVIF", camera.onvif_url or ""),
        ("Snapshot", camera.snapshot_url or ""),
        *([("Picture", camera.picture)] if camera.picture and not without else []),
        ("MAC", camera.mac or ""),
        ("Interface", camera.interface or ""),
        ("NVR", f"{nvr.name if nvr else camera.nvr}, channel {camera.channel}"),
        ("Adopted", f"by {camera.adopted_by}" if camera.adopted_by else "by nobody yet"),
        ("Recorder", _recorder(camera)),
        ("Discovery", discovery_words(camera)),
    ]
    lines: list[Line] = [
        line((fit_middle(plain(camera.name), width), Tone.STRONG)),
        line((f"{look.glyph(sign)} {sign.word}", sign.tone)),
        *wrap(camera.reason, width, Tone.TEXT, limit=5),
        *wrap(camera.note, width, Tone.WARNING, limit=4),
        *wrap(f"Snapshot: {camera.picture}" if without else "", width, Tone.MUTED, limit=4),
        line(""),
        *table(rows, width, whole=whole),
    ]
    for stream in camera.streams:
        lines += [line(""), *stream_lines(stream, look, width, whole=whole)]
    return lines


def stream_lines(stream: Stream, look: Look, width: int, *, whole: bool = False) -> list[Line]:
    """What it is, what passes (below, where one line is too short for both) and its addresses."""
    head: Line = ((f"{stream.name:<5}", Tone.ACCENT), (stream_words(stream, look), Tone.TEXT))
    live: list[Piece] = [(f"  {format_mbit(stream.bps)} Mbit/s", Tone.TEXT)] if stream.bps else []
    if stream.clients:
        live.append((f"  {count(stream.clients, 'client')}", Tone.SUCCESS))
    fits = line_len((*head, *live)) <= width
    heads = [(*head, *live)] if fits or not live else [head, (("   ", Tone.TEXT), *live)]
    urls = [url for url in (stream.url, stream.rtsps_url) if url]
    parts = [part for url in urls for part in (broken(url, width) if whole else [fit_middle(url, width)])]
    return [*heads, *(line((part, Tone.MUTED)) for part in parts)]


def discovery_words(camera: Camera) -> Piece:
    """Whether recorders find it by searching."""
    if "Cannot be found" in camera.note:
        return "not now, see above", Tone.WARNING
    return ("on", Tone.TEXT) if camera.discovery else ("off: only its address leads to it", Tone.MUTED)


# Label → field of the camera, words when it is on and when it is off.
SWITCHES: dict[str, tuple[str, str, str]] = {
    "Sound": ("audio", "on", "off: recorders get none"),
    "H.265": ("h265", "on", "off: hidden where there is H.264"),
    "Metadata": ("metadata", "on: events beside the video, too", "off: recorders get no events beside the video"),
    "Settings": ("forward", "recorders may change encoder and picture", "only the NVR changes encoder and picture"),
    "Sharing": ("share", "recorders share one session with the NVR", "a session with the NVR for each recorder"),
    "HTTPS": ("https", HTTPS_BEGINS, "off"),
}


def switch_words(camera: Camera) -> list[tuple[str, str, Tone]]:
    """What can be switched on the camera's own screen: label, how it stands, tone."""
    return [
        (
            label,
            (camera.https_url if field == "https" and camera.https_url else on) if getattr(camera, field) else off,
            Tone.TEXT if getattr(camera, field) else Tone.MUTED,
        )
        for label, (field, on, off) in SWITCHES.items()
    ]


def rights_words(camera: Camera) -> list[tuple[str, str, Tone]]:
    """What `onviftui camera edit` sets besides the switches, and what can be done with it: label, words, tone."""
    return [
        ("PTZ", "yes" if camera.ptz else "no: the NVR offers none", Tone.TEXT if camera.ptz else Tone.MUTED),
        (
            "Speaker",
            "yes: recorders can talk" if camera.speaker else "no" if camera.audio else "no: sound is off",
            Tone.TEXT if camera.speaker else Tone.MUTED,
        ),
        ("Clock", f"a recorder's may differ by {camera.clock_window_s} s", Tone.MUTED),
        ("Notifies", ", ".join(["its own LAN", *camera.notify]), Tone.TEXT if camera.notify else Tone.MUTED),
        (
            "Accounts",
            ", ".join(["its own", *map(plain, camera.accounts)]) if camera.accounts else "its own alone",
            Tone.MUTED,
        ),
    ]


def _recorder(camera: Camera) -> str:
    if not camera.recorder:
        return "none so far"
    return f"{camera.recorder}, {count(camera.clients, 'stream')} open" if camera.clients else camera.recorder


def request_cells(entry: TraceEntry, look: Look, zone: tzinfo | None = None) -> tuple[str, Tone, tuple[Cell, ...]]:
    """Glyph, tone and cells of one exchange: time, client, protocol, operation, result."""
    if entry.ok:
        glyph, tone, result = "✔", Tone.SUCCESS, "ok"
    else:
        glyph, tone, result = "✖", Tone.ERROR, entry.reason or "refused"
    if look.ascii:
        glyph = "+" if entry.ok else "!"
    cells = (
        Cell(format_time(entry.at, zone), Tone.MUTED),
        Cell(entry.client),
        Cell(entry.protocol, Tone.MUTED),
        Cell(request_words(entry)),
        Cell(result, Tone.MUTED if entry.ok else Tone.ERROR),
        Cell(entry.auth, Tone.MUTED),
    )
    return glyph, tone, cells


def request_lines(trace: Sequence[TraceEntry], look: Look, limit: int, zone: tzinfo | None = None) -> list[Line]:
    """The newest exchanges, newest first, one line each."""
    lines: list[Line] = []
    for entry in list(reversed(trace))[: max(0, limit)]:
        glyph, tone, cells = request_cells(entry, look, zone)
        lines.append(
            line(
                (f"{glyph} ", tone),
                (f"{cells[0].text} ", Tone.MUTED),
                (f"{request_words(entry)} ", Tone.TEXT),
                (entry.reason or entry.client, Tone.MUTED),
            )
        )
    return lines
