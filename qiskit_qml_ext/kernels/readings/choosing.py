"""The readings by name."""

from collections.abc import Callable

from qiskit_qml_ext.checks import wrong_kind, wrong_value
from qiskit_qml_ext.kernels.readings.bit_flip_tolerant import BitFlipTolerantReading
from qiskit_qml_ext.kernels.readings.fidelity import FidelityReading
from qiskit_qml_ext.kernels.readings.hamming import HammingReading
from qiskit_qml_ext.kernels.readings.reading import Reading

READINGS: dict[str, Callable[..., Reading]] = {
    "fidelity": FidelityReading,
    "bit_flip_tolerant": BitFlipTolerantReading,
    "hamming": HammingReading,
}
"""The readings by name."""

_NOT_READ = {
    "local": "'local' cannot be read off these outcomes: for feature maps that entangle, a marginal of U(y)†U(x) is "
    "not the overlap Tr ρρ' of reduced states. A kernel of reduced states gives it (without entanglement, the "
    "local kernel of single qubits is 'hamming').",
}


def reading_named(reading: str | Reading, tolerance: int | None = None) -> Reading:
    """Return a reading by its name, or one of the user's own as it is.

    Args:
        reading: A name among :data:`READINGS`, or a reading.
        tolerance: That of ``"bit_flip_tolerant"``, 1 by default.

    Raises:
        ValueError: If the name is not known or cannot be read off outcomes, or a tolerance came for another reading.
        TypeError: If it is neither a name nor a reading.
    """
    known = f"one of {', '.join(map(repr, READINGS))}, or a Reading"
    if isinstance(reading, str) and reading in _NOT_READ:
        raise ValueError(_NOT_READ[reading])
    if isinstance(reading, str) and reading not in READINGS:
        raise wrong_value("reading", known, reading)
    if tolerance is not None and reading != "bit_flip_tolerant":
        raise ValueError(f"tolerance={tolerance!r} goes with 'bit_flip_tolerant', but the reading is {reading!r}.")
    if isinstance(reading, str):
        return READINGS[reading]() if tolerance is None else BitFlipTolerantReading(tolerance)
    if isinstance(reading, type) or not callable(getattr(reading, "values", None)) or not hasattr(reading, "name"):
        raise wrong_kind("reading", known, reading, "A Reading has a name and a method values(num_qubits).")
    return reading
