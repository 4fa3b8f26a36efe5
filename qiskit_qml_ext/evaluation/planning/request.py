"""What was asked for: names resolved, grids sorted, defaults that need no data filled in."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from qiskit_qml_ext.checks import real_numbers, wrong_value
from qiskit_qml_ext.circuits import FeatureMap, feature_map_by_name
from qiskit_qml_ext.datasets import Dataset, load_dataset
from qiskit_qml_ext.evaluation.protocol.quantum_family import FAMILIES, ModelChoice, QuantumFamily
from qiskit_qml_ext.primitives import Connection, connect


@dataclass(frozen=True, eq=False)
class Request:
    """The arguments of :func:`~qiskit_qml_ext.evaluation.evaluate`, each checked by itself."""

    data: Dataset
    """All data, before samples are chosen."""
    feature_map: FeatureMap
    """The encoding."""
    given_target: object
    """What was given as the target: a name, a backend, a connection or None."""
    connection: Connection
    """Where the chosen quantum models are to run."""
    max_qubits: int | None
    """The largest number of qubits that was asked for; None for the usual one."""
    num_folds: int
    """Outer folds."""
    num_repeats: int | None
    """How often the outer cross-validation is made; None for as often as is affordable."""
    max_samples: int | None
    """The limit on samples that was asked for; None for the usual one."""
    seed: int
    """Seed of everything random."""
    scoring: str | None
    """The name of the score that was asked for; None for the usual one."""
    C_values: tuple[float, ...]
    """The values of C, ascending."""
    bandwidths: tuple[float, ...]
    """The values of the bandwidth, ascending."""
    model: ModelChoice = "kernel"
    """Which quantum models are compared."""

    @property
    def families(self) -> tuple[QuantumFamily, ...]:
        """What the choice of the model means."""
        return FAMILIES[self.model]


def data_of(dataset: object) -> Dataset:
    """Return a data set that was given itself or by its name."""
    data = load_dataset(dataset) if isinstance(dataset, str) else dataset
    if not isinstance(data, Dataset):
        raise TypeError(
            f"dataset must be a Dataset or the name of one, but {type(data).__name__} came. "
            "Build one with Dataset.from_arrays(X, y)."
        )
    return data


def map_of(feature_map: object) -> FeatureMap:
    """Return a feature map that was given itself or by its name."""
    if isinstance(feature_map, str):
        return feature_map_by_name(feature_map)
    if isinstance(feature_map, FeatureMap):
        return feature_map
    raise TypeError(
        f"feature_map must be a FeatureMap or the name of one, but {type(feature_map).__name__} came. A plain circuit "
        "has no bandwidth to search and no range to scale the data to."
    )


def model_choice(model: str) -> ModelChoice:
    """Return the choice of the quantum models to compare.

    Raises:
        ValueError: If it is none; the message lists them.
    """
    for choice in FAMILIES:
        if choice == model:
            return choice
    raise wrong_value("model", f"one of {', '.join(map(repr, FAMILIES))}", model)


def grid_of(name: str, values: Sequence[float]) -> tuple[float, ...]:
    """Return the values of a grid once each, ascending."""
    return tuple(sorted(set(real_numbers(name, values, above=0.0))))


def connection_to(
    target: object, *, shots: int | None, seed: int, journal: "str | os.PathLike[str] | None"
) -> Connection:
    """Return the connection that was given, or one to what was given.

    Raises:
        ValueError: If shots or a journal came that would not be used.
    """
    if journal is not None and shots is None and target in (None, "exact"):
        raise ValueError(
            "journal keeps jobs with shots, but exact simulation submits none. Name a target, or a number of shots."
        )
    if not isinstance(target, Connection):
        return connect(target, shots=shots, seed=seed, journal=journal)
    for name, value in (("shots", shots), ("journal", journal)):
        if value is not None:
            raise ValueError(f"The connection decides about the {name}: give {name} to connect(), not here.")
    return target
