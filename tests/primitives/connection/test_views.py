import pickle

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from qiskit_qml_ext.exceptions import BudgetExceededError
from qiskit_qml_ext.primitives import Journal, connect
from qiskit_qml_ext.primitives.connection.views import as_new_program, with_new_noise

CIRCUIT = QuantumCircuit(1)
CIRCUIT.ry(1.0, 0)


def estimate(connection):
    return float(connection.estimate([(connection.isa_circuit(CIRCUIT), SparsePauliOp("Z"))])[0].data.evs)


@pytest.mark.parametrize("name", ["exact", "aer"])
def test_a_view_with_new_noise_draws_other_numbers_and_shares_circuits_usage_and_limits(name):
    connection = connect(name, shots=100, seed=1, max_executions=300)
    view = with_new_noise(connection, 7)
    assert estimate(view) == estimate(with_new_noise(connect(name, shots=100, seed=2), 7)) != estimate(connection)
    assert view.usage == connection.usage
    assert connection.usage.shots == 200
    assert view.isa_circuit(CIRCUIT) is connection.isa_circuit(CIRCUIT)
    assert (view.seed, connection.seed) == (7, 1)
    assert pickle.loads(pickle.dumps(view)).seed == 7
    estimate(connection)
    with pytest.raises(BudgetExceededError):
        estimate(view)


def test_without_a_seed_and_with_a_journal_there_is_no_new_noise(tmp_path):
    for connection in (connect("exact", shots=10), connect("exact", shots=10, seed=1, journal=tmp_path / "journal")):
        assert with_new_noise(connection, 7) is connection


def test_a_new_program_finds_what_the_journal_has_and_a_repetition_does_not(tmp_path):
    connection = connect("exact", shots=100, seed=1, journal=tmp_path / "journal")
    first, repeated = estimate(connection), estimate(connection)
    again = as_new_program(connection)
    assert first != repeated
    assert (estimate(again), estimate(again)) == (first, repeated)
    assert estimate(connection) not in (first, repeated)
    with Journal(tmp_path / "journal") as journal:
        assert len(journal.units()) == 3
    plain = connect("exact", shots=100)
    assert as_new_program(plain) is plain
    assert np.isfinite(estimate(pickle.loads(pickle.dumps(again))))


def test_a_new_program_samples_from_the_journal_too(tmp_path):
    connection = connect("exact", shots=100, seed=1, journal=tmp_path / "journal")
    circuit = CIRCUIT.copy()
    circuit.measure_all()

    def sampled(through):
        ((_, data),) = through.sample(circuit, np.zeros((1, 0)))
        return data["meas"].get_counts()

    first, repeated = sampled(connection), sampled(connection)
    again = as_new_program(connection)
    assert (sampled(again), sampled(again)) == (first, repeated)
    assert connection.usage.shots == 200
