"""Families of observables, one for each number of qubits, for studies that grow a circuit."""

import numpy as np
from qiskit.quantum_info import Pauli, SparsePauliOp

from qiskit_qml_ext.checks import check_arguments
from qiskit_qml_ext.engine import Observable, Projector
from qiskit_qml_ext.engine.observables import simplified


@check_arguments()
def local_observable(num_qubits: int) -> SparsePauliOp:
    """Return Z on the middle qubit ⌊n/2⌋: the smallest possible light cone away from the edges."""
    return SparsePauliOp.from_sparse_list([("Z", [num_qubits // 2], 1.0)], num_qubits=num_qubits)


@check_arguments()
def averaged_local_observable(num_qubits: int) -> SparsePauliOp:
    """Return the mean (1/n) Σ_q Z_q: the local cost of Cerezo et al., arXiv:2001.00550, up to a constant and -1/2."""
    terms = [("Z", [qubit], 1.0 / num_qubits) for qubit in range(num_qubits)]
    return SparsePauliOp.from_sparse_list(terms, num_qubits=num_qubits)


@check_arguments()
def global_observable(num_qubits: int) -> SparsePauliOp:
    """Return the parity Z on all qubits."""
    return SparsePauliOp("Z" * num_qubits)


@check_arguments()
def global_projector(num_qubits: int) -> Projector:
    """Return |0…0⟩⟨0…0|: minus the global cost of Cerezo et al., arXiv:2001.00550, up to a constant."""
    del num_qubits  # the state 0 exists for any width
    return Projector(0)


def constant_of(observable: Pauli | SparsePauliOp) -> float:
    """Return the coefficient of the identity in a Pauli sum, Tr O/d."""
    operator = SparsePauliOp(observable)
    identity = ~np.any(operator.paulis.x | operator.paulis.z, axis=1)
    return float(np.real(np.sum(operator.coeffs[identity])))


def centred(observable: Observable) -> tuple[Observable, float]:
    """Return an observable without its constant part, and that part: a constant costs digits and changes no variance.

    Of a Pauli sum the constant is the coefficient of the identity, of a diagonal the middle of its values, of a
    projector 0.
    """
    if isinstance(observable, Projector):
        return observable, 0.0
    if isinstance(observable, (Pauli, SparsePauliOp)):
        operator = simplified(observable)
        seen = np.any(operator.paulis.x | operator.paulis.z, axis=1)
        if not seen.any():
            return SparsePauliOp("I" * operator.num_qubits, [0.0]), constant_of(operator)
        return operator[seen], constant_of(operator)
    diagonal = np.asarray(observable, dtype=np.float64)
    middle = float(diagonal.max() + diagonal.min()) / 2
    return diagonal - middle, middle


def weight_of(observable: Observable, num_qubits: int) -> int:
    """Return the largest number of qubits on which one term acts."""
    if isinstance(observable, SparsePauliOp):
        paulis = observable.paulis
        return int(np.max(np.sum(paulis.x | paulis.z, axis=1), initial=0))
    if hasattr(observable, "x") and hasattr(observable, "z"):
        return int(np.sum(observable.x | observable.z))
    return num_qubits
