"""The exact estimator, field by field beside Qiskit's StatevectorEstimator."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.circuit.library import real_amplitudes
from qiskit.primitives import StatevectorEstimator
from qiskit.quantum_info import Pauli, SparseObservable, SparsePauliOp, Statevector, random_pauli_list

from qiskit_qml_ext.exceptions import QmlExtError
from qiskit_qml_ext.primitives import ExactEstimator

EXACT = 1e-12


def circuit(num_qubits=3):
    return real_amplitudes(num_qubits, reps=2)


def angles(*shape):
    return np.random.default_rng(len(shape)).uniform(-3, 3, (*shape, circuit().num_parameters))


def operators(*shape):
    rng = np.random.default_rng(5)
    flat = [
        SparsePauliOp(random_pauli_list(3, 4, phase=False, seed=seed), rng.normal(size=4))
        for seed in range(int(np.prod(shape)))
    ]
    array = np.empty(len(flat), dtype=object)
    array[:] = flat
    return array.reshape(shape).tolist()


GRID = [
    ((), ()),
    ((1,), ()),
    ((4,), ()),
    ((), (3,)),
    ((4,), (4,)),
    ((4, 1), (3,)),
    ((1, 4), (3, 1)),
    ((2, 3), (2, 3)),
    ((2, 1, 2), (3, 1)),
    ((30,), (30,)),
]


@pytest.mark.parametrize(("parameter_shape", "observable_shape"), GRID)
@pytest.mark.parametrize("precision", [0.0, 0.1])
def test_every_field_agrees_with_the_reference(parameter_shape, observable_shape, precision):
    pub = (circuit(), operators(*observable_shape), angles(*parameter_shape))
    settings = {"default_precision": precision, "seed": 3}
    ours = ExactEstimator(**settings).run([pub]).result()
    theirs = StatevectorEstimator(**settings).run([pub]).result()
    assert type(ours) is type(theirs)
    assert ours.metadata == theirs.metadata
    assert type(ours[0]) is type(theirs[0])
    assert ours[0].metadata == theirs[0].metadata
    assert ours[0].data.shape == theirs[0].data.shape
    assert list(ours[0].data) == list(theirs[0].data)
    assert ours[0].data.evs.dtype == theirs[0].data.evs.dtype
    # the noise comes from the same generator in the same order, so it agrees too
    assert_allclose(ours[0].data.evs, theirs[0].data.evs, atol=EXACT)
    # the one difference: the reference states no error for its noise
    assert_allclose(ours[0].data.stds, np.full(ours[0].data.shape, precision), atol=0)


def test_many_pubs_and_precisions():
    pubs = [(circuit(), operators(2), angles(1), 0.2), (circuit(), operators(), angles())]
    ours = ExactEstimator(seed=1).run(pubs, precision=0.3).result()
    theirs = StatevectorEstimator(seed=1).run(pubs, precision=0.3).result()
    assert [pub.metadata["target_precision"] for pub in ours] == [0.2, 0.3]
    for mine, other in zip(ours, theirs, strict=True):
        assert_allclose(mine.data.evs, other.data.evs, atol=EXACT)


def test_parameters_by_name_and_in_other_orders():
    theta = ParameterVector("b", 2)
    phi = ParameterVector("a", 1)
    qc = QuantumCircuit(1)
    qc.ry(theta[0], 0)
    qc.rz(phi[0], 0)
    qc.rx(theta[1], 0)
    values = {(theta[1], theta[0]): [[0.1, 0.2], [0.3, 0.4]], phi[0]: [0.5, 0.6]}
    pub = (qc, SparsePauliOp("Z"), values)
    ours, theirs = (
        estimator.run([pub]).result()[0].data.evs for estimator in (ExactEstimator(), StatevectorEstimator())
    )
    assert_allclose(ours, theirs, atol=EXACT)


@pytest.mark.parametrize(
    "observable", [Pauli("XYZ"), Pauli("-IXY"), "ZZZ", {"XXI": 2.0, "IIZ": -1}, SparsePauliOp("III")]
)
def test_observables_of_every_kind(observable):
    pub = (circuit(), observable, angles(2))
    ours, theirs = (
        estimator.run([pub]).result()[0].data.evs for estimator in (ExactEstimator(), StatevectorEstimator())
    )
    assert_allclose(ours, theirs, atol=EXACT)


def test_projectors_which_the_reference_refuses():
    qc = circuit()
    values = angles(3)
    observable = SparseObservable.from_list([("0+r", 0.5), ("1-l", 2.0), ("ZI0", 1.0)])
    evs = ExactEstimator().run([(qc, observable, values)]).result()[0].data.evs
    dense = SparsePauliOp.from_sparse_observable(observable.as_paulis())
    expected = [Statevector(qc.assign_parameters(row)).expectation_value(dense).real for row in values]
    assert_allclose(evs, expected, atol=EXACT)


def test_circuit_without_parameters_and_one_qubit():
    qc = QuantumCircuit(1)
    qc.h(0)
    ours = ExactEstimator().run([(qc, ["X", "Z"])]).result()[0].data.evs
    assert_allclose(ours, [1, 0], atol=EXACT)


def test_empty_arrays_give_empty_results():
    result = ExactEstimator().run([(circuit(), "ZZZ", np.empty((0, 9)))]).result()[0].data
    assert result.evs.shape == result.stds.shape == (0,)
    assert len(ExactEstimator().run([]).result()) == 0


def test_reduced_precision_is_close():
    pub = (circuit(), operators(2), angles(5, 1))
    exact = ExactEstimator().run([pub]).result()[0].data.evs
    reduced = ExactEstimator(dtype="complex64").run([pub]).result()[0].data.evs
    assert_allclose(reduced, exact, atol=1e-5)  # some 100 float32 eps


def test_noise_has_the_stated_size_and_follows_the_seed():
    pub = (circuit(), "ZZZ", np.zeros((4000, 9)), 0.05)
    first, again, other = (ExactEstimator(seed=seed).run([pub]).result()[0].data.evs for seed in (1, 1, 2))
    assert_allclose(first, again, atol=0)
    assert not np.array_equal(first, other)
    # the standard error of a standard deviation from 4,000 values is 0.05/√8000: 5 of them, fixed seed
    assert np.std(first) == pytest.approx(0.05, abs=5 * 0.05 / np.sqrt(8000))


@pytest.mark.parametrize(
    ("pub", "message"),
    [
        ((circuit(), "ZZ", np.zeros(9)), "qubits"),
        ((circuit(), "ZZZ", np.zeros(8)), "inconsistent with last dimension"),
        ((circuit(), "ZZZ"), "parameter"),
    ],
)
def test_malformed_pubs_raise_what_the_reference_raises(pub, message):
    with pytest.raises(ValueError, match=message) as ours:
        ExactEstimator().run([pub])
    with pytest.raises(type(ours.value), match=message):
        StatevectorEstimator().run([pub])


def test_measurements_and_nan_are_refused():
    measured = circuit()
    measured.measure_all()
    with pytest.raises(QmlExtError, match="Remove them"):
        ExactEstimator().run([(measured, "ZZZ", np.zeros(9))]).result()
    with pytest.raises(ValueError, match=r"values\[1, 2\]"):
        ExactEstimator().run([(circuit(), "ZZZ", [[0.0] * 9, [0, 0, np.nan, *[0] * 6]])]).result()
