"""How often the folds are repeated and how many processes work, where the user does not say: what is affordable.

The estimate is of seconds on one core of an ordinary computer of 2025, from the sizes alone: the machine that an
evaluation runs on, and what else it is doing, must not change the result.
"""

import os
from dataclasses import dataclass

from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.datasets import Dataset
from qiskit_qml_ext.evaluation.protocol.candidates import BOOSTING_ROUNDS
from qiskit_qml_ext.evaluation.protocol.training_grid import BATCH_SIZE, TrainingGrid
from qiskit_qml_ext.evaluation.protocol.tuning import Tuning

MAX_OUTER = 15
"""Folds are repeated up to this number: five folds give an interval of ±1.86 σ, 15 of ±1.21 σ, and no number less than
±0.98 σ, since all folds come from the same data (σ: the spread of the difference over folds)."""

SECONDS_OF_FITS = 30.0
"""Folds are repeated as long as all fits are estimated to take no longer than this."""

SECONDS_FOR_PROCESSES = 10.0
"""Below this estimate it is not worth starting other processes, which takes some seconds."""

# Measured with the models of candidates.py; only their order of magnitude matters.
_SECONDS_OF_A_TREE, _SECONDS_OF_A_VALUE = 2.6e-4, 5e-8
_SECONDS_OF_A_FIT, _SECONDS_OF_A_PAIR = 2e-3, 1e-8
_SECONDS_OF_AN_AMPLITUDE, _SECONDS_OF_A_PRODUCT = 3e-10, 1e-10
_SECONDS_OF_A_STEP = 2e-4


@dataclass(frozen=True)
class Effort:
    """The sizes that the time of an evaluation depends on."""

    num_train: int
    """Samples of an outer training set."""
    num_features: int
    """Features in the data."""
    num_classes: int
    """Classes; 1 for a regression."""
    num_qubits: int
    """Qubits of the feature map."""
    num_gates: int
    """Gates of the feature map."""
    num_maps: int
    """How many quantum kernels there are: 2 with a control."""
    num_svm_grids: int
    """How many classical support vector machines there are."""
    num_trained: int = 0
    """How many variational models there are."""
    grid: TrainingGrid | None = None
    """What they are offered; None without them."""

    def seconds_of_a_fold(self, tuning: Tuning) -> float:
        """Estimate how long all models take on one outer fold, on one core."""
        inner, size = tuning.inner_folds, self.num_train
        trees = BOOSTING_ROUNDS * (self.num_classes if self.num_classes > 2 else 1)
        boosting = (4 * inner + 1) * trees * (_SECONDS_OF_A_TREE + _SECONDS_OF_A_VALUE * size * self.num_features)
        fit = _SECONDS_OF_A_FIT + _SECONDS_OF_A_PAIR * size**2
        classical = inner * (self.num_svm_grids * 5 * len(tuning.C_values) + 7) * fit
        states = _SECONDS_OF_AN_AMPLITUDE * size * 2**self.num_qubits * self.num_gates
        matrix = _SECONDS_OF_A_PRODUCT * size**2 * 2**self.num_qubits
        kernels = inner * len(tuning.bandwidths) * (states + matrix + len(tuning.C_values) * fit)
        return boosting + classical + self.num_maps * kernels + self.num_trained * self._seconds_of_training(inner)

    def _seconds_of_training(self, inner: int) -> float:
        """Estimate how long one variational model takes on one outer fold."""
        if self.grid is None:
            return 0.0
        steps = (inner * self.grid.num_settings + 1) * self.grid.steps[-1]
        gates = self.num_gates + 3 * self.num_qubits * self.grid.reps[-1]
        outputs = self.num_classes if self.num_classes > 2 else 1
        amplitudes = min(BATCH_SIZE, self.num_train) * 2**self.num_qubits * gates
        return steps * (_SECONDS_OF_A_STEP + (2 + outputs) * _SECONDS_OF_AN_AMPLITUDE * amplitudes)


def effort_of(
    data: Dataset,
    map_: FeatureMap,
    num_encoded: int,
    folds: int,
    num_maps: int,
    *,
    num_trained: int = 0,
    grid: TrainingGrid | None = None,
) -> Effort:
    """Read the sizes off an evaluation."""
    return Effort(
        num_train=data.num_samples * (folds - 1) // folds,
        num_features=data.num_features,
        num_classes=max(len(data.class_names), 1),
        num_qubits=map_.num_qubits(num_encoded),
        num_gates=map_.build(num_encoded).size(),
        num_maps=num_maps,
        num_svm_grids=2 if num_encoded < data.num_features else 1,
        num_trained=num_trained,
        grid=grid,
    )


def affordable_repeats(seconds_of_a_fold: float, folds: int, *, is_exact: bool) -> int:
    """Return how often the cross-validation is repeated by default: once where shots are counted."""
    if not is_exact:
        return 1
    affordable = int(SECONDS_OF_FITS / (folds * seconds_of_a_fold))
    return max(1, min(affordable, MAX_OUTER // folds))


def affordable_jobs(seconds: float, *, is_exact: bool) -> int:
    """Return how many processes work by default: more than one for long evaluations on exact targets."""
    if not is_exact or seconds < SECONDS_FOR_PROCESSES:
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, int(seconds / SECONDS_FOR_PROCESSES) + 1, 8))
