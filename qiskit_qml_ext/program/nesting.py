"""Gates in gates in gates: how deep definitions may be nested."""

from collections.abc import Iterator
from contextlib import contextmanager

from qiskit_qml_ext.exceptions import UnsupportedCircuitError


@contextmanager
def nesting_refused() -> Iterator[None]:
    """Turn the error of the interpreter about definitions nested too deeply into one about the circuit."""
    try:
        yield
    except RecursionError as error:
        raise UnsupportedCircuitError(
            "The circuit has gates whose definitions are nested hundreds of levels deep, more than Python can follow. "
            "Flatten it first: circuit.decompose(reps=…), or compose circuits instead of wrapping gates in gates."
        ) from error
