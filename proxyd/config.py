"""Settings: the config file (TOML) and what the command line changes of it. All mistakes are named at once."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from proxyd.api.codec import field_errors
from proxyd.api.fields import Port
from proxyd.api.models import Role
from proxyd.api.paths import daemon_socket
from proxyd.api.settings import Setting
from proxyd.errors import InvalidInput

Origin = Literal["default", "file", "command line"]
_FILE: Origin = "file"
_COMMAND_LINE: Origin = "command line"
_LEAST_UDP_PORTS = 16
DEFAULT_FILE = Path("/etc/proxyd/proxyd.toml")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DaemonSettings(_Section):
    data: Path | None = None
    socket: Path | None = None
    key_file: Path | None = None
    arm_socket: Path = Path("/run/netsetup/netsetup.sock")  # where netsetup serve, the privileged arm, answers
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class CameraSettings(_Section):
    """Ports that new cameras get; a camera keeps its ports for ever. Defaults depend on the mode."""

    http_port: Port | None = None
    rtsp_port: Port | None = None
    loopback: str = ""
    shared: str = ""

    @model_validator(mode="after")
    def _one_mode(self) -> CameraSettings:
        if self.loopback and self.shared:
            raise ValueError("choose loopback or shared, not both")
        return self


class NvrSettings(_Section):
    parallel: Annotated[int, Field(ge=1, le=8)] = 3
    call_timeout_s: Annotated[float, Field(ge=1, le=120)] = 20.0
    check_every_s: Annotated[float, Field(ge=1, le=3600)] = 30.0


class StreamSettings(_Section):
    """The way of video from NVRs to recorders."""

    processes: Annotated[int, Field(ge=0, le=64)] = 0  # that carry it, at most; 0: one per processor
    moderation_ms: Annotated[int, Field(ge=0, le=20)] = 5  # packets wait so long for others under load
    linger_s: Annotated[float, Field(ge=0, le=600)] = 5.0  # a stream goes on after its last recorder
    keep_s: Annotated[float, Field(ge=0, le=3600)] = 60.0  # recorders stay while a lost stream is fetched again
    stall_s: Annotated[float, Field(ge=2, le=120)] = 10.0  # an NVR that sends nothing has lost the stream
    blocked_s: Annotated[float, Field(ge=1, le=120)] = 10.0  # a recorder that reads nothing is cut off
    logins_per_nvr: Annotated[int, Field(ge=1, le=64)] = 4  # at the same time
    udp_ports: tuple[Port, Port] = (32768, 60999)  # the first and the last, for RTP and RTCP, two of each track

    @model_validator(mode="after")
    def _some_ports(self) -> StreamSettings:
        first, last = self.udp_ports
        if last - first < _LEAST_UDP_PORTS:
            raise ValueError(f"udp_ports has room for too few streams; name at least {_LEAST_UDP_PORTS} ports")
        return self


class AdoptionSettings(_Section):
    """Which recorder has a camera."""

    take_over_after_s: Annotated[float, Field(ge=1, le=86400)] = 600.0  # silence of the one that had it


class Settings(_Section):
    daemon: DaemonSettings = DaemonSettings()
    cameras: CameraSettings = CameraSettings()
    nvr: NvrSettings = NvrSettings()
    streams: StreamSettings = StreamSettings()
    adoption: AdoptionSettings = AdoptionSettings()
    access: dict[str, Role] = {}
    _origins: dict[str, Origin] = PrivateAttr(default_factory=dict)  # "section.name" → where it came from
    _file: str = PrivateAttr(default="")

    @property
    def file(self) -> str:
        """The configuration file; "" without one."""
        return self._file

    @property
    def data(self) -> Path:
        return self.daemon.data or default_data()

    @property
    def socket(self) -> Path:
        return self.daemon.socket or daemon_socket()

    @property
    def interfaces_of_their_own(self) -> bool:
        """Whether cameras have the standard ports of a machine of their own."""
        return not (self.cameras.loopback or self.cameras.shared)

    @property
    def http_port(self) -> int:
        return self.cameras.http_port or (80 if self.interfaces_of_their_own else 8080)

    @property
    def rtsp_port(self) -> int:
        return self.cameras.rtsp_port or (554 if self.interfaces_of_their_own else 8554)


def in_force(settings: Settings) -> list[Setting]:
    """Every value as it holds, in the order of the example in docs/install.md."""
    holds: dict[str, Any] = {
        "daemon.data": settings.data,
        "daemon.socket": settings.socket,
        "daemon.key_file": settings.daemon.key_file or settings.data / "proxyd.key",
        "cameras.http_port": settings.http_port,
        "cameras.rtsp_port": settings.rtsp_port,
    }
    found: list[Setting] = []
    for section in Settings.model_fields:
        values: Any = getattr(settings, section)
        pairs = (
            values.items()
            if isinstance(values, dict)
            else [(name, getattr(values, name)) for name in type(values).model_fields]
        )
        for name, value in pairs:
            key = f"{section}.{name}"
            found.append(
                Setting(
                    section=section,
                    name=name,
                    value=_shown(holds.get(key, value)),
                    source=settings._origins.get(key, "default"),
                )
            )
    return found


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return " to ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def default_data() -> Path:
    """systemd's StateDirectory, else /var/lib/proxyd for root, else the user's data folder (XDG)."""
    if state := os.environ.get("STATE_DIRECTORY"):
        return Path(state.split(":")[0])
    if os.getuid() == 0:
        return Path("/var/lib/proxyd")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "proxyd"


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def load(
    file: Path | None,
    *,
    data: Path | None = None,
    socket: Path | None = None,
    loopback: str | None = None,
    shared: str | None = None,
) -> Settings:
    """The file (or the default one, if it exists) overlaid with the command line. Raises InvalidInput."""
    path = file or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)
    raw: dict[str, Any] = {}
    if path is not None:
        try:
            raw = tomllib.loads(path.read_text())
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InvalidInput(f"Cannot read the settings {path}: {_why(error)}.", "See docs/install.md.") from None
    overlay: dict[str, dict[str, Any]] = {"daemon": {"data": data, "socket": socket}, "cameras": {}}
    if loopback or shared:  # either replaces the mode of the file
        overlay["cameras"] = {"loopback": loopback or "", "shared": shared or ""}
    origins = {
        f"{section}.{name}": _FILE for section, values in raw.items() if isinstance(values, dict) for name in values
    }
    origins |= {
        f"{section}.{name}": _COMMAND_LINE
        for section, values in overlay.items()
        for name, value in values.items()
        if value is not None
    }
    for section, values in overlay.items():
        if isinstance(raw.get(section, {}), dict):
            raw[section] = raw.get(section, {}) | {k: v for k, v in values.items() if v is not None}
    try:
        settings = Settings.model_validate(raw)
        settings._file = str(path or "")
        settings._origins = origins
        return settings
    except ValidationError as error:
        fields = field_errors(error)
        listed = "; ".join(f"{name}: {what}" for name, what in fields.items())
        raise InvalidInput(f"The settings {path or ''} are wrong: {listed}.", "See docs/install.md.", fields) from None
