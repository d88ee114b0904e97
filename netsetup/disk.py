"""Files that decide what root and the arm do: read only when they are what they should be, replaced as a whole.

The state folder is the arm's and root works in it: neither follows links there, waits at a pipe or reads on for ever.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from .errors import BadRequest, NetsetupError

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_HINTS = {
    errno.ENOSPC: "Is the disk full?",
    errno.EDQUOT: "Is the disk full?",
    errno.EROFS: "The file system can only be read: see `dmesg`, then mount it for writing again.",
    errno.ELOOP: "A symbolic link is not followed there: remove it.",
}


def read_file(
    path: Path, most_bytes: int, *, follow: bool = False, trusted: bool = False, errors: str = "strict"
) -> str:
    """`trusted`: only when nobody but its owner may write it, and that is root or we. Raises OSError with words of its
    own for whatever is no ordinary file of at most that size, UnicodeDecodeError, BadRequest when it is not trusted."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    with os.fdopen(os.open(path, flags), "rb") as file:
        its = os.fstat(file.fileno())
        if not stat.S_ISREG(its.st_mode):
            raise OSError(errno.EINVAL, "it is no ordinary file", str(path))
        if trusted:
            trust(path, its)
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise OSError(errno.EFBIG, f"it has more than {most_bytes} bytes", str(path))
    return content.decode(errors=errors)


def trust(path: Path, its: os.stat_result) -> None:
    """Raises BadRequest when others than root and we could have written it, or may."""
    owners = (0, os.geteuid())
    if its.st_uid not in owners:
        raise BadRequest(
            f"{path} belongs to user {its.st_uid}, who could give this host's network settings.",
            f"Look at it, then: chown root {path}",
        )
    if its.st_mode & _OTHERS_WRITE:
        raise BadRequest(
            f"{path} may be written by others, who could give this host's network settings.",
            f"Look at it, then: chmod go-w {path}",
        )


def trust_folder(path: Path) -> None:
    """As `trust`; what is not there is no danger, nor what we may not enter: who goes on is told so. To root every
    owner is right: the folder is the arm's."""
    try:
        its = path.stat()
    except OSError:
        return
    if os.geteuid() == 0 and not its.st_mode & _OTHERS_WRITE:
        return
    if not os.access(path, os.X_OK):
        return
    trust(path, its)


def cannot_write(path: Path, error: OSError) -> NetsetupError:
    """The words for what a full disk, missing rights or something in the way did."""
    if isinstance(error, PermissionError):
        return NetsetupError(f"{path} may not be written.", "Try it as root.")
    hint = _HINTS.get(error.errno or 0, f"See: ls -la {path}")
    return NetsetupError(f"Cannot write {path}: {error.strerror}.", hint)


def give_to_owner_of(folder: Path, descriptor: int) -> None:
    """What root writes into the state folder is the arm's, which could not read it otherwise. Nothing else becomes the
    arm's that way: callers open with O_NOFOLLOW, and a file that has a second name stays whose it is."""
    owner, own = folder.stat(), os.fstat(descriptor)
    if os.geteuid() == 0 and owner.st_uid != own.st_uid and stat.S_ISREG(own.st_mode) and own.st_nlink == 1:
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def write_atomic(path: Path, text: str) -> None:
    """Mode 0600; after a power cut there is the old content or the new one. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    # The folder is the arm's: root must not follow a link of either kind that is put there.
    new.unlink(missing_ok=True)  # of a writer that was killed; who writes holds the lock
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            give_to_owner_of(path.parent, descriptor)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
