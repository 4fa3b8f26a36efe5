"""Gradients through an estimator with shots, each as two independent readings.

Every rotation exp(-iφP/2) has the two-term rule ∂⟨O⟩/∂φ = (⟨O⟩(φ+π/2) - ⟨O⟩(φ-π/2))/2 (Mitarai et al.,
arXiv:1803.00745; Schuld et al., arXiv:1811.11184). So the circuit is rebuilt with one free angle for each rotation,
and the chain rule through the angle map gives the derivative by any parameter, shared or not.
"""

import math

import numpy as np
from qiskit.quantum_info import Pauli, SparsePauliOp

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.diagnostics.subject.problem import Problem
from qiskit_qml_ext.engine.observables import size_of
from qiskit_qml_ext.primitives import Connection
from qiskit_qml_ext.program import RotationProgram, angles_and_slopes, circuit_with_free_angles, lower

_ROUNDING = 1e-12  # 1/(S^(-1/2))² may come out above S, and estimators round up


def loss_and_gradient_halves(
    problem: Problem,
    values: FloatArray,
    connection: Connection,
    shots: int,
    *,
    single_shot_variance: float = 1.0,
) -> tuple[FloatArray, FloatArray]:
    """Read the loss and its derivatives twice, each with half of the shots.

    All circuits of one call are one PUB, which is cut only where a job may not hold it, so that the two readings are
    independent. What may be spent through the connection holds for it.

    Args:
        problem: The circuit, observable and parameters.
        values: Angles, shape (M, P).
        connection: Where to run.
        shots: Shots of each circuit (one for each group of terms that commute qubit by qubit), both halves together; at
            least 2.
        single_shot_variance: σ² of the observable, for simulators that draw normal noise instead of shots.

    Returns:
        The losses, shape (2, M), and the derivatives by ``problem.columns``, shape (2, M, number of columns).
    """
    program = lower(problem.circuit)
    angles, slopes = angles_and_slopes(program, values, problem.columns)
    used = np.flatnonzero(np.any(slopes != 0, axis=(0, 2)))
    shifts = np.zeros((1 + 2 * len(used), angles.shape[1]))
    for place, rotation in enumerate(used):
        shifts[1 + 2 * place, rotation] = np.pi / 2
        shifts[2 + 2 * place, rotation] = -np.pi / 2
    points = angles[:, None, :] + shifts[None]
    unit = size_of(problem.observable) or 1.0
    precision = _precision(connection, shots / 2, single_shot_variance / unit**2)
    readings = _run(program, problem, np.broadcast_to(points, (2, *points.shape)), connection, precision)
    by_rotation = (readings[:, :, 1::2] - readings[:, :, 2::2]) / 2
    return readings[:, :, 0], np.einsum("hmr,mrc->hmc", by_rotation, slopes[:, used])


def _precision(connection: Connection, shots: float, single_shot_variance: float) -> float:
    """What to ask an estimator for so that each circuit has so many shots, or the noise of so many.

    Estimators of devices take 1/precision² shots for each group, whatever the observable. Exact simulators add normal
    noise with the precision as its standard deviation, whatever the observable: there it must be σ/√S.
    """
    if connection.estimator_draws_normal_noise:
        return float(np.sqrt(single_shot_variance / shots))
    return float((1 + _ROUNDING) / np.sqrt(shots))


def _run(
    program: RotationProgram, problem: Problem, points: FloatArray, connection: Connection, precision: float
) -> FloatArray:
    """Expectation values at angles of shape (2, M, S, R), each with half of the shots, shape (2, M, S)."""
    observable = problem.observable
    if isinstance(observable, Pauli):
        observable = SparsePauliOp(observable)
    if not isinstance(observable, SparsePauliOp):
        raise TypeError(
            f"An estimator with shots measures Pauli sums, but the observable is a {type(observable).__name__}. "
            "Give a SparsePauliOp, or shots=None for exact values."
        )
    size = size_of(observable)
    if size == 0:
        return np.zeros(points.shape[:-1])
    observable = observable / size  # Qiskit's estimators take coefficients below 1e-8 for nothing
    circuit = circuit_with_free_angles(program)
    isa = connection.isa_circuit(circuit)
    if isa.layout is not None:
        observable = observable.apply_layout(isa.layout)
    names = tuple(parameter.name for parameter in circuit.parameters)
    order = [int(name.rsplit("[", 1)[1][:-1]) for name in names]
    shape = points.shape[:-1]
    rows = points.reshape(math.prod(shape), points.shape[-1])[:, order]
    bindings = {names: rows} if names else None
    result = connection.estimate([(isa, observable, bindings, precision)])[0]
    evs = np.broadcast_to(np.asarray(result.data.evs, dtype=np.float64), (len(rows),))
    return size * evs.reshape(shape)
