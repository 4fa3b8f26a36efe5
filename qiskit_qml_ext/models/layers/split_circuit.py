"""A circuit whose parameters are split into inputs and trainable weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.circuit.parametervector import ParameterVectorElement

from qiskit_qml_ext.checks import whole_number
from qiskit_qml_ext.circuits import Ansatz, FeatureMap, data_and_weights
from qiskit_qml_ext.kernels.data_binding import warn_of_order

LayerCircuit: TypeAlias = QuantumCircuit | FeatureMap | tuple[FeatureMap | QuantumCircuit, Ansatz | QuantumCircuit]
"""What a layer runs: a circuit, a feature map with weights of its own, or a feature map and an ansatz."""

ParameterNames: TypeAlias = Sequence[Parameter | str]
"""Parameters of a circuit, themselves or by name; a ``ParameterVector`` is one."""


@dataclass(frozen=True, eq=False)
class SplitCircuit:
    """A circuit with each of its parameters either an input or a weight."""

    circuit: QuantumCircuit
    """The circuit."""
    inputs: tuple[Parameter, ...]
    """What the columns of the inputs are bound to, in their order."""
    weights: tuple[Parameter, ...]
    """What the trainable weights are bound to, in their order."""


def split_circuit(
    circuit: LayerCircuit,
    *,
    num_features: int | None = None,
    input_parameters: ParameterNames | None = None,
    weight_parameters: ParameterNames | None = None,
) -> SplitCircuit:
    """Build a circuit and split its parameters.

    Args:
        circuit: A circuit; a feature map with trainable weights (such as ``ReuploadingModel``); or a pair of a feature
            map and an ansatz, which acts after it on the same qubits.
        num_features: The number of features for which a feature map is built; only for templates.
        input_parameters: The parameters that take the inputs, in the order of their columns; only for a circuit.
        weight_parameters: Those that are trained, in the order of the weights; only for a circuit. If only one of the
            two is given, the other parameters are the rest, in the order of ``circuit.parameters``. If none is, the
            elements of the vector ``x`` are the inputs.

    Raises:
        TypeError: ``circuit`` is of another kind.
        ValueError: The parameters are not split, or an argument means nothing for this kind of circuit.
    """
    if isinstance(circuit, QuantumCircuit):
        _refuse(num_features=num_features)
        return _split_by_parameters(circuit.copy(), input_parameters, weight_parameters)
    _refuse(input_parameters=input_parameters, weight_parameters=weight_parameters)
    if isinstance(circuit, FeatureMap):
        built = circuit.build(_needed(num_features))
        inputs, weights = data_and_weights(built)
        return SplitCircuit(built, tuple(inputs), tuple(weights))
    if isinstance(circuit, tuple) and len(circuit) == 2:
        return _composed(circuit[0], circuit[1], num_features)
    raise TypeError(
        "circuit must be a QuantumCircuit, a feature map, or a pair (feature_map, ansatz), but "
        f"{circuit!r} ({type(circuit).__name__}) came."
    )


def _refuse(**arguments: object) -> None:
    for name, value in arguments.items():
        if value is not None:
            kind = "a template" if name == "num_features" else "a circuit"
            raise ValueError(f"{name} goes with {kind} only; here it means nothing. Leave it out.")


def _needed(num_features: int | None) -> int:
    if num_features is None:
        raise ValueError("num_features must say for how many features the feature map is built, but it is missing.")
    return whole_number("num_features", num_features)


def _composed(feature_map: object, ansatz: object, num_features: int | None) -> SplitCircuit:
    """The ansatz after the feature map; all weights are one vector θ, those of the feature map first."""
    if isinstance(feature_map, QuantumCircuit):
        _refuse(num_features=num_features)
        encoding, data = feature_map, list(feature_map.parameters)
        own: list[Parameter] = []
        warn_of_order(data)
    elif isinstance(feature_map, FeatureMap):
        encoding = feature_map.build(_needed(num_features))
        data, own = data_and_weights(encoding)
    else:
        raise TypeError(f"feature_map must be a template or a QuantumCircuit, but {feature_map!r} came.")
    if isinstance(ansatz, Ansatz):
        ansatz = ansatz.build(encoding.num_qubits)
    if not isinstance(ansatz, QuantumCircuit):
        raise TypeError(f"ansatz must be a template or a QuantumCircuit, but {ansatz!r} came.")
    if ansatz.num_qubits != encoding.num_qubits:
        raise ValueError(
            f"The ansatz has {ansatz.num_qubits} qubits but the feature map {encoding.num_qubits}. Build both for the "
            "same number."
        )
    trained = list(ansatz.parameters)
    warn_of_order(trained)
    theta = ParameterVector(_free_name("θ", data), len(own) + len(trained))
    circuit = encoding.assign_parameters(dict(zip(own, theta, strict=False)))
    circuit.compose(ansatz.assign_parameters(dict(zip(trained, theta[len(own) :], strict=True))), inplace=True)
    circuit.metadata = ansatz.metadata  # says, for some initial distributions, how the weights belong together
    return SplitCircuit(circuit, tuple(data), tuple(theta))


def _free_name(name: str, others: Sequence[Parameter]) -> str:
    """A name that no other parameter or vector has."""
    taken = {parameter.name.partition("[")[0] for parameter in others}
    while name in taken:
        name += "'"
    return name


def _split_by_parameters(
    circuit: QuantumCircuit, inputs: ParameterNames | None, weights: ParameterNames | None
) -> SplitCircuit:
    everything = list(circuit.parameters)
    if inputs is None and weights is None:
        data, trained = data_and_weights(circuit)
        if everything and not _is_vector_x(data[0]):
            raise ValueError(
                f"The parameters of the circuit ({_listed(everything)}) are not split into inputs and weights: there "
                "is no ParameterVector 'x'. Say which take the data, input_parameters=[…], or which are trained, "
                "weight_parameters=[…]."
            )
        warn_of_order(trained)
        return SplitCircuit(circuit, tuple(data), tuple(trained))
    named_inputs = None if inputs is None else _resolved("input_parameters", inputs, everything)
    named_weights = None if weights is None else _resolved("weight_parameters", weights, everything)
    rest = [one for one in everything if one not in {*(named_inputs or ()), *(named_weights or ())}]
    if named_inputs is not None and named_weights is not None:
        _check_partition(named_inputs, named_weights, rest)
    else:
        warn_of_order(rest)
    return SplitCircuit(
        circuit,
        tuple(rest if named_inputs is None else named_inputs),
        tuple(rest if named_weights is None else named_weights),
    )


def _is_vector_x(parameter: Parameter) -> bool:
    return isinstance(parameter, ParameterVectorElement) and parameter.vector.name == "x"


def _resolved(argument: str, names: ParameterNames, everything: Sequence[Parameter]) -> list[Parameter]:
    if isinstance(names, (str, Parameter)):
        raise TypeError(f"{argument} must be a list of parameters or of their names, but {names!r} came.")
    by_name = {parameter.name: parameter for parameter in everything}
    chosen = []
    for name in names:
        parameter = by_name.get(name) if isinstance(name, str) else name
        if parameter not in by_name.values():
            raise ValueError(
                f"{argument} has {name!s}, which is no parameter of the circuit; it has {_listed(everything)}. "
                "Parameters are the same only if they are the same object: take them from circuit.parameters, or give "
                "their names."
            )
        chosen.append(parameter)
    if len(set(chosen)) < len(chosen):
        raise ValueError(f"{argument} has a parameter twice: {_listed(chosen)}. Name each once.")
    return chosen


def _check_partition(inputs: Sequence[Parameter], weights: Sequence[Parameter], rest: Sequence[Parameter]) -> None:
    both = [parameter for parameter in inputs if parameter in set(weights)]
    if both:
        raise ValueError(f"{_listed(both)} came both in input_parameters and in weight_parameters. Choose one of them.")
    if rest:
        raise ValueError(
            f"{_listed(rest)} came neither in input_parameters nor in weight_parameters. Put each parameter of the "
            "circuit into one of them, or bind it first (assign_parameters)."
        )


def _listed(parameters: Sequence[Parameter]) -> str:
    names = [parameter.name for parameter in parameters]
    return ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
