"""What a scan found: frozen, comparable, pure. URLs hold no user info and already point at the typed host."""

from __future__ import annotations

from dataclasses import dataclass, field

from proxyd.camera.features import NO_FEATURES, ChannelFeatures
from proxyd.camera.spec import StreamSpec

# What a recorder is told of a stream of which nothing is known; recorders need real numbers.
FALLBACK_FPS = 25
FALLBACK_KBPS = {"main": 4096, "sub": 512}


@dataclass(frozen=True, slots=True)
class DeviceIdentity:
    """GetDeviceInformation and the clock. `clock_offset_s`: device minus ours, None when it refuses the time."""

    manufacturer: str = ""
    model: str = ""
    firmware: str = ""
    serial: str = ""
    clock_offset_s: float | None = None
    channels: int | None = None


@dataclass(frozen=True, slots=True)
class ScannedStream:
    """A stream with the token that the NVR has for it; recorders never see that (contract 2). `guessed` names the
    fields of `spec` that the NVR did not tell: what was known before is worth more."""

    spec: StreamSpec
    profile_token: str = field(repr=False)
    guessed: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class ScannedChannel:
    """`key` identifies the channel on its NVR for ever (usually the source token); `number` is what people call it.
    `online` false: the channel is there without a picture."""

    key: str
    number: int
    name: str
    online: bool
    streams: tuple[ScannedStream, ...] = ()
    snapshot_uri: str | None = field(default=None, repr=False)
    features: ChannelFeatures = NO_FEATURES


@dataclass(frozen=True, slots=True)
class ScanProgress:
    """`total` is None until the number of channels is known; `now` says in words what is being asked. `clock_offset_s`:
    device minus ours, None until it is known, or where the device does not tell."""

    done: int
    total: int | None
    now: str
    clock_offset_s: float | None = None


@dataclass(frozen=True, slots=True)
class ScanResult:
    """`complete` false: some channels could not be read, so nothing may be called missing."""

    identity: DeviceIdentity
    channels: tuple[ScannedChannel, ...]
    complete: bool = True
    warnings: tuple[str, ...] = ()
