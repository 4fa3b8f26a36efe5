"""Everything that can be checked and counted before the first model is fitted."""

import difflib
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold

from qiskit_qml_ext.checks import check_arguments, real_numbers, whole_number
from qiskit_qml_ext.circuits import FEATURE_MAPS, FeatureMap, feature_map_by_name
from qiskit_qml_ext.datasets import Dataset, load_dataset
from qiskit_qml_ext.evaluation.candidates import BANDWIDTHS, C_VALUES, Candidate, Protocol, all_candidates
from qiskit_qml_ext.evaluation.formatting import count, plural
from qiskit_qml_ext.evaluation.hardware import CircuitCost, circuit_cost, device_of
from qiskit_qml_ext.evaluation.settings import Settings
from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import Connection, connect

DEFAULT_MAX_QUBITS = 8
MAX_SAMPLES_EXACT = 1000
MAX_SAMPLES_SAMPLED = 100
MAX_SAMPLES_FAKE = 30  # noisy simulation takes some tenths of a second for each circuit
INNER_FOLDS = 3

Split = tuple[NDArray[np.int_], NDArray[np.int_]]


@dataclass(frozen=True)
class RunCost:
    """What an evaluation will run on a sampled target.

    Attributes:
        circuit: The kernel circuit there.
        max_circuits: An upper bound of the number of circuits: all training pairs and all test-training pairs.
        shots: Shots of each circuit.
    """

    circuit: CircuitCost
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
    """A checked evaluation that is ready to run; made by :func:`plan_evaluation`."""

    dataset: Dataset
    num_available: int
    settings: Settings
    protocol: Protocol
    feature_map: FeatureMap
    has_control: bool
    target: object
    connection: Connection
    candidates: tuple[Candidate, ...]
    splits: tuple[Split, ...]
    run_cost: RunCost | None
    notes: tuple[str, ...] = field(default=())

    @property
    def test_fraction(self) -> float:
        """n_test/n_train, averaged over the folds."""
        train, test = (sum(len(split[part]) for split in self.splits) for part in (0, 1))
        return test / train


@check_arguments()
def plan_evaluation(
    dataset: Dataset | str,
    *,
    feature_map: str | FeatureMap = "zz",
    target: object = None,
    shots: int | None = None,
    journal: "str | os.PathLike[str] | None" = None,
    qubits: int | None = None,
    folds: int = 5,
    repeats: int = 1,
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
    grids = {"C_values": _check_grid("C_values", C_values), "bandwidths": _check_grid("bandwidths", bandwidths)}
    connection = target if isinstance(target, Connection) else connect(target, shots=shots, seed=seed, journal=journal)
    if isinstance(target, Connection) and shots is not None:
        raise ValueError("The connection decides about the shots: give shots to connect(), not here.")
    if isinstance(target, Connection) and journal is not None:
        raise ValueError("The connection decides about the journal: give journal to connect(), not here.")
    if journal is not None and connection.is_exact:
        raise ValueError(
            "journal keeps jobs with shots, but exact simulation submits none. Name a target, or a number of shots."
        )

    num_available = data.num_samples
    limit, notes = _sample_limit(data, max_samples, target_name=connection.target_name, is_exact=connection.is_exact)
    data = data.subsample(limit, seed=seed, min_per_class=folds) if limit else data
    inner_folds = _check_enough_samples(data, folds)
    scoring = _check_scoring(scoring, data)
    num_encoded = _num_encoded(map_, data, qubits, connection, folds, inner_folds)
    if map_.num_weights(num_encoded):
        usable = [name for name, family in FEATURE_MAPS.items() if not family().num_weights(num_encoded)]
        raise ValueError(
            f"The feature map {map_!r} has {map_.num_weights(num_encoded)} trainable weights, which this comparison "
            f"does not train. Fix them with FixedWeightsFeatureMap, or choose one of: {', '.join(sorted(usable))}."
        )
    uses_pca = num_encoded < data.num_features
    has_control = any(
        len(instruction.qubits) > 1 and instruction.operation.name != "barrier"
        for instruction in map_.build(num_encoded).data
    )
    if not has_control:
        notes.append("The feature map has no entangling gates, so it is its own control.")
    else:
        try:
            map_.without_entanglement()
        except UnsupportedCircuitError as error:
            has_control = False
            notes.append(f"There is no control. {error}")
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
    splits = tuple(_splitter(data, folds, repeats, seed).split(data.X, data.y))
    return Plan(
        dataset=data,
        num_available=num_available,
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
        has_control=has_control,
        target=target,
        connection=connection,
        candidates=tuple(
            all_candidates(
                protocol,
                map_,
                has_control=has_control,
                connection=connection,
                search_connection=search_connection,
            )
        ),
        splits=splits,
        run_cost=_run_cost(map_, num_encoded, connection, target, splits, has_control),
        notes=tuple(notes),
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


def _check_grid(name: str, values: Sequence[float]) -> tuple[float, ...]:
    return tuple(sorted(set(real_numbers(name, values, above=0.0))))


def _sample_limit(
    data: Dataset, max_samples: int | None, *, target_name: str, is_exact: bool
) -> tuple[int | None, list[str]]:
    """Return the limit that applies, if one does, and what to tell the user about it."""
    if max_samples is not None:
        whole_number("max_samples", max_samples, minimum=4)
        limit, why = max_samples, "as asked"
    elif is_exact:
        limit, why = MAX_SAMPLES_EXACT, "the default limit; --max-samples changes it"
    elif target_name.startswith("fake_"):
        limit, why = MAX_SAMPLES_FAKE, "the default limit on a simulated device; --max-samples changes it"
    else:
        limit, why = MAX_SAMPLES_SAMPLED, "the default limit on a sampled target; --max-samples changes it"
    if data.num_samples <= limit:
        return None, []
    how = "with the classes in proportion" if data.task == "classification" else "at random"
    return limit, [f"Uses {limit:,} of {data.num_samples:,} samples, chosen {how} ({why})."]


def _check_enough_samples(data: Dataset, folds: int) -> int:
    """Check that every fold gets what it needs; return the number of inner folds."""
    if data.task == "regression":
        if data.num_samples < max(2 * folds, 6):
            raise ValueError(
                f"{data.name!r} has {plural(data.num_samples, 'sample')}, but {folds} folds need at least "
                f"{max(2 * folds, 6)}. Use fewer folds or more data."
            )
        return INNER_FOLDS
    name, smallest = min(data.class_counts.items(), key=lambda item: item[1])
    # What is left for training in the worst fold must still be split for the search.
    left = smallest - -(-smallest // folds)
    if smallest < folds or left < 2:
        needed = max(folds, 4 if folds == 2 else 3)
        raise ValueError(
            f"The class {name!r} of {data.name!r} has only {plural(smallest, 'sample')}, but {folds} folds need at "
            f"least {needed} of each class. Use fewer folds, more samples, or leave this class out with --classes."
        )
    return min(INNER_FOLDS, left)


def _check_scoring(scoring: str | None, data: Dataset) -> str:
    if scoring is None:
        return "accuracy" if data.task == "classification" else "r2"
    if not isinstance(scoring, str):
        raise TypeError(f"scoring must be the name of a scikit-learn scorer, but {scoring!r} came.")
    if scoring not in get_scorer_names():
        near = difflib.get_close_matches(scoring, get_scorer_names(), n=3, cutoff=0.4)
        hint = f" Did you mean {', '.join(map(repr, near))}?" if near else ""
        raise ValueError(
            f"scoring: there is no score {scoring!r}.{hint} scikit-learn's documentation lists all scorer names."
        )
    trial = DummyClassifier(strategy="prior") if data.task == "classification" else DummyRegressor()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            get_scorer(scoring)(trial.fit(data.X, data.y), data.X, data.y)
    except Exception as error:
        kind = f"a {data.task} with {len(data.class_names)} classes" if data.class_names else f"a {data.task}"
        raise ValueError(f"The score {scoring!r} does not suit {kind}: {str(error).splitlines()[0]}") from error
    return scoring


def _num_encoded(
    map_: FeatureMap, data: Dataset, qubits: int | None, connection: Connection, folds: int, inner_folds: int
) -> int:
    """Return how many features or principal components are encoded."""
    # PCA cannot find more components than the smallest training set of the search has samples.
    smallest_train = (data.num_samples * (folds - 1) // folds) * (inner_folds - 1) // inner_folds
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


def _splitter(data: Dataset, folds: int, repeats: int, seed: int) -> RepeatedStratifiedKFold | RepeatedKFold:
    family = RepeatedStratifiedKFold if data.task == "classification" else RepeatedKFold
    return family(n_splits=folds, n_repeats=repeats, random_state=seed)


def _run_cost(
    map_: FeatureMap,
    num_encoded: int,
    connection: Connection,
    target: object,
    splits: Sequence[Split],
    has_control: bool,
) -> RunCost | None:
    if connection.is_exact:
        return None
    pairs = sum(len(train) * (len(train) - 1) // 2 + len(test) * len(train) for train, test in splits)
    circuit = circuit_cost(map_, num_encoded, connection, device_of(target))
    return RunCost(circuit, pairs * (2 if has_control else 1), connection.shots or 0)
