"""What is to be differentiated, checked once for all methods."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from qiskit import QuantumCircuit
from qiskit.quantum_info import Pauli, SparsePauliOp

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import wrong_kind
from qiskit_qml_ext.engine import Observable, Projector
from qiskit_qml_ext.engine.observables import as_list
from qiskit_qml_ext.gradients.parameter_rows import ParameterChoice, ParameterValues, chosen_columns, parameter_rows
from qiskit_qml_ext.primitives import Connection, connect
from qiskit_qml_ext.primitives.targets.checked_primitives import ESTIMATOR

_IMAGINARY = 1e-12  # of the largest coefficient: what rounding leaves of a product of i's


@dataclass(frozen=True, eq=False)
class Problem:
    """Observables of a circuit, the points and the parameters to differentiate by."""

    circuit: QuantumCircuit
    """The circuit."""
    observables: list[Observable] = field(repr=False)
    """M observables."""
    values: FloatArray = field(repr=False)
    """Points, shape (B, P)."""
    columns: tuple[int, ...]
    """Positions in ``circuit.parameters``, C of them."""
    connection: Connection
    """Where circuits run."""
    batch: tuple[int, ...]
    """The leading axes of the values that were given."""
    axis: tuple[int, ...]
    """The axis of the observables that were given: none for a single one."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parameters to differentiate by."""
        parameters = list(self.circuit.parameters)
        return tuple(parameters[column].name for column in self.columns)

    @property
    def conditions(self) -> tuple[str, ...]:
        """What is on while an estimator runs the circuits; see :meth:`Target.conditions`."""
        return self.connection.target.conditions(ESTIMATOR)


def pose(
    circuit: QuantumCircuit,
    observables: Observable | Sequence[Observable],
    values: ParameterValues,
    *,
    parameters: ParameterChoice | None = None,
    connection: Connection | None = None,
) -> Problem:
    """Check what is to be differentiated.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: Shapes do not fit, a value is not finite, or a parameter is not there or has no value.
    """
    if not isinstance(circuit, QuantumCircuit):
        raise wrong_kind("circuit", "a QuantumCircuit", circuit, "Templates are built first: template.build(…).")
    chosen = [_hermitian(place, one) for place, one in enumerate(as_list(observables))]
    if not chosen:
        raise ValueError("observables must hold at least one observable, but it is empty.")
    _check_widths(chosen, circuit.num_qubits)
    points = parameter_rows(circuit, values)
    is_diagonal = isinstance(observables, np.ndarray) and observables.ndim == 1 and observables.dtype != object
    single = is_diagonal or isinstance(observables, SparsePauliOp | Pauli | Projector)
    return Problem(
        circuit,
        chosen,
        points.reshape(math.prod(points.shape[:-1]), circuit.num_parameters),
        tuple(range(circuit.num_parameters))
        if parameters is None
        else chosen_columns("parameters", parameters, circuit),
        connect() if connection is None else connection,
        points.shape[:-1],
        () if single else (len(chosen),),
    )


def _hermitian(place: int, observable: Observable) -> Observable:
    """Return an observable with real coefficients; what rounding left of imaginary parts goes."""
    if isinstance(observable, Projector) or not isinstance(observable, SparsePauliOp | Pauli):
        return observable
    operator = SparsePauliOp(observable)
    coefficients = np.asarray(operator.coeffs)
    if coefficients.dtype == object:
        raise wrong_kind(f"observables[{place}]", "a Pauli sum with numbers as coefficients", observable)
    if np.any(np.abs(coefficients.imag) > _IMAGINARY * np.max(np.abs(coefficients), initial=0.0)):
        raise ValueError(
            f"observables[{place}] has complex coefficients, so that its expectation value is complex. Differentiate "
            "its Hermitian and anti-Hermitian parts apart, or call qiskit_qml_ext.engine.expectation_jacobian."
        )
    return SparsePauliOp(operator.paulis, coefficients.real)


def _check_widths(observables: Sequence[Observable], num_qubits: int) -> None:
    for place, observable in enumerate(observables):
        width = getattr(observable, "num_qubits", num_qubits)
        if width != num_qubits:
            raise ValueError(
                f"observables[{place}] acts on {width} qubits, but the circuit has {num_qubits}. "
                "Write it on all of them, with I where nothing is measured."
            )


def why_not_states(connection: Connection) -> str:
    """Say why a connection that is not exact cannot differentiate states, up to a colon."""
    name = connection.target_name
    if connection.target.may_repeat_noise:
        return f"{name} is a primitive of your own, whose states are not known:"
    return f"Values on {name}{' with shots' if connection.target.is_exact else ''} are estimates:"
