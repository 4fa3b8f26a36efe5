"""Gates that a device runs for some angles only."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit, generate_preset_pass_manager
from qiskit.circuit import ParameterVector
from qiskit_ibm_runtime import SamplerV2
from qiskit_ibm_runtime.fake_provider import FakeFractionalBackend

from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import connect

SAMPLES = np.array([[0.3, 0.2], [2.5, 1.0]])


def encoding():
    x = ParameterVector("x", 2)
    circuit = QuantumCircuit(2)
    circuit.h([0, 1])
    circuit.rzz(x[0], 0, 1)
    circuit.rx(x[1], 0)
    circuit.rx(x[0], 1)
    return circuit


def transpiled_by_the_user():
    measured = FidelityKernel(encoding()).circuit(2)
    isa = generate_preset_pass_manager(1, backend=FakeFractionalBackend(), seed_transpiler=1).run(measured)
    assert "rzz" in isa.count_ops()
    return isa


@pytest.mark.filterwarnings("ignore:The SamplerV2 class is deprecated")
@pytest.mark.parametrize("make", [lambda: FidelityKernel(encoding()).circuit(2), transpiled_by_the_user])
def test_free_angles_do_not_go_to_gates_that_the_device_runs_for_some_angles_only(make):
    isa = connect(FakeFractionalBackend(), seed=1).isa_circuit(make())
    assert "rzz" not in isa.count_ops()
    # what the service runs itself, which refuses R_ZZ beyond a quarter turn
    SamplerV2(mode=FakeFractionalBackend()).run([(isa, [0.3, 0.2, 2.5, 1.0])], shots=10).result()


def test_fixed_angles_keep_these_gates():
    circuit = QuantumCircuit(2)
    circuit.h([0, 1])
    circuit.rzz(0.4, 0, 1)
    circuit.measure_all()
    assert "rzz" in connect(FakeFractionalBackend(), seed=1).isa_circuit(circuit).count_ops()


def test_kernels_on_such_a_device_are_right():
    connection = connect(FakeFractionalBackend(), shots=2000, seed=1)
    found = FidelityKernel(encoding(), connection=connection).evaluate(SAMPLES)
    assert_allclose(found, FidelityKernel(encoding()).evaluate(SAMPLES), atol=0.15)  # a device's errors
