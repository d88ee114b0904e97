"""A stream that runs: frame n of a loop goes out at its time to every viewer, from one timer per stream.

Frame numbers count from the start of the server and are shared by all viewers. Nothing is ever skipped: a late
timer sends what is due, a stall shifts the clock. A stream nobody watches costs nothing.
"""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from proxyd.simulator.frames import MAX_PAYLOAD_BYTES, FrameMark, filler_payloads, mark_nal
from proxyd.simulator.loops import LoopFrame, load_loop
from proxyd.simulator.rtp import RtpBatch, RtpNumbering
from proxyd.simulator.rtsp_sdp import (
    AUDIO_PAYLOAD_TYPE,
    AUDIO_TRACK,
    METADATA_PAYLOAD_TYPE,
    METADATA_TRACK,
    VIDEO_PAYLOAD_TYPE,
    VIDEO_TRACK,
)
from proxyd.simulator.scene import FRAMES_PER_S, scene_payloads
from proxyd.simulator.streams import SimStream, stream_for
from proxyd.simulator.tone import TONE_PACKET, TONE_PACKET_S

REPORT_INTERVAL_S = 5.0
MAX_LAG_S = 2.0  # beyond this (the machine slept) the clock is shifted instead of sending a burst


class Sink(Protocol):
    """Where one track of one viewer goes. Must not raise and must not block."""

    def send(self, batch: RtpBatch) -> None: ...

    def send_report(self, packet: bytes) -> None: ...


@dataclass(eq=False, slots=True)
class Viewer:
    """One session that plays: its tracks, and whether it has had its first key frame."""

    sinks: dict[int, Sink]
    started: bool = False


class LiveStream:
    """One stream of one channel. Owned by the RTSP server, which calls `join`, `leave` and `close`."""

    def __init__(
        self,
        stream: SimStream,
        *,
        loop: asyncio.AbstractEventLoop,
        held: Callable[[], bool],
        started_at: float,
        cname: str,
        bitrate_kbps: int | None,
        audio: bool,
    ) -> None:
        self.stream = stream
        self.shown = stream  # with the size that its pictures have at this moment
        self.media = load_loop(stream)
        self.video = _numbering(VIDEO_PAYLOAD_TYPE, 90000)
        self.audio = _numbering(AUDIO_PAYLOAD_TYPE, 8000) if audio else None
        self.metadata = _numbering(METADATA_PAYLOAD_TYPE, 90000)
        self.bitrate_kbps = max(stream.bitrate_kbps, bitrate_kbps or 0)
        self._wanted_kbps = bitrate_kbps
        self._filler_packets = _spread_filler(self.media.frames, stream.fps, bitrate_kbps)
        self._loop = loop
        self._held = held
        self._cname = cname
        self._t0 = started_at + _phase(stream) / stream.fps
        self._next = 0  # number of the frame that comes next
        self._loop_start = 0  # number of a frame at which the loop began
        self._next_tone = 0
        self._next_scene = 0
        self._report_due = 0.0
        self._viewers: list[Viewer] = []
        self._timer: asyncio.TimerHandle | None = None

    def join(self, viewer: Viewer) -> None:
        """From its next key frame on the viewer gets everything."""
        viewer.started = False
        self._viewers.append(viewer)
        if self._timer is None:
            now_s = self._loop.time() - self._t0
            self._next = max(self._next, math.ceil(now_s * self.stream.fps))
            self._loop_start = self._next  # nobody saw the frames before: begin with a key frame at once
            self._next_tone = max(self._next_tone, math.ceil(self._media_time() / TONE_PACKET_S))
            self._schedule()

    def leave(self, viewer: Viewer) -> None:
        if viewer in self._viewers:
            self._viewers.remove(viewer)
        if not self._viewers:
            self.close()

    def close(self) -> None:
        """Stop the timer and forget the viewers."""
        self._viewers.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def show(self, *, resized: bool) -> None:
        """Main and sub pictures have the same size from now on, or each its own again: with a key frame and new
        parameter sets in the middle of the stream."""
        stream = self.stream
        source = stream_for(stream.channel, "sub", stream.codec) if resized else stream
        if (source.width, source.height) == (self.shown.width, self.shown.height):
            return
        self.shown = replace(stream, width=source.width, height=source.height)
        self.media = load_loop(source)
        self._filler_packets = _spread_filler(self.media.frames, stream.fps, self._wanted_kbps)
        self._loop_start = self._next

    def renumber(self) -> None:
        """As after a restart of the encoder alone: another SSRC, other sequence numbers and time stamps."""
        self.video = _numbering(VIDEO_PAYLOAD_TYPE, 90000)
        self.audio = _numbering(AUDIO_PAYLOAD_TYPE, 8000) if self.audio is not None else None
        self._loop_start = self._next

    def first_packet(self, track: int) -> tuple[int, int]:
        """(sequence number, RTP time) of the first packet that a viewer who joined just now will get."""
        ahead, packets = 0, 0
        while not self._frame(self._next + ahead).key:
            packets += self._packet_count(self._next + ahead)
            ahead += 1
        media_time_s = (self._next + ahead) / self.stream.fps
        if track == METADATA_TRACK:
            return self.metadata.sequence, self.metadata.timestamp(media_time_s)
        if track == VIDEO_TRACK or self.audio is None:
            return (self.video.sequence + packets) & 0xFFFF, self.video.timestamp(media_time_s)
        first = self._next_tone
        if ahead:  # it gets the tones that go out with its key frame: those after the frame before
            before_s = media_time_s - 1 / self.stream.fps
            first = max(first, math.floor(before_s / TONE_PACKET_S + 1e-9) + 1)
        tones = first - self._next_tone
        begin_s = first * TONE_PACKET_S
        return (self.audio.sequence + tones) & 0xFFFF, self.audio.timestamp(begin_s)

    def _media_time(self) -> float:
        return self._next / self.stream.fps

    def _frame(self, number: int) -> LoopFrame:
        return self.media.frames[(number - self._loop_start) % len(self.media.frames)]

    def _packet_count(self, number: int) -> int:
        frame = self._frame(number)
        filler = self._filler_packets[(number - self._loop_start) % len(self.media.frames)]
        return len(frame.before) + 1 + len(frame.slices) + filler

    def _schedule(self) -> None:
        self._timer = self._loop.call_at(self._t0 + self._media_time(), self._tick)

    def _tick(self) -> None:
        lag_s = self._loop.time() - self._t0 - self._media_time()
        if self._held():
            self._t0 += 1 / self.stream.fps + max(lag_s, 0.0)
        else:
            if lag_s > MAX_LAG_S:
                self._t0 += lag_s
            self._send_frame()
            self._next += 1
        self._schedule()

    def _send_frame(self) -> None:
        """One write per viewer and track; whatever a sink does to its viewer happens after this frame."""
        index = (self._next - self._loop_start) % len(self.media.frames)
        frame = self.media.frames[index]
        stream = self.stream
        mark = FrameMark(stream.channel, 0 if stream.name == "main" else 1, self._next)
        filler = filler_payloads(stream.codec, self._filler_packets[index])
        payloads = (*frame.before, mark_nal(stream.codec, mark), *frame.slices, *filler)
        video = self.video.batch(payloads, self._media_time())
        fresh = []
        for viewer in self._viewers:
            if not viewer.started and frame.key:
                viewer.started = True
                fresh.append(viewer)
            if viewer.started and (sink := viewer.sinks.get(VIDEO_TRACK)):
                sink.send(video)
        self._send_tones()
        self._send_scene()
        if self._loop.time() >= self._report_due:
            self._report_due = self._loop.time() + REPORT_INTERVAL_S
            fresh = [viewer for viewer in self._viewers if viewer.started]
        if fresh:
            self._report(fresh)

    def _send_tones(self) -> None:
        if self.audio is None:
            return
        while self._next_tone * TONE_PACKET_S <= self._media_time() + 1e-9:
            batch = self.audio.batch((TONE_PACKET,), self._next_tone * TONE_PACKET_S)
            self._next_tone += 1
            for viewer in self._viewers:
                if viewer.started and (sink := viewer.sinks.get(AUDIO_TRACK)):
                    sink.send(batch)

    def _send_scene(self) -> None:
        """Metadata, to those who want it."""
        number = int(self._media_time() * FRAMES_PER_S)
        sinks = [sink for viewer in self._viewers if viewer.started and (sink := viewer.sinks.get(METADATA_TRACK))]
        if number == self._next_scene or not sinks:
            return
        self._next_scene = number
        address = self._cname.rpartition("@")[2]
        payloads = scene_payloads(self.stream.channel, number, datetime.now(UTC), address)
        batch = self.metadata.batch(payloads, self._media_time())
        for sink in sinks:
            sink.send(batch)

    def _report(self, viewers: list[Viewer]) -> None:
        now_s = self._loop.time() - self._t0
        tracks = ((VIDEO_TRACK, self.video), (AUDIO_TRACK, self.audio), (METADATA_TRACK, self.metadata))
        for track, numbering in tracks:
            if numbering is None:
                continue
            report = numbering.sender_report(now_s, time.time(), self._cname)
            for viewer in viewers:
                if sink := viewer.sinks.get(track):
                    sink.send_report(report)


def _phase(stream: SimStream) -> float:
    """Cameras do not shoot in step: the part of a frame's time by which this stream is later than the first."""
    place = stream.channel * 2 + (stream.name == "sub")
    return (place * 0.6180339887) % 1.0


def _numbering(payload_type: int, clock_rate: int) -> RtpNumbering:
    """A fresh RTP stream: everything begins at random (RFC 3550 §5.1)."""
    return RtpNumbering(
        payload_type,
        clock_rate,
        ssrc=secrets.randbits(32),
        sequence=secrets.randbits(16),
        timestamp_base=secrets.randbits(32),
        marker=payload_type != AUDIO_PAYLOAD_TYPE,
    )


def _spread_filler(frames: tuple[LoopFrame, ...], fps: int, bitrate_kbps: int | None) -> tuple[int, ...]:
    """Filler packets per frame of the loop, so that every frame has about the same size: rate / fps."""
    if not bitrate_kbps:
        return (0,) * len(frames)
    wanted_bytes = bitrate_kbps * 1000 / 8 / fps
    owed_bytes = 0.0
    counts = []
    for frame in frames:
        owed_bytes += wanted_bytes - frame.size
        count = max(int(owed_bytes // MAX_PAYLOAD_BYTES), 0)
        owed_bytes -= count * MAX_PAYLOAD_BYTES
        counts.append(count)
    return tuple(counts)
