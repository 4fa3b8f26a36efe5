"""How many features or principal components the feature map encodes."""

from dataclasses import dataclass

from qiskit_qml_ext.checks import whole_number
from qiskit_qml_ext.evaluation.formatting import plural
from qiskit_qml_ext.evaluation.planning.request import Request
from qiskit_qml_ext.evaluation.planning.requirements import smallest_training_set
from qiskit_qml_ext.evaluation.planning.samples import Samples

DEFAULT_MAX_QUBITS = 8


@dataclass(frozen=True)
class Encoding:
    """What the quantum models see of the features."""

    num_qubits: int
    """Qubits of the feature map."""
    num_encoded: int
    """How many features (or principal components) it encodes."""
    num_components: int | None
    """How many principal components that are; None if all features are encoded as they are."""


def choose_encoding(request: Request, samples: Samples, inner_folds: int) -> Encoding:
    """Encode as many features or components as the qubits and the smallest training set allow.

    Raises:
        ValueError: If the qubits that were asked for cannot be used, or are too few.
    """
    # PCA cannot find more components than the smallest training set of the search has samples.
    smallest_train = smallest_training_set(samples.data, samples.rows, request.num_folds, inner_folds)
    most = min(samples.data.num_features, smallest_train)
    if request.max_qubits is not None:
        _check_max_qubits(request.max_qubits, request, most, smallest_train)
    map_, available = request.feature_map, request.connection.num_qubits
    budget = request.max_qubits or min(DEFAULT_MAX_QUBITS, available or DEFAULT_MAX_QUBITS)
    possible = [k for k in range(1, most + 1) if map_.num_qubits(k) <= budget]
    if not possible:
        raise ValueError(
            f"The feature map needs {plural(map_.num_qubits(1), 'qubit')} for one feature, more than {budget}. "
            "Allow more with --qubits or choose another feature map."
        )
    num_encoded = max(possible)
    reduced = num_encoded < samples.data.num_features
    return Encoding(map_.num_qubits(num_encoded), num_encoded, num_encoded if reduced else None)


def _check_max_qubits(max_qubits: int, request: Request, most: int, smallest_train: int) -> None:
    """Refuse more qubits than the target has, the features take, or the smallest training set allows."""
    whole_number("max_qubits", max_qubits)
    data, map_, connection = request.data, request.feature_map, request.connection
    available = connection.num_qubits
    if available is not None and max_qubits > available:
        raise ValueError(
            f"{max_qubits} qubits were asked for, but {connection.target_name} has {available}. "
            f"Ask for at most {available} with --qubits, or choose a larger target."
        )
    if max_qubits > (needed := map_.num_qubits(data.num_features)):
        raise ValueError(
            f"{max_qubits} qubits were asked for, but {data.name!r} has {plural(data.num_features, 'feature')}, which "
            f"take {plural(needed, 'qubit')}. Ask for at most {needed} with --qubits."
        )
    if max_qubits > (needed := map_.num_qubits(most)):
        raise ValueError(
            f"{max_qubits} qubits were asked for, but the smallest training set has {smallest_train} samples, so "
            f"there are no more principal components than that. Ask for at most {needed} with --qubits."
        )
