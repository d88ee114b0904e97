"""The folder of backups: bounded, private, and nothing half in it counts."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from proxyd.backup.folder import MOST_AUTOMATIC, MOST_BACKUPS, Folder, is_automatic
from proxyd.backup.sealed import Content, Head, seal
from proxyd.errors import Conflict, InvalidInput, NotFound, StoreError


def made(number: int = 1) -> bytes:
    head = Head(f"2026-11-23T02:00:{number:02}Z", "0.1.0", 7, kdf=(2, 8, 1))
    return seal(head, Content(b"db" * 5000, ("k",)), "words", salt=os.urandom(16), nonce=os.urandom(12))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "backups")


def test_the_oldest_go_when_there_are_too_many(folder: Folder) -> None:
    for number in range(MOST_BACKUPS + 3):
        folder.put(f"b{number:02}", made(number))
    names = [known.name for known in folder.known()]
    assert len(names) == MOST_BACKUPS
    assert names[0] == f"b{MOST_BACKUPS + 2:02}" and names[-1] == "b03"


def test_what_is_made_by_itself_pushes_out_nobodys_own(folder: Folder) -> None:
    for number in range(MOST_BACKUPS):
        folder.put(f"b{number:02}", made(number))
    for number in range(MOST_AUTOMATIC + 2):
        folder.put(f"s{number}-before-restore", made(number + 30))
    names = [known.name for known in folder.known()]
    assert sum(is_automatic(name) for name in names) == MOST_AUTOMATIC and "s1-before-restore" not in names
    assert sum(not is_automatic(name) for name in names) == MOST_BACKUPS
    folder.put("s9-before-restore-2", made(40), spare="s2-before-restore")  # that one is being restored
    names = [known.name for known in folder.known()]
    assert {"s2-before-restore", "s9-before-restore-2"} < set(names) and "s3-before-restore" in names
    folder.put("own", made(59))
    names = [known.name for known in folder.known()]
    assert "b00" not in names and "s2-before-restore" in names
    assert not is_automatic("before-restore-notes") and not is_automatic("x-before-restore-of-monday")


def test_only_we_may_read_them(folder: Folder) -> None:
    folder.put("one", made())
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert (folder.path / "one.backup").stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in folder.path.iterdir()] == ["one.backup"]


def test_what_is_no_backup_is_listed_with_its_reason(folder: Folder) -> None:
    assert folder.known() == []
    folder.put("good", made())
    (folder.path / "odd.backup").write_bytes(b"something else")
    good, odd = folder.known()
    assert good.head is not None and good.size > 100
    assert odd.head is None and "no backup" in odd.problem
    folder.remove("odd")
    with pytest.raises(NotFound, match="no backup odd"):
        folder.remove("odd")
    with pytest.raises(NotFound):
        folder.read("odd")
    with pytest.raises(NotFound):
        folder.piece("odd", 0, 10)


def test_a_file_comes_and_goes_in_pieces(folder: Folder) -> None:
    data = made()
    for offset in range(0, len(data), 4):
        last = offset + 4 >= len(data)
        known = folder.add_piece("new", offset, data[offset : offset + 4], last=last)
        assert (known is not None) == last
    assert folder.read("new") == data
    pieces, size = b"", 1
    while len(pieces) < size:
        piece, size = folder.piece("new", len(pieces), 10)
        pieces += piece
    assert pieces == data
    assert [entry.name for entry in folder.path.iterdir()] == ["new.backup"]


def test_an_upload_with_a_gap_or_of_something_else_is_refused(folder: Folder) -> None:
    with pytest.raises(InvalidInput, match="given up"):
        folder.add_piece("new", 4, b"x", last=False)
    folder.add_piece("new", 0, b"onvif", last=False)
    with pytest.raises(InvalidInput, match="missing"):
        folder.add_piece("new", 9, b"x", last=False)
    with pytest.raises(InvalidInput, match="no backup of onviftui"):
        folder.add_piece("new", 5, b"something", last=True)
    assert folder.known() == [] and list(folder.path.iterdir()) == []
    folder.put("there", made())
    with pytest.raises(Conflict, match="already"):
        folder.add_piece("there", 0, b"x", last=False)


def test_an_upload_that_was_given_up_is_forgotten(folder: Folder) -> None:
    folder.add_piece("one", 0, b"onvif", last=False)
    folder.add_piece("two", 0, b"onvif", last=False)
    assert [entry.name for entry in folder.path.iterdir()] == ["two.part"]
    folder.forget_parts()
    assert list(folder.path.iterdir()) == []


def test_uploads_and_new_backups_at_once_leave_each_other_alone(folder: Folder) -> None:
    data = made()

    def upload(_: int) -> bool:
        try:
            folder.add_piece("brought", 0, data[:200], last=False)
            return folder.add_piece("brought", 200, data[200:], last=True) is not None
        except (InvalidInput, Conflict):  # another one began, or was first
            return False

    with ThreadPoolExecutor(6) as threads:
        new = [threads.submit(folder.put, f"n{number}", made(number)) for number in range(15)]
        brought = list(threads.map(upload, range(60)))
        assert all(one.result().head is not None for one in new)
    assert sum(brought) == 1 and folder.read("brought") == data
    assert len(list(folder.path.iterdir())) == 16


def test_a_folder_that_cannot_be_written_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "backups").write_text("a file")
    with pytest.raises(StoreError, match="folder of backups"):
        Folder(tmp_path / "backups").put("one", made())


def test_names_that_are_taken_get_a_number(folder: Folder) -> None:
    folder.put("now", made())
    assert folder.free_name("now") == "now-2"
    assert folder.free_name("then") == "then"
