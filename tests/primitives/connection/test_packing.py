"""Copies side by side give what single circuits give, in fewer executions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.circuit.library import CXGate, RXGate
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.quantum_info import Statevector
from qiskit.transpiler import CouplingMap, InstructionProperties, Target
from qiskit_ibm_runtime.fake_provider import FakeSherbrooke

from qiskit_qml_ext.circuits import ZZFeatureMap
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import connect
from qiskit_qml_ext.primitives.connection.packing import PackedCircuit, find_regions, pack_circuit, region_target

DATA = np.random.default_rng(0).uniform(0, 2, (7, 2))

noise_free = pytest.mark.filterwarnings("ignore:.*has no QubitProperties:UserWarning")


def grid(noise_info=False):
    return GenericBackendV2(
        12, coupling_map=CouplingMap.from_grid(3, 4), noise_info=noise_info, seed=1, basis_gates=["cx", "rz", "sx", "x"]
    )


def line_target(errors, readout=()):
    target = Target(num_qubits=len(errors) + 1)
    target.add_instruction(CXGate(), {(i, i + 1): InstructionProperties(error=error) for i, error in enumerate(errors)})
    target.add_instruction(RXGate(0.1), {(i,): None for i in range(len(errors) + 1)})
    return target


@given(size=st.integers(1, 5), buffer=st.integers(0, 2))
@settings(max_examples=15, deadline=None)
def test_regions_are_disjoint_connected_and_apart(size, buffer):
    device = FakeSherbrooke().target
    regions = find_regions(device, size, buffer=buffer)
    coupling = device.build_coupling_map().graph.to_undirected()
    distances = device.build_coupling_map()
    assert len(regions) > 127 / (size * 4 * (1 + buffer) ** 2)
    for place, region in enumerate(regions):
        assert len(set(region)) == size
        for first, second in zip(region[1:], range(1, size), strict=True):
            assert any(coupling.has_edge(first, other) for other in region[:second])
        for other in regions[:place]:
            assert min(distances.distance(a, b) for a in region for b in other) > buffer


def test_best_regions_come_first_and_bad_couplings_are_left_out():
    target = line_target([0.1, 0.01, 0.02, 0.5, 0.03])
    assert [set(region) for region in find_regions(target, 2)] == [{1, 2}, {4, 5}]
    assert set(find_regions(target, 3, copies=1)[0]) == {1, 2, 3}
    assert find_regions(target, 5) == []  # nothing crosses the broken coupling


def test_region_is_a_target_of_its_own():
    part = region_target(line_target([0.1, 0.2, 0.3]), [2, 1])
    assert part.num_qubits == 2
    assert list(part["cx"]) == [(1, 0)]
    assert part["cx"][(1, 0)].error == 0.2


def test_packed_copies_are_the_single_circuits():
    """The packed unitary, on two regions of a small grid, is the product of the single ones."""
    angles = ParameterVector("a", 2)
    circuit = QuantumCircuit(2)
    circuit.rx(angles[0], 0)
    circuit.cx(0, 1)
    circuit.p(angles[1], 1)
    circuit.h(1)
    circuit.measure_all()
    device = grid().target
    packed = pack_circuit(circuit, device, [(0, 1), (10, 11)], optimization_level=1, seed=1)
    assert packed.copies == 2
    values = np.array([[0.3, 0.4], [1.0, 2.0]])
    (row,) = packed.pack(values)
    bound = packed.circuit.assign_parameters(dict(zip(packed.names, row, strict=True)))
    for copy, vector in enumerate(values):
        expected = Statevector(
            circuit.remove_final_measurements(inplace=False).assign_parameters(vector)
        ).probabilities()
        measured = {
            bound.find_bit(item.clbits[0]).registers[0][1]: bound.find_bit(item.qubits[0]).index
            for item in bound.data
            if item.operation.name == "measure" and bound.find_bit(item.clbits[0]).registers[0][0].name[4] == str(copy)
        }
        state = Statevector(bound.remove_final_measurements(inplace=False))
        assert_allclose(state.probabilities([measured[0], measured[1]]), expected, atol=1e-12)


@given(number=st.integers(1, 10), copies=st.integers(1, 4), width=st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_packing_values_loses_none(number, copies, width):
    packed = PackedCircuit(QuantumCircuit(1), (), ((0,),) * copies, {}, width)
    values = np.arange(number * width, dtype=float).reshape(number, width)
    rows = packed.pack(values)
    assert rows.shape == (-(-number // copies), copies * width)
    assert np.array_equal(rows.reshape(-1, width)[:number], values)


@noise_free
def test_packed_kernel_is_equal_in_distribution_to_the_exact_one():
    shots = 2000
    connection = connect(grid(), shots=shots, seed=3, packing=True, packing_buffer=0)
    kernel = FidelityKernel(ZZFeatureMap(), connection=connection)
    matrix = kernel.evaluate(DATA)
    exact = FidelityKernel(ZZFeatureMap()).evaluate(DATA)
    upper = np.triu_indices(7, 1)
    deviations = (matrix - exact)[upper] / np.sqrt(exact * (1 - exact) / shots)[upper]
    assert np.max(np.abs(deviations)) < 4.5  # 21 entries: false alarm 1.4e-4
    assert abs(np.mean(deviations**2) - 1) < 5 * np.sqrt(2 / 21)  # five standard deviations of the mean of χ²
    assert connection.usage.circuits == 4  # 21 pairs, six copies a circuit


@noise_free
def test_packed_kernel_resumes_and_its_plan_agrees(tmp_path):
    def connection():
        return connect(grid(), shots=50, seed=3, packing=4, packing_buffer=0, journal=tmp_path / "run.journal")

    first = FidelityKernel(ZZFeatureMap(), connection=connection())
    plan = first.plan(DATA)
    assert plan.circuits == 6  # 21 pairs, four copies a circuit
    assert "4 copies run side by side" in plan.summary()
    matrix = first.evaluate(DATA)
    again = connection()
    assert np.array_equal(FidelityKernel(ZZFeatureMap(), connection=again).evaluate(DATA), matrix)
    assert again.usage.circuits == 0


def test_four_qubit_kernel_on_127_qubits_takes_an_order_of_magnitude_fewer_executions():
    data = np.random.default_rng(0).uniform(0, 2, (20, 4))
    alone = FidelityKernel(ZZFeatureMap(), connection=connect("fake_sherbrooke", seed=1)).plan(data)
    packed = FidelityKernel(ZZFeatureMap(), connection=connect("fake_sherbrooke", seed=1, packing=True)).plan(data)
    assert alone.executions / packed.executions >= 10
    assert packed.error_free > 0.5 * alone.error_free


def test_small_chips_run_circuits_alone():
    connection = connect("fake_manila", shots=50, seed=1, packing=True)
    kernel = FidelityKernel(ZZFeatureMap(), connection=connection)
    kernel.evaluate(np.random.default_rng(0).uniform(0, 2, (4, 3)))
    assert connection.usage.circuits == 6
    with pytest.raises(ValueError, match="packing must be at least 1"):
        connect("fake_manila", packing=0)
