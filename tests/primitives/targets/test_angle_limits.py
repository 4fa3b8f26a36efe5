"""Angles that a device's gates do not take are refused, in a rehearsal as on the device."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.circuit.library import RZZGate
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.quantum_info import SparsePauliOp
from qiskit.transpiler import Target, generate_preset_pass_manager
from qiskit_ibm_runtime.fake_provider import FakeFractionalBackend, FakeManilaV2

from qiskit_qml_ext.exceptions import AngleOutOfRangeError
from qiskit_qml_ext.primitives import Journal, connect
from qiskit_qml_ext.primitives.targets.angle_bounds import with_bounds_of_rzz
from qiskit_qml_ext.primitives.targets.angle_limits import LimitedSampler


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


def narrow():
    """Return a backend of two qubits that runs RZZ from 0 to 1 only, so that not every angle can be folded."""
    backend = GenericBackendV2(2, basis_gates=["cx", "rx", "rz", "sx", "x", "h"], seed=1)
    properties = dict(backend.target["cx"])
    backend.target.add_instruction(RZZGate(Parameter("t")), properties, name="rzz", angle_bounds=[(0.0, 1.0)])
    return backend


def by_the_user(circuit):
    """Return a circuit as a user transpiles it: with free angles in RZZ gates."""
    isa = generate_preset_pass_manager(1, backend=FakeFractionalBackend(), seed_transpiler=1).run(circuit)
    assert "rzz" in isa.count_ops()
    return isa


@pytest.mark.parametrize("label", ANGLES)
@pytest.mark.parametrize("values", [(0.3, 0.4), (1.0, 1.5), (1.6, 1.0), (-0.1, 0.2), (0.0, 0.0), (0.7, 1.0)])
def test_what_is_refused_is_what_the_target_refuses(label, values):
    device = narrow()
    connection = connect(device, shots=20, seed=1)
    circuit = measured(ANGLES[label])
    bound = circuit.assign_parameters(values)
    (angle,) = (float(item.operation.params[0]) for item in bound.data if item.name == "rzz")
    if device.target.supported_angle_bound("rzz", [angle]):
        assert connection.sampler.run([(circuit, values)]).result()[0].data.meas.num_shots == 20
    else:
        with pytest.raises(AngleOutOfRangeError, match="rzz"):
            connection.sampler.run([(circuit, values)])


def test_estimator_is_held_to_the_same_limits():
    connection = connect(narrow(), shots=20, seed=1)
    circuit = measured(ANGLES["feature"]).remove_final_measurements(inplace=False)
    observable = SparsePauliOp("ZZ")
    assert np.isfinite(connection.estimator.run([(circuit, observable, [0.3, 0.4])]).result()[0].data.evs)
    with pytest.raises(AngleOutOfRangeError, match="the angle 2 from row 1"):
        connection.estimator.run([(circuit, observable, [[0.3, 0.4], [2.0, 0.4]])])


def test_fixed_angle_outside_is_refused_before_it_runs_and_the_plan_says_so():
    placed = QuantumCircuit(2, 2)
    placed.rx(Parameter("x"), 0)
    placed.rzz(2.5, 0, 1)
    placed.measure([0, 1], [0, 1])
    connection = connect(narrow(), shots=20, seed=1)
    plan = connection.plan([(placed, [[0.3]])])
    assert any("It will be refused" in sentence and "the angle 2.5" in sentence for sentence in plan.advice)
    with pytest.raises(AngleOutOfRangeError, match=r"the angle 2\.5 .*Leave the gate out"):
        list(connection.sample(placed, np.array([[0.3], [0.4]])))
    assert connection.usage.jobs == 0


def test_journal_keeps_nothing_of_what_is_refused(tmp_path):
    connection = connect(narrow(), shots=20, seed=1, journal=tmp_path / "journal.sqlite")
    with pytest.raises(AngleOutOfRangeError):
        connection.sampler.run([(measured(ANGLES["feature"]), [2.5, 0.2])])
    assert not Journal(tmp_path / "journal.sqlite").units()


def test_free_angles_do_not_go_to_gates_whose_angles_cannot_be_folded():
    isa = connect(narrow(), seed=1).isa_circuit(measured(ANGLES["feature"]))
    assert "rzz" not in isa.count_ops()
    assert connect(narrow(), seed=1).isa_circuit(isa) is isa


def test_an_angle_that_is_no_number_is_refused_where_others_are_folded(tmp_path):
    circuit = measured(lambda x: x[0].arccos())
    isa = by_the_user(circuit)
    connection = connect(FakeFractionalBackend(), shots=20, seed=1, journal=tmp_path / "journal.sqlite")
    with pytest.raises(AngleOutOfRangeError, match=r"the angle nan from row 1 .*Leave out values at which"):
        connection.sampler.run([(isa, [[0.3, 0.2], [2.5, 0.2]])])
    with pytest.raises(AngleOutOfRangeError, match=r"the angle nan from row 1 .*Leave out values at which"):
        list(connection.sample(circuit, np.array([[0.3, 0.2], [2.5, 0.2]])))
    assert not Journal(tmp_path / "journal.sqlite").units()


def test_devices_without_limits_are_left_alone():
    assert not isinstance(connect(FakeManilaV2(), shots=20, seed=1).sampler, LimitedSampler)


def test_limits_that_an_old_client_leaves_out_are_filled_in():
    stated = connect(FakeFractionalBackend(), shots=20).device
    silent = Target(num_qubits=stated.num_qubits, dt=stated.dt)
    for name in stated.operation_names:
        operation = stated.operation_from_name(name)
        silent.add_instruction(operation, None if isinstance(operation, type) else stated[name], name=name)
    assert not silent.gate_has_angle_bounds("rzz")
    filled = with_bounds_of_rzz(silent)
    assert filled.operation_names == silent.operation_names
    assert all(filled[name] == silent[name] for name in silent.operation_names)
    assert filled.supported_angle_bound("rzz", [np.pi / 2])
    assert not filled.supported_angle_bound("rzz", [2.0])
    assert with_bounds_of_rzz(filled) is filled
    assert with_bounds_of_rzz(FakeManilaV2().target).operation_names == FakeManilaV2().target.operation_names
