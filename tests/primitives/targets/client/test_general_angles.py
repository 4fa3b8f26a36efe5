"""R_ZZ of a quarter turn beside other R_ZZ is twirled too, where the client by itself cannot make the job."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit_aer import AerSimulator
from qiskit_ibm_runtime.fake_provider import FakeFractionalBackend
from runtime_server.client import HAS_EXECUTOR

from qiskit_qml_ext.primitives import connect
from qiskit_qml_ext.primitives.targets.client import generation
from qiskit_qml_ext.primitives.targets.client.general_angles import general_pub, with_general_angles

pytestmark = [
    pytest.mark.client,
    pytest.mark.skipif(not HAS_EXECUTOR, reason="the newer primitives only have groups of twirling"),
]

A = Parameter("quarter0")  # a name that is taken already
OPTIONS = {"twirling": {"enable_gates": True, "group": "local_pauli"}, "simulator": {"seed_simulator": 7}}
OBSERVABLES = [SparsePauliOp(label) for label in ("ZZZZ", "XXII", "IIYX")]
ROWS = np.array([[0.7], [math.pi / 2], [0.2]])


def layer(first, second):
    """Return a circuit of four qubits, in a device's gates, whose two rotations of pairs share a layer."""
    circuit = QuantumCircuit(4)
    for qubit in range(4):
        circuit.sx(qubit)
    circuit.rzz(first, 0, 1)
    circuit.rzz(second, 2, 3)
    for qubit in range(4):
        circuit.sx(qubit)
        circuit.rz(0.3 * qubit + 0.4, qubit)
        circuit.sx(qubit)
    return circuit


LAYERS = {
    "free": layer(math.pi / 2, A),
    "other": layer(0.3, math.pi / 2),
    "half": layer(math.pi, -math.pi / 2),
    "near": layer(math.pi / 2 - 1e-5, A),
    "quarters": layer(math.pi / 2, math.pi / 2),
    "none": layer(0.3, A),
}
MIXED = {"free", "other", "half", "near"}


def pubs_of(circuit):
    """Return what is asked for, and the same circuits bound to each row of values."""
    values = ROWS if circuit.parameters else None
    bound = [circuit.assign_parameters(row) for row in ROWS] if circuit.parameters else [circuit]
    return values, bound


@pytest.mark.parametrize("name", LAYERS)
def test_the_circuit_of_each_row_is_the_same(name):
    circuit = LAYERS[name]
    values, bound = pubs_of(circuit)
    pub = SamplerPub.coerce((circuit, values, 100))
    general = SamplerPub.coerce(general_pub(pub, SamplerPub))
    assert (general is not pub) == (name in MIXED)
    assert (general.shape, general.shots) == (pub.shape, 100)
    for place, expected in zip(np.ndindex(*pub.shape), bound, strict=True):
        assert Statevector(general.parameter_values.bind(general.circuit, place)).equiv(Statevector(expected))


@pytest.mark.parametrize("name", LAYERS)
def test_counts_of_twirled_circuits_are_those_of_the_state(name):
    circuit = LAYERS[name]
    values, bound = pubs_of(circuit)
    kind = generation("executor").sampler
    pub = (circuit.measure_all(inplace=False), values)
    sampler = with_general_angles(kind, SamplerPub)(mode=AerSimulator(), options=OPTIONS)
    counts = sampler.run([pub], shots=6400).result()[0].data.meas
    for place, expected in zip(np.ndindex(*counts.shape), bound, strict=True):
        right = 6400 * Statevector(expected).probabilities()
        found = np.bincount(counts[place].array.ravel() if counts.shape else counts.array.ravel(), minlength=16)
        assert found.sum() == 6400
        assert np.all(np.abs(found - right) < 7 * np.sqrt(np.maximum(right, 1)))


@pytest.mark.parametrize("name", sorted(MIXED))
def test_estimates_of_twirled_circuits_are_those_of_the_state(name):
    circuit = LAYERS[name]
    values, bound = pubs_of(circuit)
    estimator = with_general_angles(generation("executor").estimator, EstimatorPub)(
        mode=AerSimulator(), options=OPTIONS | {"resilience_level": 0}
    )
    given = [[observable] for observable in OBSERVABLES]
    found = estimator.run([(circuit, given, values)], precision=0.01).result()[0].data.evs
    right = [[Statevector(one).expectation_value(observable).real for one in bound] for observable in OBSERVABLES]
    assert_allclose(found, np.array(right), atol=0.07)  # seven times the precision


@pytest.mark.parametrize("fractional", [True, "auto"])
def test_a_connection_twirls_quarter_turns_beside_free_rotations(fractional):
    connection = connect(FakeFractionalBackend(), shots=640, seed=3, fractional=fractional, **OPTIONS)
    circuit = QuantumCircuit(5, 5)
    for qubit in range(4):
        circuit.sx(qubit)
    circuit.rzz(math.pi / 2, 0, 1)
    circuit.rzz(A, 2, 3)
    circuit.measure(range(5), range(5))
    isa = connection.isa_circuit(circuit)
    counts = connection.sampler.run([(isa, ROWS)]).result()[0].data.c
    assert counts.shape == (3,)
    assert counts.num_shots == 640
    bare = isa.remove_final_measurements(inplace=False)
    values = connection.estimator.run([(bare, SparsePauliOp("Z" * bare.num_qubits), ROWS)]).result()[0].data.evs
    assert values.shape == (3,)
