"""A stream in lines: what it is, what passes, the last minutes, who gets it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo

from proxyd.api.history import StreamHistory
from proxyd.api.models import Stream
from proxyd.api.streams import StreamClient, StreamStatus

from ..stream_words import sent_words
from ..widgets.camera_lines import stream_words
from ..widgets.line import Line, Piece, fit_middle, line, plain, wrap
from ..widgets.sparkline import sparkline
from ..words import OFF_GLYPH, ON_GLYPH, WAITING_GLYPH, Look, Sign, Tone, count, format_mbit

_LEFT = 8  # the column of labels
_ROOMY = 72  # from here on there is room for more about a recorder
_SAID = 8  # cells behind a drawing
_SIGNS = {
    "idle": Sign(*OFF_GLYPH, "idle"),
    "running": Sign(ON_GLYPH[0], "*", Tone.SUCCESS, "running"),
    "interrupted": Sign(*WAITING_GLYPH, "interrupted: it is fetched again"),
}
_WIDTHS = (60, 30, 20, 12)  # of a drawing: parts of the steps that all cells share alike


def stream_block(
    stream: Stream,
    flow: StreamStatus | None,
    history: StreamHistory | None,
    look: Look,
    width: int,
    zone: tzinfo | None = None,
) -> list[Line]:
    """All that is known of one stream; `flow` and `history` are None until the daemon has answered."""
    sign = _SIGNS[flow.state if flow else "idle"]
    lines: list[Line] = [
        line(
            (f" {stream.name:<{_LEFT - 1}}", Tone.ACCENT),
            (stream_words(stream, look), Tone.STRONG),
            (f"   {look.glyph(sign)} ", sign.tone),
            (sign.word, sign.tone),
        )
    ]
    lines += [_labelled("", (fit_middle(url, width - _LEFT - 1), Tone.TEXT)) for url in _urls(stream)]
    if flow is not None:
        lines += _of_flow(flow, look, width)
    if history is not None and (any(history.source_bps) or any(history.clients)):
        lines += _drawn(history, look, width)
    for client in flow.clients if flow else ():
        lines.append(_client(client, width, zone))
    return lines


def _urls(stream: Stream) -> Iterator[str]:
    yield stream.url or "no address yet"
    if stream.rtsps_url:
        yield stream.rtsps_url


def _labelled(label: str, *pieces: Piece) -> Line:
    return ((f" {label:<{_LEFT - 1}}", Tone.MUTED), *pieces)


def _of_flow(flow: StreamStatus, look: Look, width: int) -> Iterator[Line]:
    if flow.state == "running":
        key = f"{flow.key_interval_s:.1f} s" if flow.key_interval_s else "none"
        yield _labelled(
            "now",
            (f"{format_mbit(flow.source_bps) or '0':>5}", Tone.STRONG),
            (" Mbit/s ", Tone.MUTED),
            (f"{flow.fps:>5.1f}", Tone.STRONG),
            (" fps  key ", Tone.MUTED),
            (f"{key:<5}", Tone.TEXT),
            (" jitter ", Tone.MUTED),
            (f"{flow.jitter_ms:.1f} ms", Tone.TEXT),
        )
    trouble: list[Piece] = [(f"{flow.lost:>5}", Tone.WARNING if flow.lost else Tone.TEXT), (" packets", Tone.MUTED)]
    if flow.reconnects:
        trouble += [("   ", Tone.TEXT), (count(flow.reconnects, "reconnect"), Tone.WARNING)]
    if flow.lost or flow.reconnects or flow.state == "running":
        yield _labelled("lost", *trouble)
    if flow.sent is not None and flow.mismatch:
        yield _labelled("sends", (sent_words(flow, look), Tone.WARNING))
    for words in wrap(flow.warning, max(20, width - _LEFT - 1), Tone.WARNING if flow.mismatch else Tone.MUTED, limit=4):
        yield _labelled("", *words)


def _drawn(history: StreamHistory, look: Look, width: int) -> Iterator[Line]:
    """The row of blocks and its greatest value; on terminals without blocks the numbers alone."""
    rows: list[tuple[str, Sequence[float], str]] = [
        ("Mbit/s", history.source_bps, f"max {format_mbit(max(history.source_bps)) or '0'}"),
        ("fps", history.fps, f"max {max(history.fps, default=0):.0f}"),
        ("plays", history.clients, f"max {max(history.clients, default=0)}"),
    ]
    if any(history.lost):
        rows.append(("lost", history.lost, f"sum {sum(history.lost)}"))
    room = width - _LEFT - 2 - _SAID
    for label, values, said in rows:
        cells = sparkline(values, next((one for one in _WIDTHS if one <= room), 0), look)
        tone = {"lost": Tone.WARNING, "fps": Tone.QUIET, "plays": Tone.QUIET}.get(label, Tone.ACCENT)
        drawing: tuple[Piece, ...] = ((f"{cells}  ", tone),) if cells else ()
        yield _labelled(label, *drawing, (said, Tone.MUTED))


def _client(client: StreamClient, width: int, zone: tzinfo | None) -> Line:
    since = _clock(client.since, zone)
    pieces: list[Piece] = [
        (f"{plain(client.address):<22}", Tone.TEXT),
        (f"{client.transport:<5}", Tone.MUTED),
        (f"since {since}" if since else "", Tone.MUTED),
    ]
    if client.skips:
        dropped = f", {client.dropped} packets not sent" if width > _ROOMY else ""
        pieces.append((f"  {count(client.skips, 'skip')}{dropped}", Tone.WARNING))
    return _labelled("to", *pieces)


def _clock(at: str, zone: tzinfo | None) -> str:
    try:
        return datetime.fromisoformat(at).astimezone(zone).strftime("%H:%M")
    except ValueError:
        return ""
