"""What is trained, and where it starts."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from qiskit import QuantumCircuit

from qiskit_qml_ext.arrays import FloatArray, IntArray
from qiskit_qml_ext.circuits import Ansatz, InitialDistribution
from qiskit_qml_ext.engine import Observable
from qiskit_qml_ext.program import RotationProgram, lower


@dataclass(frozen=True, eq=False)
class TrainingStart:
    """A model before its training: outputs scale · ⟨O⟩ + bias of a circuit with data and weights."""

    circuit: QuantumCircuit
    """The circuit."""
    data: IntArray
    """Where the features stand in ``circuit.parameters``, shape (features,)."""
    weights: IntArray
    """Where the weights stand there, shape (W,)."""
    names: tuple[str, ...]
    """What the weights are called, W of them."""
    observables: tuple[Observable, ...]
    """What is read, M of them."""
    scale: FloatArray
    """By what each is multiplied at the start, shape (M,)."""
    samples: FloatArray
    """All training samples, shape (n, features)."""
    slopes: Callable[[FloatArray, IntArray], FloatArray]
    """Of expectation values (B, M) and the numbers of the samples (B,): the derivatives of each sample's weighted loss
    by its values, shape (B, M)."""
    point: FloatArray
    """The weights at the start, shape (W,)."""
    draw: Callable[[np.random.Generator], FloatArray]
    """Draws another start from the same distribution, shape (W,)."""
    distribution: InitialDistribution
    """That distribution, for circuits that are like this one."""
    local_cost: str | None
    """How the model is told to take a cost of local terms, if that is not to give it other observables."""
    template: Ansatz | None
    """The circuit as a family whose layers can be changed; ``None`` if it is none."""
    has_plain_circuits: bool
    """Whether a part of the circuit with weights is the user's own rather than made by a template."""
    batch_size: int
    """Samples in a step of the training, from 1 to n."""
    shots: int | None
    """Shots of each circuit; ``None`` for exact results."""
    draws_normal_noise: bool
    """Whether shots are normal noise of the variance 1/shots on every value, as in ``StatevectorEstimator``."""
    relative_noise: float
    """How large the variance of a derivative is beside that by parameter shifts with as many shots of each circuit."""
    takes_gradients: bool
    """Whether the training asks for gradients, rather than for values only."""
    tol: float
    """An improvement of the loss by less counts as none."""

    @cached_property
    def program(self) -> RotationProgram:
        """The circuit, lowered."""
        return lower(self.circuit)

    @property
    def num_qubits(self) -> int:
        """The width."""
        return int(self.circuit.num_qubits)

    def rows(self, samples: FloatArray, weights: FloatArray) -> FloatArray:
        """Return values for all parameters, shape (B, P), of samples (B, features) with weights (W,) or (B, W)."""
        rows = np.zeros((len(samples), self.circuit.num_parameters))
        rows[:, self.data] = samples
        rows[:, self.weights] = weights
        return rows
