"""What the guard is told of a model."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp
from sklearn.base import clone

from qiskit_qml_ext.arrays import FloatArray, IntArray
from qiskit_qml_ext.checks import ParameterNames
from qiskit_qml_ext.circuits import AngleFeatureMap, Ansatz, FeatureMap, InitialDistribution, RealAmplitudesAnsatz
from qiskit_qml_ext.engine import Observable
from qiskit_qml_ext.models.guard.relative_noise import relative_noise
from qiskit_qml_ext.models.guard.training_start import TrainingStart
from qiskit_qml_ext.models.losses import evaluate_loss
from qiskit_qml_ext.models.variational.model_circuit import ModelCircuit, build_model_circuit
from qiskit_qml_ext.models.variational.objective import MeanLoss


@dataclass(frozen=True, eq=False)
class Untrained:
    """What a model was made of."""

    model: ModelCircuit
    """The circuit."""
    observables: tuple[Observable, ...]
    """What it reads."""
    distribution: InitialDistribution
    """Where its weights come from."""
    draw: Callable[[np.random.Generator], FloatArray]
    """Draws such weights, shape (W,)."""
    feature_map: FeatureMap | QuantumCircuit | None
    """The feature map, as it came."""
    ansatz: Ansatz | QuantumCircuit | None
    """The ansatz, as it came."""
    input_parameters: ParameterNames | None
    """The parameters of the feature map that take a sample, as they came."""

    def start(
        self,
        objective: MeanLoss,
        samples: FloatArray,
        point: FloatArray,
        *,
        batch_size: int | None,
        shots: int | None,
        tol: float,
        draws_normal_noise: bool,
        takes_gradients: bool,
    ) -> TrainingStart:
        """Return what the guard looks at.

        Args:
            objective: The loss over all training samples.
            samples: These samples, shape (n, features).
            point: Where the training begins: weights, then scales and biases.
            batch_size: Samples in a step; None for all.
            shots: Shots of each circuit; None where results are exact.
            tol: An improvement of the loss by less counts as none.
            draws_normal_noise: Whether shots are normal noise of the variance 1/shots on every value.
            takes_gradients: Whether the optimizer asks for gradients.
        """
        head = objective.head
        weights, scale, bias = head.split(point)

        def slopes(values: FloatArray, chosen: IntArray) -> FloatArray:
            outputs = (values * scale + bias) @ head.mixing
            _, derivatives = evaluate_loss(objective.loss, outputs, objective.targets[chosen])
            weighted = derivatives * objective.sample_weight[chosen, None]
            return np.asarray(weighted @ head.mixing.T * scale)

        number = len(samples)
        return TrainingStart(
            circuit=self.model.circuit,
            data=self.model.data,
            weights=self.model.weights,
            names=self._names(),
            observables=self.observables,
            scale=scale,
            samples=samples,
            slopes=slopes,
            point=weights,
            draw=self.draw,
            distribution=self.distribution,
            local_cost=getattr(objective.loss, "local_cost", None),
            template=self._template(samples.shape[1]),
            has_plain_circuits=any(one is self.feature_map or one is self.ansatz for one in self.model.sources),
            batch_size=number if batch_size is None else min(int(batch_size), number),
            shots=shots,
            draws_normal_noise=draws_normal_noise,
            relative_noise=relative_noise(getattr(objective.evaluator, "method", None)) if takes_gradients else 1.0,
            takes_gradients=takes_gradients,
            tol=tol,
        )

    def _names(self) -> tuple[str, ...]:
        """The names that the user gave the weights, if they tell them apart; else those of the model's circuit."""
        given = tuple(parameter.name for part in self.model.parts for parameter in part.parameters)
        circuit = self.model.circuit.parameters
        return given if len(set(given)) == len(given) else tuple(circuit[column].name for column in self.model.weights)

    def _template(self, num_features: int) -> Ansatz | None:
        parts = (
            AngleFeatureMap() if self.feature_map is None else self.feature_map,
            RealAmplitudesAnsatz() if self.ansatz is None and len(self.model.parts) == 1 else self.ansatz,
        )
        trained = parts[1]
        if not isinstance(trained, Ansatz) or "reps" not in trained.get_params():
            return None
        reps = trained.get_params()["reps"]
        return ModelTemplate(parts[0], trained, num_features, reps, self.input_parameters)


class ModelTemplate(Ansatz):
    """The circuit of a model as a family over the layers of its ansatz.

    Args:
        encoding: The feature map, a template or a circuit.
        ansatz: The ansatz, a template with the setting ``reps``.
        num_features: How many features a sample has.
        reps: The layers of the ansatz.
        input_parameters: The parameters of the feature map that take a sample; None by the rule.
    """

    name = "model"
    reference = "given by the caller"

    def __init__(
        self,
        encoding: FeatureMap | QuantumCircuit,
        ansatz: Ansatz,
        num_features: int,
        reps: int,
        input_parameters: ParameterNames | None = None,
    ) -> None:
        self.encoding = encoding
        self.ansatz = ansatz
        self.num_features = num_features
        self.reps = reps
        self.input_parameters = input_parameters

    def build(self, num_qubits: int) -> QuantumCircuit:
        """Return the circuit; its width is that of the feature map."""
        trained = clone(self.ansatz).set_params(reps=self.reps)
        return build_model_circuit(self.encoding, trained, self.num_features, self.input_parameters).circuit

    def num_parameters(self, num_qubits: int) -> int:
        """Return the number of parameters, data and weights."""
        return int(self.build(num_qubits).num_parameters)

    def two_qubit_gates(self, num_qubits: int) -> int:
        """Return the number of gates on two qubits."""
        return int(self.build(num_qubits).num_nonlocal_gates())

    def generators(self, num_qubits: int) -> list[SparsePauliOp]:
        """Return the generators of the ansatz."""
        return self.ansatz.generators(num_qubits)
