"""What a plan says is what then happens, and budgets refuse before anything is submitted."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.transpiler import InstructionProperties, Target

from qiskit_qml_ext.circuits import AngleFeatureMap, ZZFeatureMap
from qiskit_qml_ext.exceptions import BudgetExceededError
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.models import QuantumSVC
from qiskit_qml_ext.primitives import Journal, connect
from qiskit_qml_ext.primitives.pricing import error_free_fraction

DATA = np.random.default_rng(0).uniform(0, 2, (6, 2))


def kernel(connection, bandwidth=1.0):
    return FidelityKernel(ZZFeatureMap(bandwidth=bandwidth), connection=connection)


def test_plan_counts_what_is_then_run():
    connection = connect("fake_manila", shots=100, seed=1, max_executions_per_job=400)
    plan = QuantumSVC(kernel(connection)).plan(DATA, [0, 1] * 3)
    assert (plan.circuits, plan.executions, plan.jobs, plan.shots) == (15, 1500, 4, 100)
    assert connection.usage.shots == 0
    kernel(connection).evaluate(DATA)
    assert (connection.usage.circuits, connection.usage.shots, connection.usage.jobs) == (15, 1500, 4)
    assert kernel(connection).plan(DATA).circuits == 0


def test_plan_describes_the_transpiled_circuit_and_its_time():
    connection = connect("fake_manila", shots=1000, seed=1)
    plan = kernel(connection).plan(DATA, price_per_minute=60)
    isa = connection.isa_circuit(kernel(connection).circuit(2))
    assert plan.two_qubit_gates == isa.count_ops()["cx"]
    assert plan.depth == isa.depth()
    seconds = 2 + 15_000 * (isa.estimate_duration(connection.device, unit="s") + 250e-6)  # 2 s a job, as IBM documents
    assert_allclose(plan.seconds, seconds, rtol=1e-12)
    assert_allclose(plan.cost, seconds, rtol=1e-12)
    assert_allclose(plan.standard_error, 0.5 / np.sqrt(1000), rtol=1e-12)


def test_error_free_fraction_is_the_product_over_all_instructions():
    target = Target(num_qubits=2)
    a = Parameter("a")
    from qiskit.circuit.library import CXGate, RXGate

    target.add_instruction(RXGate(a), {(0,): InstructionProperties(error=0.1), (1,): InstructionProperties(error=0.2)})
    target.add_instruction(CXGate(), {(0, 1): InstructionProperties(error=0.5)})
    circuit = QuantumCircuit(2)
    circuit.rx(0.1, 0)
    circuit.rx(0.1, 1)
    circuit.rx(0.1, 1)
    circuit.cx(0, 1)
    assert_allclose(error_free_fraction(circuit, target), 0.9 * 0.8**2 * 0.5, rtol=1e-12)
    assert error_free_fraction(QuantumCircuit(1), target) is None


def test_signal_below_the_noise_is_said_with_the_shots_that_would_do():
    flat = FidelityKernel(AngleFeatureMap(bandwidth=0.01), connection=connect("fake_manila", shots=100, seed=1))
    assert "the noise of 100 shots is" in flat.plan(DATA).summary()
    assert "larger than that: use a larger bandwidth" in flat.plan(DATA).summary()
    vivid = kernel(connect("fake_manila", shots=4000, seed=1))
    assert "at most half of that. A model may need many times more shots." in vivid.plan(DATA).summary()
    close = FidelityKernel(AngleFeatureMap(bandwidth=0.2), connection=connect("fake_manila", shots=100, seed=1))
    text = close.plan(DATA).summary()
    needed = int(text.rpartition(" or ")[2].split()[0].replace(",", ""))
    enough = FidelityKernel(AngleFeatureMap(bandwidth=0.2), connection=connect("fake_manila", shots=needed, seed=1))
    assert "at most half of that." in enough.plan(DATA).summary()


def test_plan_leaves_out_what_the_journal_knows(tmp_path):
    def connection():
        return connect("aer", shots=50, seed=1, journal=tmp_path / "run.journal")

    kernel(connection()).evaluate(DATA[:4])
    plan = kernel(connection()).plan(DATA)
    assert (plan.circuits, plan.in_journal) == (15, 6)
    assert "6 circuits were submitted before" in plan.summary()


def test_plan_of_plain_pubs():
    circuit = QuantumCircuit(1)
    circuit.rx(Parameter("a"), 0)
    circuit.measure_all()
    plan = connect("aer").plan([(circuit, np.zeros((3, 1))), (circuit, np.zeros((2, 2, 1)), 10)])
    assert (plan.circuits, plan.executions, plan.shots) == (7, 3 * 1024 + 40, 1024)
    assert plan.seconds is None
    assert plan.error_free is None


@pytest.mark.parametrize(
    ("price", "error", "message"),
    [
        (-5, ValueError, "at least 0, but -5 came"),
        (np.nan, ValueError, "a finite number, but nan came"),
        (np.inf, ValueError, "a finite number, but inf came"),
        (True, TypeError, "a number, but True"),
        ("3", TypeError, "a number, but '3'"),
    ],
)
def test_a_price_that_is_none_is_refused_by_plans_as_by_connect(price, error, message):
    circuit = QuantumCircuit(1)
    circuit.measure_all()
    connection = connect("fake_manila", shots=10)
    for plan in (
        lambda: connection.plan([circuit], price_per_minute=price),
        lambda: kernel(connection).plan(DATA, price_per_minute=price),
        lambda: QuantumSVC(kernel(connection)).plan(DATA, price_per_minute=price),
        lambda: connect("fake_manila", shots=10, price_per_minute=price),
    ):
        with pytest.raises(error, match=f"price_per_minute must be {message}"):
            plan()
    assert connection.plan([circuit], price_per_minute=np.float64(0)).cost == 0


def test_shots_of_one_circuit_beyond_a_jobs_limit_take_several_jobs_and_are_advised():
    circuit = QuantumCircuit(1)
    circuit.rx(Parameter("a"), 0)
    circuit.measure_all()
    connection = connect("aer", max_executions_per_job=1000)
    plan = connection.plan([(circuit, np.zeros((3, 1)), 2001)])
    assert (plan.circuits, plan.executions, plan.jobs) == (3, 6003, 9)
    assert "split the shots of each circuit over 3 jobs" in plan.summary()
    at_limit = connection.plan([(circuit, np.zeros((3, 1)), 1000)])
    assert (at_limit.jobs, at_limit.advice) == (3, ())


def test_exact_kernel_has_nothing_to_plan():
    with pytest.raises(ValueError, match="exact kernel runs no circuits"):
        FidelityKernel(ZZFeatureMap()).plan(DATA)
    with pytest.raises(TypeError, match="plan needs a FidelityKernel"):
        QuantumSVC().plan(DATA)


@pytest.mark.parametrize("journaled", [False, True])
def test_budget_of_executions_is_kept_over_calls(tmp_path, journaled):
    journal = tmp_path / "run.journal" if journaled else None
    connection = connect("aer", shots=10, seed=1, max_executions=100, journal=journal)
    kernel(connection).evaluate(DATA[:4])  # 60 executions
    with pytest.raises(BudgetExceededError, match=r"needs 90 executions, 150 together.*max_executions is 100"):
        kernel(connection).evaluate(DATA)
    assert connection.usage.shots == 60
    if journaled:
        assert sum(unit.executions for unit in Journal(journal).units() if unit.state == "done") == 60


def test_budget_of_cost_needs_a_price_and_refuses():
    with pytest.raises(ValueError, match="max_cost needs price_per_minute"):
        connect("fake_manila", max_cost=1)
    connection = connect("fake_manila", shots=1000, seed=1, max_cost=4, price_per_minute=96)
    with pytest.raises(BudgetExceededError, match=r"but max_cost is 4.00"):
        kernel(connection).evaluate(DATA)
    assert connection.usage.shots == 0
    kernel(connection).evaluate(DATA[:2])
    unknown = connect("aer", max_cost=0.5, price_per_minute=96)
    with pytest.raises(BudgetExceededError, match="reports no durations"):
        kernel(unknown).evaluate(DATA)
    with pytest.raises(ValueError, match="must be at least 1"):
        connect("aer", max_executions=-1)
