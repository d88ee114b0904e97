"""The command `proxyd` before there is a daemon."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxyd import config
from proxyd.cli import main


def test_ctrl_c_while_it_starts_is_no_bug(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(config, "load", interrupted)
    assert main(["run", "--data", str(tmp_path)]) == 130
    assert capsys.readouterr().err == ""
    assert not list(tmp_path.iterdir())
