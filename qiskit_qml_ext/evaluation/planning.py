"""Everything that can be checked and counted before the first model is fitted."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from qiskit_qml_ext.arrays import IndexArray
from qiskit_qml_ext.checks import check_arguments, real_numbers, whole_number
from qiskit_qml_ext.circuits import FeatureMap, feature_map_by_name
from qiskit_qml_ext.datasets import Dataset, load_dataset
from qiskit_qml_ext.evaluation.candidates import BANDWIDTHS, C_VALUES, Candidate, Protocol, all_candidates
from qiskit_qml_ext.evaluation.effort import affordable_jobs, affordable_repeats, effort_of
from qiskit_qml_ext.evaluation.folds import DistinctRowFolds, equal_rows
from qiskit_qml_ext.evaluation.formatting import count, plural
from qiskit_qml_ext.evaluation.hardware import kernel_circuit_price
from qiskit_qml_ext.evaluation.remarks import control_of, notes_of_classes, notes_of_data, notes_of_rows
from qiskit_qml_ext.evaluation.requirements import (
    check_classes_of_splits,
    check_enough_samples,
    check_no_weights,
    check_scoring,
    distinct_of_each_class,
    smallest_training_set,
)
from qiskit_qml_ext.evaluation.settings import Settings
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import CircuitPrice, Connection, connect

DEFAULT_FOLDS = 5
DEFAULT_MAX_QUBITS = 8
MAX_SAMPLES_EXACT = 1000
MAX_SAMPLES_SAMPLED = 100
MAX_SAMPLES_FAKE = 30  # noisy simulation takes some tenths of a second for each circuit

# Scores of classifications between 0 and 1 in steps of about one over the number of test samples.
_FRACTIONS = ("accuracy", "balanced_accuracy", "f1", "precision", "recall", "jaccard", "roc_auc", "average_precision")

Split = tuple[IndexArray, IndexArray]


@dataclass(frozen=True)
class RunCost:
    """What an evaluation will run on a sampled target.

    Attributes:
        circuit: The kernel circuit there.
        max_circuits: An upper bound of the number of circuits: all training pairs and all test-training pairs.
        shots: Shots of each circuit.
    """

    circuit: CircuitPrice
    max_circuits: int
    shots: int

    def sentence(self) -> str:
        """Say it in words."""
        circuit = self.circuit
        return (
            f"Runs on {circuit.target}: up to {self.max_circuits:,} circuits with {plural(self.shots, 'shot')} each "
            f"({count(self.max_circuits * self.shots)} shots); {plural(circuit.num_qubits, 'qubit')}, depth "
            f"{circuit.depth:,}, {plural(circuit.two_qubit_gates, 'two-qubit gate')}."
        )


@dataclass(frozen=True, eq=False)
class Plan:
    """A checked evaluation that is ready to run; made by :func:`plan_evaluation`.

    Attributes:
        dataset: The data that are used, after choosing samples.
        num_available: How many samples there were before.
        num_distinct: How many different rows the data have.
        settings: What was asked for, defaults filled in.
        protocol: What all searches have in common.
        feature_map: The encoding.
        entangles: Whether its circuit has entangling gates; without them it is its own control.
        has_control: Whether a version without them could be built and takes part.
        target: What was given as the target.
        connection: Where the chosen quantum models run.
        candidates: The models.
        splits: The rows of each outer training set and test set.
        run_cost: What will run on a sampled target; None for an exact one.
        seconds: A rough estimate of the time of all fits on one core, for an exact target.
        notes: What a reader should know.
    """

    dataset: Dataset
    num_available: int
    num_distinct: int
    settings: Settings
    protocol: Protocol
    feature_map: FeatureMap
    entangles: bool
    has_control: bool
    target: object
    connection: Connection
    candidates: tuple[Candidate, ...]
    splits: tuple[Split, ...]
    run_cost: RunCost | None
    seconds: float = 0.0
    notes: tuple[str, ...] = field(default=())

    @property
    def test_fraction(self) -> float:
        """n_test/n_train, averaged over the folds."""
        train, test = (sum(len(split[part]) for split in self.splits) for part in (0, 1))
        return test / train

    @property
    def test_size(self) -> float | None:
        """The different samples of a test fold that a score is a fraction of; None where it is not such a fraction.

        Scores that treat the classes alike, or one class by itself, are limited by the rarest class.
        """
        scoring, folds = self.settings.scoring, self.settings.folds
        if self.dataset.task != "classification" or not scoring.startswith(_FRACTIONS):
            return None
        if scoring == "accuracy":
            return self.num_distinct / folds
        rarest = min(distinct_of_each_class(self.dataset, equal_rows(self.dataset.X)))
        return len(self.dataset.class_names) * rarest / folds

    @property
    def default_jobs(self) -> int:
        """How many processes work if nobody says how many."""
        usual = self.target is None or isinstance(self.target, str)
        return affordable_jobs(self.seconds, is_exact=self.settings.is_exact) if usual else 1


@check_arguments()
def plan_evaluation(
    dataset: Dataset | str,
    *,
    feature_map: str | FeatureMap = "zz",
    target: object = None,
    shots: int | None = None,
    journal: "str | os.PathLike[str] | None" = None,
    qubits: int | None = None,
    folds: int | None = None,
    repeats: int | None = None,
    max_samples: int | None = None,
    seed: int = 0,
    scoring: str | None = None,
    C_values: Sequence[float] = C_VALUES,
    bandwidths: Sequence[float] = BANDWIDTHS,
) -> Plan:
    """Check the arguments of :func:`~qiskit_qml_ext.evaluation.evaluate` and prepare everything that it runs.

    Raises:
        ValueError: If something cannot be done; the message says what and how to change it.
        TypeError: If an argument is of the wrong kind.
    """
    data = load_dataset(dataset) if isinstance(dataset, str) else dataset
    if not isinstance(data, Dataset):
        raise TypeError(
            f"dataset must be a Dataset or the name of one, but {type(data).__name__} came. "
            "Build one with Dataset.from_arrays(X, y)."
        )
    map_ = _resolve_map(feature_map)
    grids = {
        name: tuple(sorted(set(real_numbers(name, values, above=0.0))))
        for name, values in (("C_values", C_values), ("bandwidths", bandwidths))
    }
    if journal is not None and shots is None and target in (None, "exact"):
        raise ValueError(
            "journal keeps jobs with shots, but exact simulation submits none. Name a target, or a number of shots."
        )
    connection = target if isinstance(target, Connection) else connect(target, shots=shots, seed=seed, journal=journal)
    if isinstance(target, Connection) and shots is not None:
        raise ValueError("The connection decides about the shots: give shots to connect(), not here.")
    if isinstance(target, Connection) and journal is not None:
        raise ValueError("The connection decides about the journal: give journal to connect(), not here.")

    num_available = data.num_samples
    limit, why = _sample_limit(data, max_samples, connection)
    repeats = 1 if folds is not None and repeats is None else repeats
    folds = DEFAULT_FOLDS if folds is None else folds
    data = data.subsample(limit, seed=seed, min_per_class=folds) if limit else data
    if limit and max_samples is not None and data.num_samples > limit:
        raise ValueError(
            f"max_samples is {limit}, but {folds} folds of {len(data.class_names)} classes need at least "
            f"{data.num_samples} samples. Allow more samples or fewer folds."
        )
    notes = [_note_of_limit(data, num_available, why)] if limit else []
    rows = equal_rows(data.X)
    inner_folds = check_enough_samples(data, rows, folds)
    scoring = check_scoring(scoring, data)
    num_encoded = _num_encoded(map_, data, rows, qubits, connection, folds, inner_folds)
    check_no_weights(map_, num_encoded)
    uses_pca = num_encoded < data.num_features
    entangles, control, remarks = control_of(map_, num_encoded)
    protocol = Protocol(
        task=data.task,
        scoring=scoring,
        inner_folds=inner_folds,
        seed=seed,
        num_features=data.num_features,
        num_components=num_encoded if uses_pca else None,
        **grids,
    )
    search_connection = connection if connection.is_exact else connect(seed=seed)
    _try_kernel(map_, num_encoded, search_connection)
    seconds = effort_of(data, map_, num_encoded, folds, control is not None).seconds_of_a_fold(protocol)
    if repeats is None:
        repeats = affordable_repeats(seconds, folds, is_exact=connection.is_exact)
    splitter = DistinctRowFolds(folds, task=data.task, n_repeats=repeats, random_state=seed)
    splits = tuple(splitter.split(data.X, data.y))
    check_classes_of_splits(data, rows, splits)
    return Plan(
        dataset=data,
        num_available=num_available,
        num_distinct=int(rows.max()) + 1,
        settings=Settings(
            feature_map=repr(map_),
            num_qubits=map_.num_qubits(num_encoded),
            num_encoded=num_encoded,
            uses_pca=uses_pca,
            target=connection.target_name,
            is_exact=connection.is_exact,
            shots=connection.shots,
            folds=folds,
            repeats=repeats,
            inner_folds=inner_folds,
            max_samples=limit,
            seed=seed,
            scoring=scoring,
            **grids,
        ),
        protocol=protocol,
        feature_map=map_,
        entangles=entangles,
        has_control=control is not None,
        target=target,
        connection=connection,
        candidates=tuple(
            all_candidates(
                protocol,
                map_,
                control=control,
                connection=connection,
                search_connection=search_connection,
            )
        ),
        splits=splits,
        run_cost=_run_cost(map_, num_encoded, connection, splits, control is not None),
        seconds=seconds * len(splits),
        notes=(*notes_of_data(data), *notes, *notes_of_rows(data, rows), *notes_of_classes(data, scoring), *remarks),
    )


def _resolve_map(feature_map: str | FeatureMap) -> FeatureMap:
    if isinstance(feature_map, str):
        return feature_map_by_name(feature_map)
    if isinstance(feature_map, FeatureMap):
        return feature_map
    raise TypeError(
        f"feature_map must be a FeatureMap or the name of one, but {type(feature_map).__name__} came. A plain circuit "
        "has no bandwidth to search and no range to scale the data to."
    )


def _sample_limit(data: Dataset, max_samples: int | None, connection: Connection) -> tuple[int | None, str]:
    """Return the limit that applies, if one does, and why."""
    if max_samples is not None:
        whole_number("max_samples", max_samples, minimum=4)
        limit, why = max_samples, "as asked"
    elif connection.is_exact:
        limit, why = MAX_SAMPLES_EXACT, "the default limit; --max-samples changes it"
    elif connection.is_fake:
        limit, why = MAX_SAMPLES_FAKE, "the default limit on a simulated device; --max-samples changes it"
    else:
        limit, why = MAX_SAMPLES_SAMPLED, "the default limit on a sampled target; --max-samples changes it"
    return (None if data.num_samples <= limit else limit), why


def _note_of_limit(data: Dataset, num_available: int, why: str) -> str:
    """What to tell the user about samples that are left out; a rare class keeps one for each fold."""
    how = "with the classes in proportion" if data.task == "classification" else "at random"
    return f"Uses {data.num_samples:,} of {num_available:,} samples, chosen {how} ({why})."


def _num_encoded(
    map_: FeatureMap,
    data: Dataset,
    rows: IndexArray,
    qubits: int | None,
    connection: Connection,
    folds: int,
    inner_folds: int,
) -> int:
    """Return how many features or principal components are encoded."""
    # PCA cannot find more components than the smallest training set of the search has samples.
    smallest_train = smallest_training_set(data, rows, folds, inner_folds)
    most = min(data.num_features, smallest_train)
    available = connection.num_qubits
    if qubits is not None:
        whole_number("qubits", qubits)
        if available is not None and qubits > available:
            raise ValueError(
                f"{qubits} qubits were asked for, but {connection.target_name} has {available}. "
                f"Ask for at most {available} with --qubits, or choose a larger target."
            )
        if qubits > (needed := map_.num_qubits(data.num_features)):
            raise ValueError(
                f"{qubits} qubits were asked for, but {data.name!r} has {plural(data.num_features, 'feature')}, which "
                f"take {plural(needed, 'qubit')}. Ask for at most {needed} with --qubits."
            )
        if qubits > (needed := map_.num_qubits(most)):
            raise ValueError(
                f"{qubits} qubits were asked for, but the smallest training set has {smallest_train} samples, so "
                f"there are no more principal components than that. Ask for at most {needed} with --qubits."
            )
    budget = qubits if qubits is not None else min(DEFAULT_MAX_QUBITS, available or DEFAULT_MAX_QUBITS)
    possible = [k for k in range(1, most + 1) if map_.num_qubits(k) <= budget]
    if not possible:
        raise ValueError(
            f"The feature map needs {plural(map_.num_qubits(1), 'qubit')} for one feature, more than {budget}. "
            "Allow more with --qubits or choose another feature map."
        )
    return max(possible)


def _try_kernel(map_: FeatureMap, num_encoded: int, connection: Connection) -> None:
    """Evaluate the kernel for two samples: finds settings that cannot work, and states that do not fit, at once."""
    FidelityKernel(map_, connection=connection).evaluate(np.stack([np.zeros(num_encoded), np.full(num_encoded, 0.1)]))


def _run_cost(
    map_: FeatureMap,
    num_encoded: int,
    connection: Connection,
    splits: Sequence[Split],
    has_control: bool,
) -> RunCost | None:
    if connection.is_exact:
        return None
    pairs = sum(len(train) * (len(train) - 1) // 2 + len(test) * len(train) for train, test in splits)
    circuit = kernel_circuit_price(map_, num_encoded, connection)
    return RunCost(circuit, pairs * (2 if has_control else 1), connection.shots or 0)
