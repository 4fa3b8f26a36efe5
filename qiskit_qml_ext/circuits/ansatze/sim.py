"""The nineteen circuits whose expressibility and entangling capability Sim et al. compared."""

import math
from collections.abc import Callable, Iterator
from typing import ClassVar

from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.quantum_info import SparsePauliOp

from qiskit_qml_ext.checks import whole_number
from qiskit_qml_ext.circuits.generators import controlled_rotations, distinct, single_paulis
from qiskit_qml_ext.circuits.template import Ansatz

Pairs = list[tuple[int, int]]
Step = tuple[str, list[int] | Pairs]
"""A gate's name with the qubits or the (control, target) pairs on which it acts, in their order."""


def _ladder(n: int) -> Pairs:
    """List the controlled gates from the last qubit up: (n-1, n-2), …, (1, 0)."""
    return [(qubit + 1, qubit) for qubit in reversed(range(n - 1))]


def _ring(n: int) -> Pairs:
    """List the ring of circuits 18 and 19: (n-1, 0), (n-2, n-1), …, (0, 1)."""
    return [(qubit, (qubit + 1) % n) for qubit in reversed(range(n))] if n > 1 else []


def _counter_ring(n: int) -> Pairs:
    """List the second ring of circuits 13 to 15: (n-1, n-2), (0, n-1), (1, 0), …, (n-2, n-3)."""
    return [(qubit % n, (qubit - 1) % n) for qubit in range(n - 1, 2 * n - 1)] if n > 1 else []


def _all_to_all(n: int) -> Pairs:
    """List every ordered pair, from the last control and the last target up."""
    return [(c, t) for c in reversed(range(n)) for t in reversed(range(n)) if t != c]


def _bricks(n: int) -> Pairs:
    return [(qubit + 1, qubit) for qubit in range(0, n - 1, 2)]


def _shifted_bricks(n: int) -> Pairs:
    return [(qubit + 1, qubit) for qubit in range(1, n - 1, 2)]


def _middle(n: int) -> list[int]:
    """List the qubits that the shifted bricks touch."""
    return sorted(qubit for pair in _shifted_bricks(n) for qubit in pair)


def _closed_chain(n: int) -> Pairs:
    """List the CZ gates of circuit 10: the chain from the last qubit up and, for n > 2, the closing pair."""
    return _ladder(n) + ([(0, n - 1)] if n > 2 else [])


def _layers(*names: str) -> Callable[[int], list[Step]]:
    """Return the steps that apply each named rotation to all qubits."""
    return lambda n: [(name, list(range(n))) for name in names]


def _chain(first: Callable[[int], list[Step]], *rest: Callable[[int], list[Step]]) -> Callable[[int], list[Step]]:
    return lambda n: [step for part in (first, *rest) for step in part(n)]


def _gates(name: str, place: Callable[[int], list[int]] | Callable[[int], Pairs]) -> Callable[[int], list[Step]]:
    return lambda n: [(name, place(n))]


_RXRZ = _layers("rx", "rz")


def _bricks_between(gate: str) -> Callable[[int], list[Step]]:
    return _chain(_RXRZ, _gates(gate, _bricks), _RXRZ, _gates(gate, _shifted_bricks))


def _narrowing(gate: str) -> Callable[[int], list[Step]]:
    rotations = _gates("ry", _middle), _gates("rz", _middle)
    return _chain(_layers("ry", "rz"), _gates(gate, _bricks), *rotations, _gates(gate, _shifted_bricks))


def _two_rings(gate: str) -> Callable[[int], list[Step]]:
    return _chain(_layers("ry"), _gates(gate, _ring), _layers("ry"), _gates(gate, _counter_ring))


_CIRCUITS: dict[int, Callable[[int], list[Step]]] = {
    1: _RXRZ,
    2: _chain(_RXRZ, _gates("cx", _ladder)),
    3: _chain(_RXRZ, _gates("crz", _ladder)),
    4: _chain(_RXRZ, _gates("crx", _ladder)),
    5: _chain(_RXRZ, _gates("crz", _all_to_all), _RXRZ),
    6: _chain(_RXRZ, _gates("crx", _all_to_all), _RXRZ),
    7: _bricks_between("crz"),
    8: _bricks_between("crx"),
    9: _chain(_layers("h"), _gates("cz", _ladder), _layers("rx")),
    10: _chain(_layers("ry"), _gates("cz", _closed_chain), _layers("ry")),
    11: _narrowing("cx"),
    12: _narrowing("cz"),
    13: _two_rings("crz"),
    14: _two_rings("crx"),
    15: _two_rings("cx"),
    16: _chain(_RXRZ, _gates("crz", _bricks), _gates("crz", _shifted_bricks)),
    17: _chain(_RXRZ, _gates("crx", _bricks), _gates("crx", _shifted_bricks)),
    18: _chain(_RXRZ, _gates("crz", _ring)),
    19: _chain(_RXRZ, _gates("crx", _ring)),
}


class SimAnsatz(Ansatz):
    r"""One of the circuits 1 to 19 of Sim, Johnson and Aspuru-Guzik.

    Each layer consists of rotation layers R_x, R_y, R_z and gates CX, CZ, CR_z(θ) or CR_x(θ) in a ladder (circuits 2 to
    4, 9), all to all (5, 6), bricks (7, 8, 11, 12, 16, 17), a closed chain (10) or one or two rings (13 to 15, 18, 19).
    Layers repeat as a whole, the Hadamard gates of circuit 9 and the first rotations of circuit 10 included.
    Parameters for n ≥ 2 qubits and one layer:

    ============  ====================  =============================
    circuit       parameters            two-qubit gates
    ============  ====================  =============================
    1             2n                    0
    2             2n                    n-1
    3, 4          3n-1                  n-1
    5, 6          n²+3n                 n(n-1)
    7, 8          5n-1                  n-1
    9             n                     n-1
    10            2n                    n (n-1 for two qubits)
    11, 12        4n-4 (n even)         n-1
    13, 14        4n                    2n
    15            2n                    2n
    16, 17        3n-1                  n-1
    18, 19        3n                    n
    ============  ====================  =============================

    For odd n ≥ 3, circuits 11 and 12 have 4n-2 parameters. For n = 1 only the rotations are left. Rotations have the
    period 2π, controlled rotations 4π.

    Counts:
        parameters: reps * (4 * n if n > 1 else 2)
        two-qubit gates: reps * (2 * n if n > 1 else 0)
        depth: 2 * n + 1 if n > 3 else 2 * n + 2 * min(n - 1, 1)

    Args:
        number: The circuit's number in the paper, 1 to 19.
        reps: The number of layers, at least 1.

    References:
        Sim, Johnson and Aspuru-Guzik, arXiv:1905.10876, Fig. 2.

    Examples:
        >>> from qiskit_qml_ext.circuits import SimAnsatz
        >>> SimAnsatz(6).build(4).num_parameters
        28
    """

    name: ClassVar[str] = "sim"
    reference: ClassVar[str] = "arXiv:1905.10876"

    def __init__(self, number: int = 14, *, reps: int = 1):
        self.number = number
        self.reps = reps

    @property
    def symmetry(self) -> str:  # type: ignore[override]
        """Real amplitudes for circuits 10 and 15, otherwise none."""
        return "real amplitudes" if self.number in (10, 15) else "none"

    @property
    def parameter_period(self) -> float:  # type: ignore[override]
        """4π for circuits with controlled rotations, otherwise 2π."""
        return 4 * math.pi if any(gate.startswith("cr") for gate, _ in self._steps(2)) else 2 * math.pi

    def build(self, num_qubits: int) -> QuantumCircuit:
        """Build the circuit on ``num_qubits`` qubits; see :meth:`Ansatz.build`."""
        num_qubits = whole_number("num_qubits", num_qubits)
        reps = whole_number("reps", self.reps)
        angles = iter(ParameterVector("θ", self.num_parameters(num_qubits)))
        circuit = QuantumCircuit(num_qubits, name=f"SimAnsatz{self.number}")
        for _ in range(reps):
            for gate, places in self._steps(num_qubits):
                _append(circuit, gate, places, angles)
        return circuit

    def _blocks_at_least(self, num_qubits: int) -> int:
        return num_qubits * (num_qubits - 1) if self.number in (5, 6) else 0

    def num_parameters(self, num_qubits: int) -> int:
        """Return the number of angles: one for each rotation and controlled rotation."""
        return self.reps * sum(len(places) for gate, places in self._steps(num_qubits) if "r" in gate)

    def two_qubit_gates(self, num_qubits: int) -> int:
        """Return the number of controlled gates."""
        return self.reps * sum(len(places) for gate, places in self._steps(num_qubits) if gate.startswith("c"))

    def generators(self, num_qubits: int) -> list[SparsePauliOp]:
        """List the Paulis of the rotations and (P - ZP)/2 of controlled ones; see :meth:`Ansatz.generators`."""
        generators: list[SparsePauliOp] = []
        for gate, places in self._steps(num_qubits):
            axis = gate[-1].upper()
            if gate.startswith("cr"):
                generators += controlled_rotations(
                    axis, [pair for pair in places if isinstance(pair, tuple)], num_qubits
                )
            elif gate.startswith("r"):
                generators += single_paulis(axis, num_qubits, [qubit for qubit in places if isinstance(qubit, int)])
        return distinct(generators)

    def _steps(self, num_qubits: int) -> list[Step]:
        number = whole_number("number", self.number)
        if number not in _CIRCUITS:
            raise ValueError(f"number must be a number from 1 to 19, but {number} came.")
        return _CIRCUITS[number](num_qubits)


def _append(circuit: QuantumCircuit, gate: str, places: list[int] | Pairs, angles: Iterator[Parameter]) -> None:
    for place in places:
        qubits = place if isinstance(place, tuple) else (place,)
        values = [next(angles)] if "r" in gate else []
        getattr(circuit, gate)(*values, *qubits)
