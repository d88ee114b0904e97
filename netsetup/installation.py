"""From what an installation consists of and what the host has: the steps between, and how each is done and undone.

`perform` does the given steps and nothing else; when one fails, all before it are undone, newest first, so that files,
users and services are as they were.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import NetsetupError
from .installed import InstalledBlock, InstalledFile, InstalledLink, Item, with_block, without_block

MARK = "`netsetup install`"  # in the first line of every file of ours
SAVED = ".saved"
# Folders that may be there because of us alone; they go with the last file in them.
_PERHAPS_OURS = ("/etc/NetworkManager/conf.d", "/etc/NetworkManager", "/etc/netsetup")

Runner = Callable[[Sequence[str]], None]
Undo = Callable[[], None]


@dataclass(frozen=True, slots=True)
class PutFile:
    path: str
    content: str
    mode: int = 0o644
    aside: bool = False  # what is there now is not ours: a copy stays


@dataclass(frozen=True, slots=True)
class PutLink:
    path: str
    target: str


@dataclass(frozen=True, slots=True)
class RemovePath:
    path: str
    aside: bool = False


@dataclass(frozen=True, slots=True)
class RemoveFolder:
    """With everything in it, for good: only when somebody asked for --purge. Cannot be undone, so it comes last."""

    path: str


@dataclass(frozen=True, slots=True)
class SetKernel:
    """A file below /proc/sys."""

    path: str
    value: str


@dataclass(frozen=True, slots=True)
class Run:
    """A program of the system. `undo` is run when a later step fails; without `argv` it is only that."""

    argv: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()


Step = PutFile | PutLink | RemovePath | RemoveFolder | SetKernel | Run


def words(step: Step) -> str:
    """For the dry run; "" for what is only there for the way back."""
    match step:
        case PutFile(path, _, _, aside):
            return f"write {path}" + (f" (what is there now stays as {path}{SAVED})" if aside else "")
        case PutLink(path, target):
            return f"link {path} to {target}"
        case RemovePath(path, aside):
            return f"move {path} to {path}{SAVED}: it was changed by hand" if aside else f"remove {path}"
        case RemoveFolder(path):
            return f"remove {path} with everything in it"
        case SetKernel(path, value):
            return f"set {path.removeprefix('/proc/sys/').replace('/', '.')} to {value}"
        case Run(argv, _):
            return "run " + " ".join(argv) if argv else ""


def digest(steps: Iterable[Step]) -> str:
    """12 hex digits that name exactly these steps."""
    return hashlib.sha256("\n".join(map(repr, steps)).encode()).hexdigest()[:12]


def steps_to_install(items: Iterable[Item], root: Path) -> list[Step]:
    """[] when every file is as it should be. Raises NetsetupError for what stands in the way."""
    steps: list[Step] = []
    for item in items:
        place = inside(root, item.path)
        match item:
            case InstalledFile(path, content, mode, keep):
                before = _text(place)
                if place.is_symlink() or place.is_dir():
                    raise NetsetupError(f"{path} is no ordinary file.", "Move it away, then try again.")
                if before is None or (not keep and before != content):
                    steps.append(PutFile(path, content, mode, aside=before is not None and not _is_ours(before)))
            case InstalledLink(path, target):
                if place.is_symlink():
                    if place.readlink() != Path(target):
                        steps.append(PutLink(path, target))
                elif place.exists():
                    raise NetsetupError(f"{path} is not a link of ours.", "Move it away, then try again.")
                else:
                    steps.append(PutLink(path, target))
            case InstalledBlock(path, lines):
                before = _text(place)
                if before is not None and before != with_block(before, lines):
                    steps.append(PutFile(path, with_block(before, lines), _mode(place)))
    return steps


def steps_to_uninstall(items: Iterable[Item], root: Path) -> list[Step]:
    """Files that were changed by hand since are moved aside; the administrator's (`keep`) stay."""
    steps: list[Step] = []
    for item in items:
        place = inside(root, item.path)
        match item:
            case InstalledFile(path, content, _, keep):
                before = _text(place)
                if before is not None and not keep:
                    steps.append(RemovePath(path, aside=before != content))
            case InstalledLink(path, target):
                if place.is_symlink() and place.readlink() == Path(target):
                    steps.append(RemovePath(path))
            case InstalledBlock(path, _):
                before = _text(place)
                if before is not None and before != without_block(before):
                    steps.append(PutFile(path, without_block(before), _mode(place)))
    return steps[::-1]


def perform(steps: Sequence[Step], root: Path, run: Runner) -> list[str]:
    """What was done, in words. Raises NetsetupError after putting everything back."""
    undo: list[Undo] = []
    done: list[str] = []
    for step in steps:
        try:
            _do(step, root, run, undo)
        except (OSError, NetsetupError) as error:
            broken = _put_back(undo)
            why = error.message if isinstance(error, NetsetupError) else f"{error.strerror or error}"
            hint = error.hint if isinstance(error, NetsetupError) else "Check that file and the disk, then try again."
            after = f" Could not put back: {'; '.join(broken)}." if broken else " Everything is as it was before."
            raise NetsetupError(f"Could not {words(step)}: {why.rstrip('.')}.{after}", hint) from error
        except BaseException:
            _put_back(undo)
            raise
        if words(step):
            done.append(words(step))
    return done


def inside(root: Path, path: str) -> Path:
    return root / path.lstrip("/")


def _do(step: Step, root: Path, run: Runner, undo: list[Undo]) -> None:
    """Each way back is noted before the step touches anything."""
    match step:
        case PutFile(path, content, mode, aside):
            place = inside(root, path)
            if aside:
                _copy_aside(place, undo)
            _remember(place, undo)
            _write(place, content, mode)
        case PutLink(path, target):
            place = inside(root, path)
            _remember(place, undo)
            _relink(place, Path(target))
        case RemovePath(path, aside):
            place = inside(root, path)
            if aside:
                _copy_aside(place, undo)
            _remember(place, undo)
            place.unlink()
            _remove_empty_folders(place, root)
        case RemoveFolder(path):
            shutil.rmtree(inside(root, path))
        case SetKernel(path, value):
            place = inside(root, path)
            before = place.read_text()
            undo.append(lambda: _overwrite(place, before))
            _overwrite(place, value)
        case Run(argv, back):
            if back:
                undo.append(lambda: run(back))
            if argv:
                run(argv)


def _remember(place: Path, undo: list[Undo]) -> None:
    """How this path is now; folders that are missing are made, and taken away again on the way back."""
    missing = [folder for folder in place.parents if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir()
        folder.chmod(0o755)  # whatever root's umask is: services read below it
        undo.append(folder.rmdir)
    if place.is_symlink():
        target = place.readlink()
        undo.append(lambda: _relink(place, target))
    elif place.exists():
        content, mode, owner = place.read_text(), _mode(place), place.stat()
        undo.append(lambda: _write(place, content, mode, (owner.st_uid, owner.st_gid)))
    else:
        undo.append(lambda: _unlink(place))


def _unlink(place: Path) -> None:
    """Where nothing is nothing is done: a read-only file system refuses even that."""
    if place.is_symlink() or place.exists():
        place.unlink()


def _relink(place: Path, target: Path) -> None:
    _unlink(place)
    place.symlink_to(target)


def _copy_aside(place: Path, undo: list[Undo]) -> None:
    copy = place.with_name(place.name + SAVED)
    _remember(copy, undo)
    shutil.copy2(place, copy)


def _put_back(undo: list[Undo]) -> list[str]:
    """The words of what failed on the way back."""
    broken = []
    for back in reversed(undo):
        try:
            back()
        except (OSError, NetsetupError) as error:
            broken.append(str(error))
    return broken


def _write(place: Path, content: str, mode: int, owner: tuple[int, int] | None = None) -> None:
    """Whole or not at all."""
    place.parent.mkdir(parents=True, exist_ok=True)
    new = place.with_name(f".{place.name}.new")
    try:
        if not new.is_symlink():  # of a run that was killed; a link was planted there by whoever owns the folder
            new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode), "w") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            if owner is not None and os.geteuid() == 0:
                os.fchown(file.fileno(), *owner)
            os.fsync(file.fileno())
        new.replace(place)
    except BaseException:
        with contextlib.suppress(OSError):
            new.unlink()
        raise


def _overwrite(place: Path, value: str) -> None:
    """Files of the kernel cannot be replaced."""
    place.write_text(value)


def _remove_empty_folders(place: Path, root: Path) -> None:
    ours = [inside(root, folder) for folder in _PERHAPS_OURS]
    for folder in place.parents:
        if folder not in ours:
            return
        try:
            folder.rmdir()
        except OSError:
            return  # not empty: not ours alone


def _text(place: Path) -> str | None:
    try:
        return place.read_text(errors="replace")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None


def _mode(place: Path) -> int:
    return stat.S_IMODE(place.stat().st_mode)


def _is_ours(text: str) -> bool:
    return MARK in text.partition("\n")[0]
