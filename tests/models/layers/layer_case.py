"""A small model that every framework trains: the same data, the same start, the same steps."""

import numpy as np
from qiskit.quantum_info import Pauli, SparsePauliOp

from qiskit_qml_ext.circuits import AngleFeatureMap, RealAmplitudesAnsatz

STEPS, RATE = 12, 0.2
OBSERVABLES = [Pauli("IIZ"), SparsePauliOp(["XXI", "ZIZ"], [0.5, -1.5])]
CIRCUIT = (AngleFeatureMap(), RealAmplitudesAnsatz(reps=1))
NUM_FEATURES = 3

_rng = np.random.default_rng(11)
INPUTS = _rng.uniform(-1, 1, (20, NUM_FEATURES))
TARGETS = _rng.uniform(-1, 1, (20, len(OBSERVABLES)))
START = _rng.uniform(0, 2 * np.pi, 6)
ARGUMENTS = {"num_features": NUM_FEATURES, "initialization": START}
