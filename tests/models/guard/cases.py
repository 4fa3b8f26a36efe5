"""Trainings of which it is known whether they see their gradient."""

from dataclasses import dataclass, field

import numpy as np
from qiskit.quantum_info import SparsePauliOp

from qiskit_qml_ext.circuits import (
    AngleFeatureMap,
    GaussianDistribution,
    HardwareEfficientAnsatz,
    IdentityBlockDistribution,
    RealAmplitudesAnsatz,
    SmallAngleDistribution,
    UniformDistribution,
    ZeroDistribution,
    ZZFeatureMap,
)
from qiskit_qml_ext.models import VariationalClassifier, VariationalRegressor

SAMPLES = 6


class StaysAway:
    """An optimizer that looks at nothing."""

    in_steps = True

    def minimize(self, training, start):
        return start


@dataclass(frozen=True, eq=False)
class Case:
    """A training."""

    width: int
    ansatz: object
    observable: object
    shots: int | None
    initialization: object = field(default_factory=UniformDistribution)
    feature_map: object = field(default_factory=AngleFeatureMap)
    tol: float = 1e-4
    batch_size: int | None = None
    kind: type = VariationalRegressor

    def model(self, **settings):
        """The model, with an optimizer that leaves it where it starts unless another is given."""
        return self.kind(
            self.feature_map, self.ansatz, observables=self.read(), initialization=self.initialization, tol=self.tol,
            batch_size=self.batch_size, **{"random_state": 3, "optimizer": StaysAway(), **settings},
        )  # fmt: skip

    def read(self):
        return projector(self.width) if self.observable == "projector" else self.observable

    def data(self):
        rng = np.random.default_rng(self.width)
        X = rng.uniform(0.2, 1.2, (SAMPLES, self.width))
        y = np.arange(SAMPLES) % 2 if self.kind is VariationalClassifier else np.sin(2 * X[:, 0]) + X[:, -1]
        return X, y


def projector(n):
    diagonal = np.zeros(2**n)
    diagonal[0] = 1.0
    return diagonal


def z(n, qubit=0):
    return SparsePauliOp.from_sparse_list([("Z", [qubit], 1.0)], n)


def hea(reps, **settings):
    return HardwareEfficientAnsatz(reps=reps, **settings)


BLOCKS = IdentityBlockDistribution()
SMALL, GAUSS, ZERO = SmallAngleDistribution(), GaussianDistribution(1), ZeroDistribution()
ZZ = ZZFeatureMap(reps=1)

STOPS = {
    "deep parity on 6 qubits at 10 shots": Case(6, hea(12), "parity", 10),
    "deep parity on 8 qubits at 10 shots": Case(8, hea(16), "parity", 10),
    "deep parity on 8 qubits at 60 shots": Case(8, hea(16), "parity", 60),
    "deep parity on 9 qubits at 100 shots": Case(9, hea(18), "parity", 100),
    "deep parity on 9 qubits at 50 shots": Case(9, hea(16), "parity", 50),
    "deep parity after an entangling map": Case(8, hea(14), "parity", 50, feature_map=ZZ),
    "deep real amplitudes, parity": Case(8, RealAmplitudesAnsatz(reps=20), "parity", 40),
    "deep real amplitudes on 9 qubits": Case(9, RealAmplitudesAnsatz(reps=20), "parity", 50),
    "deep classifier by parity": Case(8, hea(16), "parity", 50, kind=VariationalClassifier),
    "deep classifier by parity, wider": Case(9, hea(16), "parity", 100, kind=VariationalClassifier),
    "deep global projector on 6 qubits": Case(6, hea(12), "projector", 4),
    "deep global projector on 8 qubits": Case(8, hea(16), "projector", 80),
    "deep global projector on 9 qubits": Case(9, hea(14), "projector", 150),
    "deep single Z on 8 qubits": Case(8, hea(20), z(8), 50),
    "deep single Z on 9 qubits": Case(9, hea(20), z(9, 4), 80),
    "one sample a step": Case(8, hea(16), "parity", 80, batch_size=1),
    "exact, but a coarse tolerance": Case(9, hea(16), "projector", None, tol=0.2),
    "exact, deep parity, a coarse tolerance": Case(8, hea(14), "parity", None, tol=3.0),
    "20 qubits and two layers, parity": Case(20, hea(2), "parity", 1000),
    "30 qubits and three layers, parity": Case(30, hea(3), "parity", 100_000),
}
GOES_ON = {
    "shallow local on 4 qubits": Case(4, hea(1), "local", 500),
    "shallow local on 8 qubits": Case(8, hea(1), "local", 1000),
    "shallow single Z on 7 qubits": Case(7, RealAmplitudesAnsatz(reps=2), z(7, 3), 10_000),
    "shallow real amplitudes": Case(6, RealAmplitudesAnsatz(reps=2), "local", 1000),
    "shallow local, few shots": Case(3, RealAmplitudesAnsatz(reps=1), "local", 100),
    "shallow after an entangling map": Case(5, hea(1), "local", 1000, feature_map=ZZ),
    "small angles in a deep circuit, local": Case(8, hea(16), "local", 1000, SMALL),
    "small angles in a deep circuit, single Z": Case(5, hea(8), z(5), 1000, SMALL),
    "small angles in a deep circuit, parity": Case(5, hea(8), "parity", 1000, SMALL),
    "Gaussian angles in a deep circuit": Case(5, hea(8), z(5), 1000, GAUSS),
    "all angles zero in a deep circuit": Case(8, hea(16), "local", 1000, ZERO),
    "all angles zero, real amplitudes": Case(6, RealAmplitudesAnsatz(reps=12), "local", 1000, ZERO),
    "identity blocks in a deep circuit": Case(5, BLOCKS.mirrored(hea(5).build(5)), "local", 1000, BLOCKS),
    "deep parity, narrow": Case(3, hea(8), "parity", 1000),
    "deep parity, enough shots": Case(8, hea(16), "parity", 100_000),
    "deep projector, enough shots": Case(6, hea(12), "projector", 1_000_000),
    "deep parity on 9 qubits, exact": Case(9, hea(16), "parity", None),
    "deep projector on 8 qubits, exact": Case(8, hea(16), "projector", None),
    "shallow classifier": Case(4, hea(1), "local", 1000, kind=VariationalClassifier),
    "small angles, deep classifier": Case(8, hea(14), "local", 1000, SMALL, kind=VariationalClassifier),
    "shallow, one sample a step": Case(4, hea(1), "local", 1000, batch_size=1),
    "30 qubits, shallow and local, no statement": Case(30, hea(1), "local", 1000),
}
