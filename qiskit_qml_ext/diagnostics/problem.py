"""What is diagnosed: a circuit, an observable and a distribution of initial angles, from all the ways to name them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from qiskit import QuantumCircuit
from qiskit.quantum_info import Pauli, SparsePauliOp

from qiskit_qml_ext.circuits import Ansatz, FeatureMap, InitialDistribution, UniformDistribution
from qiskit_qml_ext.engine import Observable

Trainable: TypeAlias = QuantumCircuit | Ansatz | FeatureMap | Callable[[int], QuantumCircuit]
"""A circuit, a template, or a function from the number of qubits to a circuit."""

ObservableFamily: TypeAlias = Observable | Callable[[int], Observable]
"""An observable, or a function from the number of qubits to one."""

Parameters: TypeAlias = Literal["all"] | Sequence[int]
"""Which parameters are differentiated: positions in ``circuit.parameters``."""


@dataclass(frozen=True, eq=False)
class Problem:
    """A circuit with an observable and a distribution of its angles.

    Attributes:
        circuit: The circuit.
        observable: What is measured.
        distribution: Where the angles come from.
        columns: Which parameters are differentiated.
    """

    circuit: QuantumCircuit
    observable: Observable
    distribution: InitialDistribution
    columns: tuple[int, ...]

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
    chosen = distribution if distribution is not None else natural_distribution(trainable)
    return Problem(
        circuit=circuit,
        observable=build_observable(observable, int(circuit.num_qubits)),
        distribution=chosen,
        columns=_columns(parameters, int(circuit.num_parameters)),
    )


def build_circuit(trainable: Trainable, num_qubits: int | None) -> QuantumCircuit:
    """Return the circuit for a width; a plain circuit has its own."""
    if isinstance(trainable, QuantumCircuit):
        if num_qubits is not None and num_qubits != trainable.num_qubits:
            raise ValueError(
                f"num_qubits is {num_qubits} but the circuit has {trainable.num_qubits} qubits. "
                "Pass a template or a function of the number of qubits to change the width."
            )
        return trainable
    if num_qubits is None:
        raise ValueError(f"num_qubits is needed to build a circuit from {type(trainable).__name__}.")
    if isinstance(trainable, (Ansatz, FeatureMap)):
        return trainable.build(num_qubits)
    if callable(trainable):
        circuit = trainable(num_qubits)
        if isinstance(circuit, QuantumCircuit):
            return circuit
        raise TypeError(f"The function of the number of qubits returned a {type(circuit).__name__}, not a circuit.")
    raise TypeError(
        f"{type(trainable).__name__} is neither a QuantumCircuit, an ansatz, nor a function from the number of qubits "
        "to a circuit."
    )


def build_observable(observable: ObservableFamily, num_qubits: int) -> Observable:
    """Return the observable for a width."""
    made = observable
    if callable(observable) and not isinstance(observable, (Pauli, SparsePauliOp)):
        made = observable(num_qubits)
    width = getattr(made, "num_qubits", None)
    if width is not None and width != num_qubits:
        raise ValueError(
            f"The observable acts on {width} qubits but the circuit has {num_qubits}. "
            "Pass a function of the number of qubits, such as diagnostics.local_observable, to match any width."
        )
    return made


def natural_distribution(trainable: Trainable) -> InitialDistribution:
    """Return the uniform distribution over the period of the parameters."""
    period = getattr(trainable, "parameter_period", 2 * math.pi)
    return UniformDistribution(0.0, period if math.isfinite(period) else 2 * math.pi)


def check_samples(num_samples: int, *, minimum: int = 2) -> int:
    """Return a number of samples, or raise an error that names it."""
    if isinstance(num_samples, bool) or not isinstance(num_samples, (int, np.integer)):
        raise TypeError(f"num_samples must be a whole number, but {num_samples!r} came.")
    if num_samples < minimum:
        raise ValueError(f"num_samples must be at least {minimum}, but {num_samples} came.")
    return int(num_samples)


def check_confidence(confidence: float) -> float:
    """Return a confidence between 0 and 1, or raise an error that names it."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, such as 0.95, but {confidence!r} came.")
    return float(confidence)


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
