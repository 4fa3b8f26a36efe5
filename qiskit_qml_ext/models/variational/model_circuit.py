"""The circuit of a model: which parameters are data, which are trained, and where the trained ones begin."""

from dataclasses import dataclass

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector

from qiskit_qml_ext.arrays import FloatArray, IntArray
from qiskit_qml_ext.checks import wrong_kind, wrong_value
from qiskit_qml_ext.circuits import (
    INITIAL_DISTRIBUTIONS,
    AngleFeatureMap,
    Ansatz,
    FeatureMap,
    InitialDistribution,
    RealAmplitudesAnsatz,
    UniformDistribution,
)
from qiskit_qml_ext.circuits.registry import default_of
from qiskit_qml_ext.circuits.template import data_and_weights


@dataclass(frozen=True, eq=False)
class ModelCircuit:
    """A circuit with the parameters ``x`` for a sample and ``θ`` for what is trained."""

    circuit: QuantumCircuit
    """The whole circuit."""
    data: IntArray
    """Where the features stand in ``circuit.parameters``, shape (features,)."""
    weights: IntArray
    """Where the weights stand in ``circuit.parameters``, shape (W,): first those of the feature map."""
    parts: tuple[QuantumCircuit, ...]
    """Circuits with nothing but weights, in their order; initial angles are drawn for each by itself."""

    def draw(self, distribution: InitialDistribution, rng: np.random.Generator) -> FloatArray:
        """Draw initial weights, shape (W,)."""
        return np.concatenate([distribution.sample(part, 1, rng)[0] for part in self.parts])


def build_model_circuit(
    feature_map: FeatureMap | QuantumCircuit | None, ansatz: Ansatz | QuantumCircuit | None, num_features: int
) -> ModelCircuit:
    """Put a feature map and an ansatz together.

    Args:
        feature_map: A template, or a circuit whose data are a ``ParameterVector("x")`` (without one, all its parameters
            are data); ``None`` takes ``AngleFeatureMap()``.
        ansatz: A template, or a circuit all of whose parameters are trained; ``None`` takes no ansatz after a feature
            map that has weights of its own, and ``RealAmplitudesAnsatz()`` after one that has none.
        num_features: How many features a sample has.

    Raises:
        TypeError: If an argument is no circuit.
        ValueError: If the numbers of features or of qubits differ, or nothing is left to train.
    """
    encoding = _built("feature_map", AngleFeatureMap() if feature_map is None else feature_map, num_features)
    data, own = data_and_weights(encoding)
    if len(data) != num_features:
        raise ValueError(
            f"X has {num_features} features but the feature map encodes {len(data)}. Give samples of that width, or a "
            'circuit whose data are ParameterVector("x", number of features) and whose other parameters are trained.'
        )
    default = None if own else RealAmplitudesAnsatz()
    chosen = default if ansatz is None else ansatz
    trained = QuantumCircuit(encoding.num_qubits) if chosen is None else _built("ansatz", chosen, encoding.num_qubits)
    if trained.num_qubits != encoding.num_qubits:
        raise ValueError(
            f"The ansatz has {trained.num_qubits} qubits but the feature map has {encoding.num_qubits}. Give an ansatz "
            "of that width."
        )
    if not own and not trained.num_parameters:
        raise ValueError("The circuit has no weights to train. Give an ansatz with parameters.")
    return _joined(encoding, data, own, trained)


def initial_distribution(initialization: object) -> InitialDistribution:
    """Return a distribution of initial angles for an object, a name or ``None``, which is the uniform one."""
    if initialization is None:
        return UniformDistribution()
    if isinstance(initialization, str):
        return default_of("initial distribution", INITIAL_DISTRIBUTIONS, initialization)
    if not isinstance(initialization, InitialDistribution):
        raise wrong_kind("initialization", "an InitialDistribution, its name, or None", initialization)
    return initialization


def _built(name: str, circuit: object, width: int) -> QuantumCircuit:
    if isinstance(circuit, QuantumCircuit):
        return circuit
    if isinstance(circuit, str) or not callable(getattr(circuit, "build", None)):
        raise wrong_kind(name, "a template, a QuantumCircuit or None", circuit)
    built = circuit.build(width)  # type: ignore[attr-defined]
    if not isinstance(built, QuantumCircuit):
        raise wrong_value(name, "something whose build returns a QuantumCircuit", circuit)
    return built


def _joined(
    encoding: QuantumCircuit, data: list[Parameter], own: list[Parameter], trained: QuantumCircuit
) -> ModelCircuit:
    x, theta = ParameterVector("x", len(data)), ParameterVector("θ", len(own) + trained.num_parameters)
    new = dict(zip(data, x, strict=True)) | dict(zip(own, theta[: len(own)], strict=True))
    circuit = encoding.assign_parameters(new)
    circuit.compose(trained.assign_parameters(theta[len(own) :]), inplace=True)
    place = {parameter: index for index, parameter in enumerate(circuit.parameters)}
    # data of 1, not 0: a weight that multiplies a feature must stay in the circuit
    bare = encoding.assign_parameters(dict.fromkeys(data, 1.0)) if own else QuantumCircuit()
    return ModelCircuit(
        circuit,
        np.array([place[element] for element in x], dtype=np.int64),
        np.array([place[element] for element in theta], dtype=np.int64),
        tuple(part for part in (bare, trained) if part.num_parameters),
    )
