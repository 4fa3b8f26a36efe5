"""Angles that a device's gates do not take are refused, in a rehearsal as on the device."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer import AerSimulator
from qiskit_ibm_runtime.fake_provider import FakeFractionalBackend, FakeManilaV2
from qiskit_ibm_runtime.utils.utils import is_valid_rzz_pub

from qiskit_qml_ext.exceptions import AngleOutOfRangeError
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import connect
from qiskit_qml_ext.primitives.angle_limits import LimitedSampler


def fractional_map():
    x = ParameterVector("x", 2)
    circuit = QuantumCircuit(2)
    circuit.h([0, 1])
    circuit.rzz(x[0], 0, 1)
    circuit.rx(x[1], 0)
    return circuit


def measured(angle_of):
    """Return a measured circuit whose RZZ has an expression as its angle."""
    x = ParameterVector("x", 2)
    circuit = QuantumCircuit(2)
    circuit.h([0, 1])
    circuit.rzz(angle_of(x), 0, 1)
    circuit.h([0, 1])
    circuit.rx(x[0] + x[1], 0)
    circuit.measure_all()
    return circuit


ANGLES = {
    "feature": lambda x: x[0],
    "scaled": lambda x: 2 * x[0] - 0.3,
    "product": lambda x: x[0] * x[1],
    "negative": lambda x: -x[1],
}


@pytest.mark.parametrize(
    "target", [FakeFractionalBackend(), AerSimulator.from_backend(FakeFractionalBackend())], ids=str
)
def test_kernel_with_angles_outside_is_refused_before_it_runs_and_the_plan_says_so(target):
    connection = connect(target, shots=100, seed=1)
    kernel = FidelityKernel(fractional_map(), connection=connection)
    x = np.array([[0.3, 0.2], [2.5, 1.0]])
    assert any("It will be refused" in sentence and "rzz" in sentence for sentence in kernel.plan(x).advice)
    with pytest.raises(AngleOutOfRangeError, match=r"rzz .* gets the angle -?[0-9.]+ .*use_fractional_gates=False"):
        kernel.evaluate(x)
    assert connection.usage.jobs == 0


@pytest.mark.parametrize("label", ANGLES)
@pytest.mark.parametrize("values", [(0.3, 0.4), (1.0, 1.5), (1.6, 1.0), (-0.1, 0.2), (0.0, 0.0), (np.pi / 2, 1.0)])
def test_what_is_refused_is_what_the_runtime_client_refuses(label, values):
    connection = connect(FakeFractionalBackend(), shots=20, seed=1)
    isa = connection.isa_circuit(measured(ANGLES[label]))
    assert "rzz" in isa.count_ops()
    refused = bool(is_valid_rzz_pub(SamplerPub.coerce((isa, values))))
    if refused:
        with pytest.raises(AngleOutOfRangeError, match="rzz"):
            connection.sampler.run([(isa, values)])
    else:
        assert connection.sampler.run([(isa, values)]).result()[0].data.meas.num_shots == 20


def test_estimator_is_held_to_the_same_limits():
    connection = connect(FakeFractionalBackend(), shots=20, seed=1)
    circuit = measured(ANGLES["feature"]).remove_final_measurements(inplace=False)
    isa = connection.isa_circuit(circuit)
    observable = SparsePauliOp("ZZ").apply_layout(isa.layout)
    assert np.isfinite(connection.estimator.run([(isa, observable, [0.3, 0.4])]).result()[0].data.evs)
    with pytest.raises(AngleOutOfRangeError, match="the angle 2 from row 1"):
        connection.estimator.run([(isa, observable, [[0.3, 0.4], [2.0, 0.4]])])


def test_journal_keeps_nothing_of_what_is_refused(tmp_path):
    connection = connect(FakeFractionalBackend(), shots=20, seed=1, journal=tmp_path / "journal.sqlite")
    with pytest.raises(AngleOutOfRangeError):
        FidelityKernel(fractional_map(), connection=connection).evaluate([[0.3, 0.2], [2.5, 1.0]])
    inside = measured(ANGLES["feature"])
    assert connection.plan([(inside, [[0.3, 0.2]])]).in_journal == 0


def test_devices_without_limits_are_left_alone():
    connection = connect(FakeManilaV2(), shots=20, seed=1)
    assert not isinstance(connection.sampler, LimitedSampler)
    assert FidelityKernel(fractional_map(), connection=connection).evaluate([[0.3, 0.2], [2.5, 1.0]]).shape == (2, 2)
