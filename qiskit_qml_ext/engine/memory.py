"""How much memory a state takes, how much there is, and the error for states that do not fit."""

import os
from pathlib import Path

import numpy as np

from qiskit_qml_ext.checks import check_arguments, whole_number
from qiskit_qml_ext.exceptions import StateTooLargeError

SMALL_BYTES = 1 << 24
"""What fits any machine: asking how much memory is free takes longer than computing so much."""
_SHARE = 0.8  # of the available memory that may be used when no limit is given


@check_arguments()
def state_memory(num_qubits: int, dtype: str = "complex128") -> int:
    """Bytes that one state of ``num_qubits`` qubits takes.

    Example:
        >>> state_memory(10)
        16384
    """
    return int(np.dtype(dtype).itemsize) << num_qubits


def available_memory() -> int:
    """Bytes of memory that this process may still use: free memory, within the limit of its container."""
    candidates = [_physical()]
    limit, used = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    try:
        text = limit.read_text().strip()
        if text != "max":
            candidates.append(int(text) - int(used.read_text()))
    except (OSError, ValueError):
        pass
    return max(0, min(candidates))


def _physical() -> int:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 8 << 30  # a cautious guess for systems that do not tell


def memory_budget(max_memory: int | None) -> int:
    """The number of bytes that may be used: ``max_memory``, or a share of what is available."""
    if max_memory is None:
        return int(_SHARE * available_memory())
    return whole_number("max_memory", max_memory)


def check_memory(needed: int, budget: int, what: str, advice: str) -> None:
    """Raise if ``needed`` bytes exceed ``budget``.

    Raises:
        StateTooLargeError: The message holds both numbers, what they are for and what to do.
    """
    if needed > budget:
        raise StateTooLargeError(
            f"{what} needs {format_bytes(needed)}, but {format_bytes(budget)} may be used. {advice}"
        )


class Allowance:
    """Keeps count of the memory that a bytecode takes, so that nothing is allocated beyond a budget.

    Args:
        budget: Bytes that may be used altogether.
        what: What the memory is for, the beginning of a sentence.
    """

    def __init__(self, budget: int, what: str) -> None:
        self._budget = budget
        self._what = what
        self.kept = 0

    def reserve(self, temporary: int, kept: int = 0) -> None:
        """Ask for ``temporary`` bytes now, of which ``kept`` stay in use.

        Raises:
            StateTooLargeError: They exceed the budget together with what was kept before.
        """
        check_memory(
            self.kept + max(temporary, kept),
            self._budget,
            self._what,
            "Use fewer qubits or a larger max_memory.",
        )
        self.kept += kept


def format_bytes(count: int) -> str:
    """A number of bytes for people: exact bytes and a binary unit."""
    size = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB"):
        if size < 1024 or unit == "TiB":
            break
        size /= 1024
    return f"{count} bytes" if unit == "bytes" else f"{size:.1f} {unit} ({count} bytes)"
