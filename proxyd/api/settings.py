"""What holds for the whole daemon: models and parameters of the noun settings."""

from __future__ import annotations

from typing import Literal

from .fields import CameraPassword, Username
from .model import Model
from .params import Params


class Setting(Model):
    """A value of the configuration as it is in force, and where it came from."""

    section: str
    name: str
    value: str
    source: Literal["default", "file", "command line"]


class DaemonSettings(Model):
    """`username` is the account that all cameras share which have none of their own: `sharing` of them, of which
    recorders know `adopted`. `file` is the configuration file, "" without one."""

    username: str
    sharing: int
    adopted: int
    file: str
    configuration: list[Setting]


class SettingsAccount(Params):
    """The account that cameras without an own one share. What is left out stays."""

    username: Username | None = None
    password: CameraPassword | None = None
