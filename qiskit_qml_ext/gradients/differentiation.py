"""``jacobian`` and its products: derivatives of expectation values by whatever method suits."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from qiskit import QuantumCircuit

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import check_arguments, numeric_array
from qiskit_qml_ext.engine import Observable, expectation_vjp
from qiskit_qml_ext.gradients.jacobian_estimate import JacobianEstimate
from qiskit_qml_ext.gradients.methods import AdjointGradient, GradientMethod, choose_method, differentiate
from qiskit_qml_ext.gradients.problem import POSITIONS, pose
from qiskit_qml_ext.primitives import Connection
from qiskit_qml_ext.program import lower


@check_arguments(parameters=POSITIONS)
def jacobian(
    circuit: QuantumCircuit,
    observables: Observable | Sequence[Observable],
    values: npt.ArrayLike,
    *,
    method: str | GradientMethod = "auto",
    connection: Connection | None = None,
    parameters: Sequence[int] | None = None,
) -> JacobianEstimate:
    """Return expectation values and their derivatives by the circuit's parameters, with standard errors.

    Args:
        circuit: Any circuit that can be lowered.
        observables: One observable or a list of M. Estimators take Pauli sums only.
        values: Parameter values, shape (P,) or (…, P), columns in the order of ``circuit.parameters``.
        method: ``"auto"``: ``"adjoint"`` on exact connections, ``"parameter_shift"`` elsewhere. Or
            ``"finite_difference"``, ``"spsa"``, ``"hadamard_test"``, or an object with settings of its own such as
            ``SPSAGradient(num_directions=10)``. SPSA needs an object that is kept, so that each call has new
            directions.
        connection: Where circuits run; exact by default. An estimator of your own:
            ``Connection.from_primitives(estimator=…, pass_manager=…)``.
        parameters: Positions in ``circuit.parameters`` to differentiate by; all by default.

    Returns:
        The estimate; its ``jacobian`` has the shape of ``values`` without its last axis, then M if a list came, then
        the parameters. It says which method was taken and why.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: Shapes do not fit, or the method cannot be used on the connection.
        UnsupportedCircuitError: The circuit cannot be lowered.
        UnsupportedObservableError: An estimator cannot measure an observable.

    Example:
        >>> from qiskit.circuit import Parameter
        >>> from qiskit.quantum_info import SparsePauliOp
        >>> circuit = QuantumCircuit(1)
        >>> _ = circuit.ry(Parameter("a"), 0)
        >>> estimate = jacobian(circuit, SparsePauliOp("Z"), [0.5])
        >>> estimate.jacobian.round(6).tolist(), estimate.method  # d/da cos(a) = -sin(0.5)
        ([-0.479426], 'adjoint')
    """
    problem = pose(circuit, observables, values, parameters=parameters, connection=connection)
    chosen, reason = choose_method(method, problem.connection)
    return differentiate(chosen, problem, reason)


@check_arguments(parameters=POSITIONS)
def vjp(
    circuit: QuantumCircuit,
    observables: Observable | Sequence[Observable],
    values: npt.ArrayLike,
    cotangents: npt.ArrayLike,
    *,
    method: str | GradientMethod = "auto",
    connection: Connection | None = None,
    parameters: Sequence[int] | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Return expectation values and Σ_m cotangents_m ∂⟨O_m⟩/∂θ: by states one backward pass for all observables.

    Args:
        circuit: The circuit.
        observables: One observable or a list of M.
        values: Parameter values, shape (…, P).
        cotangents: Weights of the observables at each point, of the shape of the expectation values.
        method: As for :func:`jacobian`.
        connection: Where circuits run.
        parameters: Positions to differentiate by.

    Returns:
        Expectation values, shape (…, M), and weighted derivatives, shape (…, parameters).
    """
    problem = pose(circuit, observables, values, parameters=parameters, connection=connection)
    shape = (*problem.batch, *problem.axis)
    numeric_array("cotangents", cotangents)
    weights = _of_shape("cotangents", cotangents, shape).reshape(len(problem.values), len(problem.observables))
    chosen, reason = choose_method(method, problem.connection)
    if isinstance(chosen, AdjointGradient) and problem.connection.is_exact:
        where = problem.connection
        expected, gradients = expectation_vjp(
            lower(circuit), problem.values, problem.observables, weights, dtype=where.dtype, max_memory=where.max_memory
        )
        chosen_columns = np.asarray(gradients[:, list(problem.columns)], dtype=np.float64)
        result = chosen_columns.reshape(*problem.batch, len(problem.columns))
        return np.asarray(expected, dtype=np.float64).reshape(shape), result
    estimate = differentiate(chosen, problem, reason)
    full = estimate.jacobian.reshape(len(problem.values), len(problem.observables), -1)
    return estimate.values, np.einsum("bm,bmc->bc", weights, full).reshape(*problem.batch, len(problem.columns))


@check_arguments(parameters=POSITIONS)
def jvp(
    circuit: QuantumCircuit,
    observables: Observable | Sequence[Observable],
    values: npt.ArrayLike,
    tangents: npt.ArrayLike,
    *,
    method: str | GradientMethod = "auto",
    connection: Connection | None = None,
    parameters: Sequence[int] | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Return expectation values and Σ_p ∂⟨O⟩/∂θ_p tangents_p: the derivatives along one direction at each point.

    Args:
        circuit: The circuit.
        observables: One observable or a list of M.
        values: Parameter values, shape (…, P).
        tangents: Directions, shape (…, parameters).
        method: As for :func:`jacobian`.
        connection: Where circuits run.
        parameters: Positions to differentiate by.

    Returns:
        Expectation values and directional derivatives, both of shape (…, M).
    """
    problem = pose(circuit, observables, values, parameters=parameters, connection=connection)
    numeric_array("tangents", tangents)
    directions = _of_shape("tangents", tangents, (*problem.batch, len(problem.columns)))
    chosen, reason = choose_method(method, problem.connection)
    estimate = differentiate(chosen, problem, reason)
    full = estimate.jacobian.reshape(len(problem.values), len(problem.observables), -1)
    along = np.einsum("bmc,bc->bm", full, directions.reshape(len(problem.values), len(problem.columns)))
    return estimate.values, along.reshape(estimate.values.shape)


def _of_shape(name: str, array: npt.ArrayLike, shape: tuple[int, ...]) -> FloatArray:
    given = np.asarray(array, dtype=np.float64)
    if given.shape != shape:
        raise ValueError(f"{name} must have the shape {shape}, but {given.shape} came.")
    return given
