"""One circuit with data and weights: what models train and what layers run.

**The rule.** The elements of a ``ParameterVector`` named ``x`` are the data, and all other parameters are weights.

- A feature map and an ansatz become one circuit, the ansatz after the feature map on the same qubits, with the
  parameters ``x`` for the data and ``θ`` for the weights: first those of the feature map, then those of the ansatz,
  each in the order of its ``circuit.parameters``. All parameters of an ansatz are weights.
- A circuit without such a vector is a feature map only where an ansatz stands beside it: then all its parameters are
  data. Alone it is refused, unless its parameters are named.
- Of a circuit of one's own ``input_parameters`` names the data, and all other parameters are weights. The name of a
  ``ParameterVector`` stands for its elements in their order.
- Parameters that a feature map and an ansatz have in common, or a vector ``x`` in an ansatz, are refused: of two
  circuits each would be bound by itself.
- An order of single parameters that their numbers contradict is warned of, once: Qiskit puts w10 before w2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.circuit.parametervector import ParameterVectorElement

from qiskit_qml_ext.arrays import FloatArray, IntArray
from qiskit_qml_ext.checks import (
    ParameterNames,
    listed_names,
    named_parameters,
    whole_number,
    wrong_kind,
    wrong_value,
)
from qiskit_qml_ext.circuits import Ansatz, FeatureMap, InitialDistribution
from qiskit_qml_ext.circuits.template import data_and_weights
from qiskit_qml_ext.kernels.data_binding import warn_of_order

_SOMEWHERE = 0.4567  # in the domain of arccos, log and the like, and no zero of any likely expression


@dataclass(frozen=True, eq=False)
class TrainedCircuit:
    """A circuit with each of its parameters either data or a weight."""

    circuit: QuantumCircuit
    """The whole circuit."""
    data: IntArray
    """Where the features stand in ``circuit.parameters``, in the order of their columns, shape (features,)."""
    weights: IntArray
    """Where the weights stand in ``circuit.parameters``, in their order, shape (W,)."""
    sources: tuple[QuantumCircuit, ...]
    """The circuits that it was made of, those with weights, in the order of these and with their own parameters."""
    source_data: frozenset[Parameter]
    """Which of their parameters are data."""

    @property
    def data_parameters(self) -> tuple[Parameter, ...]:
        """The parameters that are data, in the order of the columns."""
        return _chosen(self.circuit, self.data)

    @property
    def weight_parameters(self) -> tuple[Parameter, ...]:
        """The parameters that are weights, in their order."""
        return _chosen(self.circuit, self.weights)

    @cached_property
    def parts(self) -> tuple[QuantumCircuit, ...]:
        """Circuits with nothing but weights, in their order; initial weights are drawn for each by itself."""
        return tuple(
            source.assign_parameters({one: _SOMEWHERE for one in source.parameters if one in self.source_data})
            for source in self.sources
        )

    def draw(self, distribution: InitialDistribution, rng: np.random.Generator) -> FloatArray:
        """Draw initial weights, shape (W,)."""
        drawn = [distribution.sample(part, 1, rng)[0] for part in self.parts]
        sorted_weights = np.argsort(self.weights)  # parts have them in the order of ``circuit.parameters``
        weights = np.empty(len(self.weights))
        weights[sorted_weights] = np.concatenate([np.empty(0), *drawn])
        return weights


def trained_circuit(
    feature_map: FeatureMap | QuantumCircuit,
    ansatz: Ansatz | QuantumCircuit | None,
    num_features: int | None,
    *,
    input_parameters: ParameterNames | None = None,
    default_ansatz: Ansatz | None = None,
) -> TrainedCircuit:
    """Put a feature map and an ansatz together, by the rule above.

    Args:
        feature_map: A template or a circuit.
        ansatz: A template or a circuit; ``None`` takes what ``default_ansatz`` says, or none.
        num_features: How many features a sample has; needed for a template. ``None`` takes what a circuit encodes.
        input_parameters: Of a circuit as ``feature_map``: its parameters that take the data, in the order of the
            columns.
        default_ansatz: What stands after a feature map without weights of its own, where no ansatz is given.

    Raises:
        TypeError: If an argument is no circuit, or a name is none.
        ValueError: If the parameters are not split, a name is not there, names came for a template, or the numbers of
            features or of qubits differ.
    """
    encoding = _encoding(feature_map, num_features)
    if input_parameters is not None and not isinstance(feature_map, QuantumCircuit):
        raise ValueError(
            "input_parameters goes with a circuit as feature map only; a template knows which of its parameters are "
            "data. Leave it out."
        )
    if input_parameters is None and ansatz is None and isinstance(feature_map, QuantumCircuit):
        _refuse_unsplit(
            encoding,
            "say which take the data, input_parameters=[…], or give an ansatz beside the circuit, then all its "
            "parameters are data",
        )
    data, own = data_and_weights(encoding) if input_parameters is None else _by_name(encoding, input_parameters, None)
    if num_features is not None and len(data) != num_features:
        raise ValueError(
            f"The data have {num_features} features but the feature map encodes {len(data)}. Give samples of that "
            'width, or a circuit whose data are every element of ParameterVector("x", number of features), or are '
            "named by input_parameters, and whose other parameters are trained."
        )
    chosen = default_ansatz if ansatz is None and not own else ansatz
    trained = QuantumCircuit(encoding.num_qubits) if chosen is None else _built("ansatz", chosen, encoding.num_qubits)
    if trained.num_qubits != encoding.num_qubits:
        raise ValueError(
            f"The ansatz has {trained.num_qubits} qubits but the feature map has {encoding.num_qubits}. Give an ansatz "
            "of that width."
        )
    _refuse_common(encoding, trained)
    if input_parameters is None:
        warn_of_order(data)
    for weights in (own, list(trained.parameters)):
        warn_of_order(weights, "The weights")
    return _joined(encoding, data, own, trained)


def split_circuit(
    circuit: QuantumCircuit, data: ParameterNames | None = None, weights: ParameterNames | None = None
) -> TrainedCircuit:
    """Split the parameters of one circuit, by the rule above or as they are named.

    Args:
        circuit: The circuit; it is copied.
        data: ``input_parameters``: those that take the data, in the order of the columns, or the name of a vector.
        weights: ``weight_parameters``: those that are trained, in their order. If only one of the two is given, the
            others are the rest, in the order of ``circuit.parameters``.

    Raises:
        TypeError: If a name is none.
        ValueError: If the parameters are not split, or one of them is named twice or is not there.
    """
    circuit = circuit.copy()
    if data is None and weights is None:
        _refuse_unsplit(
            circuit,
            "say which take the data, input_parameters=[…], or which are trained, weight_parameters=[…]",
        )
        chosen_data, chosen_weights = data_and_weights(circuit)
    else:
        chosen_data, chosen_weights = _by_name(circuit, data, weights)
    if data is None and weights is not None:
        warn_of_order(chosen_data)
    elif weights is None:
        warn_of_order(chosen_weights, "The weights")
    return TrainedCircuit(
        circuit,
        _places(circuit, chosen_data),
        _places(circuit, chosen_weights),
        (circuit,) if chosen_weights else (),
        frozenset(chosen_data),
    )


def _encoding(feature_map: object, num_features: int | None) -> QuantumCircuit:
    if isinstance(feature_map, QuantumCircuit):
        return feature_map
    if num_features is None and _is_template(feature_map):
        raise ValueError("num_features must say for how many features the feature map is built, but it is missing.")
    return _built("feature_map", feature_map, num_features)


def _is_template(circuit: object) -> bool:
    return not isinstance(circuit, (str, type)) and callable(getattr(circuit, "build", None))


def _built(name: str, circuit: object, width: int | None) -> QuantumCircuit:
    if isinstance(circuit, QuantumCircuit):
        return circuit
    if not _is_template(circuit):
        raise wrong_kind(name, "a template, a QuantumCircuit or None", circuit)
    width = whole_number("num_features", width) if name == "feature_map" else width
    built = circuit.build(width)  # type: ignore[attr-defined]
    if not isinstance(built, QuantumCircuit):
        raise wrong_value(name, "something whose build returns a QuantumCircuit", circuit)
    return built


def _joined(
    encoding: QuantumCircuit, data: list[Parameter], own: list[Parameter], trained: QuantumCircuit
) -> TrainedCircuit:
    x, theta = ParameterVector("x", len(data)), ParameterVector("θ", len(own) + trained.num_parameters)
    new = dict(zip(data, x, strict=True)) | dict(zip(own, theta[: len(own)], strict=True))
    circuit = encoding.assign_parameters(new)
    circuit.compose(trained.assign_parameters(theta[len(own) :]), inplace=True)
    sources = ((encoding, own), (trained, trained.parameters))
    return TrainedCircuit(
        circuit,
        _places(circuit, list(x)),
        _places(circuit, list(theta)),
        tuple(source for source, weights in sources if len(weights)),
        frozenset(data),
    )


def _places(circuit: QuantumCircuit, parameters: Sequence[Parameter]) -> IntArray:
    place = {parameter: index for index, parameter in enumerate(circuit.parameters)}
    return np.array([place[parameter] for parameter in parameters], dtype=np.int64)


def _chosen(circuit: QuantumCircuit, places: IntArray) -> tuple[Parameter, ...]:
    parameters = list(circuit.parameters)
    return tuple(parameters[place] for place in places.tolist())


def _is_x(parameter: Parameter) -> bool:
    return isinstance(parameter, ParameterVectorElement) and parameter.vector.name == "x"


def _refuse_unsplit(circuit: QuantumCircuit, remedy: str) -> None:
    if circuit.parameters and not any(_is_x(parameter) for parameter in circuit.parameters):
        raise ValueError(
            f"The parameters of the circuit ({listed_names(circuit.parameters)}) are not split into data and weights: "
            f'there is no ParameterVector "x". Take its elements for the data, or {remedy}.'
        )


def _refuse_common(encoding: QuantumCircuit, ansatz: QuantumCircuit) -> None:
    common = [one for one in ansatz.parameters if one in set(encoding.parameters) or _is_x(one)]
    if common:
        raise ValueError(
            f"The ansatz has {listed_names(common)}, which the feature map has too or which is data, but all "
            "parameters of an ansatz are weights of its own. Compose one circuit of both, with the data as a "
            'ParameterVector "x", or take other parameters.'
        )


def _by_name(
    circuit: QuantumCircuit, data: ParameterNames | None, weights: ParameterNames | None
) -> tuple[list[Parameter], list[Parameter]]:
    """Data and weights as they are named; what is named by neither is what is not named at all."""
    everything = list(circuit.parameters)
    named_data = None if data is None else named_parameters("input_parameters", data, everything)
    named_weights = None if weights is None else named_parameters("weight_parameters", weights, everything)
    named = {*(named_data or ()), *(named_weights or ())}
    rest = [one for one in everything if one not in named]
    if named_data is not None and named_weights is not None:
        _check_partition(named_data, named_weights, rest)
    return rest if named_data is None else named_data, rest if named_weights is None else named_weights


def _check_partition(data: Sequence[Parameter], weights: Sequence[Parameter], rest: Sequence[Parameter]) -> None:
    both = [parameter for parameter in data if parameter in set(weights)]
    if both:
        raise ValueError(
            f"{listed_names(both)} came both in input_parameters and in weight_parameters. Choose one of them."
        )
    if rest:
        raise ValueError(
            f"{listed_names(rest)} came neither in input_parameters nor in weight_parameters. Put each parameter of "
            "the circuit into one of them, or bind it first (assign_parameters)."
        )
