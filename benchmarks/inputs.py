"""The data and the circuits of the benchmarks, as arrays and lists of gates that any package can turn into its own.

Qubit 0 is the least significant bit. Angles are in radians, rotations are R_P(θ) = exp(-iθP/2).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.task import Case

FloatArray = NDArray[np.float64]

Gate = tuple[str, tuple[int, ...], int]
"""Name (``rx``, ``ry``, ``rz``, ``cx``, ``cz``), qubits (control first), and the column of its angle, -1 for none."""

FEATURE_MAP_REPS = 2


def zz_samples(case: Case) -> FloatArray:
    """The samples to encode, uniform in [0, 2π), shape (samples, num_qubits)."""
    rng = np.random.default_rng(7)
    return rng.uniform(0, 2 * np.pi, (case["samples"], case["num_qubits"]))


def zz_pairs(num_qubits: int) -> list[tuple[int, int]]:
    """The pairs of qubits of the fully entangled map."""
    return [(i, j) for i in range(num_qubits) for j in range(i + 1, num_qubits)]


def zz_angles(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The angles of a repetition of the ZZ feature map: H on all qubits, then RZ on each and RZZ on each pair.

    Returns:
        2x_i of shape (samples, n) and 2(π-x_i)(π-x_j) of shape (samples, pairs). Qiskit's map has phase gates instead
        of RZ, so its states differ by a global phase.
    """
    first, second = (list(side) for side in zip(*zz_pairs(x.shape[1]), strict=True))
    return 2 * x, 2 * (np.pi - x[:, first]) * (np.pi - x[:, second])


def training_data(case: Case) -> tuple[FloatArray, FloatArray]:
    """Features of shape (samples, n) and weights of shape (2·n·layers,), uniform in [-π, π)."""
    rng = np.random.default_rng(11)
    features = rng.uniform(-np.pi, np.pi, (case["samples"], case["num_qubits"]))
    return features, rng.uniform(-np.pi, np.pi, 2 * case["num_qubits"] * case["layers"])


def training_gates(num_qubits: int, layers: int) -> list[Gate]:
    """RY encoding, then layers of RY and RZ on each qubit and a ring of CX; the columns: features, then weights."""
    gates: list[Gate] = [("ry", (qubit,), qubit) for qubit in range(num_qubits)]
    column = num_qubits
    for _ in range(layers):
        for qubit in range(num_qubits):
            gates += [("ry", (qubit,), column), ("rz", (qubit,), column + 1)]
            column += 2
        gates += [("cx", (qubit, (qubit + 1) % num_qubits), -1) for qubit in range(num_qubits)]
    return gates


def new_gates(num_qubits: int, layers: int, number: int) -> list[Gate]:
    """A circuit like that of :func:`training_gates`, with rotation axes and ring drawn anew for every ``number``."""
    rng = np.random.default_rng([13, number])
    gates: list[Gate] = [("ry", (qubit,), qubit) for qubit in range(num_qubits)]
    column = num_qubits
    for _ in range(layers):
        for qubit in range(num_qubits):
            axes: list[Any] = rng.permutation(["rx", "ry", "rz"])[:2].tolist()
            gates += [(axes[0], (qubit,), column), (axes[1], (qubit,), column + 1)]
            column += 2
        ring = rng.permutation(num_qubits).tolist()
        gates += [("cx", (ring[i], ring[(i + 1) % num_qubits]), -1) for i in range(num_qubits)]
    return gates


def plateau_gates(num_qubits: int, layers: int) -> list[Gate]:
    """The circuit of McClean et al.: RY on all qubits, then layers of random rotations and a ladder of CZ.

    The columns are the angles of the first layer (all π/4), then one for each random rotation.
    """
    rng = np.random.default_rng(17)
    gates: list[Gate] = [("ry", (qubit,), qubit) for qubit in range(num_qubits)]
    column = num_qubits
    for _ in range(layers):
        for qubit in range(num_qubits):
            gates.append((str(rng.choice(["rx", "ry", "rz"])), (qubit,), column))
            column += 1
        gates += [("cz", (qubit, qubit + 1), -1) for qubit in range(num_qubits - 1)]
    return gates


def plateau_angles(case: Case) -> tuple[FloatArray, FloatArray]:
    """The angles of the first layer, shape (n,), and random ones for each sample, shape (samples, n·layers)."""
    rng = np.random.default_rng(19)
    size = (case["samples"], case["num_qubits"] * case["layers"])
    return np.full(case["num_qubits"], np.pi / 4), rng.uniform(0, 2 * np.pi, size)


def variances(z: FloatArray, jacobian: FloatArray) -> FloatArray:
    """The variance of z over the samples and that of each derivative."""
    return np.concatenate([[np.var(z)], np.var(jacobian, axis=0)])


def value_and_gradient(z: FloatArray, jacobian: FloatArray) -> FloatArray:
    """The loss mean(z²) and its gradient, from z of shape (samples,) and ∂z/∂weights of shape (samples, weights)."""
    return np.concatenate([[np.mean(z**2)], (2 / len(z)) * (z @ jacobian)])
