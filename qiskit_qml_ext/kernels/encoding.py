"""From a feature map to what the exact path runs, once for each content."""

import pickle
import threading
from collections import OrderedDict

from qiskit import QuantumCircuit

from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.kernels.exact import Factor, independent_factors

_MAX_CACHED = 256
_cached: "OrderedDict[bytes, list[Factor]]" = OrderedDict()
_lock = threading.Lock()


def encoding_circuit(feature_map: FeatureMap | QuantumCircuit, num_features: int) -> QuantumCircuit:
    """Return the encoding circuit of a feature map for a number of features.

    Raises:
        TypeError: If ``feature_map`` is neither a template nor a circuit.
        ValueError: If a circuit encodes another number of features.
    """
    if isinstance(feature_map, FeatureMap):
        return feature_map.build(num_features)
    if not isinstance(feature_map, QuantumCircuit):
        raise TypeError(f"feature_map must be a template or a QuantumCircuit, but a {type(feature_map).__name__} came.")
    if feature_map.num_parameters != num_features:
        raise ValueError(
            f"The data have {num_features} columns but the feature map encodes {feature_map.num_parameters}. "
            f"Reduce the data (for example PCA({feature_map.num_parameters})) or build the map with {num_features} "
            "features."
        )
    return feature_map


def encoding_factors(feature_map: FeatureMap | QuantumCircuit, num_features: int) -> list[Factor]:
    """Return the independent factors of a feature map's circuit, lowered.

    Building and lowering a template's circuit takes longer than simulating a small one for hundreds of samples, and
    scikit-learn clones kernels all the time: so the factors of a template are kept by the content of its settings.
    """
    if not isinstance(feature_map, FeatureMap):
        return independent_factors(encoding_circuit(feature_map, num_features))
    try:
        key = pickle.dumps((type(feature_map), vars(feature_map), num_features))
    except (pickle.PicklingError, AttributeError, TypeError):  # a template with, say, a lambda among its settings
        return independent_factors(feature_map.build(num_features))
    with _lock:
        if key in _cached:
            _cached.move_to_end(key)
            return _cached[key]
    factors = independent_factors(feature_map.build(num_features))
    with _lock:
        _cached[key] = factors
        if len(_cached) > _MAX_CACHED:
            _cached.popitem(last=False)
    return factors
