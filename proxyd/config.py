"""Settings: the config file (TOML) and what the command line changes of it. All mistakes are named at once."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from proxyd.api.codec import field_errors
from proxyd.api.models import Port, Role
from proxyd.api.paths import daemon_socket
from proxyd.errors import InvalidInput

DEFAULT_FILE = Path("/etc/proxyd/proxyd.toml")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DaemonSettings(_Section):
    data: Path | None = None
    socket: Path | None = None
    key_file: Path | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class CameraSettings(_Section):
    """Ports that new cameras get; a camera keeps its ports for ever. Defaults depend on the mode."""

    http_port: Port | None = None
    rtsp_port: Port | None = None
    loopback: str | None = None
    interface_prefix: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{1,9}$")] = "vcam"


class NvrSettings(_Section):
    parallel: Annotated[int, Field(ge=1, le=8)] = 3
    call_timeout_s: Annotated[float, Field(ge=1, le=120)] = 20.0
    check_every_s: Annotated[float, Field(ge=1, le=3600)] = 30.0


class Settings(_Section):
    daemon: DaemonSettings = DaemonSettings()
    cameras: CameraSettings = CameraSettings()
    nvr: NvrSettings = NvrSettings()
    access: dict[str, Role] = {}

    @property
    def data(self) -> Path:
        return self.daemon.data or default_data()

    @property
    def socket(self) -> Path:
        return self.daemon.socket or daemon_socket()

    @property
    def http_port(self) -> int:
        return self.cameras.http_port or (8080 if self.cameras.loopback else 80)

    @property
    def rtsp_port(self) -> int:
        return self.cameras.rtsp_port or (8554 if self.cameras.loopback else 554)


def default_data() -> Path:
    """systemd's StateDirectory, else /var/lib/proxyd for root, else the user's data folder (XDG)."""
    if state := os.environ.get("STATE_DIRECTORY"):
        return Path(state.split(":")[0])
    if os.getuid() == 0:
        return Path("/var/lib/proxyd")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "proxyd"


def load(
    file: Path | None, *, data: Path | None = None, socket: Path | None = None, loopback: str | None = None
) -> Settings:
    """The file (or the default one, if it exists) overlaid with the command line. Raises InvalidInput."""
    path = file or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)
    raw: dict[str, Any] = {}
    if path is not None:
        try:
            raw = tomllib.loads(path.read_text())
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InvalidInput(f"Cannot read the config file {path}: {error}.") from None
    overlay: dict[str, dict[str, Any]] = {
        "daemon": {"data": data, "socket": socket},
        "cameras": {"loopback": loopback},
    }
    for section, values in overlay.items():
        if isinstance(raw.get(section, {}), dict):
            raw[section] = raw.get(section, {}) | {k: v for k, v in values.items() if v is not None}
    try:
        return Settings.model_validate(raw)
    except ValidationError as error:
        fields = field_errors(error)
        listed = "; ".join(f"{name}: {what}" for name, what in fields.items())
        raise InvalidInput(f"The config {path or ''} is wrong: {listed}.", "See docs/install.md.", fields) from None
