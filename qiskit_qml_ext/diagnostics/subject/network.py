"""Quantum neural networks of qiskit-machine-learning: circuits with trained weights and inputs that are data."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.circuits import InitialDistribution, UniformDistribution
from qiskit_qml_ext.engine import Observable, Projector
from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.kernels.data_binding import warn_of_order

if TYPE_CHECKING:
    from qiskit_machine_learning.neural_networks import SamplerQNN


_MAX_TABLE_QUBITS = 16  # what a network makes of each outcome is tabulated, 2^n numbers


class InputsFromData(InitialDistribution):
    """Weights from a distribution, inputs from the rows of a data set.

    Args:
        X: Data as the network takes them, shape (rows, number of inputs).
        inputs: The names of the parameters that are inputs, in the order of the columns.
        others: The distribution of all other parameters, the weights.
    """

    name = "inputs-from-data"
    reference = "data given by the caller"
    independent = False

    def __init__(self, X: FloatArray, inputs: tuple[str, ...], others: InitialDistribution) -> None:
        self.X = X
        self.inputs = inputs
        self.others = others

    def _draw(self, circuit: QuantumCircuit, size: int, rng: np.random.Generator) -> FloatArray:
        values = self.others.sample(circuit, size, rng)
        place = {parameter.name: column for column, parameter in enumerate(circuit.parameters)}
        values[:, [place[name] for name in self.inputs]] = self.X[rng.integers(0, len(self.X), size)]
        return values

    def __repr__(self) -> str:
        return f"{self.others!r} for the weights, {len(self.X)} rows of data for the inputs"


@dataclass(frozen=True, eq=False)
class Network:
    """What is to be diagnosed of a network.

    Attributes:
        circuit: The circuit with inputs and weights.
        observable: What its first output measures.
        weights: Positions of the weights in ``circuit.parameters``.
        distribution: Random weights, and inputs from the data.
        note: What was assumed, in one sentence; empty if nothing was.
    """

    circuit: QuantumCircuit
    observable: Observable
    weights: tuple[int, ...]
    distribution: InitialDistribution
    note: str


def network_of(model: object, X: ArrayLike | None) -> Network | None:
    """Return the network in a model of qiskit-machine-learning, or None if it is none.

    Args:
        model: An ``EstimatorQNN`` or ``SamplerQNN``, or an object with one as its attribute ``neural_network``, such as
            ``VQC``, ``VQR`` and ``NeuralNetworkClassifier``.
        X: Data for the inputs, shape (rows, inputs); without them the inputs are drawn like the weights.

    Raises:
        ValueError: If the data do not fit the inputs.
        UnsupportedCircuitError: If what the network makes of outcomes cannot be tabulated.
    """
    from qiskit_machine_learning.neural_networks import EstimatorQNN, SamplerQNN

    network = model if isinstance(model, (EstimatorQNN, SamplerQNN)) else getattr(model, "neural_network", None)
    if not isinstance(network, (EstimatorQNN, SamplerQNN)):
        return None
    circuit = network.circuit.remove_final_measurements(inplace=False)
    inputs = tuple(parameter.name for parameter in network.input_params or ())
    trained = {parameter.name for parameter in network.weight_params or ()}
    weights = tuple(column for column, parameter in enumerate(circuit.parameters) if parameter.name in trained)
    distribution: InitialDistribution = UniformDistribution()
    notes = []
    if X is not None and not inputs:
        raise ValueError("X means nothing for this network: it has no inputs.")
    if inputs and X is None:
        notes.append("No data were given, so the inputs are drawn like the weights.")
    elif inputs:
        warn_of_order(network.input_params or ())
        distribution = InputsFromData(_checked(X, inputs), inputs, distribution)
    outputs = int(np.prod(network.output_shape))
    if outputs > 1:
        notes.append(f"Of its {outputs} outputs the first is diagnosed.")
    observable = (
        network.observables[0] if isinstance(network, EstimatorQNN) else _first_output(network, circuit.num_qubits)
    )
    return Network(circuit, observable, weights, distribution, " ".join(notes))


def _checked(X: ArrayLike | None, inputs: tuple[str, ...]) -> FloatArray:
    rows = np.asarray(X, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != len(inputs) or not len(rows):
        raise ValueError(f"X must have a row or more and the network's {len(inputs)} inputs, but has {rows.shape}.")
    return rows


def _first_output(network: "SamplerQNN", num_qubits: int) -> Observable:
    """The probability of the first output, as a diagonal; without an interpretation that of the outcome 0…0."""
    interpret: Any = network.interpret
    if interpret is None:
        return Projector(0)
    if num_qubits > _MAX_TABLE_QUBITS:
        raise UnsupportedCircuitError(
            f"What the network makes of its outcomes is tabulated up to {_MAX_TABLE_QUBITS} qubits, but it has "
            f"{num_qubits}. Diagnose its circuit with an observable of your own."
        )
    first = (0,) * len(network.output_shape)
    return np.array([float(np.array_equal(np.atleast_1d(interpret(k)), first)) for k in range(1 << num_qubits)])
