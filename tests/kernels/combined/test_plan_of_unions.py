"""The plan of several kernels is what runs: each circuit once, whichever of them it is that needs it."""

from itertools import product

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparsePauliOp
from qiskit_machine_learning.kernels import FidelityQuantumKernel, FidelityStatevectorKernel
from sklearn.gaussian_process.kernels import RBF

from qiskit_qml_ext.circuits import AngleFeatureMap, ZZFeatureMap
from qiskit_qml_ext.kernels import (
    BitFlipTolerantKernel,
    CachedKernel,
    CombinedKernel,
    FidelityKernel,
    HammingKernel,
    LocalKernel,
    ProjectedKernel,
    RandomisedMeasurements,
    TangentKernel,
)
from qiskit_qml_ext.models import GaussianProcessKernel
from qiskit_qml_ext.primitives import connect

RNG = np.random.default_rng(0)
X, T = RNG.uniform(-1, 1, (3, 2)), RNG.uniform(-1, 1, (2, 2))
ZZ = ZZFeatureMap()
KERNELS = {
    "fidelity": lambda c: FidelityKernel(ZZ, connection=c),
    "diagonal": lambda c: FidelityKernel(ZZ, connection=c, run_diagonal=True),
    "angle": lambda c: FidelityKernel(AngleFeatureMap(), connection=c),
    "swap": lambda c: FidelityKernel(ZZ, connection=c, method="swap"),
    "randomised": lambda c: FidelityKernel(
        ZZ, connection=c, method=RandomisedMeasurements(num_settings=None, bases="pauli")
    ),
    "hamming": lambda c: HammingKernel(ZZ, connection=c),
    "tolerant": lambda c: BitFlipTolerantKernel(ZZ, connection=c, run_diagonal=True),
    "projected": lambda c: ProjectedKernel(ZZ, gamma=0.5, connection=c),
    "pairs": lambda c: ProjectedKernel(ZZ, gamma=0.5, patches="all_pairs", connection=c),
    "local": lambda c: LocalKernel(ZZ, connection=c),
    "cached": lambda c: CachedKernel(FidelityKernel(ZZ, connection=c)),
    "covariance": lambda c: RBF() * GaussianProcessKernel(FidelityKernel(ZZ, connection=c)),
    "nested": lambda c: CombinedKernel([("h", HammingKernel(ZZ, connection=c)), ("exact", FidelityKernel())]),
    "exact": lambda c: ProjectedKernel(ZZ, gamma=0.5),
}


def numbers(plan):
    return plan.circuits, plan.executions, plan.jobs


@pytest.mark.filterwarnings("ignore::qiskit_qml_ext.exceptions.ImpreciseKernelWarning")  # of ten shots
@pytest.mark.parametrize(("one", "other"), [pair for pair in product(KERNELS, repeat=2) if pair != ("exact", "exact")])
def test_the_plan_of_two_kernels_is_what_they_run(one, other):
    rows, columns = (X, None) if list(KERNELS).index(one) <= list(KERNELS).index(other) else (T, X)
    connection = connect("exact", shots=10, seed=1)
    kernel = CombinedKernel([("one", KERNELS[one](connection)), ("other", KERNELS[other](connection))])
    plan = kernel.plan(rows, columns)
    assert connection.usage.circuits == 0
    kernel.evaluate(rows, columns)
    usage = connection.usage
    assert numbers(plan) == (usage.circuits, usage.shots, usage.jobs)
    assert kernel.plan(rows, columns).circuits == 0


def test_plans_one_after_the_other_know_nothing_of_each_other():
    connection = connect("exact", shots=10, seed=1)
    kernel = CombinedKernel([("one", KERNELS["fidelity"](connection)), ("other", KERNELS["local"](connection))])
    assert numbers(kernel.plan(X)) == numbers(kernel.plan(X))
    assert numbers(KERNELS["fidelity"](connection).plan(X)) == (3, 30, 1)


def test_two_connections_share_nothing():
    kernels = [KERNELS["fidelity"](connect("exact", shots=10, seed=1)) for _ in range(2)]
    assert numbers(CombinedKernel([("one", kernels[0]), ("other", kernels[1])]).plan(X)) == (6, 60, 2)


def test_a_kernel_that_cannot_plan_is_named():
    x, t = ParameterVector("x", 2), ParameterVector("t", 1)
    circuit = QuantumCircuit(2)
    circuit.ry(x[0], 0)
    circuit.ry(x[1], 1)
    circuit.rx(t[0], 1)
    connection = connect("exact", shots=10, seed=1)
    tangent = TangentKernel(circuit, [0.3], SparsePauliOp("XX"), connection=connection)
    for unable in (tangent, FidelityQuantumKernel(feature_map=ZZ.build(2))):
        kernel = CombinedKernel([("fidelity", KERNELS["fidelity"](connection)), ("unable", unable)])
        with pytest.raises(ValueError, match=f"'unable' \\({type(unable).__name__}\\) may run circuits"):
            kernel.plan(X)
    simulated = [tangent.exact_copy(), FidelityStatevectorKernel(feature_map=ZZ.build(2))]
    parts = [("fidelity", KERNELS["fidelity"](connection)), *zip("ab", simulated, strict=True)]
    assert CombinedKernel(parts).plan(X).circuits == 3
