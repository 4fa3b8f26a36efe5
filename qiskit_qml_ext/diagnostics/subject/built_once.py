"""A template in a study that looks at the same circuits many times: each circuit is built once."""

from collections.abc import Iterable
from typing import Any

from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp
from sklearn.base import clone
from typing_extensions import Self

from qiskit_qml_ext.circuits import Ansatz, FeatureMap


class BuiltOnce(Ansatz):
    """An ansatz that builds the circuit of each width and settings once, and so do all of its copies together.

    It answers as the ansatz does. The circuits are shared, so whoever gets one must not change it.

    Args:
        ansatz: The ansatz; it is copied.
        circuits: The circuits of a copy: settings, width and circuit of each.
    """

    def __init__(self, ansatz: Ansatz, circuits: list[tuple[Ansatz, int, QuantumCircuit]] | None = None) -> None:
        self._ansatz: Ansatz = clone(ansatz)
        self._circuits = [] if circuits is None else circuits

    def build(self, num_qubits: int) -> QuantumCircuit:
        """Return the circuit for a width; see :meth:`Ansatz.build`."""
        for ansatz, width, circuit in self._circuits:
            if width == num_qubits and ansatz == self._ansatz:
                return circuit
        built = self._ansatz.build(num_qubits)
        self._circuits.append((clone(self._ansatz), num_qubits, built))
        return built

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the settings of the ansatz."""
        return dict(self._ansatz.get_params(deep))

    def set_params(self, **settings: Any) -> Self:
        """Change settings of the ansatz."""
        self._ansatz.set_params(**settings)
        return self

    def __sklearn_clone__(self) -> "BuiltOnce":
        """Return a copy that shares the circuits."""
        return BuiltOnce(self._ansatz, self._circuits)

    @property
    def symmetry(self) -> str:  # type: ignore[override]
        """The symmetry of the ansatz."""
        return self._ansatz.symmetry

    @property
    def min_qubits(self) -> int:  # type: ignore[override]
        """The smallest width of the ansatz."""
        return self._ansatz.min_qubits

    @property
    def parameter_period(self) -> float:  # type: ignore[override]
        """The period of the parameters of the ansatz."""
        return self._ansatz.parameter_period

    def gates_at_least(self, num_qubits: int) -> int:
        """Return a number of gates that is never too many: the ansatz itself refuses circuits that are too large."""
        return 0

    def num_parameters(self, num_qubits: int) -> int:
        """Return the number of parameters of the ansatz."""
        return self._ansatz.num_parameters(num_qubits)

    def two_qubit_gates(self, num_qubits: int) -> int:
        """Return the number of two-qubit gates of the ansatz."""
        return self._ansatz.two_qubit_gates(num_qubits)

    def generators(self, num_qubits: int) -> list[SparsePauliOp]:
        """Return the generators of the ansatz."""
        return self._ansatz.generators(num_qubits)

    def conserved_operators(self, num_qubits: int) -> list[SparsePauliOp]:
        """Return what the ansatz conserves."""
        return self._ansatz.conserved_operators(num_qubits)

    def __repr__(self) -> str:
        return repr(self._ansatz)


def existing_widths(template: Ansatz | FeatureMap, widths: Iterable[int]) -> list[int]:
    """Return those widths for which a template has a circuit.

    Some exist for even numbers or powers of two only, and weights that were trained belong to one width. Only building
    the circuit tells.
    """
    return [width for width in widths if _exists(template, width)]


def _exists(template: Ansatz | FeatureMap, width: int) -> bool:
    try:
        template.build(width)
    except ValueError:
        return False
    return True
