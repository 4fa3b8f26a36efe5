"""The circuit of a variational model: its defaults, and where its weights begin."""

from typing import TypeAlias

from qiskit import QuantumCircuit

from qiskit_qml_ext.checks import ParameterNames, wrong_kind
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
from qiskit_qml_ext.models.trained_circuit import TrainedCircuit, trained_circuit

ModelCircuit: TypeAlias = TrainedCircuit
"""A circuit with the parameters ``x`` for a sample and ``θ`` for what is trained."""


def build_model_circuit(
    feature_map: FeatureMap | QuantumCircuit | None,
    ansatz: Ansatz | QuantumCircuit | None,
    num_features: int,
    input_parameters: ParameterNames | None = None,
) -> ModelCircuit:
    """Put a feature map and an ansatz together; the rule stands in :mod:`qiskit_qml_ext.models.trained_circuit`.

    Args:
        feature_map: A template, or a circuit whose data are a ``ParameterVector("x")`` (without one, all its parameters
            are data, and an ansatz must be given); ``None`` takes ``AngleFeatureMap()``.
        ansatz: A template, or a circuit all of whose parameters are trained; ``None`` takes no ansatz after a feature
            map that has weights of its own, and ``RealAmplitudesAnsatz()`` after one that has none.
        num_features: How many features a sample has.
        input_parameters: Of a circuit as ``feature_map``: its parameters that take a sample.

    Raises:
        TypeError: If an argument is no circuit.
        ValueError: If the parameters are not split, the numbers of features or of qubits differ, or nothing is left to
            train.
    """
    model = trained_circuit(
        AngleFeatureMap() if feature_map is None else feature_map,
        ansatz,
        num_features,
        input_parameters=input_parameters,
        default_ansatz=RealAmplitudesAnsatz(),
    )
    if not len(model.weights):
        raise ValueError("The circuit has no weights to train. Give an ansatz with parameters.")
    return model


def initial_distribution(initialization: object) -> InitialDistribution:
    """Return a distribution of initial angles for an object, a name or ``None``, which is the uniform one."""
    if initialization is None:
        return UniformDistribution()
    if isinstance(initialization, str):
        return default_of("initial distribution", INITIAL_DISTRIBUTIONS, initialization)
    if not isinstance(initialization, InitialDistribution):
        raise wrong_kind("initialization", "an InitialDistribution, its name, or None", initialization)
    return initialization
