"""Files that appear whole or not at all, and that only their owner can read."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path


def check_writable(path: str | os.PathLike[str]) -> Path:
    """Check that a file can be written, before hours of work depend on it.

    Returns:
        The absolute path; a symbolic link is followed, so that what it points to is written.

    Raises:
        ValueError: If the folder does not exist or cannot be written to, or the path is a folder, a device or the like.
    """
    if not os.fspath(path):
        raise ValueError("The name of a file is empty.")
    try:
        resolved = Path(path).expanduser().absolute().resolve()
        is_there, is_file = resolved.exists(), resolved.is_file()
        if resolved.is_symlink():
            raise ValueError("its links lead in a circle")
    except (OSError, RuntimeError, ValueError) as error:  # no such user, a name that is too long, a zero byte
        raise ValueError(f"{str(path)!r} cannot be the name of a file: {error}.") from None
    if resolved.is_dir():
        raise ValueError(f"{path} is a folder, but the name of a file was expected.")
    if is_there and not is_file:
        raise ValueError(f"{path} is not a file on a disk (a device or a pipe), and would be replaced by one.")
    if not resolved.parent.is_dir():
        raise ValueError(f"The folder {resolved.parent} for {resolved.name!r} does not exist. Create it first.")
    if not os.access(resolved.parent, os.W_OK):
        raise ValueError(f"The folder {resolved.parent} for {resolved.name!r} cannot be written to.")
    if is_there and not os.access(resolved, os.W_OK):
        raise ValueError(f"The file {resolved} may not be written to.")
    return resolved


def check_different(files: Mapping[str, str | os.PathLike[str] | None]) -> None:
    """Check that files which are written, and those that are read, are different ones, also through links.

    Args:
        files: The paths by the names under which the user gave them, such as ``"--report"``; ``None`` for no file.

    Raises:
        ValueError: If two are the same file, or are on some file systems because they differ in upper and lower case
            only; one would replace the other.
    """
    seen: dict[str, str] = {}
    there: list[tuple[str, Path]] = []
    for name, path in files.items():
        if path is None:
            continue
        resolved = Path(os.path.realpath(Path(path).expanduser()))
        for spelling in (str(resolved), *(f"{resolved}{ending}" for ending in _ENDINGS.get(name, ()))):
            other = seen.setdefault(spelling.casefold(), name)
            if other != name:
                _refuse_same(other, name, path)
        if resolved.exists():
            for other, known in there:
                if os.path.samefile(known, resolved):  # a hard link
                    _refuse_same(other, name, path)
            there.append((name, resolved))


_ENDINGS = {"--journal": ("-wal", "-shm")}  # SQLite's own files beside a journal


def _refuse_same(one: str, other: str, path: object) -> None:
    raise ValueError(
        f"{one} and {other} name the same file, {path}: one would replace the other. Give them different names."
    )


def write_private(path: str | os.PathLike[str], text: str) -> Path:
    """Write a text file atomically with mode 0600; an existing file is replaced, what a link points to as well.

    Returns:
        The absolute path.

    Raises:
        ValueError: As :func:`check_writable`.
    """
    resolved = check_writable(path)
    handle, temporary = tempfile.mkstemp(dir=resolved.parent, prefix=f".{resolved.name[:50]}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, resolved)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return resolved
