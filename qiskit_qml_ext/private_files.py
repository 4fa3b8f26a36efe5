"""Files that appear whole or not at all, and that only their owner can read."""

import os
import tempfile
from pathlib import Path


def check_writable(path: str | Path) -> Path:
    """Check that a file can be written, before hours of work depend on it.

    Raises:
        ValueError: If the folder does not exist or cannot be written to, or the path is a folder.
    """
    target = Path(path).expanduser().absolute()
    if target.is_dir():
        raise ValueError(f"{path} is a folder, but the name of a file was expected.")
    if not target.parent.is_dir():
        raise ValueError(f"The folder {target.parent} for {target.name!r} does not exist. Create it first.")
    if not os.access(target.parent, os.W_OK):
        raise ValueError(f"The folder {target.parent} for {target.name!r} cannot be written to.")
    return target


def write_private(path: str | Path, text: str) -> Path:
    """Write a text file atomically with mode 0600; an existing file is replaced.

    Returns:
        The absolute path.

    Raises:
        ValueError: As :func:`check_writable`.
    """
    target = check_writable(path)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return target
