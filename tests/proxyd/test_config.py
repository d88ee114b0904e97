"""A settings file that cannot be used: which file, what is wrong, in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxyd import config
from proxyd.errors import InvalidInput


def test_a_wrong_settings_file_is_told_in_words(tmp_path: Path) -> None:
    file = tmp_path / "proxyd.toml"
    with pytest.raises(InvalidInput) as missing:
        config.load(file)
    assert str(missing.value) == f"Cannot read the settings {file}: No such file or directory. See docs/install.md."
    file.write_text("[cameras]\nhttp_prot = 80\n")
    with pytest.raises(InvalidInput) as unknown:
        config.load(file)
    assert unknown.value.message == f"The settings {file} are wrong: cameras.http_prot: is not known."
    file.write_text("x = [")
    with pytest.raises(InvalidInput, match=r"Cannot read the settings .*end of document"):
        config.load(file)
