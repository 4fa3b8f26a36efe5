"""Losses and derivatives at given points: exact, from states or Pauli strings, or read with shots."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from qiskit.quantum_info import Pauli, SparsePauliOp

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.diagnostics.subject.limits import MAX_STATE_QUBITS
from qiskit_qml_ext.diagnostics.subject.problem import Problem
from qiskit_qml_ext.diagnostics.subject.shot_noise import ShotNoise
from qiskit_qml_ext.diagnostics.trainability.sampled_noise import sampled_noise
from qiskit_qml_ext.diagnostics.trainability.shot_gradients import loss_and_gradient_halves
from qiskit_qml_ext.engine import expectation_vjp
from qiskit_qml_ext.engine.observables import size_of
from qiskit_qml_ext.engine.pauli.propagation import MAX_STRINGS, PauliPropagation
from qiskit_qml_ext.exceptions import StateTooLargeError, UnsupportedCircuitError, UnsupportedObservableError
from qiskit_qml_ext.primitives import Connection, connect

Method = Literal["auto", "exact", "propagation", "shots"]
_ROUNDING = (
    1e-13  # of the largest loss: what derivatives and the spread of losses are below this is what rounding leaves of 0
)


@dataclass(frozen=True, eq=False)
class Readings:
    """Losses, shape (M,), and derivatives, shape (M, columns), at the random points."""

    losses: FloatArray
    """The losses, shape (M,)."""
    gradients: FloatArray
    """The derivatives, shape (M, columns)."""
    target: str
    """Where they came from."""
    noise: ShotNoise
    """What one shot of each would say."""
    loss_halves: FloatArray | None = None
    """Two independent readings, shape (2, M); None for exact values."""
    gradient_halves: FloatArray | None = None
    """The same, shape (2, M, columns)."""


def noiseless_readings(
    problem: Problem, values: FloatArray, connection: Connection, method: Method, seed: int | None
) -> Readings:
    """Read exact values, from states or from Pauli strings."""
    losses, gradients, target, max_strings = _exact_values(problem, values, connection, method)
    noise = sampled_noise(problem, values, connection, max_strings=max_strings, seed=seed)
    return Readings(losses, gradients, target, noise)


def shot_readings(
    problem: Problem, values: FloatArray, connection: Connection, shots: int, seed: int | None
) -> Readings:
    """Read an estimator, twice with half of the shots."""
    if connection.is_exact:
        connection = connect("exact", shots=shots, seed=None if seed is None else seed + 1)
    max_strings = MAX_STRINGS if problem.num_qubits > MAX_STATE_QUBITS else None
    noise = sampled_noise(problem, values, connection, max_strings=max_strings, seed=seed)
    halves = loss_and_gradient_halves(problem, values, connection, shots, single_shot_variance=noise.loss)
    losses, gradients = (half.mean(axis=0) for half in halves)
    return Readings(losses, gradients, connection.target_name, noise, *halves)


def exact_loss_and_gradient(
    problem: Problem, values: FloatArray, connection: Connection
) -> tuple[FloatArray, FloatArray]:
    """Return the losses, shape (M,), and the derivatives by the chosen parameters, shape (M, columns)."""
    losses, gradients = expectation_vjp(
        problem.circuit,
        values,
        problem.observable,
        np.ones((len(values), 1)),
        dtype=connection.dtype,
        max_memory=connection.max_memory,
    )
    if np.iscomplexobj(losses):
        raise ValueError("The observable has complex coefficients, so its mean is no loss. Give a Hermitian one.")
    return _chosen_columns(problem, np.asarray(losses[:, 0], dtype=np.float64), np.asarray(gradients, dtype=np.float64))


def _chosen_columns(problem: Problem, losses: FloatArray, gradients: FloatArray) -> tuple[FloatArray, FloatArray]:
    slopes = gradients[:, list(problem.columns)]
    rounding = _ROUNDING * size_of(problem.observable)
    slopes[np.abs(slopes) < rounding] = 0.0
    if len(losses) and np.ptp(losses) < rounding:
        grain = 2.0 ** math.floor(math.log2(rounding))  # so few bits that the mean of equal numbers is exact
        losses = np.full_like(losses, round(losses[0] / grain) * grain)
    return losses, slopes


def _exact_values(
    problem: Problem, values: FloatArray, connection: Connection, method: Method
) -> tuple[FloatArray, FloatArray, str, int | None]:
    """Losses, derivatives, where they came from, and the limit on Pauli strings; None if they came from states."""
    if method == "propagation":
        return _propagated(problem, values, connection, MAX_STRINGS)
    refusal: Exception | None = None
    if method == "auto" and problem.num_qubits > MAX_STATE_QUBITS:
        try:
            # not more strings than a state has amplitudes: then the state is faster
            return _propagated(problem, values, connection, min(MAX_STRINGS, 2**problem.num_qubits))
        except (TypeError, UnsupportedCircuitError) as error:
            refusal = error
    try:
        return *exact_loss_and_gradient(problem, values, connection), connection.target_name, None
    except StateTooLargeError as error:
        if method == "exact":
            raise
        if refusal is None:
            try:
                return _propagated(problem, values, connection, MAX_STRINGS)
            except (TypeError, UnsupportedCircuitError) as reason:
                refusal = reason
        raise StateTooLargeError(f"{error} Propagation without states does not reach either: {refusal}") from error


def _propagated(
    problem: Problem, values: FloatArray, connection: Connection, max_strings: int
) -> tuple[FloatArray, FloatArray, str, int | None]:
    observable = problem.observable
    if not isinstance(observable, (Pauli, SparsePauliOp)):
        raise UnsupportedObservableError(
            f"Pauli propagation needs a Pauli sum, but the observable is a {type(observable).__name__}. "
            "Give a SparsePauliOp, or simulate states."
        )
    propagation = PauliPropagation(
        problem.circuit, observable, max_strings=max_strings, max_memory=connection.max_memory
    )
    losses, gradients = _chosen_columns(problem, *propagation.losses_and_gradients(values))
    return losses, gradients, f"propagation of {propagation.num_strings:,} Pauli strings", max_strings
