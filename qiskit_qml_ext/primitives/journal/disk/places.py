"""Where a journal may lie: what is said about a path before SQLite sees it."""

import os
import shlex
import stat
from pathlib import Path

from qiskit_qml_ext.exceptions import JournalError

EMPTY = (
    "It is empty (0 bytes): no work was begun in it, or all of it was lost (a copy that was cut short, a full disk). "
    "If there was work in it, restore a backup; a program that is given this file begins a new journal in it."
)
"""What is said of an empty file where a journal is looked for. Such a file is a new journal for a program that runs:
whoever makes a temporary file first, and then a journal of it, means that."""


def journal_path(path: str | os.PathLike[str]) -> Path:
    """Return the file that a user's path means, absolute and with links followed.

    Links are followed first: SQLite would make the file at their end readable by others.

    Args:
        path: What the user gave.

    Raises:
        TypeError: If it is not a path.
        JournalError: If it cannot be the name of a file.
    """
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"A journal must be the path of a file, for example 'run.journal', but {path!r} came.")
    name = os.fsdecode(path)
    separators = tuple(filter(None, (os.sep, os.altsep)))
    if not name.strip():
        raise JournalError("The path of the journal is empty. Name a file, for example 'run.journal'.")
    if name.endswith(separators):
        raise JournalError(f"{name} names a folder, but a journal is a file. Name a file in it.")
    try:
        return Path(name).expanduser().absolute().resolve()
    except (ValueError, RuntimeError, OSError) as error:
        raise _no_place(name, error) from error


def shown(path: str | os.PathLike[str]) -> str:
    """Return a path as it can be pasted into a shell: quoted if anything in it needs that."""
    return shlex.quote(os.fsdecode(path))


def make_file(path: Path) -> bool:
    """Make an empty file that only its owner can read; one that is there and empty is made so.

    An empty file is a new journal, unless something is beside it that only a journal in use has: then the journal that
    was there is gone.

    Returns:
        Whether the file is empty, so that a new journal begins in it.

    Raises:
        JournalError: If there is something else than a file, or none can be made, or files of another journal are
            beside it.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        status = None
    except (OSError, ValueError) as error:
        raise _no_place(str(path), error) from error
    if status is not None:
        if stat.S_ISDIR(status.st_mode):
            raise JournalError(f"{path} is a folder, but a journal is a file. Name a file in it.")
        if not stat.S_ISREG(status.st_mode):
            raise JournalError(f"{path} is a device or a pipe, but a journal is a file. Choose another name.")
    is_empty = status is None or status.st_size == 0
    for beside in (path.with_name(f"{path.name}{ending}") for ending in ("-wal", "-shm")):
        if is_empty and size_of(beside) and not size_of(path):  # another process may have begun a journal meanwhile
            raise JournalError(
                f"{path} is {'missing' if status is None else 'empty'}, but {beside.name} beside it is not: it belongs "
                "to a journal that was there. Put that journal back, or move this file away."
            )
    try:
        if status is None:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        elif is_empty and os.access(path, os.W_OK):
            path.chmod(0o600)
    except (OSError, ValueError) as error:
        raise _no_place(str(path), error) from error
    return is_empty


def file_identity(path: Path) -> str:
    """Return what tells a file from its copies: where it lies on the disk."""
    status = path.stat()
    return f"{status.st_dev}:{status.st_ino}"


def check_still_there(path: Path, identity: str) -> None:
    """Check that a file that is open was not deleted or replaced: what is written into it now would be lost.

    Raises:
        JournalError: If it was.
    """
    try:
        now = file_identity(path)
    except OSError as error:
        raise JournalError(
            f"The journal {path} was moved or deleted while it was in use ({error.strerror}); nothing is written any "
            "more. Put it back and run again: its jobs can be found on the service by their tags."
        ) from error
    if now != identity:
        raise JournalError(
            f"The journal {path} was replaced by another file while it was in use; nothing is written any more. Run "
            "again: the jobs that the new file does not know are looked for on the service."
        )


def versions_on_disk(path: Path) -> tuple[tuple[int, int, int], ...]:
    """Return what changes when a journal or the file beside it is written: for each number, size and time of change."""
    versions = []
    for name in (path, path.with_name(f"{path.name}-wal")):
        try:
            status = name.stat()
        except OSError:
            continue
        if name is not path and not status.st_size:
            continue  # nothing is in it, and opening the journal makes it anew
        versions.append((status.st_ino, status.st_size, status.st_mtime_ns))
    return tuple(versions)


def size_of(path: Path) -> int:
    """Return how many bytes a file has, 0 if it is not there."""
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return 0


def _no_place(path: str, error: Exception) -> JournalError:
    reason = getattr(error, "strerror", None) or str(error)
    short = path if len(path) <= 200 else f"{path[:200]}…"
    return JournalError(f"The journal {short!r} cannot be created: {reason}. Choose another place.")
