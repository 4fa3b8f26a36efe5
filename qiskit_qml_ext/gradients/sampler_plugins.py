"""Gradients of outcome probabilities as plug-ins of qiskit-machine-learning: exact, and by shift rules."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit_machine_learning.gradients import BaseSamplerGradient, SamplerGradientResult

from qiskit_qml_ext.checks import check_arguments, numeric_array
from qiskit_qml_ext.gradients.equal_objects import equal_objects
from qiskit_qml_ext.gradients.outcome_derivatives import outcome_derivatives
from qiskit_qml_ext.primitives import Connection, connect


class ShiftSamplerGradient(BaseSamplerGradient):
    """Gradients of outcome probabilities by shift rules, on any target: all points of all samples with one circuit.

    Give it to ``SamplerQNN`` (and with it to ``VQC``) as ``gradient=``, together with the connection's sampler. The
    circuit measures into one classical register.

    Args:
        connection: Where circuits run; ``Connection.from_primitives(sampler=…, pass_manager=…)`` takes a sampler of
            your own. Exact by default: derivatives of exact probabilities.

    Examples:
        >>> from qiskit import QuantumCircuit
        >>> from qiskit.circuit import Parameter
        >>> from qiskit_qml_ext.gradients import ShiftSamplerGradient
        >>> circuit = QuantumCircuit(1)
        >>> _ = circuit.rx(Parameter("a"), 0)
        >>> circuit.measure_all()
        >>> gradient = ShiftSamplerGradient().run([circuit], [[0.5]]).result().gradients[0][0]
        >>> {outcome: round(slope, 6) for outcome, slope in gradient.items()}  # p(1) = sin²(a/2)
        {0: -0.239713, 1: 0.239713}
    """

    @check_arguments()
    def __init__(self, *, connection: Connection | None = None):
        chosen = connect() if connection is None else connection
        super().__init__(chosen.sampler)
        self._connection = chosen

    def _run(
        self,
        circuits: Sequence[QuantumCircuit],
        parameter_values: ArrayLike,
        parameters: Sequence[Sequence[Parameter]],
        **options: Any,
    ) -> SamplerGradientResult:
        given = [numeric_array("parameter_values", row) for row in parameter_values]  # type: ignore[union-attr]
        values = [np.asarray(row, dtype=np.float64) for row in given]
        gradients: list[list[dict[int, float]]] = [[] for _ in circuits]
        for circuit, places in equal_objects(circuits):
            read = outcome_derivatives(circuit, np.stack([values[place] for place in places]), self._connection)
            column = {parameter: index for index, parameter in enumerate(circuit.parameters)}
            for row, place in enumerate(places):
                slopes = read.jacobian[row]
                gradients[place] = [
                    dict(zip(read.outcomes, slopes[:, column[parameter]].tolist(), strict=True))
                    for parameter in parameters[place]
                ]
        metadata = [{"parameters": wanted} for wanted in parameters]
        return SamplerGradientResult(gradients=gradients, metadata=metadata, options=self._default_options)


class AdjointSamplerGradient(ShiftSamplerGradient):
    """Exact gradients of outcome probabilities, from states.

    Args:
        dtype: ``"complex128"`` or ``"complex64"`` (half the memory and time, errors around 1e-5).
        max_memory: The largest amount of memory for states in bytes; by default a share of what is free.
    """

    @check_arguments()
    def __init__(self, *, dtype: str = "complex128", max_memory: int | None = None):
        super().__init__(connection=connect("exact", dtype=dtype, max_memory=max_memory))
