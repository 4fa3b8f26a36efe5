"""Memory is bounded by ``max_memory``, which changes cost and never results; what cannot fit fails at once."""

import time
import tracemalloc

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import UnitaryGate, efficient_su2, zz_feature_map
from qiskit.quantum_info import SparsePauliOp, random_unitary

from qiskit_qml_ext.engine import (
    Projector,
    expectation_jacobian,
    expectation_vjp,
    expectations,
    memory,
    probabilities,
    statevectors,
    threads,
)
from qiskit_qml_ext.engine.sampling import sample_outcomes
from qiskit_qml_ext.exceptions import StateTooLargeError
from qiskit_qml_ext.primitives import ExactSampler
from qiskit_qml_ext.program import lower

N = 13
STATE = 16 << N  # 128 KiB
SLACK = 48 << 10  # Python objects of a plan, which do not grow with the state
SAMPLES = 5
PAULIS = SparsePauliOp(["Z" * N, "X" + "I" * (N - 1)])
Z_SUM = SparsePauliOp.from_sparse_list([("Z", [qubit], 1.0) for qubit in range(N)], N)

DIAGONAL = np.arange(2.0**N)
PROJECTOR = Projector(np.full(2**N, 2 ** (-N / 2) + 0j))


def circuits():
    dense = efficient_su2(N, reps=1)
    dense.append(UnitaryGate(random_unitary(8, seed=1)), [0, 3, 5])
    dense.ry(0.3, 1)
    initial = QuantumCircuit(N)
    initial.initialize(np.full(2**N, 2 ** (-N / 2)), range(N))
    initial.ry(Parameter("a"), 0)
    return {
        "zz": zz_feature_map(N, reps=1, entanglement="linear"),
        "su2": efficient_su2(N, reps=1),
        "dense": dense,
        "initial": initial,
    }


TASKS = {
    "states": lambda p, v, m: statevectors(p, v, max_memory=m),
    "probabilities": lambda p, v, m: probabilities(p, v, max_memory=m),
    "one qubit": lambda p, v, m: probabilities(p, v, qubits=[3], max_memory=m),
    "paulis": lambda p, v, m: expectations(p, v, PAULIS, max_memory=m),
    "sum of z": lambda p, v, m: expectations(p, v, Z_SUM, max_memory=m),
    "diagonal": lambda p, v, m: expectations(p, v, DIAGONAL, max_memory=m),
    "projector": lambda p, v, m: expectations(p, v, PROJECTOR, max_memory=m),
    "vjp": lambda p, v, m: expectation_vjp(p, v, PAULIS, np.ones((len(v), 1)), max_memory=m)[1],
    "jacobian": lambda p, v, m: expectation_jacobian(p, v, PAULIS, max_memory=m)[1],
}
BUDGETS = (0.5, 6, 16, 200)  # in states
PAIRS = [(task, "zz") for task in sorted(TASKS)] + [
    (task, circuit) for task in ("states", "probabilities", "vjp") for circuit in ("su2", "dense", "initial")
]


@pytest.mark.parametrize(("task", "circuit"), PAIRS)
def test_peak_of_memory_stays_below_the_budget_and_results_stay_equal(task, circuit):
    program = lower(circuits()[circuit])
    values = np.linspace(0.1, 1.0, SAMPLES * program.num_parameters).reshape(SAMPLES, -1)
    expected = TASKS[task](program, values, None)
    fitted = []
    for budget in BUDGETS:
        for measured in (False, True):  # the first run compiles
            program = lower(circuits()[circuit])
            threads._forget_pool()
            threads._local.__dict__.clear()
            if measured:
                tracemalloc.start()
            try:
                found = TASKS[task](program, values, int(budget * STATE))
                peak = tracemalloc.get_traced_memory()[1] if measured else 0
            except StateTooLargeError:
                peak = tracemalloc.get_traced_memory()[1] if measured else 0
                found = None
            finally:
                tracemalloc.stop()
        assert peak <= budget * STATE + SLACK
        fitted.append(found is not None)
        if found is not None:
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    assert not fitted[0]
    assert fitted[-1]
    assert fitted == sorted(fitted)


@pytest.mark.parametrize("name", ["paulis", "one qubit", "vjp"])
def test_few_states_are_enough(name):
    program = lower(zz_feature_map(N, reps=1, entanglement="linear"))
    values = np.linspace(0.1, 1.0, 40 * N).reshape(40, N)
    found = TASKS[name](program, values, 8 * STATE)
    np.testing.assert_allclose(found, TASKS[name](program, values, None), rtol=1e-12, atol=1e-12)


def test_shots_do_not_depend_on_the_budget():
    circuit = zz_feature_map(N, reps=1, entanglement="linear")
    circuit.measure_all()
    values = np.linspace(0.1, 1.0, 6 * N).reshape(6, N)
    counts = [
        ExactSampler(seed=3, max_memory=limit).run([(circuit, values)], shots=50).result()[0].data.meas.array
        for limit in (None, 12 * STATE, 40 * STATE)
    ]
    np.testing.assert_array_equal(counts[0], counts[1])
    np.testing.assert_array_equal(counts[0], counts[2])
    with pytest.raises(StateTooLargeError, match="Drawing from 8192 outcomes"):
        sample_outcomes(np.full((1, 8192), 1 / 8192), np.zeros((1, 1)), max_memory=1000)


@pytest.mark.parametrize("task", ["states", "paulis", "jacobian", "probabilities"])
def test_a_wide_circuit_without_a_limit_fails_at_once(task, monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 8 << 30)
    functions = {
        "states": statevectors,
        "probabilities": probabilities,
        "paulis": lambda c, v: expectations(c, v, SparsePauliOp("Z" * 29)),
        "jacobian": lambda c, v: expectation_jacobian(c, v, SparsePauliOp("Z" * 29)),
    }
    start = time.perf_counter()
    with pytest.raises(StateTooLargeError, match="29 qubits"):
        functions[task](zz_feature_map(29, reps=1), np.zeros((4, 29)))
    assert time.perf_counter() - start < 5.0  # lowering takes some tenths of a second; running it takes minutes


def test_four_samples_that_fit_one_by_one_only_are_refused_before_the_work():
    budget = 5 * STATE
    tracemalloc.start()
    with pytest.raises(StateTooLargeError, match="Use fewer samples per call"):
        statevectors(lower(zz_feature_map(N, reps=1)), np.zeros((100, N)), max_memory=budget)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < budget + (1 << 20)
