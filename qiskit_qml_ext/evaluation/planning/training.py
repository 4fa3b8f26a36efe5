"""What a variational model needs of a plan: its control, a first try, and why shots are refused."""

from dataclasses import dataclass

import numpy as np
from qiskit import QuantumCircuit

from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.datasets import Task
from qiskit_qml_ext.diagnostics.diagnosis.price import gradient_circuits
from qiskit_qml_ext.evaluation.formatting import count, plural
from qiskit_qml_ext.evaluation.planning.control import Control
from qiskit_qml_ext.evaluation.planning.request import Request
from qiskit_qml_ext.evaluation.protocol.trained_circuit import TrainedCircuit, TrainedModel
from qiskit_qml_ext.evaluation.protocol.training_grid import Setting, TrainingGrid, passes_for


@dataclass(frozen=True, eq=False)
class TrainingCircuits:
    """What one gradient of one sample would be on a device, by parameter shifts, at the largest number of layers."""

    circuit: QuantumCircuit
    """One of the circuits, its angles free, with the measurement."""
    number: int
    """How many of them there are: the value, which the slope of the loss needs, and two for each trained rotation."""


def trained_control(map_: FeatureMap, control: Control, num_qubits: int) -> tuple[FeatureMap | None, tuple[str, ...]]:
    """Return the encoding of the control of a variational model, and what to say about it.

    Its ansatz has a version without entanglement always, so that there is a control wherever the encoding has one.

    Args:
        map_: The encoding.
        control: What its circuits say about entanglement.
        num_qubits: Its width.
    """
    if num_qubits == 1:
        return None, ("One qubit cannot be entangled, so the variational model is its own control.",)
    if not control.entangles:
        return map_, ()
    return control.feature_map, control.notes


def try_training(
    map_: FeatureMap, num_encoded: int, *, num_classes: int, grid: TrainingGrid, seed: int
) -> TrainingCircuits:
    """Train the largest model for one step on samples of no meaning, to find what cannot work at once.

    Args:
        map_: The encoding.
        num_encoded: How many features it encodes.
        num_classes: The number of classes; 0 for a regression.
        grid: What the searches choose from.
        seed: Seed of the initial weights.

    Returns:
        What one gradient of one sample would be on a device.

    Raises:
        ValueError: If it cannot be trained.
    """
    number = max(num_classes, 2)
    samples = np.random.default_rng(seed).uniform(*map_.data_range, size=(2 * number, num_encoded))
    task: Task = "classification" if num_classes else "regression"
    circuit = TrainedCircuit(task, map_, entangles=True, seed=seed)
    try:
        setting = Setting(grid.bandwidths[0], grid.reps[-1], grid.learning_rates[0])
        model = circuit.model(setting, steps=1, num_samples=len(samples), plateau_guard="off")  # labels mean nothing
        model.fit(samples, np.arange(len(samples)) % number)
    except (ValueError, TypeError, NotImplementedError) as error:
        raise ValueError(
            f"{map_!r} cannot be trained as a variational model: {' '.join(str(error).split())} Choose another feature "
            "map, or compare it as a kernel (--model kernel)."
        ) from error
    return circuits_of(model)


def circuits_of(model: TrainedModel) -> TrainingCircuits:
    """Return what one gradient of one sample of a fitted model would be on a device.

    All observables are sums of products of Z or tables of outcomes, so that one measurement reads all of them.
    """
    weights = [i for i, parameter in enumerate(model.circuit_.parameters) if parameter.name.startswith("θ")]
    circuit, shifted = gradient_circuits(model.circuit_, model.observables_[0], weights)
    return TrainingCircuits(circuit, 1 + shifted)


@dataclass(frozen=True)
class TrainingWork:
    """What is trained in an evaluation, in samples; folds are taken to be of equal size."""

    grid: TrainingGrid
    """What the searches choose from."""
    num_samples: int
    """All samples of the evaluation."""
    num_folds: int
    """Outer folds of one cross-validation."""
    num_repeats: int
    """How often it is made."""
    inner_folds: int
    """Folds of a search."""
    num_models: int
    """The variational model, and its control if there is one."""

    @property
    def num_searches(self) -> int:
        """Searches of all models on all folds."""
        return self.num_models * self.num_folds * self.num_repeats

    @property
    def trainings_of_a_search(self) -> int:
        """Trainings of one search, each through all numbers of steps."""
        return self.grid.num_settings * self.inner_folds

    def circuits(self, number: int) -> int:
        """Count all circuits if a gradient of one sample takes so many; searches that choose fewer steps take less."""
        tested = -(-self.num_samples // self.num_folds)
        train = self.num_samples - tested
        held_out = -(-train // self.inner_folds)
        gradients = self.trainings_of_a_search * self._gradients(train - held_out) + self._gradients(train)
        # the score and the loss are computed from predictions of their own
        predictions = self.trainings_of_a_search * 2 * len(self.grid.steps) * held_out
        return self.num_searches * (gradients * number + predictions + tested)

    def _gradients(self, num_samples: int) -> int:
        """Count the gradients of single samples in one training through all steps."""
        return passes_for(self.grid.steps[-1], num_samples) * num_samples


def refuse_shots(request: Request, training: TrainingCircuits, work: TrainingWork) -> None:
    """Refuse to train on a sampled target, with the number of circuits that it would take.

    Args:
        request: What was asked for.
        training: What one gradient of one sample would be there.
        work: What is trained.

    Raises:
        ValueError: If the target has shots.
    """
    if request.connection.is_exact:
        return
    raise ValueError(
        f"A variational model is trained on exact simulation here. On {request.connection.target_name} it would take "
        f"up to about {count(work.circuits(training.number))} circuits: "
        f"{plural(work.num_searches, 'search', 'searches')} ({plural(work.num_models, 'model')} on "
        f"{plural(work.num_folds * work.num_repeats, 'fold')}), in each {work.trainings_of_a_search} trainings of "
        f"{work.grid.steps[-1]} steps and one of the chosen model, with {training.number} circuits for the gradient of "
        "one sample. Leave out --target and --shots, or compare the kernel there (--model kernel)."
    )
