"""What an operation means where its matrix and its definition could say different things.

``Statevector(circuit)`` is the truth. It takes an operation's matrix where there is one, else its definition. For the
gates of Qiskit's own library the two agree (tests compare them), so the definition, which keeps Pauli structure, is
used; the exceptions are evolution gates, whose definition is an approximation. For everybody else's gates the
definition is compared with the matrix before it is believed.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Gate, Instruction, ParameterExpression
from qiskit.circuit import Operation as CircuitOperation
from qiskit.circuit import library as qiskit_library
from qiskit.circuit.library import HamiltonianGate, PauliEvolutionGate
from qiskit.exceptions import QiskitError
from qiskit.quantum_info import Operator

from qiskit_qml_ext.arrays import ComplexArray
from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.program.evolution import check_dense_size
from qiskit_qml_ext.program.unitary_part import definition_of

_MAX_COMPARED_QUBITS = 6  # up to here comparing a definition with a matrix takes milliseconds
_MATRIX_ATOL = 1e-10  # far above rounding of the products in a definition


@cache
def _library_classes() -> frozenset[type]:
    """The classes of Qiskit's circuit library whose matrix and definition agree."""
    classes = {kind for kind in vars(qiskit_library).values() if isinstance(kind, type)}
    return frozenset(classes - {HamiltonianGate, PauliEvolutionGate})


def is_library_gate(operation: CircuitOperation) -> bool:
    """Whether an operation is of a class of Qiskit's library whose matrix and definition agree."""
    return type(operation) in _library_classes() or getattr(operation, "base_class", None) in _library_classes()


def is_exactly(operation: CircuitOperation, kind: type) -> bool:
    """Whether an operation is of a class, or of a subclass that leaves the class's matrix alone."""
    actual = type(operation)
    return isinstance(operation, kind) and (
        actual is kind
        or (
            "to_matrix" not in getattr(operation, "__dict__", {})
            and getattr(actual, "to_matrix", None) is getattr(kind, "to_matrix", None)
            and getattr(actual, "__array__", None) is getattr(kind, "__array__", None)
        )
    )


def has_doubtful_definition(operation: CircuitOperation) -> bool:
    """Whether the operation brings a matrix of its own that its definition might contradict."""
    actual = type(operation)
    if "to_matrix" in getattr(operation, "__dict__", {}):
        return True
    if actual in _library_classes() or not isinstance(operation, Instruction):
        return False
    return hasattr(actual, "__array__") or getattr(actual, "to_matrix", Gate.to_matrix) is not Gate.to_matrix


def free_parameters(operation: CircuitOperation) -> list[ParameterExpression]:
    """The parameters of an operation that have no value yet."""
    return [p for p in getattr(operation, "params", ()) if isinstance(p, ParameterExpression) and p.parameters]


def matrix_of(operation: CircuitOperation) -> ComplexArray | None:
    """The matrix that ``Statevector`` would use, or None where it would use the definition.

    Raises:
        UnsupportedCircuitError: The matrix is too large, or computing it fails.
    """
    provider: Callable[[], object] | None = getattr(operation, "to_matrix", None)
    if provider is None or free_parameters(operation):
        return None
    check_dense_size(operation.name, operation.num_qubits)
    try:
        return np.asarray(provider(), dtype=np.complex128)
    except QiskitError:
        return None
    except Exception as error:  # whatever the author of the gate raises
        raise UnsupportedCircuitError(
            f"The matrix of the instruction {operation.name!r} ({type(operation).__name__}) cannot be computed: {error}"
        ) from error


def true_matrix(operation: CircuitOperation) -> ComplexArray | None:
    """The matrix of a doubtful operation where it must be used, or None if its definition says the same.

    Raises:
        UnsupportedCircuitError: The operation has free parameters, and its definition contradicts its matrix or cannot
            be compared with it.
    """
    if free_parameters(operation):
        _check_free_definition(operation)
        return None
    matrix = matrix_of(operation)
    if matrix is None or (operation.num_qubits <= _MAX_COMPARED_QUBITS and _is_defined_as(operation, matrix)):
        return None
    return matrix


def _is_defined_as(operation: CircuitOperation, matrix: ComplexArray) -> bool:
    definition = definition_of(operation)
    if definition is None:
        return False
    try:
        defined = Operator(definition).data
    except Exception:  # not unitary, or not computable: then it does not say the same
        return False
    return defined.shape == matrix.shape and bool(np.abs(defined - matrix).max() <= _MATRIX_ATOL)


def _check_free_definition(operation: CircuitOperation) -> None:
    """Compare definition and matrix at one generic point."""
    name, kind = operation.name, type(operation).__name__
    advice = (
        "Statevector uses the matrix, devices run the definition; make them agree, leave one of them out, or bind the "
        "parameters first."
    )
    if definition_of(operation) is None:
        raise UnsupportedCircuitError(
            f"The gate {name!r} ({kind}) has a matrix only once its parameters are bound, and no definition. Give it a "
            "definition, or bind its parameters first."
        )
    if operation.num_qubits > _MAX_COMPARED_QUBITS:
        raise UnsupportedCircuitError(
            f"The gate {name!r} ({kind}) has a matrix of its own, free parameters and {operation.num_qubits} qubits; "
            f"whether its definition agrees with its matrix is checked up to {_MAX_COMPARED_QUBITS} qubits. {advice}"
        )
    circuit = QuantumCircuit(operation.num_qubits)
    circuit.append(operation, range(operation.num_qubits))
    point = [0.37 + 0.61803 * place % 0.8 for place in range(len(circuit.parameters))]
    bound = circuit.assign_parameters(point).data[0].operation
    matrix = matrix_of(bound)
    if matrix is not None and not _is_defined_as(bound, matrix):
        raise UnsupportedCircuitError(
            f"The definition of the gate {name!r} ({kind}) contradicts its matrix (compared at one set of values). "
            f"{advice}"
        )


def synthesise(operation: CircuitOperation) -> QuantumCircuit | None:
    """Let Qiskit's own synthesis expand what is no instruction and has no definition; None if it cannot."""
    from qiskit.transpiler import PassManager  # deferred: only exotic operations need the transpiler
    from qiskit.transpiler.passes import HighLevelSynthesis

    if isinstance(operation, Instruction) or operation.num_clbits:
        return None
    circuit = QuantumCircuit(operation.num_qubits)
    circuit.append(operation, range(operation.num_qubits))
    try:
        expanded = PassManager([HighLevelSynthesis()]).run(circuit)
    except QiskitError:
        return None
    unchanged = len(expanded.data) == 1 and type(expanded.data[0].operation) is type(operation)
    return None if unchanged else expanded
