"""OpenQASM 2 and 3, read by Qiskit's own loaders."""

import os
import re
from pathlib import Path

from qiskit import QuantumCircuit, qasm2, qasm3
from qiskit.exceptions import QiskitError

from qiskit_qml_ext.circuits.conversion.installation import optional_package
from qiskit_qml_ext.exceptions import UnsupportedCircuitError

_COMMENTS = r"(?:\s|//[^\n]*(?:\n|$)|/\*.*?\*/)*"
_VERSION = re.compile(_COMMENTS + r"OPENQASM\s+(\d+)(?:\.\d+)?\s*;", re.DOTALL)


def from_qasm(source: str | os.PathLike[str]) -> QuantumCircuit:
    """Read an OpenQASM 2 or 3 program.

    Qubits keep the order in which the program declares them; the first is qubit 0, the rightmost bit of Qiskit's
    states. ``input`` angles of OpenQASM 3 become parameters of their names. Measurements, resets and conditions stay
    in the circuit as they stand in the program. Beside ``qelib1.inc`` the gates are known that Qiskit used to write
    into OpenQASM 2 without defining them (``rzz``, ``sx``, ``p`` and others).

    Args:
        source: The text of the program, or the path of a file (a ``Path``, or a ``str`` that has neither a line break
            nor a semicolon). Files that it includes are looked for beside it; a text includes nothing but the
            standard library.

    Returns:
        The circuit.

    Raises:
        TypeError: If ``source`` is neither a text nor a path.
        OSError: If no file of that path can be read, ``FileNotFoundError`` where there is none.
        UnsupportedCircuitError: If the program does not say its version in its first line, or cannot be read; the
            message has the line and what is wrong there, as far as the reader says them.
        ImportError: If OpenQASM 3 is to be read and ``qiskit-qasm3-import`` is not installed.

    Example:
        >>> circuit = from_qasm('OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; h q[0]; cx q[0], q[1];')
        >>> dict(circuit.count_ops())
        {'h': 1, 'cx': 1}
    """
    if not isinstance(source, (str, os.PathLike)):
        raise TypeError(
            f"source must be the text of a program or a path, but {source!r} ({type(source).__name__}) came."
        )
    text, folders = _text_and_folders(source)
    version = _VERSION.match(text)
    if version is None:
        raise UnsupportedCircuitError(
            f"The program begins with {text[:40]!r}, but its first statement must be its version. "
            "Write OPENQASM 2.0; or OPENQASM 3.0; before it."
        )
    number = int(version.group(1))
    if number not in (2, 3):
        raise UnsupportedCircuitError(f"The program is in OpenQASM {number}; versions 2 and 3 can be read.")
    try:
        return _read_2(text, folders) if number == 2 else _read_3(text)
    except QiskitError as error:
        raise UnsupportedCircuitError(f"The OpenQASM {number} program cannot be read. {error.message}") from error


def _text_and_folders(source: str | os.PathLike[str]) -> tuple[str, tuple[Path, ...]]:
    if isinstance(source, str) and re.search(r"[\n;]|^$", source):
        return source, ()
    path = Path(source)
    try:
        return path.read_text(encoding="utf-8"), (path.parent,)
    except OSError as error:
        raise type(error)(
            error.errno,
            f"{error.strerror}. source has neither a line break nor a semicolon, so it is the path of a file. Give the "
            "path of one that can be read, or the text of a program",
            str(source),
        ) from error
    except ValueError as error:  # no UTF-8, or a null character in the path
        raise UnsupportedCircuitError(f"{str(source)!r} is not the path of a text file in UTF-8: {error}.") from error


def _read_2(text: str, folders: tuple[Path, ...]) -> QuantumCircuit:
    return qasm2.loads(text, include_path=folders, custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)


def _read_3(text: str) -> QuantumCircuit:
    optional_package("qiskit_qasm3_import", "qasm3")
    from openqasm3.parser import QASM3ParsingError

    try:
        return qasm3.loads(text)
    except QiskitError:
        raise
    except QASM3ParsingError as error:  # it says nothing where a statement does not end
        raise QiskitError(str(error) or "A statement is broken or does not end.") from error
    except Exception as error:  # the reader fails in many ways where it knows no better
        raise QiskitError(
            f"Its reader fails with {type(error).__name__}: {error}. Write out what it does not know, such as a loop "
            "over a range, and see that numbers are in range."
        ) from error
