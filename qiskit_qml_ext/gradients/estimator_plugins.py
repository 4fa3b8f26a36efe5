"""Gradients of expectation values as plug-ins of qiskit-machine-learning: exact, and by shift rules."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import Pauli, SparsePauliOp
from qiskit.quantum_info.operators.base_operator import BaseOperator
from qiskit_machine_learning.gradients import BaseEstimatorGradient, EstimatorGradientResult

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import check_arguments, numeric_array
from qiskit_qml_ext.gradients.equal_objects import equal_objects
from qiskit_qml_ext.gradients.methods import AdjointGradient, GradientMethod, ParameterShiftGradient
from qiskit_qml_ext.primitives import Connection, connect


class _GroupedEstimatorGradient(BaseEstimatorGradient):
    """Runs what a QNN asks for one by one as one batch for each circuit."""

    def __init__(self, method: GradientMethod, connection: Connection):
        super().__init__(connection.estimator)
        self._method = method
        self._connection = connection

    def _run(
        self,
        circuits: Sequence[QuantumCircuit],
        observables: Sequence[BaseOperator],
        parameter_values: ArrayLike,
        parameters: Sequence[Sequence[Parameter]],
        **options: Any,
    ) -> EstimatorGradientResult:
        full: list[FloatArray | None] = [None] * len(circuits)
        rows_given = [numeric_array("parameter_values", row) for row in parameter_values]  # type: ignore[union-attr]
        values = [np.asarray(row, dtype=np.float64) for row in rows_given]
        for circuit, places in equal_objects(circuits):
            for group, rows in _shared_rows(observables, values, places):
                self._differentiate(circuit, [observables[column[0]] for column in group], values, group, rows, full)
        gradients = [
            _select(gradient, circuit, wanted)
            for gradient, circuit, wanted in zip(full, circuits, parameters, strict=True)
        ]
        metadata = [{"parameters": wanted, "derivative_type": self._derivative_type} for wanted in parameters]
        return EstimatorGradientResult(gradients=gradients, metadata=metadata, options=self._default_options)

    def _differentiate(
        self,
        circuit: QuantumCircuit,
        observables: Sequence[BaseOperator],
        values: Sequence[FloatArray],
        group: Sequence[Sequence[int]],
        rows: FloatArray,
        full: list[FloatArray | None],
    ) -> None:
        """Fill ``full`` at the places of a group: observable m of the group at row b belongs to ``group[m][b]``."""
        operators = [_as_pauli_sum(observable) for observable in observables]
        jacobian = self._method.jacobian(circuit, operators, rows, connection=self._connection).jacobian
        for column, places in enumerate(group):
            for row, place in enumerate(places):
                full[place] = jacobian[row, column]


class AdjointEstimatorGradient(_GroupedEstimatorGradient):
    """Gradients of expectation values, exact, all parameters from one forward and one backward pass.

    Give it to ``EstimatorQNN`` (and with it to ``TorchConnector``) as ``gradient=``, together with
    ``estimator=ExactEstimator()``: the circuits that a QNN asks for one by one run as one batch. It differentiates with
    respect to input features as well as weights, and any gate that the engine simulates; the circuit need not be
    translated to gates with a shift rule. ``EstimatorQNN`` asks its estimator for a noisy value unless it is given
    ``default_precision=0.0``.

    Args:
        dtype: ``"complex128"`` or ``"complex64"`` (half the memory and time, errors around 1e-5).
        max_memory: The largest amount of memory for states in bytes; by default a share of what is free.

    References:
        Jones and Gacon, arXiv:2009.02823.

    Examples:
        >>> from qiskit import QuantumCircuit
        >>> from qiskit.circuit import Parameter
        >>> from qiskit.quantum_info import SparsePauliOp
        >>> from qiskit_qml_ext.gradients import AdjointEstimatorGradient
        >>> circuit = QuantumCircuit(1)
        >>> _ = circuit.rx(Parameter("a"), 0)
        >>> job = AdjointEstimatorGradient().run([circuit], [SparsePauliOp("Z")], [[0.5]])
        >>> float(job.result().gradients[0][0].round(6))  # d/da cos(a) = -sin(0.5)
        -0.479426
    """

    def __init__(self, *, dtype: str = "complex128", max_memory: int | None = None):
        super().__init__(AdjointGradient(), connect("exact", dtype=dtype, max_memory=max_memory))


class ShiftEstimatorGradient(_GroupedEstimatorGradient):
    """Gradients of expectation values by shift rules, on any target: every point of every sample in one PUB.

    Unlike ``ParamShiftEstimatorGradient`` it shifts controlled rotations by their own rule instead of taking them
    apart, transpiles each circuit once, and takes any expression of parameters.

    Args:
        connection: Where circuits run; ``Connection.from_primitives(estimator=…, pass_manager=…)`` takes an estimator
            of your own. Exact by default.

    References:
        Wierichs et al., arXiv:2107.12390.

    Examples:
        >>> from qiskit import QuantumCircuit
        >>> from qiskit.circuit import Parameter
        >>> from qiskit.quantum_info import SparsePauliOp
        >>> from qiskit_qml_ext.gradients import ShiftEstimatorGradient
        >>> circuit = QuantumCircuit(1)
        >>> _ = circuit.rx(Parameter("a"), 0)
        >>> job = ShiftEstimatorGradient().run([circuit], [SparsePauliOp("Z")], [[0.5]])
        >>> float(job.result().gradients[0][0].round(6))
        -0.479426
    """

    @check_arguments()
    def __init__(self, *, connection: Connection | None = None):
        super().__init__(ParameterShiftGradient(), connect() if connection is None else connection)


def _shared_rows(
    observables: Sequence[BaseOperator], values: Sequence[FloatArray], places: Sequence[int]
) -> Iterator[tuple[list[list[int]], FloatArray]]:
    """Group the observables that are wanted at the same rows, so that these rows are simulated once for all of them."""
    groups: dict[bytes, tuple[list[list[int]], FloatArray]] = {}
    for _, columns in equal_objects(observables, places):
        rows = np.stack([values[place] for place in columns])
        groups.setdefault(rows.tobytes(), ([], rows))[0].append(columns)
    yield from groups.values()


def _as_pauli_sum(observable: BaseOperator) -> SparsePauliOp:
    if isinstance(observable, SparsePauliOp):
        return observable
    return SparsePauliOp(observable) if isinstance(observable, Pauli) else SparsePauliOp.from_operator(observable)


def _select(gradient: FloatArray | None, circuit: QuantumCircuit, wanted: Sequence[Parameter]) -> FloatArray:
    assert gradient is not None
    place = {parameter: index for index, parameter in enumerate(circuit.parameters)}
    return gradient[[place[parameter] for parameter in wanted]]
