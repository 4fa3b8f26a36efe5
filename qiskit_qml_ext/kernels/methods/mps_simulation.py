"""Matrix-product states of a circuit for many samples, by Qiskit Aer."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from qiskit import QuantumCircuit, transpile
from qiskit.circuit.library import StatePreparation, UnitaryGate

from qiskit_qml_ext.arrays import ComplexArray, FloatArray
from qiskit_qml_ext.engine import thread_count
from qiskit_qml_ext.program import CliffordGate, DenseUnitary, Operation, PauliRotation, RotationProgram

if TYPE_CHECKING:
    from qiskit_aer import AerSimulator

_BATCH = 64  # circuits in a call of Aer's, whose states are all held
_GATES = ["cx", "cz", "h", "rx", "ry", "rz", "rzz", "s", "sdg", "swap", "sx", "sxdg", "u", "x", "y", "z"]


@dataclass(frozen=True, eq=False)
class Chains:
    """Matrix-product states of as many samples, ⟨s_0 s_1 …|ψ⟩ = A_0[s_0] A_1[s_1] …, bonds filled up with zeros."""

    tensors: tuple[ComplexArray, ...]
    """A_q of all samples for each qubit q, shape (samples, 2, left bond, right bond)."""

    def __len__(self) -> int:
        return len(self.tensors[0])

    def part(self, rows: slice) -> "Chains":
        """Return the states of some samples."""
        return Chains(tuple(tensor[rows] for tensor in self.tensors))


def simulated_chains(program: RotationProgram, samples: FloatArray, *, max_bond: int, threshold: float) -> Chains:
    """Simulate a circuit for samples.

    Args:
        program: The lowered circuit.
        samples: Values of its parameters, shape (n, parameters).
        max_bond: Bonds are cut to this width.
        threshold: At each gate the smallest Schmidt weights are dropped that together stay below this one.

    Raises:
        ImportError: If Qiskit Aer is not installed.
        RuntimeError: If Aer fails.
    """
    simulator = _simulator(max_bond, threshold)
    angles = program.angles.evaluate(samples)
    pairs = []
    for first in range(0, len(samples), _BATCH):
        circuits = [_saving(_circuit(program, row)) for row in angles[first : first + _BATCH]]
        result = simulator.run(circuits).result()
        if not result.success:
            raise RuntimeError(f"Aer could not simulate the matrix-product states: {result.status}")
        pairs += [result.data(place)["matrix_product_state"] for place in range(len(circuits))]
    return Chains(tuple(_stacked([_tensor(pair, qubit) for pair in pairs]) for qubit in range(program.num_qubits)))


def _simulator(max_bond: int, threshold: float) -> "AerSimulator":
    try:
        from qiskit_aer import AerSimulator
    except ImportError as error:
        raise ImportError(
            "Matrix-product states are simulated by Qiskit Aer, which is not installed. Install qiskit-aer, or use "
            "method='exact' for circuits whose states fit memory."
        ) from error
    return AerSimulator(
        method="matrix_product_state",
        matrix_product_state_max_bond_dimension=max_bond,
        matrix_product_state_truncation_threshold=threshold,
        max_parallel_threads=thread_count(None),
        max_parallel_experiments=0,
    )


def _circuit(program: RotationProgram, angles: FloatArray) -> QuantumCircuit:
    """Return the program with its angles as gates that Aer knows; global phases are left out."""
    circuit = QuantumCircuit(program.num_qubits)
    wide = False
    for operation in program.operations:
        wide |= _append(circuit, operation, angles)
    return transpile(circuit, basis_gates=_GATES, optimization_level=0) if wide else circuit


def _append(circuit: QuantumCircuit, operation: Operation, angles: FloatArray) -> bool:
    """Append an operation; tell whether it is one that Aer must get in smaller gates."""
    if isinstance(operation, PauliRotation):
        _append_rotation(circuit, operation, float(angles[operation.angle]))
        return False
    if isinstance(operation, CliffordGate):
        getattr(circuit, operation.name)(*operation.qubits)
        return False
    if isinstance(operation, DenseUnitary):
        circuit.append(UnitaryGate(operation.matrix), operation.qubits)
        return len(operation.qubits) > 2
    circuit.append(StatePreparation(operation.amplitudes), operation.qubits)
    return True


def _append_rotation(circuit: QuantumCircuit, rotation: PauliRotation, angle: float) -> None:
    """Append exp(-i θ P / 2): one gate on one qubit, else Z on all of its qubits, their parity, and a Z rotation."""
    qubits = [qubit for qubit in range(circuit.num_qubits) if rotation.support >> qubit & 1]
    if not qubits:
        return  # a global phase
    letters = [2 * (rotation.x >> qubit & 1) + (rotation.z >> qubit & 1) for qubit in qubits]
    if len(qubits) == 1:
        {1: circuit.rz, 2: circuit.rx, 3: circuit.ry}[letters[0]](angle, qubits[0])
        return
    for qubit, letter in zip(qubits, letters, strict=True):
        _to_z(circuit, qubit, letter)
    ladder = list(itertools.pairwise(qubits[:-1]))
    for a, b in ladder:
        circuit.cx(a, b)
    circuit.rzz(angle, qubits[-2], qubits[-1])
    for a, b in reversed(ladder):
        circuit.cx(a, b)
    for qubit, letter in zip(qubits, letters, strict=True):
        _from_z(circuit, qubit, letter)


def _to_z(circuit: QuantumCircuit, qubit: int, letter: int) -> None:
    """Turn X (2) or Y (3) into Z."""
    if letter == 2:
        circuit.h(qubit)
    elif letter == 3:
        circuit.sx(qubit)


def _from_z(circuit: QuantumCircuit, qubit: int, letter: int) -> None:
    if letter == 2:
        circuit.h(qubit)
    elif letter == 3:
        circuit.sxdg(qubit)


def _saving(circuit: QuantumCircuit) -> QuantumCircuit:
    circuit.save_matrix_product_state()  # a method that importing Aer adds
    return circuit


def _tensor(pair: tuple[Sequence[tuple[ComplexArray, ComplexArray]], Sequence[FloatArray]], qubit: int) -> ComplexArray:
    """Return A_q = Γ_q λ_q of what Aer saves: Γ_q for both values of the qubit, Schmidt values λ_q behind it."""
    gammas, lambdas = pair
    tensor = np.stack([np.asarray(matrix, dtype=np.complex128) for matrix in gammas[qubit]])
    return tensor * np.asarray(lambdas[qubit]) if qubit < len(lambdas) else tensor


def _stacked(tensors: Sequence[ComplexArray]) -> ComplexArray:
    """Return tensors of different bonds as one array, with zeros where some have less."""
    left, right = (max(tensor.shape[axis] for tensor in tensors) for axis in (1, 2))
    stacked = np.zeros((len(tensors), 2, left, right), dtype=np.complex128)
    for place, tensor in enumerate(tensors):
        stacked[place, :, : tensor.shape[1], : tensor.shape[2]] = tensor
    return stacked
