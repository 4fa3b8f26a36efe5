"""What is diagnosed: a circuit, an observable and a distribution of initial angles, from all the ways to name them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias, TypeGuard

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Reset
from qiskit.circuit.library import Initialize
from qiskit.quantum_info import Operator, Pauli, SparsePauliOp
from qiskit.quantum_info.operators.base_operator import BaseOperator

from qiskit_qml_ext.circuits import Ansatz, FeatureMap, InitialDistribution, UniformDistribution
from qiskit_qml_ext.engine import Observable, Projector
from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.program import PauliRotation, RotationProgram, lower, unitary_part

_REAL = 1e-12  # relative to the largest entry: imaginary parts that rounding leaves
_LARGEST = 1e60  # intervals take the fourth power of losses, and its inverse, which must stay within double precision
_DENOMINATORS = 64  # the largest denominator of an angle's coefficient that is meant as a fraction
_FRACTION = 1e-12  # coefficients this close to a fraction are one
_LONGEST = 10_000  # the most turns of a common period; the phase of an angle loses this factor in digits

Trainable: TypeAlias = QuantumCircuit | Ansatz | FeatureMap | Callable[[int], QuantumCircuit]
"""A circuit, a template, or a function from the number of qubits to a circuit."""

ObservableFamily: TypeAlias = Observable | Callable[[int], Observable]
"""An observable, or a function from the number of qubits to one."""

Parameters: TypeAlias = Literal["all"] | Sequence[int]
"""Which parameters are differentiated: positions in ``circuit.parameters``."""


@dataclass(frozen=True, eq=False)
class Problem:
    """A circuit with an observable and a distribution of its angles."""

    circuit: QuantumCircuit
    """The circuit."""
    observable: Observable
    """What is measured."""
    distribution: InitialDistribution
    """Where the angles come from."""
    columns: tuple[int, ...]
    """Which parameters are differentiated."""

    @property
    def num_qubits(self) -> int:
        """The number of qubits."""
        return int(self.circuit.num_qubits)

    def sample(self, size: int, rng: np.random.Generator) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
        """Draw angles, shape (size, number of parameters)."""
        return self.distribution.sample(self.circuit, size, rng)


def pose(
    trainable: Trainable,
    observable: ObservableFamily,
    *,
    num_qubits: int | None = None,
    distribution: InitialDistribution | None = None,
    parameters: Parameters = "all",
) -> Problem:
    """Check the arguments that all diagnostics of a circuit share, and put them together.

    Raises:
        TypeError: If the circuit or the observable is of a kind that is not known.
        ValueError: If a width is missing or does not fit, or a parameter does not exist.
    """
    circuit = build_circuit(trainable, num_qubits)
    chosen = distribution if distribution is not None else natural_distribution(trainable, circuit)
    return Problem(
        circuit=circuit,
        observable=build_observable(observable, int(circuit.num_qubits)),
        distribution=chosen,
        columns=_columns(parameters, int(circuit.num_parameters)),
    )


def build_circuit(trainable: Trainable, num_qubits: int | None) -> QuantumCircuit:
    """Return the circuit for a width, without final measurements; a plain circuit has its own width.

    Raises:
        TypeError: If what came is neither a circuit nor makes one.
        ValueError: If the width is missing or does not fit.
        UnsupportedCircuitError: If a qubit is measured or reset in the middle of the circuit.
    """
    if isinstance(trainable, (BaseOperator, Projector, np.ndarray)):
        raise TypeError(
            f"The circuit came as a {type(trainable).__name__}, which is an observable. The circuit comes first, the "
            "observable after it."
        )
    if isinstance(trainable, QuantumCircuit):
        if num_qubits is not None and num_qubits != trainable.num_qubits:
            raise ValueError(
                f"num_qubits is {num_qubits} but the circuit has {trainable.num_qubits} qubits. "
                "Pass a template or a function of the number of qubits to change the width."
            )
        return _unmeasured(trainable)
    if num_qubits is None:
        raise ValueError(f"num_qubits is needed to build a circuit from {type(trainable).__name__}.")
    if isinstance(trainable, (Ansatz, FeatureMap)):
        return trainable.build(num_qubits)
    if callable(trainable):
        circuit = trainable(num_qubits)
        if isinstance(circuit, QuantumCircuit):
            return _unmeasured(circuit)
        raise TypeError(f"The function of the number of qubits returned a {type(circuit).__name__}, not a circuit.")
    raise TypeError(
        f"{type(trainable).__name__} is neither a QuantumCircuit, an ansatz, nor a function from the number of qubits "
        "to a circuit."
    )


def _unmeasured(circuit: QuantumCircuit) -> QuantumCircuit:
    """The circuit without final measurements and classical bits; the circuit itself if it has none."""
    if circuit.clbits or any(isinstance(item.operation, (Reset, Initialize)) for item in circuit.data):
        return unitary_part(circuit)
    return circuit


def build_observable(observable: ObservableFamily, num_qubits: int) -> Observable:
    """Return the observable for a width, with real coefficients.

    An ``Operator`` or a Hermitian matrix becomes its diagonal, or a Pauli sum if it is not diagonal.

    Raises:
        TypeError: If what came is no observable.
        ValueError: If the width does not fit, or the observable is not Hermitian, not finite, has free parameters, or
            its largest coefficient lies outside 1e-60 to 1e60, where the fourth power leaves double precision.
    """
    made = observable
    if is_family(observable):
        made = observable(num_qubits)
    if isinstance(made, QuantumCircuit):
        raise TypeError("The observable came as a QuantumCircuit. The circuit comes first, the observable after it.")
    if not isinstance(made, (Pauli, SparsePauliOp, Projector)):
        made = _from_numbers(made)
    width = getattr(made, "num_qubits", None)
    if isinstance(made, np.ndarray):
        width = made.size.bit_length() - 1
        if made.size != 2**width:
            raise ValueError(f"A diagonal has 2**n entries, 2**{num_qubits} here, but {made.size} came.")
    if width is not None and width != num_qubits:
        raise ValueError(
            f"The observable acts on {width} qubits but the circuit has {num_qubits}. "
            "Pass a function of the number of qubits, such as diagnostics.local_observable, to match any width."
        )
    if isinstance(made, SparsePauliOp):
        return SparsePauliOp(made.paulis, _real(_bound(made), "coefficients"))
    if isinstance(made, Pauli):
        _real(SparsePauliOp(made).coeffs, "coefficients")
    return made


def is_family(observable: ObservableFamily) -> TypeGuard[Callable[[int], Observable]]:
    """Whether an observable is a function from the number of qubits to one; Qiskit's operators are callable too."""
    return callable(observable) and not isinstance(observable, BaseOperator)


def _from_numbers(made: object) -> Observable:
    """A diagonal, from the diagonal itself, a matrix or an operator; or a Pauli sum, if these are not diagonal."""
    if isinstance(made, Operator):
        made = made.data
    if not isinstance(made, (np.ndarray, list, tuple)) or np.asarray(made).dtype.kind not in "biufc":
        raise TypeError(
            f"The observable is a {type(made).__name__}. Give one SparsePauliOp, Pauli, Projector or Operator, the "
            "diagonal as an array of 2**n numbers, or a function from the number of qubits to one of these."
        )
    entries = np.asarray(made)
    if entries.ndim == 1:
        return _real(entries, "diagonal entries")
    size = len(entries)
    if entries.shape != (size, size) or size & (size - 1) or size < 2:
        raise ValueError(f"An observable is a diagonal or a matrix of size 2**n, but its shape is {entries.shape}.")
    if not np.all(np.isfinite(entries)):
        raise ValueError("The observable's entries must be finite, but infinite values or NaN came.")
    if not np.allclose(entries, entries.conj().T, rtol=0.0, atol=_REAL * float(np.abs(entries).max())):
        raise ValueError("The observable's matrix is not Hermitian, so its mean is no loss.")
    diagonal = np.diag(entries)
    if not np.any(entries - np.diag(diagonal)):
        return _real(diagonal, "diagonal entries")
    unit = float(np.abs(entries).max())
    operator = SparsePauliOp.from_operator(Operator(entries / unit), atol=_REAL, rtol=0.0)
    return SparsePauliOp(operator.paulis, unit * operator.coeffs)


def _bound(operator: SparsePauliOp) -> "np.ndarray[tuple[int], np.dtype[np.complex128]]":
    """The coefficients as numbers."""
    try:
        return np.asarray(operator.coeffs, dtype=np.complex128)
    except TypeError as error:
        raise ValueError("The observable's coefficients have free parameters. Assign numbers to them first.") from error


def _real(
    values: "np.ndarray[tuple[int], np.dtype[np.generic]]", name: str
) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """The real parts of numbers that are real, finite and of a magnitude whose fourth power is a number."""
    numbers = np.asarray(values, dtype=np.complex128)
    if not np.all(np.isfinite(numbers)):
        raise ValueError(f"The observable's {name} must be finite, but infinite values or NaN came.")
    largest = float(np.max(np.abs(numbers), initial=0.0))
    if np.any(np.abs(numbers.imag) > _REAL * largest):
        raise ValueError(
            f"The observable has complex {name}, so it is not Hermitian and its mean is no loss. Give real ones."
        )
    if largest and not 1 / _LARGEST <= largest <= _LARGEST:
        raise ValueError(
            f"The largest of the observable's {name} is {largest:.3g}, whose fourth power leaves double precision. "
            f"Choose another unit: between {1 / _LARGEST:.0e} and {_LARGEST:.0e}."
        )
    return np.array(numbers.real, dtype=np.float64)


def natural_distribution(trainable: Trainable, circuit: QuantumCircuit) -> InitialDistribution:
    """Return the uniform distribution over a period that all parameters have in common.

    A template knows its period. That of a circuit follows from the angles of its rotations: [0, 2π) where all are whole
    multiples of parameters, a multiple of it where there are fractions (4π for ``ry(a/2)`` and controlled rotations).
    Where there is no such period, as for ``rx(√2·a)·rx(a)`` or functions of parameters, it is [0, 2π) all the same.

    Args:
        trainable: What came.
        circuit: The circuit that was made of it.
    """
    if isinstance(trainable, (Ansatz, FeatureMap)):
        period = getattr(trainable, "parameter_period", 2 * math.pi)
        return UniformDistribution(0.0, period if math.isfinite(period) else 2 * math.pi)
    try:
        turns = _turns(lower(circuit))
    except UnsupportedCircuitError:
        turns = 1  # whoever simulates the circuit says what is wrong with it
    return UniformDistribution(0.0, turns * 2 * math.pi)


def _turns(program: RotationProgram) -> int:
    """After how many turns of all parameters every rotation is what it was, up to its sign; 1 if after none."""
    turns = 1
    seen: set[float] = set()
    for operation in program.operations:
        if not isinstance(operation, PauliRotation) or not operation.support:
            continue
        terms, _ = program.angles.rows.row(operation.angle)
        if any(atom >= program.num_parameters for atom in terms):
            return 1
        seen.update(terms.values())
    for factor in seen:
        fraction = Fraction(factor).limit_denominator(_DENOMINATORS)
        if abs(factor - fraction) > _FRACTION * abs(factor):
            return 1
        turns = math.lcm(turns, fraction.denominator)
    return turns if turns <= _LONGEST else 1


def _columns(parameters: Parameters, num_parameters: int) -> tuple[int, ...]:
    if isinstance(parameters, str):
        if parameters != "all":
            raise ValueError(f"parameters must be 'all' or a list of positions, but {parameters!r} came.")
        return tuple(range(num_parameters))
    columns = tuple(int(column) for column in parameters)
    wrong = [column for column in columns if not 0 <= column < num_parameters]
    if wrong or not columns:
        raise ValueError(
            f"parameters must be positions from 0 to {num_parameters - 1} in circuit.parameters, but {columns} came."
        )
    return columns
