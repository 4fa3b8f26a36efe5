"""From what was asked for to a plan: all that can be checked and counted before the first model is fitted."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from qiskit_qml_ext.checks import check_arguments
from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.datasets import Dataset
from qiskit_qml_ext.evaluation.planning.control import Control, control_of
from qiskit_qml_ext.evaluation.planning.effort import affordable_repeats, effort_of
from qiskit_qml_ext.evaluation.planning.encoding import Encoding, choose_encoding
from qiskit_qml_ext.evaluation.planning.evaluation_plan import EvaluationPlan
from qiskit_qml_ext.evaluation.planning.remarks import notes_of_classes, notes_of_rows
from qiskit_qml_ext.evaluation.planning.request import Request, connection_to, data_of, grid_of, map_of, model_choice
from qiskit_qml_ext.evaluation.planning.requirements import (
    check_classes_of_splits,
    check_enough_samples,
    check_no_weights,
    check_scoring,
)
from qiskit_qml_ext.evaluation.planning.run_cost import run_cost_of
from qiskit_qml_ext.evaluation.planning.samples import Samples, choose_samples
from qiskit_qml_ext.evaluation.planning.settings import EvaluationSettings
from qiskit_qml_ext.evaluation.planning.training import (
    TrainingCircuits,
    TrainingWork,
    refuse_shots,
    trained_control,
    try_training,
)
from qiskit_qml_ext.evaluation.protocol.candidates import (
    Candidate,
    all_candidates,
    kernel_candidates,
    variational_candidates,
)
from qiskit_qml_ext.evaluation.protocol.folds import DistinctRowFolds
from qiskit_qml_ext.evaluation.protocol.quantum_family import KERNEL, VARIATIONAL, ModelChoice, QuantumFamily
from qiskit_qml_ext.evaluation.protocol.training_grid import TrainingGrid
from qiskit_qml_ext.evaluation.protocol.tuning import BANDWIDTHS, C_VALUES, Tuning
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import Connection, connect
from qiskit_qml_ext.primitives.targets.checked_primitives import SAMPLER

DEFAULT_FOLDS = 5


@check_arguments()
def plan_evaluation(
    dataset: Dataset | str,
    *,
    feature_map: str | FeatureMap = "zz",
    target: object = None,
    shots: int | None = None,
    journal: "str | os.PathLike[str] | None" = None,
    max_qubits: int | None = None,
    folds: int | None = None,
    repeats: int | None = None,
    max_samples: int | None = None,
    seed: int = 0,
    scoring: str | None = None,
    C_values: Sequence[float] = C_VALUES,
    bandwidths: Sequence[float] = BANDWIDTHS,
    model: ModelChoice = "kernel",
) -> EvaluationPlan:
    """Check the arguments of :func:`~qiskit_qml_ext.evaluation.evaluate` and prepare everything that it runs.

    Raises:
        ValueError: If something cannot be done; the message says what and how to change it.
        TypeError: If an argument is of the wrong kind.
    """
    return _planned(
        Request(
            data=data_of(dataset),
            feature_map=map_of(feature_map),
            C_values=grid_of("C_values", C_values),
            bandwidths=grid_of("bandwidths", bandwidths),
            model=model_choice(model),
            given_target=target,
            connection=connection_to(target, shots=shots, seed=seed, journal=journal),
            max_qubits=max_qubits,
            num_folds=DEFAULT_FOLDS if folds is None else folds,
            num_repeats=1 if folds is not None and repeats is None else repeats,
            max_samples=max_samples,
            seed=seed,
            scoring=scoring,
        )
    )


def _planned(request: Request) -> EvaluationPlan:
    """Check a request against its data, and make a plan of it."""
    samples = choose_samples(request)
    tuning, encoding = _tuned(request, samples)
    control = control_of(request.feature_map, encoding.num_encoded)
    field = _field(request, samples, tuning, encoding, control)
    effort = effort_of(
        samples.data,
        request.feature_map,
        encoding.num_encoded,
        request.num_folds,
        field.count(KERNEL),
        num_trained=field.count(VARIATIONAL),
        grid=field.grid,
    )
    seconds, repeats = effort.seconds_of_a_fold(tuning), request.num_repeats
    if repeats is None:
        repeats = affordable_repeats(seconds, request.num_folds, is_exact=request.connection.is_exact)
    splitter = DistinctRowFolds(request.num_folds, task=tuning.task, n_repeats=repeats, random_state=request.seed)
    splits = tuple(splitter.split(samples.data.X, samples.data.y))
    check_classes_of_splits(samples.data, samples.rows, splits)
    return EvaluationPlan(
        dataset=samples.data,
        num_available=request.data.num_samples,
        num_distinct=samples.num_distinct,
        settings=_settings(request, samples, tuning, encoding, repeats, field.grid),
        tuning=tuning,
        feature_map=request.feature_map,
        entangles=control.entangles,
        given_target=request.given_target,
        connection=request.connection,
        candidates=tuple(all_candidates(tuning, field.quantum)),
        splits=splits,
        run_cost=run_cost_of(request, encoding.num_encoded, splits, field.count(KERNEL)),
        seconds=seconds * len(splits),
        notes=(*_notes(samples, tuning.scoring), *dict.fromkeys(field.notes)),
        training=field.training,
    )


@dataclass(frozen=True, eq=False)
class _Field:
    """The quantum models that take part."""

    quantum: tuple[Candidate, ...]
    """They and their controls."""
    notes: tuple[str, ...]
    """What to say about their controls."""
    grid: TrainingGrid | None = None
    """What the variational models are offered; None without them."""
    training: TrainingCircuits | None = None
    """What one gradient of them would be on a device."""

    def count(self, family: QuantumFamily) -> int:
        """Return how many models of a family there are: 2 with a control."""
        return sum(candidate.family == family for candidate in self.quantum)

    def __add__(self, other: "_Field") -> "_Field":
        return _Field((*self.quantum, *other.quantum), (*self.notes, *other.notes), other.grid, other.training)


def _field(request: Request, samples: Samples, tuning: Tuning, encoding: Encoding, control: Control) -> _Field:
    """Try the quantum models that were asked for, and say who takes part."""
    parts = []
    if KERNEL in request.families:
        parts.append(_kernel_field(request, tuning, encoding, control))
    if VARIATIONAL in request.families:
        parts.append(_variational_field(request, samples, tuning, encoding, control))
    return reduce(_Field.__add__, parts)


def _kernel_field(request: Request, tuning: Tuning, encoding: Encoding, control: Control) -> _Field:
    search_connection = request.connection if request.connection.is_exact else connect(seed=request.seed)
    _try_kernel(request.feature_map, encoding.num_encoded, search_connection)
    candidates = kernel_candidates(
        tuning,
        request.feature_map,
        control=control.feature_map,
        connection=request.connection,
        search_connection=search_connection,
    )
    return _Field(tuple(candidates), control.notes)


def _variational_field(
    request: Request, samples: Samples, tuning: Tuning, encoding: Encoding, control: Control
) -> _Field:
    grid = TrainingGrid(request.bandwidths)
    training = try_training(
        request.feature_map,
        encoding.num_encoded,
        num_classes=len(samples.data.class_names),
        grid=grid,
        seed=request.seed,
    )
    encoding_of_control, notes = trained_control(request.feature_map, control, encoding.num_qubits)
    candidates = variational_candidates(tuning, request.feature_map, control=encoding_of_control, grid=grid)
    work = TrainingWork(
        grid,
        num_samples=samples.data.num_samples,
        num_folds=request.num_folds,
        num_repeats=request.num_repeats or 1,
        inner_folds=tuning.inner_folds,
        num_models=len(candidates),
    )
    refuse_shots(request, training, work)
    return _Field(tuple(candidates), notes, grid, training)


def _tuned(request: Request, samples: Samples) -> tuple[Tuning, Encoding]:
    """Check that data, folds, score and feature map go together; say how models are tuned and what is encoded."""
    data = samples.data
    inner_folds = check_enough_samples(data, samples.rows, request.num_folds)
    scoring = check_scoring(request.scoring, data)
    encoding = choose_encoding(request, samples, inner_folds)
    if KERNEL in request.families:
        check_no_weights(request.feature_map, encoding.num_encoded)
    tuning = Tuning(
        task=data.task,
        scoring=scoring,
        inner_folds=inner_folds,
        seed=request.seed,
        num_features=data.num_features,
        num_components=encoding.num_components,
        C_values=request.C_values,
        bandwidths=request.bandwidths,
    )
    return tuning, encoding


def _try_kernel(map_: FeatureMap, num_encoded: int, connection: Connection) -> None:
    """Evaluate the kernel for two samples: finds settings that cannot work, and states that do not fit, at once."""
    FidelityKernel(map_, connection=connection).evaluate(np.stack([np.zeros(num_encoded), np.full(num_encoded, 0.1)]))


def _settings(
    request: Request,
    samples: Samples,
    tuning: Tuning,
    encoding: Encoding,
    repeats: int,
    grid: TrainingGrid | None,
) -> EvaluationSettings:
    connection = request.connection
    return EvaluationSettings(
        feature_map=repr(request.feature_map),
        num_qubits=encoding.num_qubits,
        num_encoded=encoding.num_encoded,
        uses_pca=encoding.num_components is not None,
        target=connection.target_name,
        is_exact=connection.is_exact,
        shots=connection.shots,
        folds=request.num_folds,
        repeats=repeats,
        inner_folds=tuning.inner_folds,
        max_samples=samples.limit,
        seed=request.seed,
        scoring=tuning.scoring,
        C_values=request.C_values,
        bandwidths=request.bandwidths,
        model=request.model,
        training=grid,
        conditions=connection.target.conditions(SAMPLER),
    )


def _notes(samples: Samples, scoring: str) -> tuple[str, ...]:
    data = samples.data
    return (
        *data.notes,
        *samples.notes,
        *notes_of_rows(data, samples.rows),
        *notes_of_classes(data, scoring),
    )
