"""From a feature map to what the kernels run, prepared once for each content."""

import pickle
from collections import OrderedDict
from functools import cached_property

from qiskit import QuantumCircuit

from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.kernels.data_binding import warn_of_order
from qiskit_qml_ext.kernels.factors import Factor, independent_factors
from qiskit_qml_ext.kernels.passed_qubits import passed_qubits
from qiskit_qml_ext.kernels.readings import rotations_commute
from qiskit_qml_ext.primitives import Connection, circuit_key
from qiskit_qml_ext.primitives.approximation import used_qubits
from qiskit_qml_ext.primitives.forks import Lock
from qiskit_qml_ext.program import unitary_part

_MAX_CACHED = 256
_cached: "OrderedDict[bytes, Encoding]" = OrderedDict()
_lock = Lock()


class Encoding:
    """An encoding circuit and what the methods make of it, each made when first needed."""

    def __init__(self, circuit: QuantumCircuit):
        self.circuit = circuit

    @cached_property
    def unitary(self) -> QuantumCircuit:
        """The circuit without final measurements, leading resets and classical registers."""
        return unitary_part(self.circuit)

    @cached_property
    def factors(self) -> list[Factor]:
        """The groups of interacting qubits, lowered."""
        return independent_factors(self.unitary)

    @cached_property
    def commutes(self) -> bool:
        """Whether groups are of one qubit or of rotations that commute; ``False`` where that cannot be seen."""
        try:
            return rotations_commute(factor.program for factor in self.factors)
        except UnsupportedCircuitError:
            return False

    @cached_property
    def passed(self) -> tuple[int, ...]:
        """Qubits that only swaps of a routed circuit pass; none where that cannot be seen."""
        try:
            return passed_qubits(self.circuit, used_qubits(self.unitary), self.factors)
        except UnsupportedCircuitError:
            return ()

    @cached_property
    def key(self) -> str:
        """The content key of :attr:`unitary`."""
        return circuit_key(self.unitary)

    @cached_property
    def timed(self) -> QuantumCircuit:
        """:attr:`unitary` with the circuit's barriers and delays, which say what a device runs and when."""
        return unitary_part(self.circuit, timing=True)

    @cached_property
    def timed_key(self) -> str:
        """The content key of :attr:`timed`; that of :attr:`unitary` where the two are equal."""
        return self.key if len(self.timed.data) == len(self.unitary.data) else circuit_key(self.timed)

    def circuit_for(self, connection: Connection) -> tuple[QuantumCircuit, str]:
        """Return the circuit that a connection's target is given, and its content key.

        Barriers and delays stay where circuits are transpiled: a barrier keeps gates from being cancelled, and during a
        delay qubits relax. Where each gate acts by its matrix they mean nothing.
        """
        return (self.unitary, self.key) if connection.applies_matrices else (self.timed, self.timed_key)


def encoding_of(feature_map: FeatureMap | QuantumCircuit, num_features: int) -> Encoding:
    """Return the encoding of a feature map for a number of features.

    Building and lowering a template's circuit takes longer than simulating a small one for hundreds of samples, and
    scikit-learn clones kernels all the time: so the encodings of templates are kept by the content of their settings.

    Raises:
        TypeError: If ``feature_map`` is neither a template nor a circuit.
        ValueError: If a circuit encodes another number of features.
    """
    if not isinstance(feature_map, FeatureMap):
        return Encoding(_checked_circuit(feature_map, num_features))
    if feature_map.num_weights(num_features):
        raise ValueError(
            f"{type(feature_map).__name__} has {feature_map.num_weights(num_features)} trainable weights for "
            f"{num_features} features. Fix them with FixedWeightsFeatureMap(feature_map, weights) before it goes into "
            "a kernel."
        )
    return template_encoding(feature_map, num_features)


def template_encoding(feature_map: FeatureMap, num_features: int) -> Encoding:
    """Return the encoding of a template, kept by the content of its settings; its weights, if any, stay free."""
    try:
        key = pickle.dumps((type(feature_map), vars(feature_map), num_features))
    except (pickle.PicklingError, AttributeError, TypeError):  # a template with, say, a lambda among its settings
        return Encoding(feature_map.build(num_features))
    with _lock:
        if key in _cached:
            _cached.move_to_end(key)
            return _cached[key]
    encoding = Encoding(feature_map.build(num_features))
    with _lock:
        encoding = _cached.setdefault(key, encoding)  # of two threads, the first one's
        if len(_cached) > _MAX_CACHED:
            _cached.popitem(last=False)
    return encoding


def _checked_circuit(circuit: QuantumCircuit, num_features: int) -> QuantumCircuit:
    if not isinstance(circuit, QuantumCircuit):
        raise TypeError(f"feature_map must be a template or a QuantumCircuit, but {_described(circuit)} came.")
    if circuit.num_parameters != num_features:
        raise ValueError(
            f"The data have {num_features} columns but the feature map encodes {circuit.num_parameters}. "
            f"Reduce the data (for example PCA({circuit.num_parameters})) or build the map with {num_features} "
            "features."
        )
    warn_of_order(circuit.parameters)
    return circuit


def _described(thing: object) -> str:
    kind = type(thing)
    if isinstance(thing, type):
        return f"the class {thing.__module__}.{thing.__qualname__} instead of an object of it"
    if kind.__module__ == "builtins":
        return f"a {kind.__name__}"
    not_theirs = ", which is not Qiskit's," if kind.__name__ == "QuantumCircuit" else ""
    return f"a {kind.__module__}.{kind.__qualname__}{not_theirs}"
