"""Virtual environments for the peers, made from the pinned files in ``environments/``."""

import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path

from benchmarks.process import interpreter

REQUIREMENTS = Path(__file__).resolve().parent / "environments"
DEFAULT_FOLDER = Path(__file__).resolve().parent.parent / ".benchmarks-env"


def set_up(folder: Path, python: str, say: Callable[[str], None]) -> list[str]:
    """Make or renew each environment whose requirements changed.

    Args:
        folder: Where they go, one folder each.
        python: The interpreter that they are made of; Python 3.11 is known to suit all peers.
        say: Is told what happens.

    Returns:
        The names of the environments that could not be made.
    """
    failed = []
    for requirements in sorted(REQUIREMENTS.glob("*.txt")):
        place = folder / requirements.stem
        stamp = place / "requirements.sha256"
        wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
        if stamp.exists() and stamp.read_text(encoding="utf-8").strip() == wanted:
            say(f"{requirements.stem}: up to date")
            continue
        say(f"{requirements.stem}: installing (this takes minutes) …")
        try:
            subprocess.run([python, "-m", "venv", str(place)], check=True)
            pip = [str(interpreter(requirements.stem, folder)), "-m", "pip", "install", "--quiet"]
            subprocess.run([*pip, "-r", str(requirements)], check=True)
        except subprocess.CalledProcessError as error:
            say(f"{requirements.stem}: failed ({error}); it will be reported as absent")
            failed.append(requirements.stem)
            continue
        stamp.write_text(wanted + "\n", encoding="utf-8")
    return failed
