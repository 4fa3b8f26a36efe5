"""``jacobian``, its products and those of the Hessian: derivatives of expectation values by whatever method suits."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from qiskit import QuantumCircuit

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import check_arguments, numeric_array
from qiskit_qml_ext.engine import Observable, expectation_vjp
from qiskit_qml_ext.gradients.hessian_products import NUM_GRADIENTS, hessian_products
from qiskit_qml_ext.gradients.jacobian_estimate import JacobianEstimate
from qiskit_qml_ext.gradients.methods import AdjointGradient, GradientMethod, choose_method, differentiate
from qiskit_qml_ext.gradients.parameter_rows import ParameterChoice, ParameterValues, check_choice
from qiskit_qml_ext.gradients.problem import Problem, pose
from qiskit_qml_ext.gradients.product_estimate import ProductEstimate
from qiskit_qml_ext.primitives import Connection
from qiskit_qml_ext.program import lower


@check_arguments(parameters=check_choice)
def jacobian(
    circuit: QuantumCircuit,
    observables: Observable | Sequence[Observable],
    values: ParameterValues,
    *,
    method: str | GradientMethod = "auto",
    connection: Connection | None = None,
    parameters: ParameterChoice | None = None,
) -> JacobianEstimate:
    """Return expectation values and their derivatives by the circuit's parameters, with standard errors.

    Args:
        circuit: Any circuit that can be lowered.
        observables: One observable or a list of M. Estimators take Pauli sums only.
        values: Parameter values, shape (P,) or (…, P), columns in the order of ``circuit.parameters``. Or by name,
            ``{"x": …, "w": …}``: shape (…) for a parameter, (…, K) for the K elements of a ``ParameterVector``, whose
            leading axes are broadcast; all parameters must have values.
        method: ``"auto"``: ``"adjoint"`` on exact connections, ``"parameter_shift"`` elsewhere. Or
            ``"finite_difference"``, ``"spsa"``, ``"hadamard_test"``, or an object with settings of its own such as
            ``SPSAGradient(num_directions=10)``. SPSA needs an object that is kept, so that each call has new
            directions. Finite differences and SPSA have a bias, which no standard error contains; the estimate
            names it in ``bias``.
        connection: Where circuits run; exact by default. An estimator of your own:
            ``Connection.from_primitives(estimator=…, pass_manager=…)``.
        parameters: Positions in ``circuit.parameters`` to differentiate by, or names of parameters and vectors, such as
            ``"w"`` or ``["w", "x[0]"]``, in the order that the result shall have; all by default.

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


@check_arguments(parameters=check_choice)
def vjp(
    circuit: QuantumCircuit,
    observables: Observable | Sequence[Observable],
    values: ParameterValues,
    cotangents: npt.ArrayLike,
    *,
    method: str | GradientMethod = "auto",
    connection: Connection | None = None,
    parameters: ParameterChoice | None = None,
) -> ProductEstimate:
    """Return expectation values and Σ_m cotangents_m ∂⟨O_m⟩/∂θ: by states one backward pass for all observables.

    Args:
        circuit: The circuit.
        observables: One observable or a list of M.
        values: Parameter values, shape (…, P), or by name; see :func:`jacobian`.
        cotangents: Weights of the observables at each point, of the shape of the expectation values.
        method: As for :func:`jacobian`.
        connection: Where circuits run.
        parameters: Positions or names to differentiate by; all by default.

    Returns:
        The expectation values, shape (…, M), and as ``products`` the weighted derivatives, shape (…, parameters);
        ``values, products = vjp(…)`` takes them apart.
    """
    problem = pose(circuit, observables, values, parameters=parameters, connection=connection)
    shape = (*problem.batch, *problem.axis)
    numeric_array("cotangents", cotangents)
    weights = _of_shape("cotangents", cotangents, shape).reshape(len(problem.values), len(problem.observables))
    chosen, reason = choose_method(method, problem.connection)
    if isinstance(chosen, AdjointGradient) and problem.connection.is_exact:
        return _vjp_of_states(problem, weights, reason)
    estimate = differentiate(chosen, problem, reason)
    full = estimate.jacobian.reshape(len(problem.values), len(problem.observables), -1)
    outer = (*problem.batch, len(problem.columns))
    products = np.einsum("bm,bmc->bc", weights, full).reshape(outer)
    return _product(estimate, products, estimate.propagation.of_cotangents(weights).reshape(outer))


@check_arguments(parameters=check_choice)
def jvp(
    circuit: QuantumCircuit,
    observables: Observable | Sequence[Observable],
    values: ParameterValues,
    tangents: npt.ArrayLike,
    *,
    method: str | GradientMethod = "auto",
    connection: Connection | None = None,
    parameters: ParameterChoice | None = None,
) -> ProductEstimate:
    """Return expectation values and Σ_p ∂⟨O⟩/∂θ_p tangents_p: the derivatives along one direction at each point.

    Args:
        circuit: The circuit.
        observables: One observable or a list of M.
        values: Parameter values, shape (…, P), or by name; see :func:`jacobian`.
        tangents: Directions, shape (…, parameters).
        method: As for :func:`jacobian`.
        connection: Where circuits run.
        parameters: Positions or names to differentiate by; all by default.

    Returns:
        The expectation values and as ``products`` the directional derivatives, both of shape (…, M).
    """
    problem = pose(circuit, observables, values, parameters=parameters, connection=connection)
    numeric_array("tangents", tangents)
    given = _of_shape("tangents", tangents, (*problem.batch, len(problem.columns)))
    directions = given.reshape(len(problem.values), len(problem.columns))
    chosen, reason = choose_method(method, problem.connection)
    estimate = differentiate(chosen, problem, reason)
    full = estimate.jacobian.reshape(len(problem.values), len(problem.observables), -1)
    shape = estimate.values.shape
    along = np.einsum("bmc,bc->bm", full, directions).reshape(shape)
    return _product(estimate, along, estimate.propagation.of_tangents(directions).reshape(shape))


@check_arguments(parameters=check_choice)
def hvp(
    circuit: QuantumCircuit,
    observables: Observable | Sequence[Observable],
    values: ParameterValues,
    tangents: npt.ArrayLike,
    *,
    connection: Connection | None = None,
    parameters: ParameterChoice | None = None,
) -> ProductEstimate:
    """Return expectation values and the products Σ_l ∂_k ∂_l ⟨O⟩ tangents_l, from nine gradients whatever P is.

    By the rotations' own angles φ, moved along the direction u = Σ_l ∂_l φ tangents_l, every derivative ∂C/∂φ_g is a
    trigonometric polynomial with no frequency above Σ|u|. So central differences of the eighth order, in a step that is
    small against the shortest period, give its slope to rounding, whatever the circuit; the chain rule and the angles'
    own curvature do the rest (see :func:`hessian`).

    Args:
        circuit: The circuit.
        observables: One observable or a list of M.
        values: Parameter values, shape (…, P), or by name; see :func:`jacobian`.
        tangents: The vectors, shape (…, parameters).
        connection: An exact connection; the default.
        parameters: Positions or names to differentiate by; all by default.

    Returns:
        The expectation values, shape (…, M), and the products, shape (…, M, parameters).

    Raises:
        ValueError: The connection is not exact, or shapes do not fit.

    Example:
        >>> from qiskit.circuit import Parameter
        >>> from qiskit.quantum_info import SparsePauliOp
        >>> circuit = QuantumCircuit(1)
        >>> _ = circuit.ry(Parameter("a"), 0)
        >>> hvp(circuit, SparsePauliOp("Z"), [0.5], [2.0]).products.round(6).tolist()  # -2 cos(0.5)
        [-1.755165]
    """
    problem = pose(circuit, observables, values, parameters=parameters, connection=connection)
    numeric_array("tangents", tangents)
    given = _of_shape("tangents", tangents, (*problem.batch, len(problem.columns)))
    expected, products = hessian_products(problem, given.reshape(len(problem.values), len(problem.columns)))
    outer = (*problem.batch, *problem.axis)
    return ProductEstimate(
        values=expected.reshape(outer),
        products=products.reshape(*outer, len(problem.columns)),
        value_errors=np.zeros(outer),
        standard_errors=np.zeros((*outer, len(problem.columns))),
        method="adjoint",
        reason="The connection is exact: gradients by states are differentiated along the vectors.",
        target=problem.connection.target_name,
        num_evaluations=NUM_GRADIENTS * len(problem.values),
    )


def _vjp_of_states(problem: Problem, weights: FloatArray, reason: str) -> ProductEstimate:
    where = problem.connection
    expected, gradients = expectation_vjp(
        lower(problem.circuit),
        problem.values,
        problem.observables,
        weights,
        dtype=where.dtype,
        max_memory=where.max_memory,
    )
    chosen_columns = np.asarray(gradients[:, list(problem.columns)], dtype=np.float64)
    result = chosen_columns.reshape(*problem.batch, len(problem.columns))
    found = np.asarray(expected, dtype=np.float64).reshape((*problem.batch, *problem.axis))
    return ProductEstimate(
        values=found,
        products=result,
        value_errors=np.zeros(found.shape),
        standard_errors=np.zeros(result.shape),
        method=AdjointGradient.name,
        reason=reason,
        target=where.target_name,
        num_evaluations=len(problem.values),
    )


def _product(estimate: JacobianEstimate, products: FloatArray, errors: FloatArray) -> ProductEstimate:
    return ProductEstimate(
        values=estimate.values,
        products=products,
        value_errors=estimate.value_errors,
        standard_errors=errors,
        method=estimate.method,
        reason=estimate.reason,
        target=estimate.target,
        num_evaluations=estimate.num_evaluations,
        bias=estimate.bias,
        conditions=estimate.conditions,
    )


def _of_shape(name: str, array: npt.ArrayLike, shape: tuple[int, ...]) -> FloatArray:
    given = np.asarray(array, dtype=np.float64)
    if given.shape != shape:
        raise ValueError(f"{name} must have the shape {shape}, but {given.shape} came.")
    if not np.all(np.isfinite(given)):
        raise ValueError(f"{name} must be finite numbers, but NaN or an infinity is among them.")
    return given
