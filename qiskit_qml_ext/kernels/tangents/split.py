"""Which parameters of a circuit are data, and which are weights."""

from collections.abc import Sequence

from qiskit import QuantumCircuit
from qiskit.circuit import Parameter

from qiskit_qml_ext.checks import ParameterNames, listed_names, named_parameters
from qiskit_qml_ext.circuits.template import data_and_weights


def split_parameters(
    circuit: QuantumCircuit, input_parameters: ParameterNames | None
) -> tuple[Sequence[int], Sequence[int]]:
    """Return where data and weights stand in ``circuit.parameters``.

    Args:
        circuit: The circuit.
        input_parameters: The parameters that take the features, in the order of the columns; ``None`` for the elements
            of ``ParameterVector("x")``. All others are weights, in the order of ``circuit.parameters``.

    Raises:
        TypeError: If these are no names.
        ValueError: If a name is not there, no parameter is data, or none is a weight.
    """
    everything: list[Parameter] = list(circuit.parameters)
    if input_parameters is None:
        data, weights = data_and_weights(circuit)
    else:
        data = named_parameters("input_parameters", input_parameters, everything)
        weights = [one for one in everything if one not in set(data)]
    if not weights:
        raise ValueError(
            f"The parameters of the circuit ({listed_names(everything)}) are all data, so that there is no gradient by "
            'weights. Take the elements of a ParameterVector "x" for the data, or name them with input_parameters.'
        )
    place = {parameter: index for index, parameter in enumerate(everything)}
    return [place[one] for one in data], [place[one] for one in weights]
