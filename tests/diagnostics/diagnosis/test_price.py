"""The price on a backend: counted by hand, against the transpiled circuit, and said where there is none."""

import json
import math
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.quantum_info import SparsePauliOp
from qiskit_machine_learning.kernels import FidelityStatevectorKernel

from qiskit_qml_ext.circuits import AngleFeatureMap, QAOAAnsatz, RealAmplitudesAnsatz, ZZFeatureMap
from qiskit_qml_ext.diagnostics import averaged_local_observable, diagnose, global_projector, local_observable
from qiskit_qml_ext.diagnostics.diagnosis.price import (
    duration,
    gradient_circuits,
    gradient_price,
    gradient_shots,
    kernel_price,
    kernel_shots,
    light_cone,
)
from qiskit_qml_ext.diagnostics.results.result import Estimate, rounded
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.kernels.plan import shots_to_tell_apart
from qiskit_qml_ext.primitives import connect
from qiskit_qml_ext.primitives.pricing import error_free_fraction
from qiskit_qml_ext.primitives.targets import fake_backend
from tests.diagnostics.families import layered_circuit, product_circuit

X = np.random.default_rng(0).uniform(0, 2, (6, 2))


@pytest.fixture(scope="module")
def manila():
    return connect("fake_manila", seed=1)


def test_every_use_of_a_parameter_takes_two_readings_of_every_group():
    assert gradient_circuits(RealAmplitudesAnsatz(reps=1).build(3), local_observable(3))[1] == 2 * 6
    # QAOA on the path of 3 qubits: γ in 2 rotations, β in 3
    shared = QAOAAnsatz(reps=1).build(3)
    assert shared.num_parameters == 2
    uses = sum(item.operation.name in ("rzz", "rx") for item in shared.decompose(reps=0).data)
    assert gradient_circuits(shared, averaged_local_observable(3))[1] == 2 * uses
    # XX and YY cannot be measured together qubit by qubit, ZI and IZ can
    groups = SparsePauliOp(["XX", "YY", "ZI", "IZ", "II"], [1, 1, 1, 1, 5])
    assert gradient_circuits(product_circuit(2), groups)[1] == 2 * 2 * 3
    assert gradient_circuits(product_circuit(2), global_projector(2))[1] == 2 * 2
    assert gradient_circuits(product_circuit(2), SparsePauliOp(["II"]))[1] == 0


def test_parameters_that_meet_in_a_product_are_counted_though_their_slope_vanishes_at_zero():
    a, b = Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(1)
    circuit.rx(a * b, 0)
    assert gradient_circuits(circuit, SparsePauliOp("Z"))[1] == 2


def test_the_largest_group_is_measured_in_its_basis():
    measured, _ = gradient_circuits(product_circuit(3), SparsePauliOp(["IIX", "ZIY", "YYX"]))
    assert measured.count_ops() == {"rx": 3, "h": 3, "sdg": 2, "measure": 3}
    assert gradient_circuits(product_circuit(3), local_observable(3))[0].count_ops() == {"rx": 3, "measure": 1}


def test_gradient_price_is_that_of_the_transpiled_circuit(manila):
    circuit = layered_circuit(3, 2)
    price = gradient_price(circuit, averaged_local_observable(3), 250.0, manila, price_per_minute=60)
    plan = price.plan
    isa = manila.isa_circuit(gradient_circuits(circuit, averaged_local_observable(3))[0])
    assert (plan.circuits, plan.shots, plan.executions, plan.jobs) == (24, 250, 6000, 1)
    assert (plan.two_qubit_gates, plan.depth) == (isa.count_ops()["cx"], isa.depth())
    seconds = 2 + 6000 * (isa.estimate_duration(fake_backend("fake_manila").target, unit="s") + 250e-6)
    assert_allclose([plan.seconds, plan.cost], seconds, rtol=1e-12)
    assert_allclose(plan.error_free, error_free_fraction(isa, fake_backend("fake_manila").target), rtol=1e-12)
    text = " ".join(price.sentences)
    assert "takes 24 circuits of 250 shots: 6,000 executions in 1 job" in text
    assert f"cost about {seconds:.2g}." in text
    assert manila.usage.shots == 0


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_angles_that_the_transpiler_drops_before_a_measurement_do_no_harm(level):
    circuit = QuantumCircuit(2)
    theta = ParameterVector("θ", 4)
    for qubit in range(2):
        circuit.ry(theta[2 * qubit], qubit)
        circuit.rz(theta[2 * qubit + 1], qubit)
    connection = connect("fake_manila", seed=1, optimization_level=level)
    assert gradient_price(circuit, averaged_local_observable(2), 10, connection).plan.circuits == 8


def test_errors_that_the_observable_cannot_see_are_left_out(manila):
    circuit = QuantumCircuit(3)
    theta = ParameterVector("θ", 2)
    circuit.ry(theta[0], 0)
    circuit.cx(1, 2)
    circuit.ry(theta[1], 1)
    circuit.cx(1, 2)
    price = gradient_price(circuit, SparsePauliOp("IIZ"), 10, manila)
    assert price.plan.two_qubit_gates >= 2
    isa = manila.isa_circuit(gradient_circuits(circuit, SparsePauliOp("IIZ"))[0])
    seen = light_cone(isa)
    assert "cx" not in seen.count_ops()
    target = fake_backend("fake_manila").target
    assert_allclose(price.plan.error_free, error_free_fraction(seen, target), rtol=1e-12)
    assert price.plan.error_free > error_free_fraction(isa, target)


def test_shots_beyond_what_a_job_holds_are_split_and_said():
    connection = connect("fake_manila", seed=1, max_executions_per_job=1000)
    price = gradient_price(product_circuit(2), local_observable(2), 2500, connection)
    assert (price.plan.circuits, price.plan.executions, price.plan.jobs) == (4, 10_000, 4 * 3)
    assert any("split the shots of each circuit over 3 jobs" in sentence for sentence in price.sentences)


def test_kernel_price_is_the_kernels_own_plan_at_the_shots_that_were_found(manila):
    price = kernel_price(ZZFeatureMap(), X, 500, manila, price_per_minute=30)
    other = connect("fake_manila", seed=1, shots=500)
    assert price.plan == FidelityKernel(ZZFeatureMap(), connection=other).plan(X, price_per_minute=30)
    assert price.plan == kernel_price(FidelityKernel(ZZFeatureMap()), X, 500, manila, price_per_minute=30).plan
    assert "takes 15 circuits of 500 shots" in price.sentences[0]
    twice = kernel_price(ZZFeatureMap(), np.concatenate([X, X]), 500, manila)
    assert "12 samples (6 of them different) takes 15 circuits" in twice.sentences[0]


def test_plan_at_other_shots_does_not_count_what_is_known_at_the_connections_own():
    connection = connect("aer", shots=50, seed=1)
    kernel = FidelityKernel(AngleFeatureMap(), connection=connection)
    kernel.evaluate(X)
    assert kernel.plan(X).circuits == 0
    assert kernel.plan(X, shots=70).circuits == 15


def test_advice_looks_at_samples_of_all_rows():
    """Forty equal rows first: their entries alone would not differ."""
    rows = np.concatenate([np.full((40, 1), 0.5) + 1e-9 * np.arange(40)[:, None], np.linspace(0, 3, 40)[:, None]])
    plan = FidelityKernel(AngleFeatureMap(), connection=connect("aer", shots=1000, seed=1)).plan(rows)
    assert "at most half of that" in plan.summary()


def test_errors_that_leave_nothing_are_called_pointless_and_smaller_ones_priced(manila):
    deep = gradient_price(layered_circuit(5, 120), averaged_local_observable(5), 10, manila)
    assert deep.plan.error_free < 0.01
    assert deep.sentences[-1].startswith("If an error leaves nothing of the signal, this is pointless as it is")
    middle = gradient_price(layered_circuit(5, 20), averaged_local_observable(5), 10, manila)
    assert 0.01 < middle.plan.error_free < 0.7
    assert middle.sentences[-1].startswith("If an error leaves nothing of the signal, about ")
    seconds = 2 + (middle.plan.seconds - 2) / middle.plan.error_free**2  # the 2 s of a job stay
    assert f"times as many shots to see it: about {duration(seconds)} of processor time." in middle.sentences[-1]
    wide = kernel_price(ZZFeatureMap(reps=12), np.random.default_rng(0).uniform(0, 2, (5, 5)), 10, manila)
    assert "this is pointless as it is" in wide.sentences[-1]


def test_a_kernel_is_priced_at_the_shots_that_its_errors_ask_for_too(manila):
    price = kernel_price(ZZFeatureMap(), X, 15, manila, price_per_minute=96, entries=(0.4, 0.05))
    needed = shots_to_tell_apart(0.4, 0.05, intact=price.plan.error_free)
    assert needed > 15
    more = " ".join(price.sentences)
    assert f"{needed:,.0f} shots with the reported errors" in more
    seconds = 2 + (price.plan.seconds - 2) * needed / 15  # the 2 s of a job stay
    cost = seconds / 60 * 96
    words = f"{cost:.2g}" if cost < 10 else rounded(cost)
    assert f"With {needed:,.0f} shots of each circuit that is about {duration(seconds)} of processor time, cost" in more
    assert f"cost about {words}." in more
    dear = kernel_price(ZZFeatureMap(), X, 15, manila, price_per_minute=1e6 + 1)
    # two digits: no estimate of a price knows the cents
    assert f"cost about {rounded(dear.plan.cost)}." in " ".join(dear.sentences)
    assert re.search(r"cost about [\d,]+0\.$", dear.sentences[0])


def test_simulated_noise_that_may_cost_anything_has_a_lower_limit_only(manila):
    endless = Estimate(220.0, 500.0, 35.8, math.inf)
    price = kernel_price(ZZFeatureMap(), X, 367, manila, entries=(0.4, 0.05), simulated=endless)
    (sentence,) = [line for line in price.sentences if "was simulated" in line]
    assert "it takes at least 35.8 times as many shots" in sentence
    assert "half of the spread, at least 13,000: about " in sentence
    assert "220" not in sentence
    assert "inf" not in sentence
    known = kernel_price(ZZFeatureMap(), X, 367, manila, entries=(0.4, 0.05), simulated=Estimate(2.0, 0.1, 1.8, 2.2))
    assert any("it takes 2 [1.8, 2.2] times as many shots" in line and "about 730" in line for line in known.sentences)
    nothing = kernel_price(
        ZZFeatureMap(), X, 367, manila, entries=(0.4, 0.05), simulated=Estimate(math.nan, math.nan, 0.0, math.inf)
    )
    assert any("is not known" in line for line in nothing.sentences)


def test_what_cannot_be_priced_is_a_sentence(manila):
    def only(price):
        assert price.plan is None
        assert len(price.sentences) == 1
        return price.sentences[0]

    assert "has 6 qubits but" in only(gradient_price(product_circuit(6), local_observable(6), 10, manila))
    assert "has 6 qubits but" in only(kernel_price(AngleFeatureMap(), np.arange(18.0).reshape(3, 6), 10, manila))
    assert "no number of shots" in only(gradient_price(product_circuit(2), local_observable(2), math.inf, manila))
    assert "no shots to pay" in only(kernel_price(ZZFeatureMap(), X, 10, connect()))
    assert "nothing can be differentiated" in only(gradient_price(QuantumCircuit(1), SparsePauliOp("Z"), 10, manila))
    theirs = FidelityStatevectorKernel(feature_map=ZZFeatureMap().build(2))
    assert "which lacks plan, num_qubits" in only(kernel_price(theirs, X, 10, manila))
    reset = QuantumCircuit(1)
    reset.rx(Parameter("a"), 0)
    reset.reset(0)
    assert "cannot be run" in only(gradient_price(reset, SparsePauliOp("Z"), 10, manila))


def test_simulators_have_no_time_and_no_errors():
    price = gradient_price(product_circuit(2), local_observable(2), 10, connect("aer"), price_per_minute=60)
    assert (price.plan.seconds, price.plan.cost, price.plan.error_free) == (None, None, None)
    assert "processor time" not in " ".join(price.sentences)


def test_times_are_written_in_units_that_suit():
    assert [duration(t) for t in (0.2, 1.2, 119, 121, 7200, 86_400 * 3, 3.2e8, 3.2e13)] == [
        "1 second", "2 seconds", "119 seconds", "2 minutes", "2 hours", "3 days", "10 years", "1,000,000 years",
    ]  # fmt: skip


def test_diagnosis_of_an_ansatz_ends_in_the_price_on_the_backend(manila, tmp_path):
    report = diagnose(
        RealAmplitudesAnsatz(), num_qubits=3, depths=1, num_samples=20, connection=manila, price_per_minute=96
    )
    assert report.plan.circuits == 2 * 6
    assert report.plan.shots == gradient_shots(report.evidence)
    text = report.summary()
    assert "On fake_manila one gradient by parameter shifts takes 12 circuits" in " ".join(text.split())
    assert "On fake_manila one gradient" in report.to_html()
    data = json.loads(report.save(tmp_path / "a.json").read_text(encoding="utf-8"))
    assert data["plan"]["circuits"] == 12
    assert data["plan"]["cost"] == pytest.approx(report.plan.seconds / 60 * 96)
    assert manila.usage.shots == 0


def test_diagnosis_of_a_kernel_ends_in_the_price_on_the_backend(manila):
    data = np.random.default_rng(1).uniform(0, 2, (12, 2))
    report = diagnose(FidelityKernel(ZZFeatureMap()), data, connection=manila)
    assert report.plan.circuits == 66
    assert report.plan.shots == kernel_shots(report.evidence)
    assert any("On fake_manila the kernel matrix of 12 samples takes 66 circuits" in line for line in report.price)


def test_wide_ansatz_is_priced_by_the_moments_of_its_walks():
    report = diagnose(layered_circuit(40, 2), observable=local_observable, connection=connect("fake_sherbrooke"))
    assert report.plan.circuits == 2 * 160
    moments = report.evidence["second_moments"]
    # one Z: a shot has the variance 1 - E C², and a derivative half of it
    variance = (1 - moments.loss_second_moment.value) / 2
    assert report.plan.shots == math.ceil(variance / moments.gradient_second_moments.mean())


def test_diagnosis_goes_on_where_the_backend_is_too_small(manila):
    report = diagnose(RealAmplitudesAnsatz(reps=1), num_qubits=6, num_samples=10, connection=manila)
    assert report.plan is None
    assert any("6 qubits but the target fake_manila has 5" in line for line in report.price)
    assert "plan" in report.to_dict()


def test_price_without_a_backend_is_refused(manila):
    with pytest.raises(ValueError, match="without a backend"):
        diagnose(RealAmplitudesAnsatz(), price_per_minute=1.0)
    with pytest.raises(ValueError, match="must be at least 0"):
        diagnose(RealAmplitudesAnsatz(), connection=manila, price_per_minute=-1.0)
    with pytest.raises(TypeError, match="must come from connect"):
        diagnose(RealAmplitudesAnsatz(), connection="fake_manila")
